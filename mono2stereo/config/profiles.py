"""A section's `null` stands for the active profile's value, or else for the active recipe's."""

from __future__ import annotations

from typing import Any

from mono2stereo.errors import ConfigError


def fill_in_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    """The settings with every null replaced by what the active profile says, or else the active recipe.

    Raises:
        ConfigError: no such profile or recipe, or it names what no section has.
    """
    filled = {key: value for key, value in raw.items() if key not in ("profiles", "recipes")}
    for kind in ("profile", "recipe"):
        groups, name = raw.get(f"{kind}s"), raw.get(kind)
        if not isinstance(groups, dict) or name not in groups:
            allowed = ", ".join(groups) if isinstance(groups, dict) else f"none: {kind}s is missing"
            raise ConfigError(f"{kind} = {name!r}: allowed are {allowed}")
        filled = _filled(filled, groups[name] or {}, f"{kind}s.{name}")
    return filled


def _filled(section: dict[str, Any], values: dict[str, Any], place: str) -> dict[str, Any]:
    unknown = [key for key in values if key not in section]
    if unknown:
        raise ConfigError(
            f"{place}.{unknown[0]} = {values[unknown[0]]!r}: unknown key; allowed are {', '.join(section)}"
        )
    filled = dict(section)
    for key, value in values.items():
        if isinstance(section[key], dict) and isinstance(value, dict):
            filled[key] = _filled(section[key], value, f"{place}.{key}")
        elif section[key] is None:
            filled[key] = value
    return filled

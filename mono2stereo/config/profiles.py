"""A section's `null` stands for the active profile's value."""

from __future__ import annotations

from typing import Any

from mono2stereo.errors import ConfigError


def fill_in_profile(raw: dict[str, Any]) -> dict[str, Any]:
    """The settings with every null of a section replaced by the active profile's value.

    Raises:
        ConfigError: no such profile, or it names what no section has.
    """
    profiles, name = raw.get("profiles"), raw.get("profile")
    if not isinstance(profiles, dict) or name not in profiles:
        allowed = ", ".join(profiles) if isinstance(profiles, dict) else "none: profiles is missing"
        raise ConfigError(f"profile = {name!r}: allowed are {allowed}")
    filled = {key: value for key, value in raw.items() if key != "profiles"}
    for section, values in (profiles[name] or {}).items():
        if not isinstance(filled.get(section), dict) or not isinstance(values, dict):
            raise ConfigError(f"profiles.{name}.{section}: no such section; allowed are {_sections(filled)}")
        for key, value in values.items():
            if key not in filled[section]:
                raise ConfigError(
                    f"profiles.{name}.{section}.{key} = {value!r}: unknown key; allowed are "
                    f"{', '.join(filled[section])}"
                )
            if filled[section][key] is None:
                filled[section] = {**filled[section], key: value}
    return filled


def _sections(raw: dict[str, Any]) -> str:
    return ", ".join(key for key, value in raw.items() if isinstance(value, dict))

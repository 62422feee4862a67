"""Neural stereo decorrelation: a mono recording gets the side channel it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mono2stereo.conversion import FileOptions, Width, WidthCurve, convert, convert_file, stream

__all__ = ["FileOptions", "Width", "WidthCurve", "convert", "convert_file", "stream"]


def __getattr__(name: str) -> Any:
    """Load the public functions when they are first used, so that `--help` stays quick."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("mono2stereo.conversion"), name)
    raise AttributeError(f"module 'mono2stereo' has no attribute {name!r}")

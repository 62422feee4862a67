"""Mono to side behind one interface: the classical decorrelators and the trained one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mono2stereo.decorrelators.base import Decorrelator

if TYPE_CHECKING:
    from mono2stereo.decorrelators.classical import CLASSICAL, SWEEPS

__all__ = ["CLASSICAL", "SWEEPS", "Decorrelator"]


def __getattr__(name: str) -> Any:
    # Looked up on first use, which keeps `import mono2stereo.decorrelators` quick.
    if name in ("CLASSICAL", "SWEEPS"):
        from mono2stereo.decorrelators import classical

        return getattr(classical, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

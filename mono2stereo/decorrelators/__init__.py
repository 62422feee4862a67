"""Mono to side behind one interface: the classical decorrelators and the trained one."""

from mono2stereo.decorrelators.base import Decorrelator

__all__ = ["Decorrelator"]

"""The classical decorrelators at their defaults, and each swept along its trade-off."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mono2stereo.decorrelators.all_pass import AllPass
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.chorus import Chorus
from mono2stereo.decorrelators.erb_delay import ErbDelay
from mono2stereo.decorrelators.haas import Haas
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.decorrelators.modulated_delay import ModulatedDelay
from mono2stereo.decorrelators.optimized_velvet import OptimizedVelvet
from mono2stereo.decorrelators.parametric_stereo import ParametricStereo
from mono2stereo.decorrelators.random_phase import RandomPhase
from mono2stereo.decorrelators.schroeder import Schroeder
from mono2stereo.decorrelators.turned_phases import TurnedPhases
from mono2stereo.decorrelators.velvet import Velvet

CLASSICAL: Mapping[str, Callable[[], Decorrelator]] = {
    "lauridsen": Lauridsen,
    "haas": Haas,
    "schroeder": Schroeder,
    "allpass": AllPass,
    "random_phase": RandomPhase,
    "erb_delay": ErbDelay,
    "velvet": Velvet,
    "optimized_velvet": OptimizedVelvet,
    "ps": ParametricStereo,
    # What moves in time:
    "modulated_delay": ModulatedDelay,
    "chorus": Chorus,
    "turned_phases": TurnedPhases,
}

# From almost a copy to a wash that is as incoherent as recordings are, even at long windows: the curve of
# coherence against log-mel that a network must beat, wherever on it the network lies.
SWEEPS: Mapping[str, tuple[Decorrelator, ...]] = {
    "lauridsen": tuple(Lauridsen(milliseconds * 1e-3) for milliseconds in (5, 10.4, 20, 35, 70, 140)),
    "haas": tuple(Haas(milliseconds * 1e-3) for milliseconds in (5, 10, 20, 35, 70, 140)),
    "schroeder": tuple(
        Schroeder(tuple(stretch * delay for delay in Schroeder().delays_seconds))
        for stretch in (0.5, 1, 2, 4, 8, 16)
    ),
    "allpass": (
        *(AllPass(sections) for sections in (25, 50, 100, 200)),
        *(AllPass(200 * stretch, 0.03 * stretch) for stretch in (2, 3, 4)),
    ),
    "random_phase": tuple(RandomPhase(milliseconds * 1e-3) for milliseconds in (10, 20, 50, 100, 200, 400)),
    "erb_delay": tuple(ErbDelay(milliseconds * 1e-3) for milliseconds in (12.5, 25, 50, 100, 200, 400)),
    "velvet": (
        *(Velvet(decay_db=decay_db) for decay_db in (60, 30, 10, 0)),
        *(Velvet(milliseconds * 1e-3, decay_db=0) for milliseconds in (100, 300)),
    ),
    "optimized_velvet": (
        *(OptimizedVelvet(decay_db=decay_db) for decay_db in (60, 30, 10, 0)),
        *(OptimizedVelvet(milliseconds * 1e-3, milliseconds, decay_db=0) for milliseconds in (100, 300)),
    ),
    "ps": tuple(ParametricStereo(stretch) for stretch in (0.25, 0.5, 1, 2, 4, 8)),
    # The deeper, the slower, so that pitch does not wobble by more than an eighth of a tone or two.
    "modulated_delay": (
        *(ModulatedDelay(depth_seconds=milliseconds * 1e-3) for milliseconds in (0.06, 0.3, 0.8, 1.905)),
        *(ModulatedDelay(depth_seconds=milliseconds * 1e-3, rate_hz=0.63) for milliseconds in (4.29, 7.62)),
    ),
    "chorus": (
        *(Chorus(1, 0.5e-3, milliseconds * 1e-3) for milliseconds in (0.06, 0.3)),
        *(Chorus(depth_seconds=milliseconds * 1e-3) for milliseconds in (1, 3, 6, 12)),
    ),
    "turned_phases": tuple(TurnedPhases(depth) for depth in (0.5, 1, 2, 3, 4, 8)),
}

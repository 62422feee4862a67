"""Transients: project-defined measures, for want of a standard one."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.bands import level_match
from mono2stereo.dsp.signals import Signal, require_mono, require_pair

ATTACK_DB = 10.0
ATTACK_SECONDS = 0.02  # before and after; pre-masking fades within as long (Zwicker & Fastl, ch. 4.4)
ATTACKS_APART_SECONDS = 0.1
GUARD_SECONDS = 0.002  # between what counts as before an attack and the attack
HOP_SECONDS = 0.001
QUIETEST_DB = -60.0  # re the attack: what lies lower before it counts as nothing


def rises_db(cells: Signal) -> Signal:
    """Onset envelope, a log-mel spectral flux: the mean over bands of the rises in level from frame to frame.

    Levels are floored 60 dB below the loudest cell, so the envelope ignores the gain.

    Args:
        cells: mel magnitudes, (frames, n_mels).

    Returns:
        (frames - 1,) dB, not negative; zeros for silence.

    >>> rises_db(np.array([[1.0], [10.0], [1.0]])).tolist()
    [20.0, 0.0]
    """
    floor = cells.max() * 1e-3
    if not floor > 0:
        return np.zeros(cells.shape[0] - 1, cells.dtype)
    return np.maximum(np.diff(20 * np.log10(np.maximum(cells, floor)), axis=0), 0).mean(axis=1)


def envelope_correlation(first: Signal, second: Signal) -> float:
    """Pearson's correlation of two onset envelopes, (frames,) each; NaN when either is constant.

    1 when transients fall together, about 0 when not.
    """
    first, second = (each.astype(np.float64) - each.mean(dtype=np.float64) for each in (first, second))
    scale = np.sqrt(np.dot(first, first) * np.dot(second, second))
    return float(np.dot(first, second) / scale) if scale > 0 else float("nan")


def crest_factor_db(x: Signal) -> float:
    """Peak over RMS of (samples,) in dB; NaN for silence.

    >>> round(crest_factor_db(np.sin(2 * np.pi * np.arange(1000) / 100)), 2)
    3.01
    """
    require_mono(x, "x", samples=1)
    mean_square = np.mean(np.square(x, dtype=np.float64))
    if not mean_square > 0:
        return float("nan")
    return float(20 * np.log10(np.max(np.abs(x))) - 10 * np.log10(mean_square))


def attacks(x: Signal, sample_rate: int) -> Signal:
    """Find where the level jumps: by 10 dB or more from the 20 ms before to the 20 ms after.

    Levels are those of the difference of neighbouring samples, which lifts the treble of attacks above the
    bass of what sounds on. Of jumps within 100 ms the largest counts.

    Args:
        x: (samples,).
        sample_rate: Hz.

    Returns:
        (attacks,) sample numbers, to a millisecond, ascending; perhaps none.
    """
    energy, length, places = _running_energy(x, sample_rate)
    before, after = energy[places] - energy[places - length], energy[places + length] - energy[places]
    floor = 1e-6 * max(after.max(initial=0.0), 1e-30)
    jumps = 10 * np.log10(np.maximum(after, floor) / np.maximum(before, floor))
    apart = round(ATTACKS_APART_SECONDS / HOP_SECONDS)
    peaks, _ = scipy.signal.find_peaks(jumps, height=ATTACK_DB, distance=apart)
    return places[peaks]


def pre_echo_db(*, estimate: Signal, reference: Signal, sample_rate: int) -> float:
    """Measure what sounds ahead of the reference's attacks: the estimate's level there minus the reference's.

    For each of `attacks` the level of both in the 20 ms that end 2 ms before it, of the difference of
    neighbouring samples, floored 60 dB below the attack, the estimate first matched to the reference's
    RMS; the mean over attacks. 0 for a copy; smeared attacks read above. Project-defined.

    Args:
        estimate: (samples,), the side.
        reference: (samples,), the mid.
        sample_rate: Hz.

    Returns:
        dB; NaN when the reference has no attack.

    Raises:
        AudioError: lengths differ.
    """
    require_pair(estimate, reference, "estimate and reference")
    places = attacks(reference, sample_rate)
    guard = round(GUARD_SECONDS * sample_rate)
    energy, length, _ = _running_energy(reference, sample_rate)
    places = places[places >= length + guard]
    if not places.size:
        return float("nan")
    floor = (energy[places + length] - energy[places]) * 10 ** (QUIETEST_DB / 10)
    matched, _, _ = _running_energy(level_match(estimate, reference), sample_rate)
    ahead = [each[places - guard] - each[places - guard - length] for each in (matched, energy)]
    return float(np.mean(10 * np.log10(np.maximum(ahead[0], floor) / np.maximum(ahead[1], floor))))


def _running_energy(x: Signal, sample_rate: int) -> tuple[Signal, int, Signal]:
    """Energy up to each sample of the differentiated signal, samples in 20 ms, and the places to look at."""
    length = round(ATTACK_SECONDS * sample_rate)
    differences = np.diff(x.astype(np.float64), prepend=x[:1])
    energy = np.concatenate([[0.0], np.cumsum(differences**2)])
    hop = max(round(HOP_SECONDS * sample_rate), 1)
    return energy, length, np.arange(length, max(len(x) - length, length), hop)

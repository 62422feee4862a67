"""How wide a generator makes the training recordings by itself: what a width curve is corrected by."""

from __future__ import annotations

import numpy as np
import scipy.signal
import tensorflow as tf

from mono2stereo.data.clips import ClipDrawer
from mono2stereo.data.natural import WIDTH_CENTRES_HZ, WIDTH_EDGES_HZ
from mono2stereo.dsp.bands import band_powers
from mono2stereo.models.mid_to_side import MidToSide

CLIPS = 64
QUIET_DB = -70.0  # below the mid's loudest band: too little to tell


def own_width(model: MidToSide, clips: ClipDrawer, batch_size: int) -> dict[str, list[float]]:
    """Median over recordings of the generated side's level against the mid's, per third octave.

    The natural width is measured on the same recordings; the difference of the two is the gain that makes
    the generated side as wide as they are.

    Args:
        model: the trained waveform model.
        clips: of the training split; a few are taken of each track, evenly spread.
        batch_size: how many go through the model at once.

    Returns:
        Equally long lists `frequency_hz` and `side_to_mid_db`, up to the Nyquist frequency.
    """
    mids, _ = clips.fixed(CLIPS)
    span = model.span(mids.shape[-1])
    tracks = min(len(clips.pairs), CLIPS)
    window = scipy.signal.windows.hann(span.stop - span.start, sym=False)
    powers = np.zeros((tracks, 2, len(WIDTH_CENTRES_HZ)))
    for first in range(0, CLIPS, batch_size):
        mid = mids[first : first + batch_size]
        side = model(tf.constant(mid)).numpy()
        for number, signals in enumerate(np.stack([mid[:, span], side], axis=1), start=first):
            for power, spectrum in zip(
                powers[number % tracks], np.abs(np.fft.rfft(signals * window)) ** 2, strict=True
            ):
                power += band_powers(spectrum, model.sample_rate, WIDTH_EDGES_HZ)
    heard = powers[:, 0] > powers[:, 0].max(axis=1, keepdims=True) * 10 ** (QUIET_DB / 10)
    heard &= (WIDTH_EDGES_HZ[1:] <= model.sample_rate / 2) & (powers[:, 1] > 0)
    ratios = np.ma.masked_array(10 * np.log10(np.where(heard, powers[:, 1] / powers[:, 0], 1.0)), ~heard)
    told = heard.any(axis=0)
    return {
        "frequency_hz": [round(float(hz), 1) for hz in WIDTH_CENTRES_HZ[told]],
        "side_to_mid_db": [round(float(db), 2) for db in np.ma.median(ratios, axis=0)[told]],
    }

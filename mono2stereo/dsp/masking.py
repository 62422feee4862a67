"""What a sound hides of another: the masking threshold, to judge by ear what a spectrum shows."""

from __future__ import annotations

import numpy as np
import scipy

from mono2stereo.dsp.signals import Signal, require_pair, require_sample_rate

PLAYBACK_DB_SPL = 80.0  # what the masker's RMS is taken to sound at
_SILENCE = 1e-30


def bark(hz: Signal) -> Signal:
    """Critical-band rate of frequencies, Bark (Zwicker & Terhardt, JASA 68(5), 1980).

    >>> bark(np.array([1000.0])).round(1).tolist()
    [8.5]
    """
    return 13 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500) ** 2)


def hearing_threshold_db_spl(hz: Signal) -> Signal:
    """Threshold in quiet, dB SPL (Terhardt, Hearing Research 1, 1979).

    >>> bool(hearing_threshold_db_spl(np.array([3300.0]))[0] < -4)
    True
    """
    khz = np.maximum(hz, 20.0) / 1000
    return 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4


def spread_db(bark_away: Signal) -> Signal:
    """How much weaker a masker excites a band so many Bark above it (Schroeder, Atal & Hall, JASA 66, 1979).

    >>> spread_db(np.array([-1.0, 0.0, 1.0])).round(1).tolist()
    [-7.9, -0.0, -4.3]
    """
    x = bark_away + 0.474
    return 15.81 + 7.5 * x - 17.5 * np.sqrt(1 + x**2)


def audible_excess_db(addition: Signal, masker: Signal, sample_rate: int) -> float:
    """How far an addition stands above what a tonal masker and the threshold in quiet hide.

    Energies of bands one Bark wide; each band of the masker hides additions 14.5 + z dB below what it
    excites in band z (Johnston, IEEE JSAC 6(2), 1988, for tones masking noise). The masker sounds at 80 dB
    SPL. Bands that the masker itself fills do not count: there nothing was added.

    Args:
        addition: (samples,), what is to stay hidden.
        masker: (samples,), heard with it.
        sample_rate: Hz.

    Returns:
        dB of the most audible band; below 0 is hidden. NaN for a silent masker, -inf for no addition.

    Raises:
        AudioError: lengths differ.

    >>> time = np.arange(22050) / 22050
    >>> tone, far = np.sin(2 * np.pi * 1000 * time), np.sin(2 * np.pi * 3000 * time)
    >>> audible_excess_db(1e-1 * far, tone, 22050) > 0 > audible_excess_db(1e-5 * far, tone, 22050)
    True
    """
    require_pair(addition, masker, "addition and masker")
    require_sample_rate(sample_rate)
    level = float(np.mean(np.square(masker, dtype=np.float64)))
    if not level > 0:
        return float("nan")
    frequencies = scipy.fft.rfftfreq(len(masker), 1 / sample_rate)
    bands = bark(frequencies).astype(int)
    centres = np.arange(bands[-1] + 1)
    hertz = np.interp(centres + 0.5, bark(frequencies), frequencies)
    window = np.kaiser(len(masker), 20.0)
    scale = 10 ** (PLAYBACK_DB_SPL / 10) / level / (len(masker) * np.sum(window**2)) * 2

    def band_energies(x: Signal) -> Signal:
        power = np.abs(scipy.fft.rfft(x.astype(np.float64) * window)) ** 2 * scale
        return np.bincount(bands, power, len(centres))

    masking, added = band_energies(masker), band_energies(addition)
    excited = 10 ** (spread_db(centres[:, None] - centres[None, :]) / 10) @ masking
    hidden = np.maximum(
        10 * np.log10(np.maximum(excited, _SILENCE)) - (14.5 + centres), hearing_threshold_db_spl(hertz)
    )
    outside = masking < masking.max() * 1e-6
    if not added[outside].any():
        return float("-inf")
    return float(np.max(10 * np.log10(np.maximum(added, _SILENCE))[outside] - hidden[outside]))

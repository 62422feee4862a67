import librosa
import numpy as np
import pytest

from mono2stereo.dsp.distances import magnitude_distance, magnitudes, mel_cells
from mono2stereo.errors import AudioError

RATE = 22050
X, Y = 0.1 * np.random.default_rng(0).standard_normal((2, 2 * RATE))


def stft_distance(*, estimate: np.ndarray, reference: np.ndarray) -> float:
    return magnitude_distance(estimate=magnitudes(estimate), reference=magnitudes(reference))


def mel_distance(*, estimate: np.ndarray, reference: np.ndarray) -> float:
    cells = [mel_cells(magnitudes(x), RATE) for x in (estimate, reference)]
    return magnitude_distance(estimate=cells[0], reference=cells[1])


def librosas(x: np.ndarray, y: np.ndarray, bands: dict[int, int] | None) -> float:
    """A second implementation, from the definition."""
    total = 0.0
    for length in (2048, 512):
        cells = [
            np.abs(librosa.stft(each, n_fft=length, hop_length=length // 4, center=False)) for each in (x, y)
        ]
        if bands:
            cells = [
                librosa.filters.mel(sr=RATE, n_fft=length, n_mels=bands[length]) @ each for each in cells
            ]
        logs = [np.log10(np.clip(each, 1e-5, None) ** 2) for each in cells]
        total += np.mean(np.abs(logs[0] - logs[1])) + np.mean(np.abs(cells[0] - cells[1]))
    return total


@pytest.mark.parametrize("estimate", [Y, 0.3 * X, np.zeros_like(X)], ids=["other", "softer", "silent"])
def test_distances_are_librosas(estimate: np.ndarray) -> None:
    assert stft_distance(estimate=estimate, reference=X) == pytest.approx(librosas(estimate, X, None))
    expected = librosas(estimate, X, {2048: 150, 512: 80})
    assert mel_distance(estimate=estimate, reference=X) == pytest.approx(expected, rel=1e-6)


def test_a_copy_or_its_negative_is_no_distance_away() -> None:
    assert mel_distance(estimate=-X, reference=X) == 0
    assert stft_distance(estimate=X, reference=X) == 0


def test_half_the_amplitude_is_a_known_distance_away() -> None:
    # Every log power differs by log10(4), at both windows; what is left is half the mean magnitude.
    cells = [np.abs(librosa.stft(X, n_fft=n, hop_length=n // 4, center=False)) for n in (2048, 512)]
    expected = 2 * np.log10(4) + sum(each.mean() / 2 for each in cells)
    assert stft_distance(estimate=X / 2, reference=X) == pytest.approx(expected, rel=1e-4)


def test_too_short_is_refused() -> None:
    with pytest.raises(AudioError, match="2048"):
        stft_distance(estimate=X[:2000], reference=X[:2000])

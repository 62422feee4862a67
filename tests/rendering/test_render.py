from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from PIL import Image

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.measures import Readings
from mono2stereo.rendering.listening.stimuli import Stimulus, make_stimuli
from mono2stereo.rendering.render import RenderedExcerpt, means_by_step, own_means, render

RATE = 22050
LOUDNESS = -23.0
STEPS = {50: Lauridsen, 500: lambda: Lauridsen(delay_seconds=0.02)}


def excerpt(number: int, *, click: float = 0.0) -> Excerpt:
    """Three seconds of noise bursts with a click of one sample."""
    rng = np.random.default_rng(number)
    bursts = np.repeat(rng.uniform(0.1, 1.0, 40), RATE // 10)[: 4 * RATE, None]
    mid, side = (0.2 * bursts * rng.standard_normal((4 * RATE, 2))).astype(np.float32).T
    mid[2 * RATE] += click
    name = f"{number:02d}_A-track"
    return Excerpt(name, "A & <track> $5", 12.5, mid[:RATE], mid[RATE:], 0.5 * side[RATE:], RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("render")


@pytest.fixture(scope="module")
def rendered(folder: Path) -> list[RenderedExcerpt]:
    written = []
    for one in (excerpt(1), excerpt(2, click=20.0)):
        stimuli = {
            made.key: made
            for made in make_stimuli(one, STEPS, {})  # type: ignore[arg-type]
            if isinstance(made, Stimulus)
        }
        written.append(render(one, stimuli, list(STEPS), folder, loudness_lufs=LOUDNESS))
    return written


def wavs(one: RenderedExcerpt) -> list[Path]:
    return [one.original, *(file for point in one.checkpoints for file in (point.mono, point.stereo))]


def loudness(file: Path) -> float:
    samples, rate = soundfile.read(file)
    return pyloudnorm.Meter(rate).integrated_loudness(samples)


def test_every_file_is_as_loud_as_asked(rendered: list[RenderedExcerpt], folder: Path) -> None:
    for file in wavs(rendered[0]):
        assert loudness(folder / file) == pytest.approx(LOUDNESS, abs=0.1)


def test_where_one_file_would_clip_all_are_turned_down_together(
    rendered: list[RenderedExcerpt], folder: Path
) -> None:
    files = [folder / file for file in wavs(rendered[1])]
    levels = [loudness(file) for file in files]
    assert max(levels) - min(levels) < 0.1
    assert max(levels) < LOUDNESS - 1
    peaks = [np.abs(soundfile.read(file)[0]).max() for file in files]
    assert max(peaks) == pytest.approx(10 ** (-1 / 20), abs=1e-4)


def test_stereo_folds_down_to_the_mono_file(rendered: list[RenderedExcerpt], folder: Path) -> None:
    for point in rendered[0].checkpoints:
        mono, rate = soundfile.read(folder / point.mono)
        stereo, _ = soundfile.read(folder / point.stereo)
        assert rate == RATE
        assert soundfile.info(folder / point.mono).subtype == "PCM_24"
        np.testing.assert_array_equal(mono[:, 0], mono[:, 1])
        fold_down = stereo.mean(axis=1)
        scale = fold_down @ mono[:, 0] / (mono[:, 0] @ mono[:, 0])
        error = fold_down - scale * mono[:, 0]
        assert 10 * np.log10(np.mean(error**2) / np.mean(fold_down**2)) < -110  # 24-bit rounding


def test_the_side_is_heard_warmed_up_and_as_the_decorrelator_makes_it(
    rendered: list[RenderedExcerpt], folder: Path
) -> None:
    one = excerpt(1)
    heard = np.concatenate([one.run_in, one.mid])
    expected = Lauridsen().side(heard, RATE)[len(one.run_in) :]
    stereo, _ = soundfile.read(folder / rendered[0].checkpoints[0].stereo)
    made = (stereo[:, 0] - stereo[:, 1]) / 2
    inner = slice(300, -300)  # without the fades
    scale = made[inner] @ expected[inner] / (expected[inner] @ expected[inner])
    np.testing.assert_allclose(made[inner], scale * expected[inner], atol=1e-6)
    assert abs(made[300]) > 0


def test_names_say_excerpt_log_mel_difference_and_kind(rendered: list[RenderedExcerpt]) -> None:
    point = rendered[0].checkpoints[1]
    assert point.step == 500
    kinds = {"mono.wav": point.mono, "stereo.wav": point.stereo, "spectrogram.png": point.picture}
    for kind, file in kinds.items():
        assert file.parent == Path("audio/step-000500")
        match = re.fullmatch(rf"01_A-track_logmel-(\d+\.\d)dB_{re.escape(kind)}", file.name)
        assert match
        assert float(match[1]) == pytest.approx(point.readings.values["log_mel_db"], abs=0.051)


def test_pictures_show_three_different_panels(rendered: list[RenderedExcerpt], folder: Path) -> None:
    first, last = (folder / point.picture for point in rendered[0].checkpoints)
    with Image.open(first) as picture:
        assert picture.width >= 600
        assert picture.height >= 600
        pixels = np.asarray(picture.convert("L"), dtype=float)
    assert pixels.std() > 20
    assert first.read_bytes() != last.read_bytes()


def test_a_side_of_which_nothing_can_be_told_is_rendered(tmp_path: Path) -> None:
    short = replace(excerpt(1), mid=excerpt(1).mid[:RATE], side=np.zeros(RATE, np.float32))
    stimuli = {
        key: Stimulus(key, "network", short.mid, short.side, Readings())
        for key in ("original", "step-000050")
    }
    written = render(short, stimuli, [50], tmp_path, loudness_lufs=LOUDNESS)
    assert (tmp_path / "audio/step-000050/01_A-track_stereo.wav").is_file()
    assert np.isnan(means_by_step([written]).loc[50, "log_mel_db"])


def test_means_are_over_excerpts(rendered: list[RenderedExcerpt]) -> None:
    means = means_by_step(rendered)
    assert list(means.index) == [50, 500]
    assert means.loc[50, "coherence_1024"] > means.loc[500, "coherence_1024"]
    assert own_means(rendered)["coherence_4096"] < 0.4

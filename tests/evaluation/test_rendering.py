from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyloudnorm
import pytest
import soundfile
from PIL import Image

from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.errors import AudioError
from mono2stereo.evaluation.excerpts import Excerpt
from mono2stereo.evaluation.listening_page import listening_page
from mono2stereo.evaluation.rendering import RenderedExcerpt, SideMeasures, means_by_step, own_means, render

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
    return render([excerpt(1), excerpt(2, click=20.0)], STEPS, folder, loudness_lufs=LOUDNESS)


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
        assert float(match[1]) == pytest.approx(point.measures.log_mel_db, abs=0.051)


def test_pictures_show_three_different_panels(rendered: list[RenderedExcerpt], folder: Path) -> None:
    first, last = (folder / point.picture for point in rendered[0].checkpoints)
    with Image.open(first) as picture:
        assert picture.width >= 600
        assert picture.height >= 600
        pixels = np.asarray(picture.convert("L"), dtype=float)
    assert pixels.std() > 20
    assert first.read_bytes() != last.read_bytes()


def test_measures_are_those_of_known_sides(rendered: list[RenderedExcerpt]) -> None:
    mid = excerpt(1).mid
    copy = SideMeasures.of(mid, 0.5 * mid, RATE)
    assert copy.log_mel_db == pytest.approx(0, abs=0.01)
    assert copy.coherence_1024 == pytest.approx(1)
    assert copy.side_to_mid_db == pytest.approx(-6.02, abs=0.01)
    means = means_by_step(rendered)
    assert list(means.index) == [50, 500]
    assert means.loc[50, "coherence_1024"] > means.loc[500, "coherence_1024"]
    assert own_means(rendered)["coherence_4096"] < 0.4


class Broken:
    name = "broken"

    def side(self, mid: np.ndarray, sample_rate: int) -> np.ndarray:
        return np.full_like(mid, np.nan)


def test_what_cannot_be_heard_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"01_A-track, step 7: the side is not finite"):
        render([excerpt(1)], {7: Broken}, tmp_path, loudness_lufs=LOUDNESS)
    quiet = excerpt(1)
    quiet.mid[:] *= 1e-6
    with pytest.raises(AudioError, match=r"01_A-track_original.wav|01_A-track_.*mono.wav"):
        render([quiet], {7: Lauridsen}, tmp_path, loudness_lufs=LOUDNESS)


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attributes if key in ("href", "src") and value]
        if tag not in ("meta", "link", "input", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_refers_to_every_file_and_no_other(rendered: list[RenderedExcerpt], folder: Path) -> None:
    links = Links(listening_page(rendered, loudness_lufs=LOUDNESS))
    assert not links.open
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert sorted(unquote(link) for link in links.found) == sorted(there)


def test_the_page_escapes_names_and_says_how_loud(rendered: list[RenderedExcerpt]) -> None:
    page = listening_page(rendered, loudness_lufs=LOUDNESS)
    assert "<track>" not in page
    assert "A &amp; &lt;track&gt; $5" in page
    assert "-23 LUFS" in page


def test_the_page_for_one_file_carries_the_last_checkpoint_within(
    rendered: list[RenderedExcerpt], folder: Path
) -> None:
    page = listening_page(rendered, loudness_lufs=LOUDNESS, embed_from=folder)
    links = Links(page).found
    assert len(links) == 8  # original, mono, stereo and a picture of two excerpts
    assert all(link.startswith(("data:audio/flac;base64,", "data:image/png;base64,")) for link in links)
    assert "Step 500" in page
    assert "Step 50<" not in page

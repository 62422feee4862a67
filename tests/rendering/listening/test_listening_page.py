"""What the page is made of: sound packed without loss, everything equally loud, one file or a folder."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from small_page import (
    CHECKPOINTS,
    CLASSICAL,
    LOUDNESS,
    RATE,
    decoded,
    excerpt,
    handed_over,
    played,
    stimuli,
    write_small_page,
)

from mono2stereo.data.excerpts import Excerpt
from mono2stereo.decorrelators.lauridsen import Lauridsen
from mono2stereo.errors import AudioError
from mono2stereo.rendering.listening.page import WIDTHS, single_file, write_excerpt
from mono2stereo.rendering.listening.stimuli import DEFAULT_MODEL, LeftOut, Stimulus, make_stimuli


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listening") / "listen"
    write_small_page(folder)
    return folder


@pytest.fixture(scope="module")
def data(page: Path) -> dict[str, Any]:
    return handed_over((page / "data.js").read_text(encoding="utf-8"))[0]


KEYS = ["mono", "original", "step-000050", "step-000500", "schroeder", "delayed"]


def test_every_version_is_as_loud_as_asked_at_every_width(page: Path, data: dict[str, Any]) -> None:
    one = data["excerpts"][0]
    signals = decoded(page, one["key"])
    meter = pyloudnorm.Meter(RATE)
    for key in KEYS:
        for width in (0.0, 0.3, 0.7, 1.0, 1.6, 2.0):
            level = meter.integrated_loudness(played(one, signals, key, width))
            assert level == pytest.approx(LOUDNESS, abs=0.1), (key, width)


def test_where_one_version_would_clip_all_are_turned_down_together(page: Path, data: dict[str, Any]) -> None:
    one = data["excerpts"][1]
    signals = decoded(page, one["key"])
    sounds = [played(one, signals, key, width) for key in KEYS for width in WIDTHS]
    levels = [pyloudnorm.Meter(RATE).integrated_loudness(sound) for sound in sounds]
    assert max(levels) - min(levels) < 0.1
    assert max(levels) < LOUDNESS - 1
    assert max(np.abs(sound).max() for sound in sounds) == pytest.approx(10 ** (-1 / 20), abs=1e-3)


def test_sides_are_what_the_decorrelators_make_to_sixteen_bits(page: Path, data: dict[str, Any]) -> None:
    source = excerpt(1)
    signals = decoded(page, data["excerpts"][0]["key"])
    inner = slice(300, -300)  # without the fades
    scale = signals["mid"][inner] @ source.mid[inner] / (source.mid[inner] @ source.mid[inner])
    heard = np.concatenate([source.run_in, source.mid])
    for name, make in [("step-000050", CHECKPOINTS[50]), *CLASSICAL.items()][:-1]:
        side = make().side(heard, RATE)[len(source.run_in) :]
        np.testing.assert_allclose(signals[name][inner], scale * side[inner], atol=2 / 32768)
    assert max(np.abs(signal).max() for signal in signals.values()) > 0.99


def test_the_mid_is_stored_once_and_again_only_where_a_method_changes_it(
    page: Path, data: dict[str, Any]
) -> None:
    one = data["excerpts"][0]
    assert sorted(decoded(page, one["key"])) == sorted(["mid", *KEYS[1:], "delayed, mid"])
    mids = {key: one["stimuli"][key]["mid"] for key in KEYS}
    assert mids == {**dict.fromkeys(KEYS, "mid"), "delayed": "delayed, mid"}


def test_a_method_that_fails_has_its_reason_instead_of_sound(data: dict[str, Any]) -> None:
    for one in data["excerpts"]:
        assert one["stimuli"]["failing"] == {"reason": "failing: needs 44100 Hz; resample first"}
    assert [one["key"] for one in data["stimuli"]] == [*KEYS, "failing"]


def test_a_side_that_is_not_finite_stops_a_checkpoint_and_leaves_a_method_out() -> None:
    class Broken:
        def side(self, mid: NDArray, sample_rate: int) -> NDArray:
            return np.full_like(mid, np.nan)

    with pytest.raises(AudioError, match=r"01_A-träck, step 7: the side is not finite; train again"):
        list(make_stimuli(excerpt(1), {7: Broken}, {}))  # type: ignore[dict-item]
    (*_, last) = make_stimuli(excerpt(1), {}, {"broken": Broken})  # type: ignore[dict-item]
    assert last == LeftOut("broken", "01_A-träck, broken: the side is not finite")


def test_the_packages_model_is_told_from_classical_methods() -> None:
    (*_, own, other) = make_stimuli(excerpt(1), {}, {DEFAULT_MODEL: Lauridsen, "lauridsen": Lauridsen})
    assert isinstance(own, Stimulus)
    assert isinstance(other, Stimulus)
    assert (own.group, other.group) == ("default", "classical")


def test_what_is_too_quiet_is_refused_by_name(tmp_path: Path) -> None:
    quiet = excerpt(1)
    quiet.mid[:] *= 1e-6
    with pytest.raises(AudioError, match=r"01_A-träck, mono: quieter than -70 LUFS"):
        write_excerpt(quiet, stimuli(quiet), tmp_path, loudness_lufs=LOUDNESS)


def test_a_recording_without_a_side_has_numbers_json_can_hold(tmp_path: Path) -> None:
    flat = excerpt(1)
    flat.side[:] = 0
    described = write_excerpt(flat, stimuli(flat), tmp_path, loudness_lufs=LOUDNESS)
    json.dumps(described, allow_nan=False)
    assert described["stimuli"]["original"]["gains"] == pytest.approx(described["stimuli"]["mono"]["gains"])


@pytest.mark.parametrize("rate", [8000, 192000])
def test_one_second_of_a_square_wave_at_full_scale(rate: int, tmp_path: Path) -> None:
    mid = np.sign(np.sin(2 * np.pi * 100 * np.arange(rate) / rate) + 1e-9).astype(np.float32)
    source = Excerpt("01_square", "square", 0.0, mid[:0], mid, np.zeros_like(mid), rate)
    described = write_excerpt(source, stimuli(source), tmp_path, loudness_lufs=LOUDNESS)
    json.dumps(described, allow_nan=False)
    assert described["samples"] == described["sampleRate"] == rate
    assert all("gains" in described["stimuli"][key] for key in KEYS)


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


def test_the_folder_holds_what_the_page_refers_to(page: Path) -> None:
    links = Links((page / "index.html").read_text(encoding="utf-8"))
    assert not links.open
    files = [link for link in links.found if not link.startswith(("#", "data:"))]
    assert len(files) > 8
    there = {path.relative_to(page).as_posix() for path in page.rglob("*") if path.is_file()}
    assert there == {"index.html", *files, "audio/01_A-träck.js", "audio/02_A-träck.js"}


def test_one_file_refers_to_nothing_and_stays_within_its_size(page: Path, data: dict[str, Any]) -> None:
    whole = single_file(page)
    links = Links(whole)
    assert not links.open
    assert all(link.startswith(("#", "data:")) for link in links.found)
    assert "step-000050" in whole
    sizes = [one["bytes"] for one in data["excerpts"]]
    steps = ("step-000050", "step-000500")
    one_step = [sum(each.values()) - min(each[step] for step in steps) for each in sizes]
    less = single_file(page, most_bytes=sum(one_step))
    assert '"step-000050":' not in less.split("<script>listening.audio(", 1)[1]
    assert '"leftOut": {"checkpoints": 1, "excerpts": 0}' in less
    first = single_file(page, most_bytes=sum(one_step) - 1)
    assert '"leftOut": {"checkpoints": 0, "excerpts": 1}' in first
    assert first.count("<script>listening.audio(") == whole.count("<script>listening.audio(") - 1 == 1
    assert len(first) < sum(one_step) + 150_000


def test_pages_are_told_apart_by_what_is_heard(page: Path, data: dict[str, Any]) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", data["id"])
    assert f'"id": "{data["id"]}"' in single_file(page)

"""States that lie, are torn or are damaged; rows that a kill cut off: found, named, and made good."""

from __future__ import annotations

import errno
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from mono2stereo.config import Config
from mono2stereo.hashes import settings_hash
from mono2stereo.training.assemble import FINGERPRINTED
from mono2stereo.training.finished import FinishedStates
from mono2stereo.training.resume import CHECKSUMS, ResumeState, _checksums

ROOT = Path(__file__).parents[2]


def make_state(folder: Path, outputs: Path) -> tuple[ResumeState, keras.Variable]:
    variable = keras.Variable(np.zeros(1000, np.float32))
    return ResumeState(folder, {"generator/kernel": variable}, outputs=(outputs,)), variable


@pytest.fixture
def saved(tmp_path: Path) -> tuple[ResumeState, keras.Variable, Path]:
    """States after the steps 1, 2 and 3, of which two are kept; variable and model hold their step."""
    outputs = tmp_path / "models/checkpoints"
    outputs.mkdir(parents=True)
    state, variable = make_state(tmp_path / ".resume/0123", outputs)
    for step in (1, 2, 3):
        variable.assign(np.full(1000, step, np.float32))
        (outputs / f"step-{step}.onnx").write_bytes(b"model" * step)
        state.save(step, {"run_id": "x"})
    return state, variable, outputs


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("file", ["variables.npz", "facts.json", CHECKSUMS, "checkpoints/step-3.onnx"])
def test_a_damaged_state_is_named_and_the_one_before_taken(
    saved: Any, capsys: pytest.CaptureFixture[str], file: str, damage: Callable[[Path], None]
) -> None:
    state, variable, outputs = saved
    damage(state.folder / "step-0000003" / file)
    for model in outputs.iterdir():
        model.unlink()  # as DVC does
    restored = state.restore()
    assert restored is not None
    assert restored["step"] == 2
    assert np.all(variable.numpy() == 2)
    assert {path.name for path in outputs.iterdir()} == {"step-1.onnx", "step-2.onnx"}
    (line,) = capsys.readouterr().err.splitlines()
    assert "step-0000003: damaged (" in line
    assert line.endswith("going on from the state before it")
    assert not (state.folder / "step-0000003").exists()


def test_variables_come_back_by_name_whatever_their_order(tmp_path: Path) -> None:
    names = ["generator/kernel", "discriminator/kernel", "optimizer/iteration"]
    variables = {name: keras.Variable(np.full(3, place, np.float32)) for place, name in enumerate(names)}
    state = ResumeState(tmp_path / "a", variables)
    state.save(1, {})
    state._lock.release()
    others = {name: keras.Variable(np.zeros(3, np.float32)) for name in reversed(names)}
    assert ResumeState(tmp_path / "a", others).restore() == {"step": 1}
    for place, name in enumerate(names):
        assert np.all(others[name].numpy() == place), name


@pytest.mark.parametrize("names", [["generator/kernel"], ["generator/kernel", "generator/renamed"]])
def test_a_state_of_other_variables_is_none(tmp_path: Path, names: list[str], capsys: Any) -> None:
    def made(names: list[str]) -> dict[str, keras.Variable]:
        return {name: keras.Variable(np.zeros(3, np.float32)) for name in names}

    state = ResumeState(tmp_path / "a", made(["generator/kernel", "generator/bias"]))
    state.save(1, {})
    state._lock.release()
    assert ResumeState(tmp_path / "a", made(names)).restore() is None
    assert "of another network" in capsys.readouterr().err


def test_without_an_intact_state_training_starts_anew(saved: Any, capsys: pytest.CaptureFixture[str]) -> None:
    state, variable, _ = saved
    for path in state.folder.glob("step-*/facts.json"):
        truncate(path)
    assert state.restore() is None
    assert (
        capsys.readouterr().err.splitlines()[-1].endswith("going on from the start: no other state is left")
    )
    assert np.all(variable.numpy() == 3)


class Code:
    """Unpickling it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def test_a_strangers_state_cannot_run_code(saved: Any, tmp_path: Path) -> None:
    state, _, _ = saved
    stranger, trace = state.folder / "step-0000003", tmp_path / "trace"
    for data in (
        {"00000": np.array([Code(trace)], dtype=object)},  # an object array
        None,  # a bare pickle
    ):
        if data:
            np.savez(stranger / "variables.npz", **data)
        else:
            (stranger / "variables.npz").write_bytes(pickle.dumps(Code(trace)))
        sums = "".join(f"{digest}  {name}\n" for name, digest in _checksums(stranger).items())
        (stranger / CHECKSUMS).write_text(sums)
        with pytest.raises(ValueError, match="no plain arrays"):
            state._read(stranger)
        assert not trace.exists()
    restored = state.restore()
    assert restored is not None
    assert restored["step"] == 2


def test_what_a_kill_left_half_written_is_no_state(saved: Any, tmp_path: Path) -> None:
    state, _, outputs = saved
    half = state.folder / ".step-0000004.1.partial"
    half.mkdir()
    (half / "facts.json").write_text('{"step": 4')
    state._lock.release()
    again, _ = make_state(state.folder, outputs)
    assert not half.exists()
    restored = again.restore()
    assert restored is not None
    assert restored["step"] == 3
    assert again.key == state.key


def test_two_living_processes_never_share_states(saved: Any, tmp_path: Path) -> None:
    """As two queued experiments that differ only in a later stage; a dead one's states are taken over."""
    state, _, outputs = saved
    other, _ = make_state(state.folder, outputs)
    assert other.folder.name == f"{state.folder.name}.2"
    assert other.restore() is None
    assert other.key != state.key
    state._lock.release()
    heir, _ = make_state(state.folder, outputs)
    assert (heir.folder, heir.key) == (state.folder, state.key)
    for one in (other, heir):
        one.finish()
    assert not list(state.folder.parent.iterdir())


def finished(folder: Path, step: int, *, course: str = "a", most_bytes: int = 10**9) -> Path:
    """A training of so many steps has ended; where its last state is kept."""
    states = FinishedStates(folder / "finished" / course, most_bytes=most_bytes)
    variable = keras.Variable(np.full(1000, step, np.float32))
    state = ResumeState(folder / f"{course}-{step}", {"generator/kernel": variable}, finished=states)
    state.save(step, {})
    state.finish()
    return states.folder / f"step-{step:07d}"


def test_a_longer_training_goes_on_from_the_longest_shorter_one(tmp_path: Path, capsys: Any) -> None:
    kept = [finished(tmp_path, step) for step in (3, 5, 9)]
    finished(tmp_path, 7, course="b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["finished"]
    variable = keras.Variable(np.zeros(1000, np.float32))
    states = FinishedStates(tmp_path / "finished/a")
    longer = ResumeState(tmp_path / "longer", {"generator/kernel": variable}, finished=states)
    assert longer.restore(below=3) is None
    assert longer.restore(below=9) == {"step": 5}
    assert np.all(variable.numpy() == 5)
    truncate(kept[1] / "variables.npz")
    assert longer.restore(below=9) == {"step": 3}
    assert "damaged" in capsys.readouterr().err
    longer.save(4, {})
    assert longer.restore(below=10) == {"step": 4}  # its own, before anybody else's
    longer.finish()
    assert [path.name for path in states.states(10)] == ["step-0000003", "step-0000004", "step-0000009"]


def test_finished_states_take_no_more_disk_than_they_may(tmp_path: Path) -> None:
    kept = [finished(tmp_path, 3, course="a"), finished(tmp_path, 3, course="b")]
    size = sum(file.stat().st_size for file in kept[0].iterdir())
    newer = finished(tmp_path, 5, course="b", most_bytes=round(2.5 * size))
    assert [path.exists() for path in (*kept, newer)] == [False, True, True]
    assert not kept[0].parent.exists()
    newest = finished(tmp_path, 4, course="a", most_bytes=1)
    assert [path.exists() for path in (*kept, newer, newest)] == [False, False, False, True]


def test_states_of_another_disk_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    kept = finished(tmp_path, 3, course="a")
    links = [path.stat().st_nlink for path in kept.iterdir()]
    assert links
    assert set(links) == {1}


def flat(value: Any, key: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in flat(inner, (*key, name)).items()}
    return {key: value}


def test_other_parameters_have_other_states() -> None:
    settings = {
        key: value
        for key, value in Config.load(ROOT / "params.yaml").model_dump().items()
        if key in FINGERPRINTED
    }
    names = [settings_hash(settings)]
    for key, value in flat(settings).items():
        changed = json.loads(json.dumps(settings))
        inner = changed
        for part in key[:-1]:
            inner = inner[part]
        inner[key[-1]] = not value if isinstance(value, bool) else [value, "changed"]
        names.append(settings_hash(changed))
    assert len(set(names)) == len(names) > 30


def test_the_fingerprint_covers_all_that_dvc_says_train_depends_on() -> None:
    params = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]["params"]
    assert {name for name in params if not name.startswith(("profiles.", "recipes."))} == set(FINGERPRINTED)

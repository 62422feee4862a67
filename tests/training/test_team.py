"""Who trains together, and how they meet: shares, names, addresses."""

from __future__ import annotations

import threading

import pytest
import tensorflow as tf
from test_distribution import alone, free_ports, slurm_step  # noqa: F401, `alone` of itself

from mono2stereo.distribution import rendezvous
from mono2stereo.distribution.place import Place, is_chief, place
from mono2stereo.distribution.team import Team, _slurm_addresses, gather
from mono2stereo.errors import ConfigError, TrainingError


def test_shares_are_of_one_size() -> None:
    class Three:
        num_replicas_in_sync = 3

    team = Team(Three(), index=1, count=3)  # type: ignore[arg-type]
    assert team.share(6) == range(2, 4)
    with pytest.raises(
        TrainingError, match=r"train\.batch_size = 4: no multiple of the 3 devices that train"
    ):
        team.share(4)


@pytest.mark.parametrize(
    ("index", "said", "who"),
    [
        (0, "Task /job:worker/replica:0/task:2 heartbeat timeout", "worker 2"),
        (1, "from remote task /job:worker/task:1, to /job:worker/task:0", "worker 0"),
        (1, "Deadline Exceeded\n\nRPC: /tensorflow.CoordinationService/Heartbeat", "worker 0"),
        (1, "Collective ops is aborted", "another worker"),
    ],
)
def test_who_is_gone_is_named_where_tensorflow_says_it(index: int, said: str, who: str) -> None:
    team = Team(tf.distribute.get_strategy(), index=index, count=3)
    with pytest.raises(TrainingError, match=f"^{who} of 3 has stopped"), team.together():
        raise tf.errors.DeadlineExceededError(None, None, said)


def test_several_workers_that_nobody_names_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"train\.strategy = multi_worker: neither TF_CONFIG nor"):
        gather("multi_worker", 4, str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', None),
        (
            '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
            Place(1, 2, ("a:1", "b:1")),
        ),
    ],
)
def test_tf_config_says_who_is_who(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: Place | None
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    assert place() == expected
    assert is_chief("auto") == (expected is None)
    assert is_chief("single")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
    ],
)
def test_another_tf_config_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match=r"^TF_CONFIG: must be like "):
        place()


def test_slurm_numbers_its_hosts_and_every_task_has_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SLURM_STEP_NUM_TASKS": "22",
        "SLURM_PROCID": "3",
        "SLURM_STEP_NODELIST": "n[1-11]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x11)",
        "SLURMD_NODENAME": "n2",
    }.items():
        monkeypatch.setenv(name, value)
    found = place()
    assert found == Place(3, 22)
    addresses = _slurm_addresses(found)
    assert [address.split(":")[0] for address in addresses[:6]] == ["n1", "n1", "n2", "n2", "n3", "n3"]
    assert len(set(addresses)) == 22
    monkeypatch.setenv("SLURMD_NODENAME", "n4")
    with pytest.raises(TrainingError, match="task 3 runs on n4, not on n2: start srun with"):
        _slurm_addresses(found)


def met(prints: list[str], ends_early: int | None = None) -> list[str]:
    """What `meet` raises in each of several processes, here threads, on loopback; '' for nothing."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(prints))]
    raised = [""] * len(prints)

    def take_part(index: int) -> None:
        def fingerprint() -> str:
            if index == ends_early:
                raise TrainingError("no pairs")
            return prints[index]

        try:
            rendezvous.meet(addresses, index, fingerprint)
        except TrainingError as error:
            raised[index] = str(error)

    threads = [threading.Thread(target=take_part, args=(index,)) for index in range(len(prints))]
    for thread in reversed(threads):
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_all_meet_who_would_train_the_same() -> None:
    assert met(["same", "same", "same"]) == ["", "", ""]
    chief, worker = met(["one", "other"])
    assert chief == worker
    assert chief.startswith("worker 1 has other parameters, data or code than the chief")
    assert met(["same", "same"], ends_early=1)[0].startswith("a worker ended before training began")


def test_who_does_not_come_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "PATIENCE_SECONDS", 0.1)
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    with pytest.raises(TrainingError, match="workers 1 of 2 have not come within 0 s"):
        rendezvous.meet(addresses, 0, str)

"""What MLflow's pages show first: a run's description, the columns of the table, how charts are grouped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

NOTE = "mlflow.note.content"
PARTS = ("Figures", "Changed", "Training", "Listening")  # of a description, in this order
# By the start of a figure's name; what stands before the last slash of a metric's is its section of charts.
SECTIONS = {
    "d_": "discriminators",
    "discriminator": "discriminators",
    "gradient_norm_": "gradients",
    "weighted_": "weighted",
    "learning_rate": "pace",
    "steps_per_second": "pace",
}
FIVE = ("coherence_4096", "largest_correlation", "log_mel_db", "onset_correlation", "own_mel")
VIEW = "mono2stereo"
# MLflow's pages keep which columns they show in the browser; a shared view is the only one a store can hold.
# `experimentKind` decides in servers that do not let the address decide what kind of work is shown.
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    f"mlflow.sharedViewState.{VIEW}": json.dumps(
        {
            "searchFilter": "",
            "orderByKey": "attributes.start_time",
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": [f"metrics.`evaluate/{name}`" for name in FIVE],
        }
    ),
}


def section(metric: str) -> str:
    """A metric's name with its section of charts in it.

    >>> section("train/d_real_period_2"), section("train/mel")
    ('train/discriminators/d_real_period_2', 'train/mel')
    """
    curve, _, figure = metric.partition("/")
    for start, name in SECTIONS.items():
        if figure.startswith(start):
            return f"{curve}/{name}/{figure}"
    return metric


def validated(metrics: Mapping[str, float]) -> dict[str, Sequence[float]]:
    """The terms among a step's figures, as rows of a table; none where the step was not validated.

    >>> validated({"valid/mel": 0.5, "valid/weighted_mel": 2.8, "train/mel": 0.6})
    {'mel': [0.5]}
    """
    return {
        name.removeprefix("valid/"): [value]
        for name, value in metrics.items()
        if name.startswith("valid/") and section(name) == name
    }


def with_part(note: str, part: str, text: str) -> str:
    r"""A description with one part of it replaced.

    >>> with_part("### Training\n\nstep 5", "Figures", "few")
    '### Figures\n\nfew\n\n### Training\n\nstep 5'
    """
    before, *parts = f"\n{note}".split("\n### ")
    known = dict(paragraph.partition("\n")[::2] for paragraph in parts) | {part: text}
    ordered = [name for name in (*PARTS, *known) if name in known]
    texts = [f"### {name}\n\n{known[name].strip()}" for name in dict.fromkeys(ordered)]
    return "\n\n".join([*filter(None, [before.strip()]), *texts])


def as_table(heads: Sequence[str], rows: Mapping[str, Sequence[object]]) -> str:
    """Markdown; numbers to three digits."""

    def line(cells: Sequence[object]) -> str:
        shown = (f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells)
        return f"| {' | '.join(shown)} |"

    below = [":--", *("--:" for _ in heads[1:])]
    return "\n".join(map(line, [heads, below, *([name, *row] for name, row in rows.items())]))

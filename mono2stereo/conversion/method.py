"""What makes the side, as settings that another process can be given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from mono2stereo.conversion.model_trial import try_model
from mono2stereo.conversion.widening import Widened, Width
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.decorrelators.neural import NeuralDecorrelator
from mono2stereo.errors import ModelError, UsageError
from mono2stereo.model_card import IN_MLFLOW


@dataclass(frozen=True)
class Method:
    """A decorrelator before it is built.

    Attributes:
        model: An exported generator; None for the package's own.
        classical: A key of `CLASSICAL` instead.
        width: How wide; None for the default, which leaves alone a method that changes the mid.

    Raises:
        UsageError: A width for a method that changes the mid.
    """

    model: Path | None = None
    classical: str | None = None
    width: Width | None = None

    def build(self, threads: int = 0) -> Decorrelator:
        """Load the network on so many threads (0: one per core), or set up the classical method.

        Raises:
            ModelError: The model file is missing, damaged or of another format.
        """
        if self.classical is None:
            return Widened(NeuralDecorrelator.load(self.model, threads=threads), self.width or Width())
        from mono2stereo.decorrelators.classical import CLASSICAL  # SciPy takes its time

        method = CLASSICAL[self.classical]()
        if method.changes_mid:
            if self.width is not None:
                raise UsageError(f"{self.classical} makes left and right itself; leave out the width")
            return method
        return Widened(method, self.width or Width())


@contextmanager
def model_file(named: str | None) -> Iterator[Path | None]:
    """The model file that a user names, for as long as the block lasts; None for the package's own.

    Args:
        named: A file, the id of an MLflow run, or `models:/…` of its registry.

    Raises:
        ModelError: Damaged, not exported by mono2stereo, or a run while MLflow is not installed.
        TrainingError: The run cannot be asked for its model.
    """
    if named is None:
        yield None
        return
    file = Path(named)
    if file.exists() or not IN_MLFLOW.fullmatch(named):
        if file.is_file():
            try_model(file)
        yield file
        return
    if find_spec("mlflow") is None:
        raise ModelError(f"{named}: MLflow's models need MLflow; pip install 'mono2stereo[train]'")
    with TemporaryDirectory() as folder:
        # By name: whoever has a file needs no MLflow.
        file = import_module("mono2stereo.tracking").download_model(named, Path(folder))
        try_model(file)
        yield file

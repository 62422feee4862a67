"""What the listening page and the studio share: one audio engine, one set of meters, one style."""

from importlib.resources import files
from importlib.resources.abc import Traversable

SHARED: Traversable = files(__name__)


def shared_assets() -> list[Traversable]:
    """Scripts and style."""
    return [file for file in SHARED.iterdir() if file.name.endswith((".js", ".css"))]

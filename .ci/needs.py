"""What a distribution needs without its extras, at the versions installed here: one pin a line."""

import sys
from importlib import metadata

from packaging.requirements import Requirement


def needs(name: str) -> set[str]:
    """Pins of all that `name` requires, however far down."""
    needed = set()
    for requirement in map(Requirement, metadata.requires(name) or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            pinned = f"{requirement.name}=={metadata.version(requirement.name)}"
            needed |= {pinned} | needs(requirement.name)
    return needed


print("\n".join(sorted(needs(sys.argv[1]))))

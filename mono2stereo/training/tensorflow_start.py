"""The first import of TensorFlow in a process, and what must be set before it."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import cast

# Keras imports these where they are installed, for wrappers and pictures that nothing here uses.
UNUSED = ("matplotlib", "pandas", "sklearn")


def start_tensorflow() -> None:
    """Import TensorFlow and Keras, a third sooner than `import keras` does.

    Modules and traced graphs are a million objects that stay. The collector's thresholds are those of small
    programs: it would look through all of them, over and over, for cycles to free.
    """
    gc.set_threshold(50_000, 20, 100)
    # Not what other projects of this user have in ~/.keras or the environment.
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull}
    modules = cast("dict[str, object]", sys.modules)
    hidden = [name for name in UNUSED if name not in modules]
    modules |= dict.fromkeys(hidden)  # None: an ImportError, which Keras takes for not installed
    try:
        importlib.import_module("keras")
    finally:
        for name in hidden:
            del modules[name]

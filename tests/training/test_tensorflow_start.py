"""TensorFlow's first import: sooner, and nothing of it left behind."""

import subprocess
import sys

CODE = """
import sys
import pandas
from mono2stereo.training.tensorflow_start import start_tensorflow
start_tensorflow()
assert sys.modules["pandas"] is pandas, "what was there is gone"
print(*sorted({"keras", "matplotlib", "sklearn", "tensorflow"} & set(sys.modules)))
import sklearn, matplotlib
"""


def test_what_keras_imports_unasked_is_left_out_and_can_be_imported_later():
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split() == ["keras", "tensorflow"]

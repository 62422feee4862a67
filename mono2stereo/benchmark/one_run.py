"""`python -m mono2stereo.benchmark.one_run JOB`: one setting on one stretch, to see its memory."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from mono2stereo.evaluation.measuring import stereo_of_stretch

if __name__ == "__main__":
    stereo_of_stretch(*pickle.loads(Path(sys.argv[1]).read_bytes()))

"""`uv run --script vn_decorrelate.py IN OUT SECONDS`: VNDecorrelate's velvet noise on a mono recording."""

# /// script
# requires-python = ">=3.12"
# dependencies = ["vndecorrelate==1.2.0", "soundfile==0.14.0"]
# ///
import sys

import soundfile
from vndecorrelate.decorrelation import VelvetNoise

mono, rate = soundfile.read(sys.argv[1], dtype="float32")
stereo = VelvetNoise(sample_rate_hz=rate, num_outs=2, duration_seconds=float(sys.argv[3]), seed=1)(mono)
soundfile.write(sys.argv[2], stereo, rate, subtype="FLOAT")

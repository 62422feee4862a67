"""`python pedalboard_reverb.py IN OUT ROOM`: pedalboard's reverberator on a mono recording."""

import sys

import numpy as np
import soundfile
from pedalboard import Reverb

mono, rate = soundfile.read(sys.argv[1], dtype="float32")
stereo = Reverb(room_size=float(sys.argv[3]), width=1.0)(np.stack([mono, mono]), rate)
soundfile.write(sys.argv[2], stereo.T, rate, subtype="FLOAT")

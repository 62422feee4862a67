"""What every number of the benchmark depends on besides recordings and methods; docs/benchmark.md tells why.

Whoever changes one of these, or a measure, gives `versions.BENCHMARK_PROTOCOL` the next number.
"""

from __future__ import annotations

from mono2stereo.measures.recordings import COMMON_RATE

RATE = 44_100  # Hz: what methods are given, and must give back
MEASURED_AT = COMMON_RATE
STRETCH_SECONDS = 10.0
MID_KEPT_DB = -60.0  # fold-down re the input: what files of 16 bits round lies below
SEED = 0  # of the bootstrap

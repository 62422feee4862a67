"""What a release promises, each with a number of its own; the package's is in pyproject.toml."""

from __future__ import annotations

MODEL_FORMAT = 2  # of exported models, as they are written
MODEL_FORMATS_READ = (1, 2)  # another is refused in a line; 1: Hann windows alone
MEASURES_VERSION = 1  # numbers of another version are not to be compared with these
BENCHMARK_PROTOCOL = 1  # docs/benchmark.md; its numbers, too, are not to be compared with another version's
BENCHMARK_RESULTS = 1  # shape of the benchmark's results.json
LISTENING_RESULTS = "mono2stereo-listening-test-1"  # of the listening page's files, as results.js writes them


def described() -> str:
    """All of them in a line."""
    from importlib import metadata  # every call of the program would pay for it

    return (
        f"mono2stereo {metadata.version('mono2stereo')}; model format {MODEL_FORMAT}; "
        f"measures {MEASURES_VERSION}; benchmark {BENCHMARK_PROTOCOL}; "
        f"listening results {LISTENING_RESULTS.rpartition('-')[2]}"
    )

"""Free programs and plug-ins that make stereo of mono, swept where they have a knob.

From Debian: ffmpeg, sox, calf-plugins, mda-lv2 (through lilv-utils' lv2apply), caps (through FFmpeg's LADSPA
host); from PyPI: pedalboard, and VNDecorrelate in an environment of its own, for it asks for Python 3.12;
docs/benchmark.md says what is left out. What widens a difference of left and right, such as FFmpeg's
stereowiden, finds none in a mono recording, and its row says so.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

CALF, MDA = "http://calf.sourceforge.net/plugins", "http://drobilla.net/plugins/mda"
LADSPA = Path("/usr/lib/ladspa")
PEDALBOARD = "benchmarks/peers/pedalboard_reverb.py"  # from the repository's root
VN_DECORRELATE = "uv run --quiet --no-python-downloads --script benchmarks/peers/vn_decorrelate.py"
SIDE = "asplit[a][b];[b]{}[c];[a][c]join=inputs=2:channel_layout=stereo,pan=stereo|c0=c0+c1|c1=c0-c1"


def _ffmpeg(filters: str) -> str:
    return f"ffmpeg -v error -y -i {{in}} -af '{filters}' -c:a pcm_f32le {{out}}"


def _sox(effects: str) -> str:
    return f"sox -V1 {{in}} -e float -b 32 {{out}} remix 1 1 {effects} trim 0 {{samples}}s"


def _lv2(plugin: str, **controls: float) -> str:
    return f"lv2apply -i {{in}} -o {{out}} {' '.join(f'-c {k} {v:g}' for k, v in controls.items())} {plugin}"


def every() -> Iterator[tuple[str, str]]:
    """Name with setting, and command; the first of a name is nearest to its default."""
    yield "ffmpeg-stereowiden", _ffmpeg("aformat=channel_layouts=stereo,stereowiden")
    for ms in (2.05, 5, 10, 20):
        yield f"ffmpeg-haas:{ms:g}ms", _ffmpeg(f"haas=left_delay={ms}:right_delay={ms + 0.07:g}")
    for stages in (6, 2, 10, 16):
        side = SIDE.format(f"adecorrelate=stages={stages}:seed=1")
        yield f"ffmpeg-adecorrelate:{stages}-stages", _ffmpeg(side)
    yield "caps-wider", _ffmpeg("ladspa=file=caps:plugin=Wider")
    for ms in (10, 20, 35):
        yield f"sox-delay:{ms}ms", _sox(f"delay 0 {ms / 1000:g}")
    for percent in (50, 20, 80):
        yield f"sox-reverb:{percent}", _sox(f"reverb {percent} 50 100 100 0 0")
    yield "calf-haas", _lv2(f"{CALF}/HaasEnhancer")
    for ms in (10, 20):
        yield f"calf-stereo-tools:{ms}ms", _lv2(f"{CALF}/StereoTools", delay=ms)
    for depth in (6, 2, 10):
        yield f"calf-multi-chorus:{depth}ms", _lv2(f"{CALF}/MultiChorus", mod_depth=depth)
    yield "mda-stereo", _lv2(f"{MDA}/Stereo")
    for delay, mod, rate in ((0.1, 0.2, 0.7), (0.1, 0.3, 0.6), (0.3, 0.1, 0.5)):
        yield (
            f"mda-stereo:delay-{delay:g}-mod-{mod:g}-rate-{rate:g}",
            _lv2(f"{MDA}/Stereo", delay=delay, mod=mod, rate=rate),
        )
    yield "mda-leslie", _lv2(f"{MDA}/Leslie")
    for room in (0.5, 0.2, 0.8):
        yield f"pedalboard-reverb:room-{room:g}", f"python {PEDALBOARD} {{in}} {{out}} {room:g}"
    for ms in (30, 10, 100):
        yield f"vndecorrelate:{ms}ms", f"{VN_DECORRELATE} {{in}} {{out}} {ms / 1000:g}"


def missing() -> list[str]:
    """What of all this is not installed here, as packages are called."""
    programs = {"ffmpeg": "ffmpeg", "sox": "sox", "lv2apply": "lilv-utils"}
    absent = [package for program, package in programs.items() if not shutil.which(program)]
    folders = {"calf-plugins": "/usr/lib/lv2/calf.lv2", "mda-lv2": "/usr/lib/lv2/mda.lv2"}
    absent += [package for package, folder in folders.items() if not Path(folder).is_dir()]
    absent += [] if (LADSPA / "caps.so").is_file() else ["caps"]
    absent += [] if find_spec("pedalboard") else ["pedalboard (uv pip install --group peers)"]
    newer = subprocess.run(["uv", "python", "find", "--no-python-downloads", ">=3.12"], capture_output=True)
    return absent + ([] if newer.returncode == 0 else ["Python 3.12, for VNDecorrelate"])

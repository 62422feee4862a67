"""What conversion can be told, in words: the one table of its options, for command line and studio."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from mono2stereo.conversion.formats import SAMPLES, SUFFIX_OF_KIND
from mono2stereo.conversion.options import FileOptions
from mono2stereo.conversion.widening import Width
from mono2stereo.conversion.width_curve import WidthCurve
from mono2stereo.errors import AudioError, UsageError

LARGEST_GAIN_DB = 120.0
EXIT_STATUS = """\
exit status: 0 all converted; 1 some were not, each named in one line, the others are done; 2 wrong usage,
nothing was done; 130 or 143 stopped by Ctrl-C or SIGTERM, no half-written file is left.

The fold-down (L+R)/2 of what is written is g times the input, sample for sample; g is printed for each file.
Float files have g = 1. Integer and lossy ones have the largest g up to 1 whose true peak (BS.1770) stays
below full scale (lossy: below -1 dB); at g = 1 the fold-down of integers is the input bit for bit."""


class _Classical:
    """Names of the classical methods, asked for where they are needed: SciPy takes its time."""

    def __iter__(self) -> Iterator[str]:
        from mono2stereo.decorrelators.classical import CLASSICAL

        return iter(CLASSICAL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXIT_STATUS
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="a folder, or - for stdin, too")
    group = parser.add_argument_group("files")
    add = group.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        help="of one file, or - for stdout (default: *-stereo beside it)",
    )
    add("--out-dir", type=Path, metavar="DIR", help="put the results there, under the names of the sources")
    formats = [suffix[1:] for suffix in SUFFIX_OF_KIND.values()]
    add("--format", choices=formats, help="instead of the source's own")
    add("--samples", choices=list(SAMPLES), help="sample format instead of the source's own")
    add("--no-dither", action="store_false", dest="dither", help="round integers without dither")
    add("--preserve", action="store_true", help="keep the time of modification")
    add("--force", action="store_true", help="overwrite existing files (never a source)")
    channel = group.add_mutually_exclusive_group()
    for side in ("left", "right"):
        how = f"take the {side} channel of a stereo source, not (L+R)/2"
        channel.add_argument(f"--from-{side}", action="store_true", help=how)
    add("--keep-if-stereo", action="store_true", help="copy stereo sources as they are")
    add = parser.add_argument_group("films").add_argument
    add("--track", type=int, metavar="N", help="convert the N-th sound track (default: the first)")
    add("--add-track", action="store_true", help="keep that track; the stereo one comes behind the others")
    add = parser.add_argument_group("width").add_argument
    add("--width", type=float, metavar="DB", help="wider (above 0) or narrower than the curve")
    add(
        "--width-curve",
        metavar="natural|flat|HZ:DB,…|FILE",
        help="side against mid per band: as recordings have it (natural, default), as the method makes it "
        "(flat), points such as 100:-20,1000:-10, or columns frequency_hz,side_to_mid_db of a file",
    )
    add("--mono-below", type=float, metavar="HZ", help="keep what is below in the middle")
    add("--highband", choices=["on", "off"], help="go on above the network's band (default: on)")
    add = parser.add_argument_group("level").add_mutually_exclusive_group().add_argument
    add("--match-loudness", action="store_true", help="as loud as the source (BS.1770)")
    add("--gain", type=float, metavar="DB", help="this g, whatever the peaks; pipes pass at once")
    add = parser.add_argument_group("method").add_mutually_exclusive_group().add_argument
    add(
        "--model",
        metavar="FILE|RUN_ID|models:/…",
        help="an exported generator, an MLflow run's, or one of MLflow's registry",
    )
    add("--method", choices=_Classical(), help="a classical decorrelator, not the network")


def width_of(options: argparse.Namespace) -> Width | None:
    """None where nothing about the width was asked for.

    Raises:
        AudioError: No curve can be read.
        UsageError: Out of range.
    """
    curve = options.width_curve
    asked = {
        "db": options.width,
        "curve": curve if curve in (None, "natural", "flat") else WidthCurve.named(curve),
        "mono_below_hz": options.mono_below,
        "highband": options.highband and options.highband == "on",
    }
    asked = {key: value for key, value in asked.items() if value is not None}
    try:
        return Width(**asked) if asked else None
    except AudioError as error:
        raise UsageError(str(error)) from None


def file_options(options: argparse.Namespace) -> FileOptions:
    """What concerns the files.

    Raises:
        UsageError: A gain out of range.
    """
    if not abs(options.gain or 0) <= LARGEST_GAIN_DB:
        raise UsageError(f"--gain {options.gain:g}: from -{LARGEST_GAIN_DB:g} to {LARGEST_GAIN_DB:g} dB")
    return FileOptions(
        gain_db=options.gain,
        match_loudness=options.match_loudness,
        from_left=options.from_left,
        from_right=options.from_right,
        keep_if_stereo=options.keep_if_stereo,
        samples=options.samples,
        force=options.force,
        dither=options.dither,
        preserve=options.preserve,
        track=options.track,
        add_track=options.add_track,
    )

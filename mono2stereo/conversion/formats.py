"""Which files are read, and in which format and sample format the stereo version is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import soundfile

from mono2stereo.errors import AudioError, UsageError
from mono2stereo.sounds import kinds

# What is written, by suffix.
KINDS = {suffix: kind.name for kind in kinds.KINDS if kind.is_written for suffix in kind.suffixes}
SUFFIX_OF_KIND = {name: kind.suffixes[0] for name, kind in kinds.BY_NAME.items() if kind.is_written}
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = ("FLOAT", "DOUBLE")
# What `--samples` may say, and what each becomes where a format has it.
SAMPLES = {
    "8": ("PCM_U8", "PCM_S8"),
    "16": ("PCM_16",),
    "24": ("PCM_24",),
    "32": ("PCM_32",),
    "float": ("FLOAT",),
    "double": ("DOUBLE",),
}
LOSSY = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
# libvorbis crashes beyond its highest rate; libsndfile refuses the others only when it writes.
RATES = {
    "VORBIS": range(8000, 200_001),
    "OPUS": (8000, 12000, 16000, 24000, 48000),
    "MPEG_LAYER_III": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
SIXTEEN_BITS = ("LAW", "ADPCM", "GSM", "G72", "NMS")  # what codecs of telephones decode to
LARGEST_RIFF_BYTES = 2**32 - 2**24  # the rest is for headers and tags


@dataclass(frozen=True)
class Encoding:
    """How samples are written.

    Attributes:
        format: libsndfile's major format.
        subtype: libsndfile's sample format.
    """

    format: str
    subtype: str

    @property
    def bits(self) -> int | None:
        """Of integer samples; None for floats and lossy codecs."""
        return BITS.get(self.subtype)

    @property
    def is_lossy(self) -> bool:
        return self.bits is None and self.subtype not in FLOATS


def suffix_for(kind: str) -> str:
    """Of what is made of a recording of this kind; WAV where its own is not written."""
    return SUFFIX_OF_KIND.get(kind, SUFFIX_OF_KIND["WAV"])


def target_kind(target: Path) -> str:
    """The kind that a target's suffix names.

    Raises:
        UsageError: None.
    """
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise UsageError(f"{target}: end the name with {', '.join(SUFFIX_OF_KIND.values())} or .opus")
    return kind


def choose_encoding(
    source: Encoding, source_kind: str, target: Path, *, frames: int, sample_rate: int, samples: str | None
) -> Encoding:
    """Format and sample format of a stereo target: the source's own, where the suffix allows it.

    Args:
        source: Of the file that is read.
        source_kind: Its kind.
        target: Decides by its suffix.
        frames: How many will be written, for formats whose size is limited.
        sample_rate: Hz.
        samples: A key of `SAMPLES`, or None for the source's own, or the nearest there is.

    Raises:
        AudioError: The format does not have such samples, such a rate, or room for as many.
        UsageError: The suffix names no format.
    """
    kind = target_kind(target)
    if kind in LOSSY:
        if samples:
            raise AudioError(f"{target}: {kind} has no sample format to choose; leave out --samples")
        opus = target.suffix.lower() == ".opus" or (kind == "OGG" and source.subtype == "OPUS")
        encoding = Encoding(kind, "OPUS" if opus else LOSSY[kind])
    else:
        major = source.format if source_kind == kind and source.format != "RF64" else kind
        encoding = Encoding(major, _subtype(source, kind, target, samples))
        if major != "FLAC":
            size = 2 * frames * (encoding.bits or {"FLOAT": 32, "DOUBLE": 64}[encoding.subtype]) // 8
            if size > LARGEST_RIFF_BYTES and kind == "AIFF":
                raise AudioError(f"{target}: too long for AIFF, which ends at 4 GiB; name it .wav or .flac")
            if kind == "WAV" and (size > LARGEST_RIFF_BYTES or source.format == "RF64"):
                encoding = Encoding("RF64", encoding.subtype)
    # FLAC's headers have 16 bits for hertz, or for tens of them.
    flac = encoding.format != "FLAC" or sample_rate < 1 << 16 or sample_rate % 10 == 0
    if not flac or sample_rate not in RATES.get(encoding.subtype, (sample_rate,)):
        raise AudioError(f"{target}: {kind} has no {sample_rate} Hz; name it .wav")
    return encoding


def _subtype(source: Encoding, kind: str, target: Path, samples: str | None) -> str:
    known, wanted = soundfile.available_subtypes(kind), _own_samples(source)
    if samples:
        for subtype in SAMPLES[samples]:
            if subtype in known:
                return subtype
        raise AudioError(f"{target}: {kind} has no {samples} samples; choose others or another format")
    if wanted in known and wanted in {*BITS, *FLOATS}:
        return wanted
    if BITS.get(wanted) == 8:
        return SAMPLES["8"][0] if SAMPLES["8"][0] in known else SAMPLES["8"][1]
    return "PCM_24"  # FLAC, of 32 bits or floats


def word_bits(source: Encoding) -> float:
    """How long the samples are that a file is decoded to: infinitely where they are no integers."""
    return BITS.get(_own_samples(source), math.inf)


def _own_samples(source: Encoding) -> str:
    """The samples that a file is decoded to, in libsndfile's word."""
    if source.subtype.startswith("DWVW"):
        return "PCM_" + source.subtype[-2:].replace("12", "16")
    if source.is_lossy:
        return "PCM_16" if any(codec in source.subtype for codec in SIXTEEN_BITS) else "FLOAT"
    return source.subtype

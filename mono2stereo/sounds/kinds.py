"""The one table of formats: what is read, what it is called, and which of them are written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A format of files.

    Attributes:
        name: As people call it.
        suffixes: Of names; what is written gets the first.
        demuxer: FFmpeg's first name for it.
        states_length: Whether its header says how long it is, or FFmpeg estimates it.
        is_written: Whether stereo versions are written in it.
        is_film: Whether names with these suffixes are films as a rule, which a folder of music may hold too.
        is_container: Whether FFmpeg writes it, with whatever else it holds (`conversion.films`).
    """

    name: str
    suffixes: tuple[str, ...]
    demuxer: str
    states_length: bool = True
    is_written: bool = False
    is_film: bool = False
    is_container: bool = False


KINDS = (
    Kind("WAV", (".wav", ".wave", ".bwf", ".rf64"), "wav", is_written=True),
    Kind("FLAC", (".flac",), "flac", is_written=True),
    Kind("OGG", (".ogg", ".oga", ".opus"), "ogg", states_length=False, is_written=True),
    Kind("MP3", (".mp3",), "mp3", states_length=False, is_written=True),
    Kind("AIFF", (".aiff", ".aif", ".aifc"), "aiff", is_written=True),
    Kind("MP4", (".m4a", ".m4b"), "mov", is_written=True, is_container=True),
    Kind("MP4", (".mp4", ".m4v", ".mov"), "mov", is_written=True, is_container=True, is_film=True),
    Kind("Matroska", (".mka",), "matroska", is_written=True, is_container=True),
    Kind("Matroska", (".mkv", ".webm"), "matroska", is_written=True, is_container=True, is_film=True),
    Kind("WMA", (".wma",), "asf"),
    Kind("WMA", (".wmv", ".asf"), "asf", is_film=True),
    Kind("AAC", (".aac",), "aac", states_length=False),
    Kind("AC-3", (".ac3",), "ac3", states_length=False),
    Kind("E-AC-3", (".eac3",), "eac3", states_length=False),
    Kind("DTS", (".dts",), "dts", states_length=False),
    Kind("AMR", (".amr",), "amr", states_length=False),
    Kind("Monkey's Audio", (".ape",), "ape"),
    Kind("WavPack", (".wv",), "wv"),
    Kind("TTA", (".tta",), "tta"),
    Kind("Musepack", (".mpc",), "mpc"),
    Kind("Musepack", (".mpc",), "mpc8"),
    Kind("CAF", (".caf",), "caf"),
    Kind("AU", (".au", ".snd"), "au"),
    Kind("W64", (".w64",), "w64"),
    Kind("AVI", (".avi",), "avi", is_film=True),
    Kind("FLV", (".flv",), "flv", is_film=True),
    Kind("MPEG", (".ts", ".m2ts"), "mpegts", states_length=False, is_film=True),
    Kind("MPEG", (".mpg", ".vob"), "mpeg", states_length=False, is_film=True),
)
BY_NAME = {kind.name: next(each for each in KINDS if each.name == kind.name) for kind in KINDS}
BY_DEMUXER = {kind.demuxer: kind for kind in KINDS}
SUFFIXES = frozenset(suffix for kind in KINDS for suffix in kind.suffixes)
CONTAINER_SUFFIXES = frozenset(suffix for kind in KINDS if kind.is_container for suffix in kind.suffixes)
SOUND_SUFFIXES = frozenset(suffix for kind in KINDS if not kind.is_film for suffix in kind.suffixes)
# For messages; more would not be read.
COMMON = "WAV, FLAC, OGG, MP3 or AIFF file"

"""A mono recording on disk to a stereo one, in blocks, through one gain for the whole file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mono2stereo.conversion.ahead import ahead
from mono2stereo.conversion.films import BIT_RATES, codec_for, write_film
from mono2stereo.conversion.formats import (
    LARGEST_RIFF_BYTES,
    Encoding,
    choose_encoding,
    target_kind,
    word_bits,
)
from mono2stereo.conversion.gain import CEILING, LOSSY_CEILING, Gain, Meter, true_peak_db
from mono2stereo.conversion.mid_and_side import Spool, in_step, metered
from mono2stereo.conversion.options import Converted, FileOptions
from mono2stereo.conversion.reading import Recording
from mono2stereo.conversion.tag_reading import header_texts, of_sound, read_tags
from mono2stereo.conversion.tags import carry_tags
from mono2stereo.conversion.writing import Dither, StereoWriter
from mono2stereo.decorrelators.base import Decorrelator
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError, UsageError
from mono2stereo.files import atomic_path
from mono2stereo.sounds.kinds import CONTAINER_SUFFIXES
from mono2stereo.sounds.opening import open_source
from mono2stereo.sounds.source import on_disk


def convert_file(
    source: Path | str,
    target: Path | str,
    *,
    decorrelator: Decorrelator,
    options: FileOptions | None = None,
    name: str | None = None,
) -> Converted:
    """Give a recording a side; the output appears whole or not at all.

    Args:
        source: WAV, FLAC, OGG, MP3 or AIFF with one or two channels.
        target: Its suffix decides the format; the sample format is the source's, where the format has it.
        decorrelator: What makes the side.
        options: By default one gain that keeps the true peak of integer and lossy files below full scale.
        name: Of the source, in messages.

    Raises:
        AudioError: Unreadable or unfit, or the target is not to be overwritten.
        UsageError: The target's suffix names no format.
        OSError: The disk is full, read-only, …
    """
    source, target, options = Path(source), Path(target), options or FileOptions()
    name = name or str(source)
    target_kind(target)
    if options.add_track and target.suffix.lower() not in CONTAINER_SUFFIXES:
        raise UsageError(f"{target}: has no tracks to add one to; name the output .mkv, .mp4 or .mov")
    require_free(source, target, force=options.force)
    with closing(open_source(source, name)) as stream, on_disk(stream, source) as file:
        return _convert_file(file, target, decorrelator, options, name)


def _convert_file(
    source: Path, target: Path, decorrelator: Decorrelator, options: FileOptions, name: str
) -> Converted:
    with (
        Recording(source, name, channel=options.channel, track=options.track) as recording,
        atomic_path(target) as partial_path,
    ):
        if recording.channels == 2 and (options.keep_if_stereo or not options.channel):
            recording.listen()
            if options.keep_if_stereo and recording.fold_down.is_stereo:
                return _keep(recording, source, target, partial_path, options)
        if target.suffix.lower() in CONTAINER_SUFFIXES:
            return _convert_film(recording, source, target.suffix, partial_path, decorrelator, options)
        encoding = choose_encoding(
            recording.encoding,
            recording.kind,
            target,
            frames=recording.likely_frames,
            sample_rate=recording.sample_rate,
            samples=options.samples,
        )
        kinds = {"source_kind": recording.kind, "target_kind": target_kind(target)}
        tags = read_tags(source, recording.texts)
        # Within a format all tags are copied afterwards.
        texts = dict(header_texts(tags)) if len(set(kinds.values())) > 1 else {}
        done = _convert(recording, decorrelator, partial_path, encoding, options, texts=texts)
        done.notices += [notice for notice in [carry_tags(source, partial_path, tags, **kinds)] if notice]
        if options.preserve:
            _preserve(source, partial_path)
    return done


def _convert_film(
    recording: Recording,
    source: Path,
    suffix: str,
    partial_path: Path,
    decorrelator: Decorrelator,
    options: FileOptions,
) -> Converted:
    """By way of a WAV file beside the film, which holds the one new track."""
    bits = word_bits(recording.encoding) if options.samples is None else float(options.samples)
    subtype = "PCM_16" if bits <= 16 else "PCM_24" if bits <= 24 else "FLOAT"
    if subtype == "FLOAT" and codec_for(suffix.lower(), subtype) == "flac":
        subtype = "PCM_24"  # FLAC has no floats: what lies above full scale would be cut
    lossy = codec_for(suffix.lower(), subtype) in BIT_RATES
    with TemporaryDirectory(dir=partial_path.parent, prefix=".") as folder:
        sound = Path(folder) / "sound.wav"
        form = "RF64" if 8 * recording.likely_frames > LARGEST_RIFF_BYTES else "WAV"
        encoding = Encoding(form, "FLOAT" if lossy else subtype)
        done = _convert(recording, decorrelator, sound, encoding, options, texts={}, lossy=lossy)
        done.notices += write_film(
            source,
            sound,
            partial_path,
            track=options.track,
            add_track=options.add_track,
            start=recording.start,
            name=recording.name,
        )
    if options.preserve:
        _preserve(source, partial_path)
    return done


def convert_into_pipe(
    recording: Recording, target: int, *, decorrelator: Decorrelator, options: FileOptions, suffix: str
) -> Converted:
    """Give a recording a side while it is still being read, with the gain that `options` names.

    Args:
        recording: May come from a pipe.
        target: Descriptor of the pipe to write to.
        decorrelator: What makes the side.
        options: Its `gain_db` is set.
        suffix: Of the format to write.

    Raises:
        AudioError: Unreadable or unfit.
        OSError: The pipe takes no more.
    """
    encoding = choose_encoding(
        recording.encoding,
        recording.kind,
        Path(f"stdout{suffix}"),
        frames=0,
        sample_rate=recording.sample_rate,
        samples=options.samples,
    )
    texts = dict(header_texts(of_sound(recording.texts)))
    return _convert(recording, decorrelator, target, encoding, options, texts=texts)


def require_free(source: Path, target: Path, *, force: bool) -> None:
    """Refuse a target that is the source, a folder, a device, or a file when not `force`.

    Raises:
        AudioError: It is one of these.
    """
    if target.exists():
        if source.exists() and target.samefile(source):
            raise AudioError(f"{target}: is the input itself; name another output")
        if not target.is_file():
            raise AudioError(f"{target}: is no regular file; -o - writes to stdout")
        if not force:
            raise AudioError(f"{target}: exists; --force overwrites it")


def _preserve(source: Path, target: Path) -> None:
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _keep(
    recording: Recording, source: Path, target: Path, partial_path: Path, options: FileOptions
) -> Converted:
    if target_kind(target) != recording.kind:
        raise AudioError(f"{source}: is stereo and kept as it is, as {recording.kind}; name the output so")
    shutil.copyfile(source, partial_path)
    if options.preserve:
        _preserve(source, partial_path)
    return Converted(None, ["is stereo; copied as it is"])


def _convert(
    recording: Recording,
    decorrelator: Decorrelator,
    target: Path | int,
    encoding: Encoding,
    options: FileOptions,
    *,
    texts: dict[str, str],
    lossy: bool = False,
) -> Converted:
    """`lossy`: what is written is for an encoder."""
    lossy = lossy or encoding.is_lossy
    shorter = encoding.bits is not None and encoding.bits < word_bits(recording.encoding)
    dither: Dither = "none" if not options.dither else "both" if shorter else "side"
    precise = encoding.subtype in ("PCM_32", "DOUBLE")
    dtype: np.dtype[np.floating] = np.dtype("float64" if precise else "float32")
    with closing(in_step(recording, decorrelator, dtype)) as blocks:
        meter = Meter(recording.sample_rate, loudness=options.match_loudness)
        changes_mid = decorrelator.changes_mid
        protected = lossy or encoding.subtype not in ("FLOAT", "DOUBLE")
        asked = None if options.gain_db is None else Gain(options.gain_db, "as asked")
        ceiling = np.inf if asked or not protected else LOSSY_CEILING if lossy else CEILING

        def write(
            pairs: Generator[tuple[Signal, Signal]], gain: Gain, highest: float = np.inf
        ) -> StereoWriter:
            with (
                StereoWriter(target, recording.sample_rate, encoding, gain, texts, dither) as writer,
                closing(ahead(pairs)) as ready,
            ):
                for mid, side in ready:
                    if meter.true_peak <= highest:
                        writer.write(mid, side)
            return writer

        pairs, gain = metered(blocks, meter), asked or Gain()
        if asked or not (protected or options.match_loudness):
            writer = write(pairs, gain)
        else:
            assert isinstance(target, Path)
            # The gain depends on the whole file, so the side also waits on disk, beside the output. Most need
            # none: what has been written as if it needed none is whole then.
            spool = Spool(target.parent, dtype, columns=1 + changes_mid)
            writer = write(spool.kept(pairs), gain, -np.inf if options.match_loudness else ceiling)
            if options.match_loudness or meter.true_peak > ceiling:
                gain = meter.gain(ceiling)
                writer = write(spool.pairs(recording), gain)
        if not recording.frames_read:
            raise AudioError(f"{recording.name}: holds no samples")
        return Converted(gain, list(_notices(recording, encoding, meter, gain, writer, changes_mid, lossy)))


def _notices(
    recording: Recording,
    encoding: Encoding,
    meter: Meter,
    gain: Gain,
    writer: StereoWriter,
    changes_mid: bool,
    lossy: bool,
) -> Iterator[str]:
    if recording.channels == 2:
        yield recording.fold_down.notice
    yield from recording.notices
    if changes_mid:
        yield "this method changes the mid: the fold-down is not the input"
    elif lossy:
        codec = encoding.format if encoding.is_lossy else "its codec"
        yield f"{codec} is lossy: the fold-down is the input as far as the codec keeps it"
    peak_db = true_peak_db(meter.true_peak) + gain.db
    if encoding.bits is None and not lossy and peak_db > 0:
        yield f"true peak {peak_db:+.2f} dBTP, which floats hold and integers would not"
    if writer.cut_samples:
        yield f"the side of {writer.cut_samples} samples was cut back to fit; a lower --gain avoids it"

"""A mono recording on disk to a stereo one, in blocks, through one gain for the whole file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import numpy as np

from mono2stereo.conversion.ahead import ahead
from mono2stereo.conversion.fold_down import Channel
from mono2stereo.conversion.formats import Encoding, choose_encoding, target_kind, word_bits
from mono2stereo.conversion.gain import CEILING, LOSSY_CEILING, Gain, Meter, true_peak_db
from mono2stereo.conversion.reading import Recording
from mono2stereo.conversion.tag_reading import header_texts, read_tags
from mono2stereo.conversion.tags import carry_tags
from mono2stereo.conversion.writing import Dither, StereoWriter
from mono2stereo.decorrelators.base import Decorrelator, stages_of
from mono2stereo.dsp.signals import Signal
from mono2stereo.errors import AudioError
from mono2stereo.files import atomic_path
from mono2stereo.sounds.opening import open_source
from mono2stereo.sounds.source import Source


@dataclass(frozen=True)
class FileOptions:
    """How files are converted.

    Attributes:
        gain_db: The gain, in dB; None for the one that true peak and loudness ask for.
        match_loudness: Make the output as loud as the input (BS.1770, the input on both channels).
        from_left: Take the left channel of a stereo input, not its mid.
        from_right: Take the right one.
        keep_if_stereo: Copy a stereo input, do not convert it.
        samples: Sample format of the output, a key of `formats.SAMPLES`; None for the input's own.
        force: Overwrite existing files.
        dither: Of integers: the side always, the mid where its samples become shorter.
        preserve: Give the output the input's time of modification.
    """

    gain_db: float | None = None
    match_loudness: bool = False
    from_left: bool = False
    from_right: bool = False
    keep_if_stereo: bool = False
    samples: str | None = None
    force: bool = False
    dither: bool = True
    preserve: bool = False

    @property
    def channel(self) -> Channel:
        """Of a stereo input, where one is asked for.

        Raises:
            AudioError: Both are.
        """
        if self.from_left and self.from_right:
            raise AudioError("from_left and from_right: choose one")
        return "left" if self.from_left else "right" if self.from_right else ""


@dataclass
class Converted:
    """What was made of a file.

    Attributes:
        gain: (L+R)/2 is this times the input; None where the input was kept as it is.
        notices: What a person should know.
    """

    gain: Gain | None
    notices: list[str] = field(default_factory=list)


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
    require_free(source, target, force=options.force)
    with closing(open_source(source, name)) as stream, on_disk(stream, source) as file:
        return _convert_file(file, target, decorrelator, options, name)


def _convert_file(
    source: Path, target: Path, decorrelator: Decorrelator, options: FileOptions, name: str
) -> Converted:
    with Recording(source, name, channel=options.channel) as recording, atomic_path(target) as beside:
        if recording.channels == 2 and (options.keep_if_stereo or not options.channel):
            recording.listen()
            if options.keep_if_stereo and recording.fold_down.is_stereo:
                return _keep(recording, source, target, beside, options)
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
        done = _convert(recording, decorrelator, beside, encoding, options, texts=texts)
        done.notices += [notice for notice in [carry_tags(source, beside, tags, **kinds)] if notice]
        if options.preserve:
            _preserve(source, beside)
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
    return _convert(recording, decorrelator, target, encoding, options, texts=recording.texts)


@contextmanager
def on_disk(stream: Source, path: Path) -> Iterator[Path]:
    """The file itself, or what a pipe holds in a temporary one: only a file can be read twice.

    Args:
        stream: Its bytes; a pipe is read to its end.
        path: Of a file.
    """
    if stream.size is not None:
        yield path
        return
    with TemporaryDirectory() as folder:
        spooled = Path(folder) / "pipe"
        stream.forget()
        stream.seek(0)
        with spooled.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield spooled


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


def _keep(recording: Recording, source: Path, target: Path, beside: Path, options: FileOptions) -> Converted:
    if target_kind(target) != recording.kind:
        raise AudioError(f"{source}: is stereo and kept as it is, as {recording.kind}; name the output so")
    shutil.copyfile(source, beside)
    if options.preserve:
        _preserve(source, beside)
    return Converted(None, ["is stereo; copied as it is"])


def _convert(
    recording: Recording,
    decorrelator: Decorrelator,
    target: Path | int,
    encoding: Encoding,
    options: FileOptions,
    *,
    texts: dict[str, str],
) -> Converted:
    shorter = encoding.bits is not None and encoding.bits < word_bits(recording.encoding)
    dither: Dither = "none" if not options.dither else "both" if shorter else "side"
    precise = encoding.subtype in ("PCM_32", "DOUBLE")
    dtype: np.dtype[np.floating] = np.dtype("float64" if precise else "float32")
    with closing(_in_step(recording, decorrelator, dtype)) as made:
        meter = Meter(recording.sample_rate, loudness=options.match_loudness)
        changes_mid = decorrelator.changes_mid
        protected = encoding.subtype not in ("FLOAT", "DOUBLE")
        if options.gain_db is not None:
            gain, pairs = Gain(options.gain_db, "as asked"), _metered(made, meter)
        elif not (protected or options.match_loudness):
            gain, pairs = Gain(), _metered(made, meter)
        else:
            assert isinstance(target, Path)
            # The gain depends on the whole file, so the side waits on disk, beside the output.
            spool = _Spool(target.parent, dtype, columns=1 + changes_mid)
            for mid, side in _metered(made, meter):
                spool.write(side, *([mid] if changes_mid else []))
            ceiling = LOSSY_CEILING if encoding.is_lossy else CEILING
            gain, pairs = meter.gain(ceiling if protected else np.inf), spool.pairs(recording)
        with (
            StereoWriter(target, recording.sample_rate, encoding, gain, texts, dither) as writer,
            closing(ahead(pairs)) as ready,
        ):
            for mid, side in ready:
                writer.write(mid, side)
        if not recording.frames_read:
            raise AudioError(f"{recording.name}: holds no samples")
        return Converted(gain, list(_notices(recording, encoding, meter, gain, writer, changes_mid)))


def _in_step(
    recording: Recording, decorrelator: Decorrelator, dtype: np.dtype[np.floating]
) -> Generator[tuple[Signal, Signal, Signal]]:
    """What was read, the mid that is made of it and the side, block by block, (n,) each, latency undone."""
    rate = recording.sample_rate
    streams = [decorrelator.stream(rate)]
    if decorrelator.changes_mid:
        streams.append(decorrelator.fold_down_stream(rate))
    early = [stream.latency_samples for stream in streams]
    queues: list[Signal] = [np.zeros(0), *[np.zeros(0, dtype)] * len(streams)]
    blocks = _held(recording.mids(), max(early))
    made: Generator[tuple[Signal, Any]] = ((block, block.astype(dtype)) for block in blocks)
    for stage in stages_of(streams[0]):
        made = ahead(_through(stage, made))
    with closing(made):
        for block, side in made:
            fresh = [side, *(stream.process(block.astype(dtype)) for stream in streams[1:])]
            queues[0] = np.concatenate([queues[0], block])
            for index, out in enumerate(fresh):
                skipped = min(early[index], len(out))
                early[index] -= skipped
                queues[1 + index] = np.concatenate([queues[1 + index], out[skipped:]])
            ready = min(map(len, queues))
            source, side, *mid = (queue[:ready] for queue in queues)
            queues = [queue[ready:] for queue in queues]
            yield source, mid[0] if mid else source, side


def _held(blocks: Iterator[Signal], samples: int) -> Iterator[Signal]:
    """Blocks, and the last sample as often again as the last of the side is late."""
    last = np.zeros(1)
    for block in blocks:
        yield block
        last = block[-1:]
    yield np.repeat(last, samples)


def _through(
    stage: Callable[[Any], Any], items: Generator[tuple[Signal, Any]]
) -> Generator[tuple[Signal, Any]]:
    with closing(items):
        for block, made in items:
            yield block, stage(made)


def _metered(
    made: Generator[tuple[Signal, Signal, Signal]], meter: Meter
) -> Generator[tuple[Signal, Signal]]:
    for source, mid, side in made:
        meter.add(source, mid, side)
        yield mid, side


class _Spool:
    """Columns of samples in a nameless file, which vanishes with the process.

    Args:
        folder: On whose disk; where the output goes there must be room anyway.
        dtype: Of the samples.
        columns: Of each row.
    """

    def __init__(self, folder: Path, dtype: np.dtype[np.floating], columns: int) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115, closed when it is forgotten
        self._dtype, self._columns = dtype, columns

    def write(self, *columns: Signal) -> None:
        self._file.write(np.stack(columns, axis=1).tobytes())

    def pairs(self, recording: Recording) -> Generator[tuple[Signal, Signal]]:
        """Mid and side; the mid is read again where it is the recording's own."""
        self._file.seek(0)
        for block in recording.mids():
            data = self._file.read(self._dtype.itemsize * self._columns * len(block))
            rows = np.frombuffer(data, self._dtype).reshape(-1, self._columns)
            yield rows[:, 1] if self._columns > 1 else block, rows[:, 0]


def _notices(
    recording: Recording,
    encoding: Encoding,
    meter: Meter,
    gain: Gain,
    writer: StereoWriter,
    changes_mid: bool,
) -> Iterator[str]:
    if recording.channels == 2:
        yield recording.fold_down.notice
    yield from recording.notices
    if changes_mid:
        yield "this method changes the mid: the fold-down is not the input"
    elif encoding.is_lossy:
        yield f"{encoding.format} is lossy: the fold-down is the input as far as the codec keeps it"
    peak_db = true_peak_db(meter.true_peak) + gain.db
    if encoding.bits is None and not encoding.is_lossy and peak_db > 0:
        yield f"true peak {peak_db:+.2f} dBTP, which floats hold and integers would not"
    if writer.cut_samples:
        yield f"the side of {writer.cut_samples} samples was cut back to fit; a lower --gain avoids it"

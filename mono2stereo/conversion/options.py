"""How a file is converted, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mono2stereo.conversion.fold_down import Channel
from mono2stereo.conversion.gain import Gain
from mono2stereo.errors import AudioError


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
        track: Of several sound tracks, from 1 up; None for the first.
        add_track: Of a film: keep that track and put the stereo one behind the others.
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
    track: int | None = None
    add_track: bool = False

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

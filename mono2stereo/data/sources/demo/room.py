"""A shoebox room heard by two spaced microphones: early images, then a diffuse tail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import scipy
from numpy.typing import NDArray

from mono2stereo.data.sources.demo.pieces import Room
from mono2stereo.synthesis.instruments import SAMPLE_RATE

SPEED_OF_SOUND = 343.0
MAX_ORDER = 3
SINC_TAPS = 32
# Reverberation by band, relative to the room's, and the crossovers between the bands.
BAND_DECAYS = (1.2, 1.0, 0.8, 0.5)
BAND_EDGES_HZ = (250.0, 1000.0, 4000.0)

Signal = NDArray[np.float64]


def impulse_responses(room: Room, source: Signal, rng: np.random.Generator) -> NDArray[np.float32]:
    """float32 responses (2, samples) of the microphone pair to a source at (3,) metres.

    Images up to the third order after Allen & Berkley (J. Acoust. Soc. Am. 65, 1979) with fractional
    delays; then noise that decays faster the higher it is, as strong as the diffuse field is at the room's
    critical distance, and as coherent between the two microphones: sin(kd)/(kd).
    """
    size = np.asarray(room.size)
    middle = size * (0.5, 0.28, 0.0) + (0.0, 0.0, 1.8)
    offset = np.array([room.microphone_distance / 2, 0.0, 0.0])
    length = scipy.fft.next_fast_len(round(0.9 * room.reverberation_seconds * SAMPLE_RATE), real=True)
    volume = float(np.prod(size))
    area = 2 * float(size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    # Sabine's formula, for the share that a wall gives back.
    reflection = np.sqrt(max(1 - 0.161 * volume / (area * room.reverberation_seconds), 0.1))
    tail = _tail(room, length, rng) / critical_distance(room)
    responses = np.zeros((2, length), np.float32)
    for channel, microphone in enumerate((middle - offset, middle + offset)):
        early = _images(size, source, microphone, length)
        direct = np.linalg.norm(source - microphone) / SPEED_OF_SOUND * SAMPLE_RATE
        response = early[MAX_ORDER]
        for order in range(MAX_ORDER - 1, -1, -1):
            # Each wall takes some of the treble.
            response = early[order] + reflection * scipy.signal.lfilter([0.8], [1, -0.2], response)
        # The images thin out where the tail takes over.
        mixing = direct + 0.002 * np.sqrt(volume) * SAMPLE_RATE
        rise = np.clip((np.arange(length) - direct) / (mixing - direct), 0, 1)
        responses[channel] = response + rise * np.roll(tail[channel], int(direct)) * (
            np.arange(length) >= direct
        )
    return responses


def critical_distance(room: Room) -> float:
    """Where the direct sound is as strong as the reverberation, in metres."""
    return 0.057 * math.sqrt(math.prod(room.size) / room.reverberation_seconds)


def _images(size: Signal, source: Signal, microphone: Signal, length: int) -> Signal:
    """Mirror images by order, (MAX_ORDER + 1, length)."""
    per_axis = []
    for axis in range(3):
        options = []
        for n in range(-MAX_ORDER, MAX_ORDER + 1):
            # n reflections along this axis; odd counts mirror.
            position = n * size[axis] + (source[axis] if n % 2 == 0 else size[axis] - source[axis])
            options.append((abs(n), position - microphone[axis]))
        per_axis.append(options)
    images = [
        (x[0] + y[0] + z[0], np.sqrt(x[1] ** 2 + y[1] ** 2 + z[1] ** 2))
        for x, y, z in itertools.product(*per_axis)
        if x[0] + y[0] + z[0] <= MAX_ORDER
    ]
    order = np.array([image[0] for image in images])
    distance = np.array([image[1] for image in images])
    delay = distance / SPEED_OF_SOUND * SAMPLE_RATE
    keep = delay < length - SINC_TAPS
    order, distance, delay = order[keep], distance[keep], delay[keep]
    first = np.floor(delay).astype(int) - SINC_TAPS // 2 + 1
    taps = first[:, None] + np.arange(SINC_TAPS)
    offset = taps - delay[:, None]
    window = np.cos(np.pi * offset / (SINC_TAPS + 2)) ** 2
    responses = np.zeros((MAX_ORDER + 1, length))
    np.add.at(
        responses,
        (order[:, None], np.maximum(taps, 0)),
        np.sinc(offset) * window / distance[:, None],
    )
    return responses


def _tail(room: Room, length: int, rng: np.random.Generator) -> Signal:
    """Diffuse reverberation (2, length) of energy 1 in each channel, in the room's coherence."""
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    noise = scipy.fft.rfft(rng.standard_normal((2, length), np.float32))
    coherence = np.sinc(2 * frequency * room.microphone_distance / SPEED_OF_SOUND)
    angle = np.arcsin(np.clip(coherence, -1, 1)) / 2
    pair = np.stack(
        [
            np.cos(angle) * noise[0] + np.sin(angle) * noise[1],
            np.sin(angle) * noise[0] + np.cos(angle) * noise[1],
        ]
    )
    # Smooth power-complementary crossovers.
    above = [1 / (1 + (np.maximum(frequency, 1) / edge) ** -4) for edge in BAND_EDGES_HZ]
    shares = [1 - above[0], above[0] - above[1], above[1] - above[2], above[2]]
    seconds = np.arange(length) / SAMPLE_RATE
    tail = np.zeros((2, length))
    for share, decay in zip(shares, BAND_DECAYS, strict=True):
        fall = np.exp(-6.91 * seconds / (decay * room.reverberation_seconds))
        tail += scipy.fft.irfft(pair * np.sqrt(np.maximum(share, 0)), length) * fall
    energy = room.reverberation_seconds * SAMPLE_RATE / 13.8
    return tail / np.sqrt(energy)

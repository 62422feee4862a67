"""What held tones become: even in level, and without images."""

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from mono2stereo.losses.held_loss import HeldLoss

RATE = 22050


def test_held_tones_are_owed_the_mids_level_and_no_phase():
    """An all-pass costs nothing; half as much costs ln 2, over the range alone, and so does twice as much."""
    impulse, later = (np.eye(1, 4096, at, dtype=np.float32) for at in (100, 300))
    held = HeldLoss(sample_rate=RATE, range_hz=[60.0, 9000.0], tolerance_db=0.0, images_db=-60.0)
    tolerant = HeldLoss(sample_rate=RATE, range_hz=[60.0, 9000.0], tolerance_db=2.0, images_db=-60.0)
    first_order = scipy.signal.lfilter([-0.6, 1.0], [1.0, -0.6], later)
    bright = scipy.signal.lfilter(*scipy.signal.butter(8, 9800, "high", fs=RATE), later)
    for response, expected in (
        (-later, 0.0),
        (first_order, 0.0),
        (0.5 * later, np.log(2)),
        (2 * later, np.log(2)),
        (later + 3 * bright, 0.0),
    ):
        found = held(response=tf.constant(response, tf.float32), impulse=tf.constant(impulse))
        assert float(found) == pytest.approx(expected, abs=0.02)
    notched = held(response=tf.constant(later - impulse), impulse=tf.constant(impulse))
    assert float(notched) > 0.3
    for hz in np.geomspace(300, 3000, 12):  # as narrow as filters of 0.1 s can be
        narrow = scipy.signal.lfilter(*scipy.signal.iirnotch(hz, hz / 10, fs=RATE), later)
        found = held(response=tf.constant(narrow, tf.float32), impulse=tf.constant(impulse))
        assert float(found) > 0.5 * 10 / hz / np.log(90), hz
    for db, expected in ((-1.9, 0.0), (1.9, 0.0), (-3.0, 0.115)):
        found = tolerant(response=tf.constant(10 ** (db / 20) * later), impulse=tf.constant(impulse))
        assert float(found) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("images_db", "exceeds_db"), [(-70.0, 0.0), (-50.0, 10.0)])
def test_images_of_held_tones_cost_what_exceeds_the_limit(images_db, exceeds_db):
    """What differs between the places of impulses, all of which together are an all-pass."""
    impulse, later = (np.eye(1, 4096, at, dtype=np.float32) for at in (100, 300))
    held = HeldLoss(sample_rate=RATE, range_hz=[60.0, 9000.0], tolerance_db=0.0, images_db=-60.0)
    apart = 10 ** (images_db / 20) * np.roll(impulse, 50)
    turns = np.sqrt(2) * np.cos(2 * np.pi * np.arange(3) / 3)[:, None]
    found = held(response=tf.constant(later + turns * apart, tf.float32), impulse=tf.constant(impulse))
    assert float(found) == pytest.approx(exceeds_db * np.log(10) / 20, abs=1e-3)

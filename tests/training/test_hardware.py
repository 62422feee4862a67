from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from mono2stereo.dsp.stft import Stft
from mono2stereo.errors import TrainingError
from mono2stereo.losses.spectra import Spectra
from mono2stereo.models.discriminators import Discriminator
from mono2stereo.models.generators import GroupedConv1DGenerator
from mono2stereo.models.mid_to_side import MidToSide
from mono2stereo.training.gan import Gan
from mono2stereo.training.hardware import BFLOAT16_FLAGS, compute_in
from mono2stereo.training.optimizer import AdamW
from mono2stereo.training.step import GanStep

SHARED = """
import tensorflow as tf
from mono2stereo import parallel
parallel.usable_cores = lambda: 12
from mono2stereo.training import hardware
hardware.usable_cores = lambda: 12
hardware.share_cores()
print(tf.config.threading.get_intra_op_parallelism_threads(),
      tf.config.threading.get_inter_op_parallelism_threads())
"""


@pytest.fixture(autouse=True)
def float32_again():
    yield
    compute_in("float32")


def test_operations_share_the_cores():
    done = subprocess.run([sys.executable, "-c", SHARED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "12"]


def test_bfloat16_is_refused_in_one_line_where_the_cpu_lacks_it(tmp_path):
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu sse avx avx512f\n")
    for cpuinfo in (tmp_path / "cpuinfo", tmp_path / "missing"):
        with pytest.raises(TrainingError, match=r"train\.precision = bfloat16: .* use float32"):
            compute_in("bfloat16", cpuinfo=cpuinfo)


@pytest.mark.parametrize("gpus", [[], ["one"]])
def test_graphs_are_rewritten_beside_a_gpu_alone(gpus, monkeypatch):
    """On CPUs the first step would wait twice as long."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    compute_in("float32")
    assert tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"] == (not gpus)


def test_bfloat16_computes_in_it_and_float32_does_not():
    """The results of a product show in which precision it was made."""
    if not BFLOAT16_FLAGS & set(Path("/proc/cpuinfo").read_text().split()):
        with pytest.raises(TrainingError, match="use float32"):
            compute_in("bfloat16")
        return
    x = tf.random.stateless_normal((1, 64, 32), (1, 2))
    kernel = tf.random.stateless_normal((5, 32, 32), (3, 4))
    made = {}
    for precision in ("float32", "bfloat16"):
        compute_in(precision)
        made[precision] = tf.function(lambda: tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "VALID")))()
    difference = tf.reduce_max(tf.abs(made["float32"] - made["bfloat16"]) / tf.reduce_max(made["float32"]))
    assert 1e-5 < difference < 2e-2


def test_bfloat16_does_not_spread_from_discriminators_to_what_the_terms_measure():
    """A side rounded to bfloat16 has noise 55 dB below it in every quiet cell of the log-mel term."""
    fast = BFLOAT16_FLAGS & set(Path("/proc/cpuinfo").read_text().split())
    compute_in("bfloat16" if fast else "float32")
    generator = GroupedConv1DGenerator(n_bins=65, filters_per_bin=8, kernel_frames=40, use_bias=False)
    model = MidToSide(generator, stft=Stft(116, 58, 128), sample_rate=22050)

    def digits_beyond(*, estimate: Spectra, reference: Spectra) -> tf.Tensor:
        low = tf.bitwise.bitwise_and(tf.bitcast(estimate.waveform, tf.int32), 0xFFFF)  # what bfloat16 lacks
        return tf.reduce_max(tf.cast(low, tf.float32))

    gan = Gan(
        model=model,
        discriminator=Discriminator(width=0.0625, sees_mid=False),
        terms={"beyond": digits_beyond},
        weights={"adversarial": 1.0},
        generator_optimizer=AdamW(model.trainable_variables, learning_rate=1e-3),
        discriminator_optimizer=None,
        crop_samples=22000,
    )
    mid = tf.random.stateless_normal((2, 31900), (1, 2))
    assert GanStep(gan).measure(mid, mid[:, -22000:])["beyond"] > 0

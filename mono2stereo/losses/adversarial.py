"""Least-squares GAN losses, patch by patch, and feature matching; means over the eight branches.

HiFi-GAN (Kong et al. 2020), eqs. 1, 2 and 4, with means where it sums over branches, so that no value
depends on batch size, crop or number of branches.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

Outputs = Sequence[tuple[tf.Tensor, list[tf.Tensor]]]


def discriminator_loss(*, real: Outputs, fake: Outputs) -> tf.Tensor:
    """(D(real) - 1)² + D(fake)², mean over patches, batch and branches. Scalar; ½ where D answers ½."""
    per_branch = [
        tf.reduce_mean(tf.square(r - 1.0)) + tf.reduce_mean(tf.square(f))
        for (r, _), (f, _) in zip(real, fake, strict=True)
    ]
    return tf.add_n(per_branch) / len(per_branch)


def adversarial_loss(fake: Outputs) -> tf.Tensor:
    """(D(fake) - 1)², mean over patches, batch and branches. Squared before any mean is taken."""
    per_branch = [tf.reduce_mean(tf.square(logits - 1.0)) for logits, _ in fake]
    return tf.add_n(per_branch) / len(per_branch)


def feature_matching_loss(*, real: Outputs, fake: Outputs) -> tf.Tensor:
    """Mean |difference| of feature maps, over maps and branches. Real is the target: no gradient."""
    per_branch = []
    for (_, real_maps), (_, fake_maps) in zip(real, fake, strict=True):
        distances = [
            tf.reduce_mean(tf.abs(tf.stop_gradient(r) - f)) for r, f in zip(real_maps, fake_maps, strict=True)
        ]
        per_branch.append(tf.add_n(distances) / len(distances))
    return tf.add_n(per_branch) / len(per_branch)

"""The one place where loss terms meet their weights. Names are the ones under `loss:` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf


def weighted_sum(terms: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> tf.Tensor:
    """Σ weight · term over the terms with a weight above 0.

    Raises:
        ValueError: A weight above 0 names no term: it would be dropped in silence.
    """
    missing = [name for name, weight in weights.items() if weight and name not in terms]
    if missing:
        raise ValueError(f"loss weights without a term: {', '.join(missing)}; terms are {', '.join(terms)}")
    return tf.add_n([weights[name] * term for name, term in terms.items() if weights.get(name)])

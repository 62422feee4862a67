"""The loss terms between a generated side and its mid: any number, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import tensorflow as tf

from mono2stereo.losses.spectra import Spectra


class SignalTerm(Protocol):
    """A scalar, a mean over the batch: how far the estimate, a side, is from what the term asks of it."""

    def __call__(self, *, estimate: Spectra, reference: Spectra) -> tf.Tensor: ...


def signal_terms(terms: Mapping[str, SignalTerm], *, side: tf.Tensor, mid: tf.Tensor) -> dict[str, tf.Tensor]:
    """Each term's value for side and mid `(batch, samples)`, all from one set of spectra."""
    estimate, reference = Spectra(side), Spectra(mid)
    return {name: term(estimate=estimate, reference=reference) for name, term in terms.items()}

"""The impulse responses that a page gives a side its width with."""

from __future__ import annotations

import base64
import warnings
from dataclasses import replace

from mono2stereo.conversion.widening import Width, width_filters
from mono2stereo.model_card import ModelCard
from mono2stereo.studio.tab import Side


def responses(side: Side, width: Width, sample_rate: int) -> tuple[list[str | None], list[str]]:
    """Impulse responses as base64 of float32, at 0 dB: the page turns up and down; and notices."""
    if side.changes_mid:
        return [None, None], []
    card = ModelCard.loads(side.card) if side.card else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        filters = width_filters(card, replace(width, db=0.0), sample_rate)
    packed = [
        None if taps is None else base64.b64encode(taps.astype("<f4").tobytes()).decode() for taps in filters
    ]
    return packed, [str(each.message) for each in caught]

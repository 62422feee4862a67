"""Grouped one-dimensional convolutions that are quick on a CPU too; `(batch, time, channels)` in and out.

Inside, activations lie group-major and every shape is computed in its quickest formulation
(docs/decisions/grouped-convolution.md); nothing outside needs to know.
"""

from mono2stereo.models.grouped_conv.conv_layer import GroupedConv1D, Normalization
from mono2stereo.models.grouped_conv.conv_stack import outputs_in_turn

__all__ = ["GroupedConv1D", "Normalization", "outputs_in_turn"]

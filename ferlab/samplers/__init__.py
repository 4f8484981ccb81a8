"""Samplers: which negative center a triplet-center loss pushes from."""

from ferlab.samplers.negatives import (
    FullySynthesizedNegative,
    NearestNegative,
    NegativeCenterSampler,
    PredictedNegative,
    SelectionBatch,
    SemiSynthesizedNegative,
)

__all__ = [
    "FullySynthesizedNegative",
    "NearestNegative",
    "NegativeCenterSampler",
    "PredictedNegative",
    "SelectionBatch",
    "SemiSynthesizedNegative",
]

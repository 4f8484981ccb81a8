"""Samplers: which negative center a triplet-center loss pushes from, and which images make a batch."""

from ferlab.samplers.batches import ClassBalancedBatches, PerClassBatches, ShuffledBatches
from ferlab.samplers.negatives import (
    FullySynthesizedNegative,
    NearestNegative,
    NegativeCenterSampler,
    PredictedNegative,
    SelectionBatch,
    SemiSynthesizedNegative,
)

__all__ = [
    "ClassBalancedBatches",
    "FullySynthesizedNegative",
    "NearestNegative",
    "NegativeCenterSampler",
    "PerClassBatches",
    "PredictedNegative",
    "SelectionBatch",
    "SemiSynthesizedNegative",
    "ShuffledBatches",
]

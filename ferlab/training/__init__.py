"""Training: the methods table, the loop, the comparison."""

from ferlab.training.compare import CompareSettings, run_compare
from ferlab.training.loop import TrainResult, start_fabric, train
from ferlab.training.methods import ALL_METHODS, DEFAULT_METHODS, METHODS, Method, build_loss, get_method
from ferlab.training.settings import TrainSettings

__all__ = [
    "ALL_METHODS",
    "DEFAULT_METHODS",
    "METHODS",
    "CompareSettings",
    "Method",
    "TrainResult",
    "TrainSettings",
    "build_loss",
    "get_method",
    "run_compare",
    "start_fabric",
    "train",
]

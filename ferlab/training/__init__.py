"""Training: the loop, its settings, its checkpoints."""

from ferlab.training.loop import TrainResult, start_fabric, train
from ferlab.training.settings import TrainSettings

__all__ = ["TrainResult", "TrainSettings", "start_fabric", "train"]

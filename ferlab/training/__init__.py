"""Training: the loop, its settings, its checkpoints. It knows no figures and no reports."""

from ferlab.settings import TrainSettings
from ferlab.training.devices import start_fabric
from ferlab.training.loop import TrainResult, epochs_before_metric_loss, train

__all__ = ["TrainResult", "TrainSettings", "epochs_before_metric_loss", "start_fabric", "train"]

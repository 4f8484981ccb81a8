"""Everything that changes during a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ferlab.errors import FerlabError
from ferlab.models import ExpressionNetwork
from ferlab.training.checkpoints import load_newest_checkpoint, save_checkpoint

# What a checkpoint's state holds beside objective, optimizer and schedule, in the order in which it is taken up.
REMAINING = ("precision", "generator", "torch_random", "cuda_random", "history", "best_epoch", "best_weights")
NEEDED = {"epoch", "seconds", "validation_accuracy", "validation_balanced_accuracy"}  # in every row of the history


class TrainingState:
    """Everything that changes during a training: what a checkpoint must hold.

    Args:
        network, objective, optimizer, schedule: of the training.
        generator: of batches and augmentation.
        fabric: says which process writes.
        first_candidate: the first epoch, counted from 1, that may be the best.
    """

    def __init__(
        self,
        network: ExpressionNetwork,
        objective: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        generator: torch.Generator,
        fabric: Fabric,
        first_candidate: int,
    ) -> None:
        self.parts: dict[str, Any] = {"objective": objective, "optimizer": optimizer, "schedule": schedule}
        self.network = network
        self.generator = generator
        self.fabric = fabric
        self.first_candidate = first_candidate
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self.best_weights: dict[str, Tensor] = {}  # only kept with early stopping

    def add(self, row: dict[str, float], keep_best: bool) -> None:
        """Take up an epoch's row of the history; with ``keep_best`` also the weights, where it is the best so far."""
        candidates = self.history[self.first_candidate - 1 :]
        best = max((old["validation_balanced_accuracy"] for old in candidates), default=-1.0)
        self.history.append(row)
        if keep_best and len(self.history) >= self.first_candidate and row["validation_balanced_accuracy"] > best:
            self.best_epoch = len(self.history)
            self.best_weights = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    def is_over(self, patience: int) -> bool:
        """Whether the best epoch lies ``patience`` epochs back; never with 0."""
        return self.best_epoch > 0 and 0 < patience <= len(self.history) - self.best_epoch

    def save(self, folder: Path) -> None:
        """Write the checkpoint of the last epoch; the first process does, the others wait for it."""
        if self.fabric.is_global_zero:
            state = {name: part.state_dict() for name, part in self.parts.items()} | {
                "precision": self.fabric.strategy.precision.state_dict(),  # the loss scale of fp16
                "generator": self.generator.get_state(),
                "torch_random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                "history": self.history,
                "best_epoch": self.best_epoch,
                "best_weights": self.best_weights,
            }
            save_checkpoint(folder, len(self.history), self.network.state_dict(), state)
        self.fabric.barrier()

    def resume(self, folder: Path) -> None:
        """Go on from the newest checkpoint in ``folder``, if there is one.

        Raises:
            FerlabError: it is whole, but not of this training; the sentence names the file and its part.
        """
        found = load_newest_checkpoint(folder)
        if found is None:
            return
        path, weights, state = found
        part = "model.safetensors"
        try:
            _check_weights(weights, self.network)
            self.network.load_state_dict(weights)
            part = "state.pt"
            for name in (*self.parts, *REMAINING):
                part = f"the part {name} of state.pt"
                self._restore(name, state[name], path)
        # A state can be anything that torch reads, so what fails on it can be anything too.
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            raise FerlabError(
                f"The checkpoint {path} is not one of this training, in {part} ({said}): delete {folder} to begin this "
                "training anew."
            ) from error

    def _restore(self, name: str, value: Any, path: Path) -> None:
        """Take up one part of a checkpoint's state; whatever error is raised says that it is none of this training."""
        if name in self.parts:
            self.parts[name].load_state_dict(value)
            if name == "optimizer":
                _check_optimizer(self.parts[name])
        elif name == "precision":
            self.fabric.strategy.precision.load_state_dict(value)
        elif name == "generator":
            self.generator.set_state(value)
        elif name == "torch_random":
            torch.set_rng_state(value)
        elif name == "cuda_random":
            if value and len(value) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(value)
        elif name == "history":
            self.history = _checked_history(value, epochs=int(path.name.removeprefix("epoch_")))
        elif name == "best_epoch":
            if type(value) is not int or not 0 <= value <= len(self.history):
                raise ValueError(f"{value!r} is no epoch of its history")
            self.best_epoch = value
        elif name == "best_weights":
            if value:
                _check_weights(value, self.network)
            self.best_weights = dict(value)


def _check_weights(weights: dict[str, Tensor], network: torch.nn.Module) -> None:
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != wanted:
        raise ValueError("it holds another network")


def _check_optimizer(optimizer: Any) -> None:
    """What an optimizer remembers of a weight has the weight's shape, or is one number."""
    for weight, remembered in optimizer.state.items():
        for name, value in remembered.items():
            if isinstance(value, Tensor) and value.numel() > 1 and value.shape != weight.shape:
                raise ValueError(f"{name} is of shape {tuple(value.shape)} for a weight of {tuple(weight.shape)}")


def _checked_history(rows: Any, *, epochs: int) -> list[dict[str, float]]:
    """The rows of an epoch each, counted from 1."""
    if not isinstance(rows, list) or len(rows) != epochs:
        raise ValueError(f"it is not a list of {epochs} epochs")
    for place, row in enumerate(rows, start=1):
        numbers = isinstance(row, dict) and all(
            isinstance(name, str) and type(value) in (int, float) for name, value in row.items()
        )
        if not numbers or not row.keys() >= NEEDED or row["epoch"] != place:
            raise ValueError(f"its row {place} is not that of epoch {place}")
    return rows

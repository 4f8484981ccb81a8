"""Everything that changes during a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ferlab.models import ExpressionNetwork
from ferlab.training.checkpoints import load_newest_checkpoint, save_checkpoint


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
        """Go on from the newest checkpoint in ``folder``, if there is one."""
        found = load_newest_checkpoint(folder)
        if found is None:
            return
        weights, state = found
        self.network.load_state_dict(weights)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_random"])
        if state["cuda_random"] and len(state["cuda_random"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda_random"])
        self.history, self.best_epoch, self.best_weights = (
            state[name] for name in ("history", "best_epoch", "best_weights")
        )

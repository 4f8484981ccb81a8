"""A running confusion matrix over the most recent predictions."""

from __future__ import annotations

import torch
from torch import Tensor

from ferlab.arguments import check_count
from ferlab.losses.checks import check_labels


class RunningConfusion(torch.nn.Module):
    """Row-normalised confusion matrix of the last ``window`` training predictions (Ad-Corre, section III-B).

    The state is two buffers, so that a checkpoint of the loss holds it.

    Args:
        num_classes: K, how many classes there are.
        window: number of predictions remembered.

    Example:
        >>> confusion = RunningConfusion(num_classes=2, window=4)
        >>> confusion.update(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]))
        >>> confusion.matrix().tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """

    codes: Tensor
    next_slot: Tensor

    def __init__(self, num_classes: int, window: int = 1000) -> None:
        super().__init__()
        self.num_classes = check_count(num_classes, "num_classes")
        self.window = window = check_count(window, "window")
        # One code (label * K + prediction) a slot; -1 marks an empty slot.
        self.register_buffer("codes", torch.full((window,), -1, dtype=torch.long))
        self.register_buffer("next_slot", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, labels: Tensor, predictions: Tensor) -> None:
        """Remember predictions (B,) for labels (B,); the oldest are forgotten.

        Raises:
            ValueError: labels or predictions that are no class indices.
        """
        labels = check_labels(labels, len(labels), self.num_classes)
        predictions = check_labels(predictions, len(labels), self.num_classes, "predictions")
        codes = (labels * self.num_classes + predictions)[-self.window :].to(self.codes.device)
        slots = (self.next_slot + torch.arange(len(codes), device=codes.device)) % self.window
        self.codes[slots] = codes
        self.next_slot.copy_((self.next_slot + len(codes)) % self.window)

    def matrix(self) -> Tensor:
        """(K, K), rows are true classes and sum to one. A class not seen yet has a one on its diagonal."""
        counts = torch.bincount(self.codes[self.codes >= 0], minlength=self.num_classes**2)
        counts = counts.view(self.num_classes, self.num_classes).float()
        totals = counts.sum(dim=1, keepdim=True)
        unseen = torch.eye(self.num_classes, device=counts.device)
        return torch.where(totals > 0, counts / totals.clamp_min(1), unseen)

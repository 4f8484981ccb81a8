"""Batch samplers: which images make a batch, when classes are far from balanced.

Each is an iterable of lists of image indices, one epoch an iteration, and so fits ``DataLoader(batch_sampler=...)``.
All random numbers come from the generator given, so that a run repeats. (``pytorch_metric_learning``'s
``MPerClassSampler`` draws from NumPy's global state and takes a label set's classes evenly over a fixed length; here an
epoch has as many batches as the data set.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ferlab.arguments import check_count


def _class_indices(labels: Any) -> torch.Tensor:
    """Labels (N,) as a tensor.

    Raises:
        ValueError: they are no whole numbers from 0 on, one an image.
    """
    given = labels.detach().cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)
    if given.ndim != 1 or (given.dtype.kind not in "iu" and given.size) or (given.size and given.min() < 0):
        lowest = f" with values from {given.min():g} on" if given.dtype.kind in "iuf" and given.size else ""
        raise ValueError(
            "labels must be class indices, whole numbers from 0 on, one an image, but are of type "
            f"{given.dtype} and shape {given.shape}{lowest}."
        )
    return torch.from_numpy(given.astype(np.int64))


class ShuffledBatches:
    """Every image at most once an epoch, in random order; the rest that does not fill a batch is left out.

    Args:
        labels: (N,) class indices, whole numbers from 0 on.
        batch_size: images a batch, at most N.
        generator: random numbers.

    Example:
        >>> batches = ShuffledBatches(np.array([0, 0, 0, 1, 1]), 2, torch.Generator().manual_seed(0))
        >>> [len(batch) for batch in batches]
        [2, 2]
    """

    def __init__(self, labels: np.ndarray, batch_size: int, generator: torch.Generator) -> None:
        self.labels = _class_indices(labels)
        batch_size = check_count(batch_size, "batch_size", least=None)
        if not 1 <= batch_size <= len(self.labels):
            raise ValueError(
                f"batch_size must lie in 1..{len(self.labels)}, the number of images, but is {batch_size}."
            )
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        return len(self.labels) // self.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(len(self.labels), generator=self.generator)
        for batch in order[: len(self) * self.batch_size].view(len(self), -1):
            yield batch.tolist()


class ClassBalancedBatches(ShuffledBatches):
    """Every class equally likely at every place of a batch; images are drawn with replacement.

    A rare class is seen as often as a common one, its images repeatedly.
    """

    def __iter__(self) -> Iterator[list[int]]:
        # Not by bincount, which takes memory for the largest label, whatever it is.
        _, places, counts = self.labels.unique(return_inverse=True, return_counts=True)
        weights = 1.0 / counts[places].double()
        for _ in range(len(self)):
            yield torch.multinomial(weights, self.batch_size, replacement=True, generator=self.generator).tolist()


class PerClassBatches(ShuffledBatches):
    """P classes x M images: exactly ``per_class`` images of each of ``batch_size / per_class`` classes in every batch.

    Every image of a batch has positives and negatives beside it, also under imbalance. The classes of a batch are drawn
    without replacement; a class's images are dealt from a shuffled pile that is shuffled anew when it runs out, so they
    are distinct within a batch unless the class is smaller than ``per_class``.

    Args:
        labels: (N,) class indices.
        batch_size: a multiple of ``per_class``, for at most as many classes as there are.
        generator: random numbers.
        per_class: M, how many images of a class.
    """

    def __init__(self, labels: np.ndarray, batch_size: int, generator: torch.Generator, per_class: int = 4) -> None:
        super().__init__(labels, batch_size, generator)
        self.per_class = per_class = check_count(per_class, "per_class")
        self.classes = self.labels.unique()
        if batch_size % per_class or batch_size // per_class > len(self.classes):
            raise ValueError(
                f"batch_size must be a multiple of per_class ({per_class}) and at most {per_class} x "
                f"{len(self.classes)} classes, but is {batch_size}."
            )

    def __iter__(self) -> Iterator[list[int]]:
        members = {int(c): torch.nonzero(self.labels == c).flatten() for c in self.classes}
        piles: dict[int, list[int]] = {c: [] for c in members}
        for _ in range(len(self)):
            chosen = torch.randperm(len(self.classes), generator=self.generator)[: self.batch_size // self.per_class]
            batch: list[int] = []
            for c in self.classes[chosen].tolist():
                hand: list[int] = []
                while len(hand) < self.per_class:
                    if not piles[c]:
                        order = torch.randperm(len(members[c]), generator=self.generator)
                        pile = members[c][order].tolist()
                        # What is in the hand already goes to the bottom of the new pile.
                        piles[c] = [i for i in pile if i in hand] + [i for i in pile if i not in hand]
                    hand.append(piles[c].pop())
                batch += hand
            yield batch

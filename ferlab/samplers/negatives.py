"""Negative-center samplers of Triplet-Center Loss: which center should an embedding be pushed from?

A sampler is an object with one method, ``select(batch)``, that answers with center *indices*: shape
(B,) to take whole centers, or (B, D) to take every dimension's entry from a center of its own (a
synthesized negative). Selection sees no gradient; the loss gathers the chosen entries from the centers,
so the gradient reaches exactly these.

The TCL paper (Rajoli et al., CISS 2023, arXiv:2302.04108) names its strategies without defining them; the
definitions here are this project's reading of it. They form one family: ``candidates=1`` is the nearest
negative, ``candidates=K-1`` the fully-synthesized one, and the distance to the negative never grows with
the number of candidates.

A new sampler takes a few lines:

>>> class FarthestNegative:
...     def select(self, batch):
...         return batch.distances.masked_fill(batch.own_class, -torch.inf).argmax(dim=1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ferlab.arguments import check_count


@dataclass(frozen=True)
class SelectionBatch:
    """What a negative-center sampler may look at; no tensor carries a gradient, and all are copies.

    Attributes:
        embeddings: (B, D).
        labels: (B,), class indices 0..K-1.
        centers: (K, D).
        logits: (B, K), or None when the loss was given none.
        measure: gives the (B, K) distances; called at the first use of ``distances``.
    """

    embeddings: Tensor
    labels: Tensor
    centers: Tensor
    logits: Tensor | None
    measure: Callable[[], Tensor]

    @cached_property
    def own_class(self) -> Tensor:
        """(B, K) bool: True where the center is the embedding's own class."""
        return self.labels[:, None] == torch.arange(len(self.centers), device=self.labels.device)

    @property
    def some_other_class(self) -> Tensor:
        """(B,) a class that is not the embedding's own: the answer where every gap overflows."""
        return (self.labels + 1) % len(self.centers)

    @cached_property
    def distances(self) -> Tensor:
        """(B, K) distances to every center, as the loss measures them (similarities negated); the own class is +inf."""
        measured = self.measure()
        # Distances that overflow must not tie with the own class.
        return measured.clamp_max(torch.finfo(measured.dtype).max).masked_fill(self.own_class, torch.inf)


class NegativeCenterSampler(Protocol):
    """Anything with a ``select`` method."""

    def select(self, batch: SelectionBatch) -> Tensor:
        """Center indices, int64, of shape (B,) or (B, D), never the own class."""
        ...


@dataclass(frozen=True)
class NearestNegative:
    """The other-class center nearest to the embedding (He et al., CVPR 2018, eq. 6)."""

    def select(self, batch: SelectionBatch) -> Tensor:
        return batch.distances.argmin(dim=1)


@dataclass(frozen=True)
class FullySynthesizedNegative:
    """Dimension by dimension, the entry of the other-class center closest to the embedding's entry.

    No (B, K, D) tensor is formed: each dimension's centers are sorted once and a binary search finds the
    entry's neighbors. The own class can hide at most one of two neighbors on either side, so looking at
    two to the left and two to the right is exact. O((K + B) D log K) time, O((K + B) D) memory.
    """

    def select(self, batch: SelectionBatch) -> Tensor:
        values, order = batch.centers.t().contiguous().sort(dim=1)  # (D, K) each
        entries = batch.embeddings.t().contiguous()  # (D, B)
        position = torch.searchsorted(values, entries)
        best_gap = torch.full_like(entries, torch.inf)
        best_class = batch.some_other_class.expand_as(position)
        for offset in (-2, -1, 0, 1):
            neighbor = (position + offset).clamp(0, values.shape[1] - 1)
            center_class = order.gather(1, neighbor)
            gap = (values.gather(1, neighbor) - entries).abs()
            better = (center_class != batch.labels) & (gap < best_gap)
            best_gap = torch.where(better, gap, best_gap)
            best_class = torch.where(better, center_class, best_class)
        return best_class.t()


@dataclass(frozen=True)
class SemiSynthesizedNegative:
    """As fully-synthesized, but only among the ``candidates`` other-class centers nearest to the embedding.

    Args:
        candidates: number of nearest other-class centers to take entries from; 1 is
            :class:`NearestNegative`, K-1 or more is :class:`FullySynthesizedNegative`.
    """

    candidates: int = 2

    def __post_init__(self) -> None:
        check_count(self.candidates, "candidates")

    def select(self, batch: SelectionBatch) -> Tensor:
        if self.candidates >= len(batch.centers) - 1:
            return FullySynthesizedNegative().select(batch)
        distances = batch.distances.clone()
        best_gap = torch.full_like(batch.embeddings, torch.inf)
        best_class = batch.some_other_class[:, None].expand_as(best_gap)
        # One candidate at a time, so that memory stays at (B, K + D) however many there are. Among tied centers the
        # first is nearest, so that the candidates of a smaller number are always among those of a larger one.
        for _ in range(self.candidates):
            candidate = distances.argmin(dim=1, keepdim=True)
            distances.scatter_(1, candidate, torch.inf)
            gap = (batch.centers[candidate[:, 0]] - batch.embeddings).abs()
            better = gap < best_gap
            best_gap = torch.where(better, gap, best_gap)
            best_class = torch.where(better, candidate, best_class)
        return best_class


@dataclass(frozen=True)
class PredictedNegative:
    """The center of the wrong class with the largest logit: the class the model confuses the face with.

    Raises:
        ValueError: from ``select``, when the loss was given no logits.
    """

    takes_logits: ClassVar[bool] = True

    def select(self, batch: SelectionBatch) -> Tensor:
        if batch.logits is None:
            raise ValueError("logits must be given for PredictedNegative: shape (B, K), the classifier's output.")
        return batch.logits.masked_fill(batch.own_class, -torch.inf).argmax(dim=1)

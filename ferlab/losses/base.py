"""What the lab asks of a metric loss besides its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor


class MetricLoss(torch.nn.Module):
    """A loss over embeddings that tells for itself what a training and its pictures need to know.

    Mixed into the losses of ferlab; :class:`~ferlab.losses.PmlLoss` gives the same to any embedding loss of
    ``pytorch_metric_learning``. A new loss defines ``forward`` and says what differs from the defaults here; then it
    trains, is searched, drawn and reported without a line elsewhere, but for its row in :mod:`ferlab.methods`.

    Attributes:
        takes_logits: whether ``forward`` reads ``logits`` (B, K).
        takes_element_weights: whether ``forward`` reads ``element_weights`` (B, D), of the attention module.
        takes_heads: whether ``forward`` wants one vector a head, (B, k, D), instead of one embedding, (B, D).
        starts_from_faces: whether :meth:`start_from` does anything.
        part_labels: the terms that the loss is made of, name -> words for people.
        measure_labels: what the loss asks for, name in :meth:`measures` -> words for people.
        wants_more: those of them that it pulls up; it pulls the others down.

    Example:
        >>> class Shrink(MetricLoss):
        ...     part_labels = {"length": "mean squared length"}
        ...
        ...     def forward(self, embeddings, labels):
        ...         value = embeddings.square().sum(dim=1).mean()
        ...         self.parts = {"length": value.detach()}
        ...         return value
        >>> shrink = Shrink()
        >>> shrink(torch.ones(4, 3), torch.arange(4)), shrink.parts
        (tensor(3.), {'length': tensor(3.)})
    """

    takes_logits: ClassVar[bool] = False
    takes_element_weights: ClassVar[bool] = False
    takes_heads: ClassVar[bool] = False
    starts_from_faces: ClassVar[bool] = False
    part_labels: Mapping[str, str] = {}
    measure_labels: Mapping[str, str] = {}
    wants_more: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts: dict[str, Tensor] = {}  # the terms of the last call by name, detached, before their weights

    @classmethod
    def for_method(cls, num_classes: int, embedding_size: int, **options: Any) -> Self:
        """The loss as a method of the comparison builds it; ``options`` mean the same at every D.

        Args:
            num_classes: K.
            embedding_size: D.
            **options: of the method's row in :mod:`ferlab.methods`.
        """
        return cls(num_classes, embedding_size, **options)

    @property
    def unit(self) -> float:
        """What a method's weight of 1 multiplies the loss by, so that a weight means the same at every D."""
        return 1.0

    @property
    def learning_rate_factor(self) -> float:
        """By how much SGD's rate for the loss's own parameters exceeds the network's."""
        return 1.0

    def part_weights(self) -> dict[str, float]:
        """What every part counts in the loss's value."""
        return dict.fromkeys(self.part_labels, 1.0)

    def start_from(self, embeddings: Tensor, labels: Tensor) -> None:
        """Get ready before the first step, from what the network shows by then; by default there is nothing to do.

        Args:
            embeddings: (N, D) or (N, k, D), for example of the whole training split.
            labels: (N,).
        """

    def measures(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> dict[str, float]:
        """What the loss asks for, measured on any faces; the names are those of ``measure_labels``.

        To measure a space that was trained without this loss, call :meth:`start_from` with its training faces first.

        Args:
            embeddings: (N, D) or (N, k, D).
            labels: (N,).
            logits: (N, K), for a loss that reads them.
        """
        return {}

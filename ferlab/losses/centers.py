"""Learnable class centers, shared by center loss and triplet-center loss."""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses import BaseMetricLossFunction
from torch import Tensor

from ferlab.losses.checks import check_embeddings, check_labels


class ClassCenters(BaseMetricLossFunction):
    """Base of the losses with one center a class.

    The centers are an ordinary parameter, so that an optimiser with parameter groups can give them a learning rate
    of their own::

        torch.optim.SGD([{"params": network.parameters()}, {"params": loss.parameters(), "lr": 0.5}], lr=0.1)

    Args:
        num_classes: K, at least 2.
        embedding_size: D.
        **kwargs: ``distance``, ``reducer``, ``embedding_regularizer``, ... of ``BaseMetricLossFunction``.

    Attributes:
        centers: parameter (K, D), initialised from a standard normal distribution scaled by 1/sqrt(D).
    """

    def __init__(self, num_classes: int, embedding_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        if num_classes < 2:
            raise ValueError(f"num_classes must be at least 2, but is {num_classes}.")
        if embedding_size < 1:
            raise ValueError(f"embedding_size must be at least 1, but is {embedding_size}.")
        self.num_classes = num_classes
        self.embedding_size = embedding_size
        self.centers = torch.nn.Parameter(torch.randn(num_classes, embedding_size) / embedding_size**0.5)
        self.add_to_recordable_attributes(list_of_names=["num_classes"], is_stat=False)

    @torch.no_grad()
    def set_centers(self, embeddings: Tensor, labels: Tensor) -> None:
        """Put every center on the mean of its class; a class that is absent keeps its center.

        Args:
            embeddings: (N, D), for example of the whole training split.
            labels: (N,).

        Raises:
            ValueError: wrong shapes, labels out of range, NaN.
        """
        check_embeddings(embeddings, ("N", self.embedding_size))
        check_labels(labels, len(embeddings), self.num_classes)
        embeddings = embeddings.to(self.centers)
        sums = torch.zeros_like(self.centers).index_add_(0, labels, embeddings)
        counts = torch.bincount(labels, minlength=self.num_classes)
        present = counts > 0
        self.centers[present] = sums[present] / counts[present, None]

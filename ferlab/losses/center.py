"""Center loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ferlab.losses.centers import ClassCenters
from ferlab.losses.distances import row_distances


class CenterLoss(ClassCenters):
    """Half the squared distance of every embedding to its class center.

    ``L = mean_i 1/2 ||f_i - C[y_i]||^2`` (Wen et al., *A Discriminative Feature Learning Approach for Deep Face
    Recognition*, ECCV 2016, eq. 2, with the batch's sum as a mean). The centers learn by gradient descent. Called as
    :class:`~ferlab.losses.TripletCenterLoss` is; logits play no part.

    Args:
        num_classes: K, how many classes there are.
        embedding_size: D, how many numbers an embedding has.
        **kwargs: ``center_momentum``, see :class:`~ferlab.losses.centers.ClassCenters`; and those of
            ``BaseMetricLossFunction``. The distance is the squared Euclidean one by default.

    Example:
        >>> import torch
        >>> loss = CenterLoss(num_classes=7, embedding_size=16)
        >>> loss(torch.randn(8, 16), torch.arange(8) % 7).shape
        torch.Size([])
    """

    part_labels = {"center": "center loss"}
    measure_labels = {"own_distance": "squared distance to the own center, divided by D"}

    def __init__(self, num_classes: int, embedding_size: int, **kwargs: Any) -> None:
        super().__init__(num_classes, embedding_size, **kwargs)
        if self.distance.is_inverted:
            raise ValueError("distance must grow with dissimilarity for CenterLoss; give an LpDistance.")

    def sample_losses(
        self, embeddings: Tensor, labels: Tensor, centers: Tensor, logits: Tensor | None, weights: Tensor | None
    ) -> Tensor:
        return row_distances(self.distance, embeddings, centers[labels], weights) / 2

    @torch.no_grad()
    def measures(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> dict[str, float]:
        """``own_distance``: mean distance of an embedding (N, D) to its class center, divided by D."""
        own = row_distances(self.distance, embeddings, self.centers.to(embeddings)[labels], weights=None)
        return {"own_distance": float(own.mean() * self.unit)}

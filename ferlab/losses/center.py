"""Center loss."""

from __future__ import annotations

import torch
from pytorch_metric_learning.distances import LpDistance
from torch import Tensor

from ferlab.losses.centers import ClassCenters
from ferlab.losses.checks import check_embeddings, check_labels, widen
from ferlab.losses.distances import check_distance, row_distances


class CenterLoss(ClassCenters):
    """Half the squared distance of every embedding to its class center.

    ``L = mean_i 1/2 ||f_i - C[y_i]||^2`` (Wen et al., *A Discriminative Feature Learning Approach for Deep Face
    Recognition*, ECCV 2016, eq. 2, with the batch's sum as a mean). The centers learn by gradient descent.

    Args:
        num_classes: K.
        embedding_size: D.
        **kwargs: see ``BaseMetricLossFunction``; the distance is the squared Euclidean one by default.

    Example:
        >>> import torch
        >>> loss = CenterLoss(num_classes=7, embedding_size=16)
        >>> loss(torch.randn(8, 16), torch.arange(8) % 7).shape
        torch.Size([])
    """

    def __init__(self, num_classes: int, embedding_size: int, **kwargs) -> None:
        super().__init__(num_classes, embedding_size, **kwargs)
        check_distance(self.distance)
        if self.distance.is_inverted:
            raise ValueError("distance must grow with dissimilarity for CenterLoss; give an LpDistance.")

    def forward(self, embeddings: Tensor, labels: Tensor, element_weights: Tensor | None = None) -> Tensor:
        """The reduced loss.

        Args:
            embeddings: (B, D).
            labels: (B,), 0..K-1.
            element_weights: (B, D), a weight on every squared difference, or None.

        Raises:
            ValueError: wrong shapes, labels out of range, NaN.
        """
        check_embeddings(embeddings, ("B", self.embedding_size))
        check_labels(labels, len(embeddings), self.num_classes)
        if element_weights is not None:
            check_embeddings(element_weights, tuple(embeddings.shape), "element_weights")
        self.reset_stats()
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = widen(embeddings)
            own = self.centers.to(embeddings.dtype)[labels]
            losses = row_distances(self.distance, embeddings, own, widen(element_weights)) / 2
            loss_dict = {
                "loss": {
                    "losses": losses,
                    "indices": torch.arange(len(losses), device=losses.device),
                    "reduction_type": "element",
                }
            }
            self.add_embedding_regularization_to_loss_dict(loss_dict, embeddings)
            return self.reducer(loss_dict, embeddings, labels)

    def get_default_distance(self) -> LpDistance:
        return LpDistance(normalize_embeddings=False, power=2)

"""Triplet-Center Loss."""

from __future__ import annotations

import torch
from pytorch_metric_learning.distances import LpDistance
from torch import Tensor

from ferlab.losses.centers import ClassCenters
from ferlab.losses.checks import check_embeddings, check_labels, widen
from ferlab.losses.distances import center_distances, check_distance, row_distances
from ferlab.samplers import NearestNegative, NegativeCenterSampler, SelectionBatch


class TripletCenterLoss(ClassCenters):
    """Every embedding nearer to its own class center than to a negative center, by a margin.

    ``L = mean_i max(0, d(f_i, C[y_i]) + m - d(f_i, n_i))`` with ``d`` the squared Euclidean distance (He et al.,
    *Triplet-Center Loss for Multi-View 3D Object Retrieval*, CVPR 2018, eq. 6, with the batch's sum as a mean). The
    negative ``n_i`` is chosen by ``negatives``: the nearest center, or one of the strategies named in Rajoli et al.,
    *Triplet Loss-less Center Loss Sampling Strategies in Facial Expression Recognition Scenarios*, CISS 2023
    (arXiv:2302.04108), see :mod:`ferlab.samplers`. The choice has no gradient; its value has.

    The squared distance grows with D. For a margin that means the same at every D, use ``margin=m * D`` and divide the
    loss's weight by D: that is the loss with d / D.

    Args:
        num_classes: K.
        embedding_size: D.
        margin: m, in units of ``d``.
        negatives: a negative-center sampler; :class:`~ferlab.samplers.NearestNegative` by default.
        **kwargs: ``distance``, ``reducer``, ... of ``BaseMetricLossFunction``. The distance may be an ``LpDistance``,
            ``CosineSimilarity`` or ``DotProductSimilarity``.

    Attributes:
        centers: parameter (K, D); see :meth:`set_centers`.

    Example:
        >>> import torch
        >>> from ferlab.samplers import FullySynthesizedNegative
        >>> tcl = TripletCenterLoss(num_classes=7, embedding_size=128, margin=1.0, negatives=FullySynthesizedNegative())
        >>> tcl(torch.randn(32, 128), torch.arange(32) % 7).shape
        torch.Size([])
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        margin: float = 1.0,
        negatives: NegativeCenterSampler | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_classes, embedding_size, **kwargs)
        check_distance(self.distance)
        self.margin = margin
        self.negatives = NearestNegative() if negatives is None else negatives
        self.add_to_recordable_attributes(list_of_names=["margin"], is_stat=False)

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        logits: Tensor | None = None,
        element_weights: Tensor | None = None,
        ref_labels: None = None,
    ) -> Tensor:
        """The reduced loss: a scalar with the default reducer.

        Args:
            embeddings: (B, D).
            labels: (B,), 0..K-1.
            logits: (B, K), read by :class:`~ferlab.samplers.PredictedNegative` only.
            element_weights: (B, D), a weight on every squared difference (from the attention module), or None.
            ref_labels: always None; there so that ``pytorch_metric_learning``'s wrappers can pass their arguments.

        Raises:
            ValueError: wrong shapes, labels out of range, NaN, missing logits.
        """
        check_embeddings(embeddings, ("B", self.embedding_size))
        check_labels(labels, len(embeddings), self.num_classes)
        if logits is not None:
            check_embeddings(logits, (len(embeddings), self.num_classes), "logits")
        if element_weights is not None:
            check_embeddings(element_weights, tuple(embeddings.shape), "element_weights")
        if ref_labels is not None:
            raise ValueError("ref_labels must be None: a triplet-center loss compares with its centers only.")
        self.reset_stats()
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings, weights = widen(embeddings), widen(element_weights)
            centers = self.centers.to(embeddings.dtype)
            negative = self._gather(centers, self.select_negatives(embeddings, labels, logits))
            to_own = row_distances(self.distance, embeddings, centers[labels], weights)
            to_negative = row_distances(self.distance, embeddings, negative, weights)
            losses = torch.relu(self.distance.margin(to_own, to_negative) + self.margin)
            loss_dict = {
                "loss": {
                    "losses": losses,
                    "indices": torch.arange(len(losses), device=losses.device),
                    "reduction_type": "element",
                }
            }
            self.add_embedding_regularization_to_loss_dict(loss_dict, embeddings)
            return self.reducer(loss_dict, embeddings, labels)

    @torch.no_grad()
    def select_negatives(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> Tensor:
        """Indices of the chosen centers: (B,), or (B, D) where every dimension chooses for itself.

        Element weights play no part in the choice, only in the distances that follow.
        """
        embeddings = embeddings.detach()
        centers = self.centers.detach().to(embeddings.dtype)
        batch = SelectionBatch(
            embeddings, labels, centers, logits,
            measure=lambda: center_distances(self.distance, embeddings, centers),
        )  # fmt: skip
        return self.negatives.select(batch)

    @staticmethod
    def _gather(centers: Tensor, indices: Tensor) -> Tensor:
        """The negative centers, (B, D), with their gradient."""
        return centers[indices] if indices.ndim == 1 else centers.gather(0, indices)

    def get_default_distance(self) -> LpDistance:
        return LpDistance(normalize_embeddings=False, power=2)

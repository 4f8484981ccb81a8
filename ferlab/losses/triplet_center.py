"""Triplet-Center Loss."""

from __future__ import annotations

import torch
from torch import Tensor

from ferlab.losses.centers import ClassCenters
from ferlab.losses.distances import center_distances, row_distances
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
        num_classes: K, how many classes there are.
        embedding_size: D, how many numbers an embedding has.
        margin: m, in units of ``d``.
        negatives: a negative-center sampler; :class:`~ferlab.samplers.NearestNegative` by default.
        **kwargs: ``center_momentum``, see :class:`~ferlab.losses.centers.ClassCenters`; and ``distance``, ``reducer``,
            ... of ``BaseMetricLossFunction``. The distance may be an ``LpDistance``, ``CosineSimilarity`` or
            ``DotProductSimilarity``.

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
        self.margin = margin
        self.negatives = NearestNegative() if negatives is None else negatives
        self.add_to_recordable_attributes(list_of_names=["margin"], is_stat=False)

    def sample_losses(
        self, embeddings: Tensor, labels: Tensor, centers: Tensor, logits: Tensor | None, weights: Tensor | None
    ) -> Tensor:
        chosen = self.select_negatives(embeddings, labels, logits)
        negatives = centers[chosen] if chosen.ndim == 1 else centers.gather(0, chosen)
        to_own = row_distances(self.distance, embeddings, centers[labels], weights)
        to_negative = row_distances(self.distance, embeddings, negatives, weights)
        return torch.relu(self.distance.margin(to_own, to_negative) + self.margin)

    @torch.no_grad()
    def select_negatives(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> Tensor:
        """Indices of the chosen centers: (B,), or (B, D) where every dimension chooses for itself.

        Element weights play no part in the choice, only in the distances that follow.
        """
        embeddings = embeddings.detach()
        centers = self.centers.detach().to(embeddings.dtype)
        batch = SelectionBatch(
            embeddings, labels, centers, None if logits is None else logits.detach(),
            measure=lambda: center_distances(self.distance, embeddings, centers),
        )  # fmt: skip
        chosen = self.negatives.select(batch)
        if chosen.shape not in (labels.shape, embeddings.shape) or chosen.dtype != torch.int64:
            raise ValueError(
                f"negatives must select int64 indices of shape {tuple(labels.shape)} or {tuple(embeddings.shape)}, "
                f"but {type(self.negatives).__name__} gave {chosen.dtype} of shape {tuple(chosen.shape)}."
            )
        return chosen

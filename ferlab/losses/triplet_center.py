"""Triplet-Center Loss."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor

from ferlab.arguments import check_number
from ferlab.losses.centers import ClassCenters
from ferlab.losses.distances import center_distances, row_distances
from ferlab.samplers import NearestNegative, NegativeCenterSampler, SelectionBatch

MEASURED_AT_ONCE = 2048  # embeddings; a synthesized negative may need memory for all centers of each


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
        margin: m, in units of ``d``, from 0 on.
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

    part_labels = {"tcl": "triplet-center loss"}
    measure_labels = {
        "open_hinges": "share of faces that are not yet nearer to their center by the margin",
        "mean_margin": "distance to the own center less that to the negative, divided by D",
    }

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        margin: float = 1.0,
        negatives: NegativeCenterSampler | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, embedding_size, **kwargs)
        self.margin = check_number(margin, "margin", 0)
        self.negatives = NearestNegative() if negatives is None else check_sampler(negatives)
        self.add_to_recordable_attributes(list_of_names=["margin"], is_stat=False)

    @classmethod
    def for_method(cls, num_classes: int, embedding_size: int, **options: Any) -> Self:
        """As the constructor, with ``margin`` in squared distance divided by D."""
        margin = check_number(options.pop("margin", 1.0), "margin", 0) * embedding_size
        return cls(num_classes, embedding_size, margin=margin, **options)

    def sample_losses(
        self, embeddings: Tensor, labels: Tensor, centers: Tensor, logits: Tensor | None, weights: Tensor | None
    ) -> Tensor:
        return torch.relu(self._margins(embeddings, labels, centers, logits, weights) + self.margin)

    def _margins(
        self, embeddings: Tensor, labels: Tensor, centers: Tensor, logits: Tensor | None, weights: Tensor | None
    ) -> Tensor:
        """(B,): how much farther the own center is than the negative one, negative where all is well."""
        chosen = self.select_negatives(embeddings, labels, logits)
        negatives = centers[chosen] if chosen.ndim == 1 else centers.gather(0, chosen)
        to_own = row_distances(self.distance, embeddings, centers[labels], weights)
        to_negative = row_distances(self.distance, embeddings, negatives, weights)
        margins: Tensor = self.distance.margin(to_own, to_negative)
        return margins

    @torch.no_grad()
    def measures(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> dict[str, float]:
        """``open_hinges``, the share of embeddings (N, D) with a loss above 0, and ``mean_margin``, the mean of
        ``d(f, C[y]) - d(f, n)`` divided by D."""
        parts = zip(
            embeddings.split(MEASURED_AT_ONCE),
            labels.split(MEASURED_AT_ONCE),
            [None] * len(labels) if logits is None else logits.split(MEASURED_AT_ONCE),
            strict=False,
        )
        centers = self.centers.to(embeddings)
        margins = torch.cat([self._margins(own, at, centers, scores, weights=None) for own, at, scores in parts])
        return {
            "open_hinges": float((margins + self.margin > 0).double().mean()),
            "mean_margin": float(margins.mean() * self.unit),
        }

    @torch.no_grad()
    def select_negatives(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> Tensor:
        """Indices of the chosen centers: (B,), or (B, D) where every dimension chooses for itself.

        Element weights play no part in the choice, only in the distances that follow.

        Args:
            embeddings: (B, D).
            labels: (B,).
            logits: (B, K), for a sampler that reads them.

        Raises:
            ValueError: the sampler gave something else than indices of other classes' centers, or needs logits.
        """
        embeddings = embeddings.detach()
        centers = self.centers.detach().to(embeddings.dtype)
        # A sampler may be anyone's: it looks at copies, so that what it writes into them changes nothing here.
        batch = SelectionBatch(
            embeddings.clone(), labels.clone(), centers.clone(), None if logits is None else logits.detach().clone(),
            measure=lambda: center_distances(self.distance, embeddings, centers),
        )  # fmt: skip
        chosen = self.negatives.select(batch)
        self._check_choice(chosen, embeddings, labels)
        return chosen

    def _check_choice(self, chosen: Any, embeddings: Tensor, labels: Tensor) -> None:
        """That a sampler answered with centers of other classes.

        Raises:
            ValueError: it did not.
        """
        sampler = type(self.negatives).__name__
        if not isinstance(chosen, Tensor):
            raise ValueError(
                f"negatives must select a tensor of indices, but {sampler} gave a {type(chosen).__name__}."
            )
        if chosen.shape not in (labels.shape, embeddings.shape) or chosen.dtype != torch.int64:
            raise ValueError(
                f"negatives must select int64 indices of shape {tuple(labels.shape)} or {tuple(embeddings.shape)}, "
                f"but {sampler} gave {chosen.dtype} of shape {tuple(chosen.shape)}."
            )
        lowest, highest = (int(value) for value in chosen.aminmax())
        if lowest < 0 or highest >= self.num_classes:
            raise ValueError(
                f"negatives must select centers 0..{self.num_classes - 1}, but {sampler} gave "
                f"{lowest if lowest < 0 else highest}."
            )
        own = (chosen == labels.view(-1, *[1] * (chosen.ndim - 1))).view(len(labels), -1).any(dim=1)
        if own.any():
            raise ValueError(
                f"negatives must select other classes' centers, but {sampler} gave {int(own.sum())} of {len(labels)} "
                "embeddings the center of their own class."
            )


def check_sampler(negatives: Any) -> NegativeCenterSampler:
    """A negative-center sampler.

    Raises:
        ValueError: a class, a name, or something else that cannot select.
    """
    if isinstance(negatives, type) and hasattr(negatives, "select"):
        raise ValueError(f"negatives must be a sampler, but is its class: write {negatives.__name__}().")
    if not callable(getattr(negatives, "select", None)):
        raise ValueError(
            f"negatives must be a sampler such as NearestNegative(), with a select method, but is {negatives!r}."
        )
    sampler: NegativeCenterSampler = negatives
    return sampler

"""Learnable class centers, shared by center loss and triplet-center loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import BaseMetricLossFunction
from pytorch_metric_learning.utils.loss_and_miner_utils import convert_to_weights
from torch import Tensor

from ferlab.arguments import check_count, check_number
from ferlab.errors import NotFinite
from ferlab.losses.base import MetricLoss
from ferlab.losses.checks import Indices, check_embeddings, check_indices, check_labels, split_third, widen
from ferlab.losses.distances import check_distance


class ClassCenters(MetricLoss, BaseMetricLossFunction, ABC):
    """Base of the losses with one center a class; a loss defines ``sample_losses``.

    The centers are an ordinary parameter, so that an optimiser with parameter groups can give them a learning rate
    of their own::

        torch.optim.SGD([{"params": network.parameters()}, {"params": loss.parameters(), "lr": 0.5}], lr=0.1)

    With ``center_momentum`` the centers follow the batches' class means instead, as an exponential moving average
    without gradient; then they learn nothing from the optimiser.

    Args:
        num_classes: K, at least 2.
        embedding_size: D, how many numbers an embedding has.
        center_momentum: None to learn the centers by gradient; else the share, 0..1, that a center keeps of itself at
            every call in training mode: ``C[c] = momentum * C[c] + (1 - momentum) * mean_c`` for the classes present,
            after the loss was computed.
        **kwargs: ``distance``, ``reducer``, ``embedding_regularizer``, ... of ``BaseMetricLossFunction``; the distance
            is the squared Euclidean one by default.

    Attributes:
        centers: parameter (K, D), initialised from a standard normal distribution scaled by 1/sqrt(D).
    """

    takes_logits = True
    takes_element_weights = True
    starts_from_faces = True
    # pytorch-metric-learning has no types.
    distance: Any
    reducer: Any
    reset_stats: Any
    add_to_recordable_attributes: Any
    add_embedding_regularization_to_loss_dict: Any

    def __init__(
        self, num_classes: int, embedding_size: int, center_momentum: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_distance(self.distance)
        self.num_classes = num_classes = check_count(num_classes, "num_classes", 2)
        self.embedding_size = embedding_size = check_count(embedding_size, "embedding_size")
        if center_momentum is not None:
            center_momentum = check_number(center_momentum, "center_momentum", 0, 1)
        self.center_momentum = center_momentum
        self.centers = torch.nn.Parameter(
            torch.randn(num_classes, embedding_size) / embedding_size**0.5, requires_grad=center_momentum is None
        )
        self.add_to_recordable_attributes(list_of_names=["num_classes"], is_stat=False)

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        logits: Tensor | Indices | None = None,
        element_weights: Tensor | None = None,
        ref_labels: None = None,
        indices_tuple: Indices | None = None,
        ref_emb: None = None,
    ) -> Tensor:
        """The reduced loss: a scalar with the default reducer.

        Args:
            embeddings: (B, D).
            labels: (B,), 0..K-1.
            logits: (B, K), read by :class:`~ferlab.samplers.PredictedNegative` only.
            element_weights: (B, D), a weight from 0 on for every squared difference (from the attention module), or
                None.
            indices_tuple: what a miner of ``pytorch_metric_learning`` answers; its trainers give it as the third
                argument, in the place of the logits, where it is understood too. As with that library's losses with
                class weights, a sample's loss counts by how often it is in there, the most frequent one once.
            ref_labels, ref_emb: always None; there so that the library's wrappers can pass their arguments.

        Raises:
            ValueError: wrong shapes, labels out of range, missing logits.
            NotFinite: NaN or infinity, or distances too large for the type of the embeddings.
        """
        check_embeddings(embeddings, ("B", self.embedding_size))
        labels = check_labels(labels, len(embeddings), self.num_classes).to(embeddings.device)
        logits, indices_tuple = split_third(logits, indices_tuple)
        if logits is not None:
            check_embeddings(logits, (len(embeddings), self.num_classes), "logits")
        if ref_emb is not None or ref_labels is not None:
            raise ValueError("ref_emb and ref_labels must be None: the loss compares with its centers only.")
        if indices_tuple is not None:
            check_indices(indices_tuple, len(embeddings))
        if element_weights is not None:
            check_embeddings(element_weights, tuple(embeddings.shape), "element_weights")
            if element_weights.detach().amin() < 0:
                raise ValueError(f"element_weights must not be below 0, but reach {float(element_weights.min()):g}.")
        self.reset_stats()
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = widen(embeddings)
            centers = self.centers.to(embeddings.dtype)
            losses = self.sample_losses(embeddings, labels, centers, logits, widen(element_weights))
            if not losses.detach().isfinite().all():
                largest = float(embeddings.detach().abs().max())
                raise NotFinite(
                    f"embeddings must lie nearer to the centers: entries reach {largest:.2g}, and distances overflow "
                    f"{str(losses.dtype).removeprefix('torch.')}."
                )
            if indices_tuple is not None:
                places = tuple(part.to(labels.device) for part in indices_tuple)
                losses = losses * convert_to_weights(places, labels, losses.dtype)
            indices = torch.arange(len(losses), device=losses.device)
            loss_dict = {"loss": {"losses": losses, "indices": indices, "reduction_type": "element"}}
            self.add_embedding_regularization_to_loss_dict(loss_dict, embeddings)
            reduced: Tensor = self.reducer(loss_dict, embeddings, labels)
            # A reducer may also answer with the losses of all faces; a loss of several parts sets them itself.
            if isinstance(reduced, Tensor) and len(self.part_labels) == 1:
                self.parts = dict.fromkeys(self.part_labels, reduced.detach())
            if self.center_momentum is not None and self.training:
                self._move_centers(embeddings.detach(), labels, self.center_momentum)
            return reduced

    @property
    def unit(self) -> float:
        """1/D: the squared distance grows with D."""
        return 1 / self.embedding_size

    @property
    def learning_rate_factor(self) -> float:
        """D: the distance is divided by D (see :attr:`unit`), and so is the centers' gradient."""
        return float(self.embedding_size)

    def start_from(self, embeddings: Tensor, labels: Tensor) -> None:
        """As :meth:`set_centers`: random centers in the first steps were seen to cost accuracy."""
        self.set_centers(embeddings, labels)

    @abstractmethod
    def sample_losses(
        self, embeddings: Tensor, labels: Tensor, centers: Tensor, logits: Tensor | None, weights: Tensor | None
    ) -> Tensor:
        """The loss of every sample, (B,), from checked arguments of one floating-point type."""

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
        labels = check_labels(labels, len(embeddings), self.num_classes).to(self.centers.device)
        self._move_centers(embeddings, labels, momentum=0.0)

    @torch.no_grad()
    def _move_centers(self, embeddings: Tensor, labels: Tensor, momentum: float) -> None:
        """Towards the class means; a class that is absent keeps its center."""
        sums = torch.zeros_like(self.centers).index_add_(0, labels, embeddings.to(self.centers))
        counts = torch.bincount(labels, minlength=self.num_classes)[:, None]
        moved = momentum * self.centers + (1 - momentum) * sums / counts.clamp_min(1)
        if not moved.isfinite().all():
            raise NotFinite(
                f"embeddings must be smaller: their entries reach {float(embeddings.abs().max()):.2g}, and "
                "the sum of a class overflows."
            )
        # New memory: a loss computed before may still need the old values for its gradient.
        self.centers.data = torch.where(counts > 0, moved, self.centers)

    def get_default_distance(self) -> LpDistance:
        """The squared Euclidean distance; ``BaseMetricLossFunction`` asks for it where none is given."""
        return LpDistance(normalize_embeddings=False, power=2)

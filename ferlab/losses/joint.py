"""Cross-entropy and a metric loss in one objective."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ferlab.arguments import check_count, check_number
from ferlab.losses.base import MetricLoss
from ferlab.losses.checks import check_embeddings, check_labels, widen


class JointLossOutput(NamedTuple):
    """``total`` to call ``backward`` on; ``parts``: every term by name, detached, before its weight, for logging."""

    total: Tensor
    parts: dict[str, Tensor]


class JointLoss(torch.nn.Module):
    """``lambda * CE + weight * metric loss`` (TCL paper eq. 1; Ad-Corre paper eq. 12).

    Args:
        num_classes: K, how many classes there are.
        metric_loss: a ferlab loss, or None for cross-entropy alone; :class:`~ferlab.losses.PmlLoss` makes one of any
            embedding loss of ``pytorch_metric_learning``.
        ce_weight: lambda, from 0 on.
        metric_weight: factor of the metric loss, from 0 on.
        class_weights: (K,) for cross-entropy, from 0 on, or None. A batch whose classes all weigh 0 has
            cross-entropy 0.
        label_smoothing: for cross-entropy, 0..1.

    Example:
        >>> from ferlab.losses import TripletCenterLoss
        >>> joint = JointLoss(7, TripletCenterLoss(7, 16), metric_weight=0.1)
        >>> output = joint(torch.randn(8, 7), torch.arange(8) % 7, torch.randn(8, 16))
        >>> sorted(output.parts)
        ['ce', 'tcl']
    """

    class_weights: Tensor | None

    def __init__(
        self,
        num_classes: int,
        metric_loss: MetricLoss | None = None,
        ce_weight: float = 1.0,
        metric_weight: float = 1.0,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes = check_count(num_classes, "num_classes", 2)
        if metric_loss is not None and not isinstance(metric_loss, MetricLoss):
            raise ValueError(
                f"metric_loss must be a ferlab loss, but is a {type(metric_loss).__name__}: wrap it in PmlLoss, or let "
                "a loss of your own inherit from ferlab.losses.MetricLoss."
            )
        self.metric_loss = metric_loss
        self.ce_weight = check_number(ce_weight, "ce_weight", 0)
        self.metric_weight = check_number(metric_weight, "metric_weight", 0)
        if class_weights is not None:
            check_embeddings(class_weights, (num_classes,), "class_weights")
            if class_weights.amin() < 0 or class_weights.amax() == 0:
                given = ", ".join(f"{weight:g}" for weight in class_weights.tolist())
                raise ValueError(f"class_weights must be from 0 on, and not all 0, but are {given}.")
        self.register_buffer("class_weights", class_weights)
        self.label_smoothing = check_number(label_smoothing, "label_smoothing", 0, 1)

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        embeddings: Tensor | None = None,
        element_weights: Tensor | None = None,
    ) -> JointLossOutput:
        """The objective of one batch.

        Args:
            logits: (B, K).
            labels: (B,).
            embeddings: what the metric loss takes, (B, D) or (B, k, D). None leaves the metric loss out, for example
                before it is switched on.
            element_weights: (B, D) from the attention module, for a loss with centers; others leave them.

        Raises:
            ValueError: wrong shapes, labels out of range, NaN.
        """
        check_embeddings(logits, ("B", self.num_classes), "logits")
        labels = check_labels(labels, len(logits), self.num_classes).to(logits.device)
        scores = widen(logits)
        class_weights = None if self.class_weights is None else self.class_weights.to(scores.dtype)
        ce = F.cross_entropy(scores, labels, class_weights, label_smoothing=self.label_smoothing)
        if class_weights is not None and not class_weights[labels].any():
            ce = 0 * scores.sum()  # the mean over nothing would be NaN
        parts = {"ce": ce.detach()}
        total = self.ce_weight * ce
        if self.metric_loss is not None and embeddings is not None:
            extra = {"logits": logits.detach()} if self.metric_loss.takes_logits else {}
            if self.metric_loss.takes_element_weights and element_weights is not None:
                extra["element_weights"] = element_weights
            metric = self.metric_loss(embeddings, labels, **extra)
            total = total + self.metric_weight * metric
            parts |= self.metric_loss.parts
        return JointLossOutput(total, parts)

    def part_weights(self) -> dict[str, float]:
        """What every part counts in the total, by name.

        >>> JointLoss(7).part_weights()
        {'ce': 1.0}
        """
        weights = {} if self.metric_loss is None else self.metric_loss.part_weights()
        return {"ce": self.ce_weight} | {name: self.metric_weight * weight for name, weight in weights.items()}

    def part_labels(self) -> dict[str, str]:
        """The name of every part for people."""
        return {"ce": "cross-entropy"} | ({} if self.metric_loss is None else dict(self.metric_loss.part_labels))

"""Ad-Corre: adaptive correlation-based loss."""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses import BaseMetricLossFunction
from torch import Tensor

from ferlab.losses.checks import check_embeddings, check_labels, widen
from ferlab.losses.confusion import RunningConfusion


class AdCorreLoss(BaseMetricLossFunction):
    """Feature, mean and embedding discriminators: ``L = FD + MD + ED`` (Fard & Mahoor, IEEE Access 2022).

    With ``corr`` the Pearson correlation of two vectors over their D entries:

    - FD (eqs. 3-7): mean over heads and all B*B pairs (diagonal 0) of ``w_ij |omega_ij - corr(f_i, f_j)|``; omega is +1
      within a class, else -1. Adaptive weights ``w_ij = 1 + (1 - conf[y_i, y_i]) + (1 - conf[y_j, y_j])`` from a
      running confusion matrix of the training predictions.
    - MD (eqs. 8-9): mean over heads and all pairs of the classes present (diagonal 0) of
      ``1 + corr(mean_c, mean_c')``.
    - ED (eqs. 10-11): mean over samples and all k*k pairs of heads (diagonal 0) of ``1 + corr``.

    Since corr lies in [-1, 1], ``|omega - corr| = 1 - omega * corr``, and sums of correlations are squared norms of
    sums of standardised vectors: time and memory are linear in the batch, and exact.

    The published code passes the three terms through NumPy, which cuts their gradient; these are differentiable.
    A vector without variance has correlation 0 with every other, and no gradient.

    Args:
        num_classes: K.
        adaptive: weigh FD by the running confusion matrix.
        window: predictions the confusion matrix remembers.
        feature_weight, mean_weight, embedding_weight: factors of FD, MD, ED; 0 switches a term off.
        **kwargs: of ``BaseMetricLossFunction``.

    Example:
        >>> import torch
        >>> loss = AdCorreLoss(num_classes=7)
        >>> embeddings, labels = torch.randn(32, 7, 64), torch.arange(32) % 7
        >>> loss(embeddings, labels, logits=torch.randn(32, 7)).shape
        torch.Size([])
        >>> sorted(loss.components(embeddings, labels))
        ['ED', 'FD', 'MD']
    """

    def __init__(
        self,
        num_classes: int,
        adaptive: bool = True,
        window: int = 1000,
        feature_weight: float = 1.0,
        mean_weight: float = 1.0,
        embedding_weight: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.adaptive = adaptive
        self.weights = {"FD": feature_weight, "MD": mean_weight, "ED": embedding_weight}
        self.confusion = RunningConfusion(num_classes, window)
        self.last_components: dict[str, Tensor] = {}

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        logits: Tensor | None = None,
        ref_emb: None = None,
        ref_labels: None = None,
    ) -> Tensor:
        """The weighted sum of the three terms, a scalar; ``last_components`` keeps them, detached, for logging.

        Args:
            embeddings: (B, k, D), one vector a head; (B, D) counts as one head.
            labels: (B,), 0..K-1.
            logits: (B, K); in training mode their predictions feed the running confusion matrix.
            ref_emb, ref_labels: always None; there for ``pytorch_metric_learning``'s wrappers.

        Raises:
            ValueError: wrong shapes, labels out of range, NaN; raised before the confusion matrix changes.
        """
        embeddings, labels = self._check(embeddings, labels)
        if logits is not None:
            check_embeddings(logits, (len(labels), self.num_classes), "logits")
        if ref_emb is not None or ref_labels is not None:
            raise ValueError("ref_emb and ref_labels must be None: Ad-Corre compares within the batch only.")
        self.reset_stats()
        if logits is not None and self.training:
            self.confusion.update(labels, logits.argmax(dim=1))
        parts = self._components(embeddings, labels, self.confusion.matrix() if self.adaptive else None)
        self.last_components = {name: value.detach() for name, value in parts.items()}
        total = sum(weight * parts[name] for name, weight in self.weights.items() if weight)
        loss_dict = {"loss": {"losses": total, "indices": None, "reduction_type": "already_reduced"}}
        self.add_embedding_regularization_to_loss_dict(loss_dict, embeddings.flatten(0, 1))
        return self.reducer(loss_dict, embeddings, labels)

    def components(self, embeddings: Tensor, labels: Tensor, confusion: Tensor | None = None) -> dict[str, Tensor]:
        """The three terms: ``{"FD": .., "MD": .., "ED": ..}``, each a scalar with gradient.

        Args:
            embeddings: (B, k, D) or (B, D).
            labels: (B,).
            confusion: (K, K) row-normalised confusion matrix for FD's adaptive weights; None weighs every pair 1.
        """
        embeddings, labels = self._check(embeddings, labels)
        if confusion is not None:
            check_embeddings(confusion, (self.num_classes, self.num_classes), "confusion")
        return self._components(embeddings, labels, confusion)

    def _check(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(embeddings, Tensor) and embeddings.ndim == 2:
            embeddings = embeddings[:, None, :]
        check_embeddings(embeddings, ("B", "k", "D"))
        return embeddings, check_labels(labels, len(embeddings), self.num_classes).to(embeddings.device)

    def _components(self, embeddings: Tensor, labels: Tensor, confusion: Tensor | None) -> dict[str, Tensor]:
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = widen(embeddings)
            difficulty = embeddings.new_zeros(len(labels))
            if confusion is not None:
                difficulty = 1 - confusion.to(embeddings).diagonal()[labels]
            standardised = standardise(embeddings)
            return {
                "FD": feature_discriminator(standardised, labels, self.num_classes, difficulty),
                "MD": mean_discriminator(embeddings, labels, self.num_classes),
                "ED": embedding_discriminator(standardised),
            }


def standardise(vectors: Tensor) -> Tensor:
    """Center every vector (.., D) over its entries and scale it to unit length, so that a dot product is ``corr``.

    A vector whose entries are equal (up to rounding) becomes zero, without gradient.
    """
    scale = vectors.detach().abs().amax(dim=-1, keepdim=True).clamp_min(torch.finfo(vectors.dtype).tiny)
    vectors = vectors / scale  # so that squares of very small or large entries neither vanish nor overflow
    centered = vectors - vectors.mean(dim=-1, keepdim=True)
    squared = centered.square().sum(dim=-1, keepdim=True)
    rounding = vectors.shape[-1] * torch.finfo(vectors.dtype).eps ** 2
    flat = squared <= 16 * rounding
    return torch.where(flat, 0.0, centered * torch.where(flat, 1.0, squared).rsqrt())


def feature_discriminator(standardised: Tensor, labels: Tensor, num_classes: int, difficulty: Tensor) -> Tensor:
    """FD from standardised vectors (B, k, D); ``difficulty`` (B,) is ``1 - conf[y_i, y_i]``, or zeros.

    With z the standardised vectors, u the difficulty, S = sum z, T = sum u z and S_c, T_c the same over class c:
    ``sum_ij w_ij z_i.z_j = S.S + 2 S.T``, so the pairs' sum needs only class sums. The diagonal is taken out again.
    """
    batch, heads, _ = standardised.shape
    weighted = difficulty[:, None, None] * standardised
    class_sums = _class_sums(standardised, labels, num_classes)
    class_weighted = _class_sums(weighted, labels, num_classes)
    all_sums, all_weighted = class_sums.sum(dim=0), class_weighted.sum(dim=0)
    same_class = (class_sums * (class_sums + 2 * class_weighted)).sum()
    all_pairs = (all_sums * (all_sums + 2 * all_weighted)).sum()
    pair_weights = heads * (batch**2 + 2 * batch * difficulty.sum())
    diagonal = ((1 + 2 * difficulty)[:, None] * (1 - standardised.square().sum(dim=-1))).sum()
    return (pair_weights - (2 * same_class - all_pairs) - diagonal) / (heads * batch**2)


def mean_discriminator(embeddings: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """MD from the embeddings (B, k, D): correlations between the means of the classes present."""
    counts = torch.bincount(labels, minlength=num_classes)
    present = counts > 0
    means = _class_sums(embeddings, labels, num_classes)[present] / counts[present, None, None]
    return _mean_pair_correlation(standardise(means).transpose(0, 1))


def embedding_discriminator(standardised: Tensor) -> Tensor:
    """ED from standardised vectors (B, k, D): correlations between the heads of one sample."""
    return _mean_pair_correlation(standardised)


def _mean_pair_correlation(standardised: Tensor) -> Tensor:
    """Mean of ``1 + corr`` over all ordered pairs of n vectors (groups, n, D), the diagonal counted as 0."""
    groups, n, _ = standardised.shape
    off_diagonal = standardised.sum(dim=1).square().sum() - standardised.square().sum()
    return (n - 1) / n + off_diagonal / (groups * n**2)


def _class_sums(vectors: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """(K, k, D): the sum of the vectors (B, k, D) of each class."""
    return vectors.new_zeros(num_classes, *vectors.shape[1:]).index_add(0, labels, vectors)

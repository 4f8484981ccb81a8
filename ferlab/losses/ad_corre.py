"""Ad-Corre: adaptive correlation-based loss."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import torch
from pytorch_metric_learning.losses import BaseMetricLossFunction
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ferlab.arguments import check_count, check_number
from ferlab.losses.base import MetricLoss
from ferlab.losses.checks import Indices, check_embeddings, check_labels, split_third, widen
from ferlab.losses.confusion import RunningConfusion

# Entries of the embeddings that are worked on at once: 4 MB in float32.
PART_ENTRIES = 2**20
SMALLEST_LENGTH = 1e6  # of a vector that has a gradient, in smallest normal numbers: 1e-32 in float32


class AdCorreLoss(MetricLoss, BaseMetricLossFunction):
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

    Shifting or positively scaling single vectors changes neither FD nor ED. MD compares means of the embeddings as
    they are (so does the published code): shifts leave it, and one common factor a head, but not a factor of its own
    for every vector; unit-length embeddings have none.

    The published code passes the three terms through NumPy, which cuts their gradient; these are differentiable.
    A vector without variance has correlation 0 with every other, and no gradient. Nor has one so short (about 1e-32)
    that its gradient, which grows as the length shrinks, would overflow; its correlations are what they are.

    Args:
        num_classes: K, how many classes there are.
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

    takes_logits = True
    takes_heads = True
    # pytorch-metric-learning has no types.
    reducer: Any
    reset_stats: Any
    add_embedding_regularization_to_loss_dict: Any
    part_labels = {"FD": "feature discriminator", "MD": "mean discriminator", "ED": "embedding discriminator"}
    measure_labels = {
        "correlation_within": "correlation of two faces of one class",
        "correlation_between": "correlation of two faces of two classes",
        "correlation_of_heads": "correlation of two heads on one face",
    }
    wants_more = frozenset({"correlation_within"})

    def __init__(
        self,
        num_classes: int,
        adaptive: bool = True,
        window: int = 1000,
        feature_weight: float = 1.0,
        mean_weight: float = 1.0,
        embedding_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = check_count(num_classes, "num_classes")
        self.adaptive = adaptive
        given = {"feature_weight": feature_weight, "mean_weight": mean_weight, "embedding_weight": embedding_weight}
        checked = (check_number(value, name, 0) for name, value in given.items())
        self.weights = dict(zip(self.part_labels, checked, strict=True))
        self.confusion = RunningConfusion(num_classes, window)

    @classmethod
    def for_method(cls, num_classes: int, embedding_size: int, **options: Any) -> Self:
        """The loss with ``terms``, those that count: some of ``("FD", "MD", "ED")``, all by default.

        Raises:
            ValueError: no terms, or unknown ones.
        """
        terms = options.pop("terms", tuple(cls.part_labels))
        if not terms or not set(terms) <= set(cls.part_labels):
            raise ValueError(f"terms are some of {', '.join(cls.part_labels)}, not {terms}.")
        feature, mean, embedding = (float(term in terms) for term in cls.part_labels)
        return cls(num_classes, feature_weight=feature, mean_weight=mean, embedding_weight=embedding, **options)

    def part_weights(self) -> dict[str, float]:
        return dict(self.weights)

    @property
    def last_components(self) -> dict[str, Tensor]:
        """The three terms of the last call, detached."""
        return self.parts

    @torch.no_grad()
    def measures(self, embeddings: Tensor, labels: Tensor, logits: Tensor | None = None) -> dict[str, float]:
        """Mean correlations over all pairs of faces within a class, of two classes, and over all pairs of heads.

        Args:
            embeddings: (N, k, D) or (N, D); the last number needs two heads and is left out with one.
            labels: (N,).
            logits: not read.
        """
        embeddings, labels = self._check(embeddings, labels)
        sums = batch_sums(embeddings.double(), labels, self.num_classes)
        counts, heads = sums.counts, embeddings.shape[1]
        within_pairs = heads * (counts * (counts - 1)).sum()
        between_pairs = heads * (counts.sum() ** 2 - counts.square().sum())
        same_class = sums.standardised.square().sum()
        all_pairs = sums.standardised.sum(dim=0).square().sum()
        found = {
            "correlation_within": (same_class - sums.varied.sum()) / within_pairs,
            "correlation_between": (all_pairs - same_class) / between_pairs,
        }
        if heads > 1:
            found["correlation_of_heads"] = (sums.heads - sums.varied.sum()) / (counts.sum() * heads * (heads - 1))
        return {name: float(value) for name, value in found.items()}

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        logits: Tensor | Indices | None = None,
        ref_emb: None = None,
        ref_labels: None = None,
        indices_tuple: Indices | None = None,
    ) -> Tensor:
        """The weighted sum of the three terms, a scalar; ``last_components`` keeps them, detached, for logging.

        Args:
            embeddings: (B, k, D), one vector a head; (B, D) counts as one head.
            labels: (B,), 0..K-1.
            logits: (B, K); in training mode their predictions feed the running confusion matrix.
            ref_emb, ref_labels, indices_tuple: always None; there for ``pytorch_metric_learning``'s wrappers and
                trainers, which give the last one in the place of the logits.

        Raises:
            ValueError: wrong shapes, labels out of range, NaN; raised before the confusion matrix changes.
        """
        embeddings, labels = self._check(embeddings, labels)
        logits, indices_tuple = split_third(logits, indices_tuple)
        if logits is not None:
            check_embeddings(logits, (len(labels), self.num_classes), "logits")
        if indices_tuple is not None:
            raise ValueError(
                "indices_tuple must be None: Ad-Corre compares all pairs of the batch, so leave the miner out."
            )
        if ref_emb is not None or ref_labels is not None:
            raise ValueError("ref_emb and ref_labels must be None: Ad-Corre compares within the batch only.")
        self.reset_stats()
        if logits is not None and self.training:
            self.confusion.update(labels, logits.argmax(dim=1))
        parts = self._components(embeddings, labels, self.confusion.matrix() if self.adaptive else None)
        self.parts = {name: value.detach() for name, value in parts.items()}
        counted = [weight * parts[name] for name, weight in self.weights.items() if weight]
        total = torch.stack(counted or [0 * parts["FD"]]).sum()
        loss_dict = {"loss": {"losses": total, "indices": None, "reduction_type": "already_reduced"}}
        self.add_embedding_regularization_to_loss_dict(loss_dict, embeddings.flatten(0, 1))
        reduced: Tensor = self.reducer(loss_dict, embeddings, labels)
        return reduced

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
            difficulty = embeddings.new_zeros(self.num_classes)
            if confusion is not None:
                difficulty = 1 - confusion.to(embeddings).diagonal()
            sums = batch_sums(embeddings, labels, self.num_classes)
            return {
                "FD": feature_discriminator(sums, difficulty),
                "MD": mean_discriminator(sums),
                "ED": embedding_discriminator(sums),
            }


class BatchSums(NamedTuple):
    """All that the three terms need to know of a batch.

    Attributes:
        counts: (K,), samples of each class.
        vectors: (K, k, D), sum of the embeddings of each class, up to a factor that all share.
        standardised: (K, k, D), sum of the standardised embeddings of each class.
        varied: (K,), vectors with variance in each class: the sum of their squared standardised lengths.
        heads: scalar, sum over the samples of the squared length of the sum of their standardised vectors.
    """

    counts: Tensor
    vectors: Tensor
    standardised: Tensor
    varied: Tensor
    heads: Tensor


def batch_sums(embeddings: Tensor, labels: Tensor, num_classes: int) -> BatchSums:
    """The sums over a batch (B, k, D); a large batch is added up in parts.

    The parts are computed again in the backward pass instead of being kept, so that the memory in use is the
    embeddings, their gradient and one part, and a part's tensors stay in the processor's cache.
    """
    samples = max(1, PART_ENTRIES // embeddings[0].numel())
    # The sum of very large vectors would overflow; a factor that all share changes no correlation of means.
    resolution = torch.finfo(embeddings.dtype)
    shrink = max(1.0, float(embeddings.detach().abs().amax()) * (len(embeddings) / resolution.max))
    if len(embeddings) <= samples:
        return _part_sums(embeddings, labels, num_classes, shrink)
    parts = [
        BatchSums(*checkpoint(_part_sums, *part, num_classes, shrink, use_reentrant=False, preserve_rng_state=False))
        for part in zip(embeddings.split(samples), labels.split(samples), strict=True)
    ]
    return BatchSums(*(torch.stack(values).sum(dim=0) for values in zip(*parts, strict=True)))


def _part_sums(embeddings: Tensor, labels: Tensor, num_classes: int, shrink: float) -> BatchSums:
    standardised = standardise(embeddings)
    # A standardised vector has length 1, or 0 without variance, whatever the embedding: a count, without gradient.
    varied = torch.linalg.vector_norm(standardised.detach(), dim=-1).round().sum(dim=1)
    return BatchSums(
        counts=_class_sums(torch.ones_like(varied), labels, num_classes),
        vectors=_class_sums(embeddings if shrink == 1 else embeddings / shrink, labels, num_classes),
        standardised=_class_sums(standardised, labels, num_classes),
        varied=_class_sums(varied, labels, num_classes),
        heads=standardised.sum(dim=1).square().sum(),
    )


def _class_sums(values: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """(K, ..): the sum of the values (B, ..) of each class."""
    return values.new_zeros(num_classes, *values.shape[1:]).index_add(0, labels, values)


def standardise(vectors: Tensor) -> Tensor:
    """Center every vector (.., D) over its entries and scale it to unit length, so that a dot product is ``corr``.

    A vector whose entries are equal (up to rounding) becomes zero, without gradient.
    """
    resolution = torch.finfo(vectors.dtype)
    largest = vectors.detach().abs().amax(dim=-1, keepdim=True).clamp_min(resolution.tiny)
    # So that squares of very small or large entries neither vanish nor overflow.
    vectors = vectors / largest
    centered = vectors - vectors.mean(dim=-1, keepdim=True)
    length = torch.linalg.vector_norm(centered, dim=-1, keepdim=True)
    flat = length <= 4 * vectors.shape[-1] ** 0.5 * resolution.eps
    standardised = centered * torch.where(flat, 0.0, 1 / torch.where(flat, 1.0, length))
    # The gradient grows as the length of the centered vector shrinks; where it would overflow, there is none.
    too_steep = length.detach() * largest < SMALLEST_LENGTH * resolution.tiny
    return torch.where(too_steep, standardised.detach(), standardised) if too_steep.any() else standardised


def feature_discriminator(sums: BatchSums, difficulty: Tensor) -> Tensor:
    """FD; ``difficulty`` (K,) is ``1 - conf[c, c]`` of each class, or zeros.

    With z the standardised vectors, u the difficulty of their class, S = sum z, T = sum u z and S_c, T_c = u_c S_c the
    same over class c: ``sum_ij w_ij z_i.z_j = S.S + 2 S.T``, and likewise within a class, so the pairs' sum needs only
    class sums. The diagonal, which counts as 0, is taken out again: it is ``w_ii`` for a vector without variance.
    """
    batch, heads = sums.counts.sum(), sums.standardised.shape[1]
    weighted = difficulty[:, None, None] * sums.standardised
    all_sums, all_weighted = sums.standardised.sum(dim=0), weighted.sum(dim=0)
    same_class = (sums.standardised * (sums.standardised + 2 * weighted)).sum()
    all_pairs = (all_sums * (all_sums + 2 * all_weighted)).sum()
    pair_weights = heads * (batch**2 + 2 * batch * (sums.counts * difficulty).sum())
    diagonal = ((1 + 2 * difficulty) * (heads * sums.counts - sums.varied)).sum()
    return (pair_weights - (2 * same_class - all_pairs) - diagonal) / (heads * batch**2)


def mean_discriminator(sums: BatchSums) -> Tensor:
    """MD: correlations between the mean embeddings of the classes present."""
    present = sums.counts > 0
    means = standardise(sums.vectors[present] / sums.counts[present, None, None])
    varied = torch.linalg.vector_norm(means.detach(), dim=-1).round().sum()
    return _mean_pair_correlation(means.sum(dim=0).square().sum(), varied, groups=means.shape[1], size=len(means))


def embedding_discriminator(sums: BatchSums) -> Tensor:
    """ED: correlations between the heads of one sample."""
    return _mean_pair_correlation(sums.heads, sums.varied.sum(), sums.counts.sum(), size=sums.standardised.shape[1])


def _mean_pair_correlation(squared_sums: Tensor, varied: Tensor, groups: Tensor | int, size: int) -> Tensor:
    """Mean of ``1 + corr`` over all ordered pairs of ``size`` vectors, the diagonal counted as 0, and over the groups.

    ``squared_sums``: squared length of each group's sum of standardised vectors, summed over the groups, which holds
    the correlations of all pairs and, on the diagonal, one for each of the ``varied`` vectors.
    """
    return (size - 1) / size + (squared_sums - varied) / (groups * size**2)

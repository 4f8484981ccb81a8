"""Row-wise and center distances for `pytorch_metric_learning` distances, with optional element weights.

That library measures all pairs; a triplet-center loss needs one distance a row (embedding to its own center, to
its negative), and weights on the dimensions. ``LpDistance``, ``CosineSimilarity`` and ``DotProductSimilarity``
are understood, with their options.
"""

from __future__ import annotations

import torch
from pytorch_metric_learning.distances import BaseDistance, CosineSimilarity, DotProductSimilarity, LpDistance
from torch import Tensor

from ferlab.arguments import check_number


def check_distance(distance: BaseDistance) -> None:
    """That losses with centers can measure with ``distance``.

    Raises:
        ValueError: another kind of distance, or a ``p`` or ``power`` that is not positive and finite.
    """
    if not isinstance(distance, LpDistance | CosineSimilarity | DotProductSimilarity):
        raise ValueError(
            "distance must be an LpDistance, CosineSimilarity or DotProductSimilarity, "
            f"but is a {type(distance).__name__}."
        )
    for name in ("p", "power"):
        try:
            fits = check_number(getattr(distance, name), name) > 0
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"distance must have a positive, finite {name}, but has {name}={getattr(distance, name)}.")
    if distance.is_inverted and distance.power != int(distance.power):
        raise ValueError(
            f"distance must have a whole number as its power, but has power={distance.power}: similarities may be "
            "negative."
        )


def row_distances(distance: BaseDistance, first: Tensor, second: Tensor, weights: Tensor | None) -> Tensor:
    """Distance (or similarity) of each row of ``first`` (B, D) to the same row of ``second`` (B, D): shape (B,).

    Args:
        distance: one that :func:`check_distance` lets pass.
        first, second: (B, D).
        weights: (B, D), by which every dimension's share is multiplied, or None.
    """
    if isinstance(distance, CosineSimilarity) and weights is not None:
        # The weights belong into the norms too, or a face could look dissimilar to itself.
        products, first_norm, second_norm = (
            (weights * a * b).sum(dim=1) for a, b in ((first, second), (first, first), (second, second))
        )
        smallest = 1e-24  # as for an unweighted vector, whose norm is kept above 1e-12
        similarity: Tensor = products * first_norm.clamp_min(smallest).rsqrt() * second_norm.clamp_min(smallest).rsqrt()
        powered: Tensor = similarity**distance.power
        return powered
    first, second = distance.maybe_normalize(first), distance.maybe_normalize(second)
    if isinstance(distance, LpDistance):
        gaps = (first - second).abs()
        # A root has no gradient at zero; there the gradient is defined as zero.
        terms = _rooted(gaps, distance.p) if distance.p < 1 else gaps**distance.p
        total: Tensor = (terms if weights is None else terms * weights).sum(dim=1)
        if distance.power == distance.p:
            return total
        return _rooted(total, distance.power / distance.p)
    products = first * second
    similarities: Tensor = (products if weights is None else products * weights).sum(dim=1) ** distance.power
    return similarities


def _rooted(values: Tensor, power: float) -> Tensor:
    """Values from 0 on to a power, with a gradient of zero at zero."""
    zero = values == 0
    rooted: Tensor = torch.where(zero, 1.0, values) ** power * ~zero
    return rooted


@torch.no_grad()
def center_distances(distance: BaseDistance, embeddings: Tensor, centers: Tensor) -> Tensor:
    """(B, K) distances of all embeddings (B, D) to all centers (K, D), in the units of :func:`row_distances`.

    Similarities come negated, so that smaller always is nearer. Used to select negatives, so without gradient and
    without element weights. No (B, K, D) tensor is formed.
    """
    embeddings, centers = distance.maybe_normalize(embeddings), distance.maybe_normalize(centers)
    if isinstance(distance, LpDistance):
        # The matrix-product shortcut of cdist loses digits where distances are small, and picks wrong negatives.
        measured = torch.cdist(embeddings, centers, p=distance.p, compute_mode="donot_use_mm_for_euclid_dist")
        distances: Tensor = measured**distance.power
        return distances
    similarities: Tensor = (embeddings @ centers.t()) ** distance.power
    return -similarities

"""The profiles of the loss playground: Ad-Corre on vectors of eight entries, computed by `AdCorreLoss`.

The correlation of two vectors of two entries is +1, -1 or, where the entries of one are equal, 0: on a plane Ad-Corre
has no slope to follow. With eight entries it has.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ferlab.losses import AdCorreLoss
from ferlab.losses.ad_corre import standardise

ENTRIES = 8
HEADS = 2
LEVELS = 13  # heights of the chosen entry at which the loss is looked at
MOST_CLASSES = 4  # more would be too small to read


@dataclass(frozen=True)
class ProfilesResult:
    """One evaluation.

    Attributes:
        value: the weighted sum of the terms.
        terms: "FD", "MD" and "ED" before their weights.
        gradient: (B, k, D), of the value.
        correlations: (k, B, B), of the faces, head by head.
        mean_correlations: (k, C, C), of the class means of the C classes present.
        head_correlations: (B, k, k), of the heads of one face.
        present: the classes present.
    """

    value: float
    terms: dict[str, float]
    gradient: Tensor
    correlations: Tensor
    mean_correlations: Tensor
    head_correlations: Tensor
    present: list[int]


def deal_profiles(num_classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random profiles (B, k, 8) and labels (B,): two faces a class, three where there are only two classes."""
    classes = min(num_classes, MOST_CLASSES)
    labels = torch.arange(classes).repeat_interleave(3 if classes == 2 else 2)
    generator = torch.Generator().manual_seed(seed)
    profiles = torch.randn(len(labels), HEADS, ENTRIES, generator=generator, dtype=torch.float64)
    return 0.7 * profiles.clamp(-2, 2), labels


def ad_corre(labels: Tensor, weights: dict[str, float]) -> AdCorreLoss:
    """The loss with these weights of its terms, all pairs counted alike."""
    return AdCorreLoss(
        num_classes=int(labels.max()) + 1,
        adaptive=False,
        feature_weight=weights["FD"],
        mean_weight=weights["MD"],
        embedding_weight=weights["ED"],
    )


def evaluate_profiles(profiles: Tensor, labels: Tensor, weights: dict[str, float]) -> ProfilesResult:
    """Ad-Corre's terms, their gradient, and the correlations that they are made of.

    Args:
        profiles: (B, k, D).
        labels: (B,).
        weights: factor of each of "FD", "MD", "ED".
    """
    loss = ad_corre(labels, weights)
    leaf = profiles.clone().requires_grad_()
    terms = loss.components(leaf, labels)
    gradient = torch.zeros_like(profiles)
    value = 0.0
    if any(weights.values()):
        total = loss(leaf, labels)
        total.backward()
        value, gradient = float(total.detach()), leaf.grad
    present = labels.unique().tolist()
    heads = profiles.transpose(0, 1)  # (k, B, D)
    means = torch.stack([heads[:, labels == label].mean(dim=1) for label in present], dim=1)
    return ProfilesResult(
        value, {name: float(term.detach()) for name, term in terms.items()}, gradient,
        *(_correlations(vectors) for vectors in (heads, means, profiles)), present,
    )  # fmt: skip


def _correlations(vectors: Tensor) -> Tensor:
    """(.., M, M) of vectors (.., M, D), as the loss standardises them."""
    standard = standardise(vectors)
    return standard @ standard.transpose(-1, -2)


@torch.no_grad()
def entry_levels(
    profiles: Tensor, labels: Tensor, weights: dict[str, float], place: tuple[int, int, int], reach: float
) -> list[tuple[float, float]]:
    """(height, loss) of one entry at `LEVELS` heights in [-reach, reach], all else staying: a level set's counterpart.

    Args:
        profiles, labels, weights: as for `evaluate_profiles`.
        place: face, head and entry.
        reach: the largest height.
    """
    loss = ad_corre(labels, weights)
    moved = profiles.clone()
    levels = []
    for height in torch.linspace(-reach, reach, LEVELS, dtype=torch.float64).tolist():
        moved[place] = height
        levels.append((height, float(loss(moved, labels)) if any(weights.values()) else 0.0))
    return levels

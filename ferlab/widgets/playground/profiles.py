"""The profiles of the loss playground: losses over heads, such as Ad-Corre, on vectors of eight entries.

The correlation of two vectors of two entries is +1, -1 or, where the entries of one are equal, 0: on a plane Ad-Corre
has no slope to follow. With eight entries it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ferlab.losses import AdCorreLoss, MetricLoss
from ferlab.losses.ad_corre import standardise
from ferlab.widgets.playground.drawable import Drawable

ENTRIES = 8
HEADS = 2
HEIGHTS = 13  # heights of the chosen entry at which the loss is looked at
MOST_CLASSES = 4  # more would be too small to read


@dataclass(frozen=True)
class ProfilesResult:
    """One evaluation.

    Attributes:
        value: the weighted sum of the terms.
        terms: by name, before their weights.
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


def can_be_weighed(drawable: Drawable) -> bool:
    """Whether the terms of a loss have weights of their own that can be set."""
    return drawable.loss is not None and issubclass(drawable.loss, AdCorreLoss)


def profile_loss(drawable: Drawable, labels: Tensor, weights: Mapping[str, float]) -> MetricLoss:
    """The loss with these weights of its terms, where they can be set."""
    loss = drawable.build(int(labels.max()) + 1, ENTRIES)
    if isinstance(loss, AdCorreLoss):
        loss.weights = dict(weights)  # without logits its adaptive weights are all 1: all pairs are counted alike
    return loss


def evaluate_profiles(
    profiles: Tensor, labels: Tensor, drawable: Drawable, weights: Mapping[str, float]
) -> ProfilesResult:
    """A loss over heads, its terms, its gradient, and the correlations of the profiles.

    Args:
        profiles: (B, k, D).
        labels: (B,).
        drawable: the loss.
        weights: factor of each of its terms.
    """
    loss = profile_loss(drawable, labels, weights)
    leaf = profiles.clone().requires_grad_()
    total = drawable.strength * loss(leaf, labels)
    gradient = torch.zeros_like(profiles)
    if total.requires_grad:  # not where every term is switched off
        total.backward()
        gradient = leaf.grad
    present = labels.unique().tolist()
    heads = profiles.transpose(0, 1)  # (k, B, D)
    means = torch.stack([heads[:, labels == label].mean(dim=1) for label in present], dim=1)
    return ProfilesResult(
        value=float(total.detach()),
        terms={name: float(term) for name, term in loss.parts.items()},
        gradient=gradient,
        correlations=correlations(heads),
        mean_correlations=correlations(means),
        head_correlations=correlations(profiles),
        present=present,
    )


def correlations(vectors: Tensor) -> Tensor:
    """(.., M, M) of vectors (.., M, D), as the loss standardises them."""
    standard = standardise(vectors)
    return standard @ standard.transpose(-1, -2)


@torch.no_grad()
def entry_levels(
    profiles: Tensor,
    labels: Tensor,
    drawable: Drawable,
    weights: Mapping[str, float],
    *,
    place: tuple[int, int, int],
    reach: float,
) -> list[tuple[float, float]]:
    """(height, loss) of one entry at `HEIGHTS` heights in [-reach, reach], all else staying: a level set's counterpart.

    Args:
        profiles, labels, drawable, weights: as for `evaluate_profiles`.
        place: face, head and entry.
        reach: the largest height.
    """
    loss = profile_loss(drawable, labels, weights)
    moved = profiles.clone()
    levels = []
    for height in torch.linspace(-reach, reach, HEIGHTS, dtype=torch.float64).tolist():
        moved[place] = height
        levels.append((height, drawable.strength * float(loss(moved, labels))))
    return levels

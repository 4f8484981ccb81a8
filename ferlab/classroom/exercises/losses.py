"""The checks of the exercises on losses and negatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ferlab.classroom.exercises.tools import Mistake, answer_of, known_mistake, number_of, solved
from ferlab.losses import AdCorreLoss
from ferlab.samplers import SelectionBatch, SemiSynthesizedNegative
from ferlab.widgets.playground.playground import LossPlayground

# ---- Triplet-Center Loss -------------------------------------------------------------------------------------------


def check_margin_shift(function: Callable[[float, float], float]) -> str:
    """Judge a learner's `function(margin, gap)` for how far a margin moves the border between two centers.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for margin, gap in ((3.0, 5.0), (1.0, 1.0), (4.0, 2.0)):
        value, complaint = number_of(function, margin, gap)
        if complaint:
            return complaint
        right = margin / (2 * gap)
        if not np.isclose(value, right):
            return known_mistake(value, _shift_mistakes(margin, gap)) or (
                f"For a margin of {margin:g} and centers {gap:g} apart the border moves by {right:g}, but your "
                f"function says {value:g}. Solve x² + m = (x - g)² for x again."
            )
    return solved("Right: the border moves by m / (2 · gap).")


def _shift_mistakes(margin: float, gap: float) -> list[Mistake]:
    right = margin / (2 * gap)
    from_a_center = "That is where the border lies, counted from a center. Subtract the middle, gap / 2."
    without_gap = "The gap plays a part: with centers far apart a margin moves the border less."
    return [
        (-right, "Almost: asked for is how far, not in which direction; return a positive number."),
        (margin / gap, "Almost, you are off by a factor of 2: (x - g)² holds the term 2xg."),
        *[(place, from_a_center) for place in (gap / 2 - right, gap / 2 + right)],
        *[(shift, without_gap) for shift in (margin / 2, margin)],
    ]


def check_zero_loss(playground: LossPlayground, centers: np.ndarray, margin: float, *, away: float = 3.0) -> str:
    """Judge whether a playground has a loss of zero, with a point of every class far from its center.

    Centers and margin must be as they were.

    Args:
        playground: the learner's.
        centers: (K, 2), where the centers lay at the start.
        margin: at the start.
        away: how far from its center a point of every class must lie.

    Returns:
        What is right or what to change.
    """
    if playground.loss != "tcl-nearest":
        return "The playground shows another loss now: choose TCL with the nearest negative again."
    if playground.centers.shape != centers.shape or not np.allclose(playground.centers, centers):
        return "A center has moved. Press Reset, untick “centers”, and move points only."
    if not np.isclose(playground.margin, margin):
        return f"The margin is {playground.margin:g} now; set it back to {margin:g}."
    if playground.value > 0:
        losses = playground.losses
        worst = int(losses.argmax())
        return (
            f"The loss is {playground.value:.3f}. {int((losses > 0).sum())} of {len(losses)} hinges are open; the "
            f"widest is that of point {worst} ({playground.classes[playground.labels[worst]]}, {losses[worst]:.2f})."
        )
    gaps = np.linalg.norm(playground.points - playground.centers[playground.labels], axis=1)
    farthest = np.array([gaps[playground.labels == c].max(initial=0) for c in range(len(centers))])
    near = int(farthest.argmin())
    if farthest[near] < away:
        return (
            f"Zero, but no point of {playground.classes[near]} is further than {farthest[near]:.2f} from its center, "
            f"and at least {away:g} is asked for. Where can one go without its hinge opening?"
        )
    return solved(
        f"Zero, with points up to {farthest.max():.2f} from their centers, and in every class one at "
        f"{farthest.min():.2f} or more: TCL asks for the right side of a border, not for closeness."
    )


# ---- negatives -----------------------------------------------------------------------------------------------------


def check_semi_synthesized(function: Callable[[Tensor, Tensor, Tensor, int], Tensor]) -> str:
    """Judge a learner's `function(embeddings, labels, centers, candidates)`, which gives (B, D) indices of centers.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    generator = torch.Generator().manual_seed(1)
    embeddings, labels = torch.randn(40, 9, generator=generator), torch.arange(40) % 6
    centers = torch.randn(6, 9, generator=generator)
    distances = torch.cdist(embeddings, centers).square().scatter(1, labels[:, None], torch.inf)
    batch = SelectionBatch(embeddings, labels, centers, None, measure=lambda: distances)
    for candidates in (1, 2, 3, 5):
        chosen, complaint = answer_of(function, embeddings.clone(), labels.clone(), centers.clone(), candidates)
        complaint = complaint or _not_indices(chosen, embeddings) or _not_allowed(chosen, batch, candidates)
        if complaint:
            return complaint
        right = SemiSynthesizedNegative(candidates).select(batch)
        right = right[:, None].expand_as(chosen) if right.ndim == 1 else right
        if wrong := int((chosen != right).sum()):
            return (
                f"With candidates={candidates} the right centers are allowed, but {wrong} of {chosen.numel()} entries "
                "are not from the one that is closest in that dimension: compare absolute differences, |f - C|."
            )
    return solved("Right, for 1, 2, 3 and all 5 candidates.")


def _not_indices(chosen: object, embeddings: Tensor) -> str:
    """What is wrong with an answer that is not one index an entry; empty where it is."""
    if not isinstance(chosen, Tensor):
        return f"The answer should be a tensor of indices, but is of type {type(chosen).__name__}."
    if chosen.shape != embeddings.shape:
        wanted = tuple(embeddings.shape)
        return f"The answer has shape {tuple(chosen.shape)}; asked for is one index an entry, {wanted}."
    if chosen.is_floating_point():
        return "Your function returns numbers with decimals: asked for are indices of centers, not their entries."
    return ""


def _not_allowed(chosen: Tensor, batch: SelectionBatch, candidates: int) -> str:
    """What is wrong with chosen centers (B, D) that are not among the nearest other ones; empty where they are."""
    nearest = batch.distances.argsort(dim=1)[:, :candidates]
    # The closest entry's place in the list of candidates, 0 the nearest center: a usual mistake.
    places = (batch.embeddings[:, None] - batch.centers[nearest]).abs().argmin(dim=1)
    if candidates > 1 and (chosen == places).all():
        return "These are places in your list of candidates: return which class stands at each place."
    if (chosen == batch.labels[:, None]).any():
        return "Some entries come from the center of the own class: set its distances and gaps to infinity."
    if not (chosen[:, :, None] == nearest[:, None, :]).any(dim=2).all():
        return (
            f"With candidates={candidates}, some entries come from centers that are not among the nearest {candidates}."
        )
    return ""


def check_mixed_negative(
    playground: LossPlayground, start: np.ndarray, *, share: float = 0.25, apart: float = 0.5
) -> str:
    """Judge whether the ringed point has a fully-synthesized negative of two centers, much closer than any center.

    Args:
        playground: the learner's.
        start: (N, 2), where the points lay at the start; the ringed one must have been moved.
        share: of the squared distance to the nearest other center, which the negative must be below.
        apart: how far the negative must lie from every center, the own one included.

    Returns:
        What is right or what to change.
    """
    if playground.loss != "tcl-fully-synthesized":
        return "The playground shows another loss now: choose TCL with the fully-synthesized negative again."
    at = playground.selected
    point, label = playground.points[at], playground.labels[at]
    if playground.points.shape == start.shape and np.allclose(point, start[at]):
        return "The ringed point lies where it lay at the start: drag it."
    x_from, y_from = (playground.classes[k] for k in playground.negative_classes[at])
    if x_from == y_from:
        return f"x and y of the negative both come from {x_from}: move the ringed point between two other centers."
    others = np.delete(playground.centers, label, axis=0)
    nearest = float(((others - point) ** 2).sum(axis=1).min())
    found = float(((playground.negatives[at] - point) ** 2).sum())
    if found >= share * nearest:
        return (
            f"x comes from {x_from} and y from {y_from}, at squared distance {found:.2f}; the nearest center is at "
            f"{nearest:.2f}, so it must fall below {share * nearest:.2f}. Make x alike to one center and y alike to "
            "another."
        )
    gaps = np.linalg.norm(playground.centers - playground.negatives[at], axis=1)
    if gaps.min() < apart:
        return (
            f"x comes from {x_from} and y from {y_from}, but the negative lies only {gaps.min():.2f} from the center "
            f"of {playground.classes[int(gaps.argmin())]}: find a place at least {apart:g} away from all of them."
        )
    return solved(
        f"There: x from {x_from}, y from {y_from}, squared distance {found:.2f}, while the nearest center is at "
        f"{nearest:.2f}. The loss pushes this point away from a place that is no class's center."
    )


# ---- Ad-Corre ------------------------------------------------------------------------------------------------------


def check_mean_discriminator(function: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Judge a learner's `function(embeddings, labels)` for Ad-Corre's mean discriminator of one head.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    generator = torch.Generator().manual_seed(2)
    for seen in (torch.arange(4), torch.tensor([0, 2, 3])):  # the second batch lacks a class
        embeddings, labels = torch.randn(30, 12, generator=generator) + 0.5, seen[torch.arange(30) % len(seen)]
        value, complaint = number_of(function, embeddings.clone(), labels.clone())
        if complaint:
            return complaint
        right = float(AdCorreLoss(4, adaptive=False).components(embeddings, labels)["MD"])
        if np.isnan(value):
            return (
                "Your function says nan, not a number: is there a division by zero?"
                if len(seen) == 4
                else "In a batch without class 1 your function says nan: it takes the mean of no faces. Go over the "
                "classes that are there, `labels.unique()`."
            )
        if not np.isclose(value, right, atol=1e-5):
            return known_mistake(value, _mean_mistakes(embeddings, len(seen), right), atol=1e-5) or (
                f"For {len(seen)} classes you get {value:.4f}, but MD is {right:.4f}. Are the means standardized?"
            )
        if not _trains(function, embeddings, labels):
            return (
                "The number is right, but no gradient reaches the embeddings: in a training it would do nothing. "
                "Return a tensor that was computed from them, not a float, an array or something detached."
            )
    return solved("Right, also for a batch without one of the classes.")


def _mean_mistakes(embeddings: Tensor, classes: int, right: float) -> list[Mistake]:
    of_faces = 1 + np.corrcoef(embeddings.numpy())
    np.fill_diagonal(of_faces, 0)
    return [
        (
            right * classes / (classes - 1),
            "Almost: average over all K x K pairs, with the diagonal as zeros, not over pairs of different classes "
            "only.",
        ),
        (
            right + 2 / classes,
            "Almost: a class with itself has correlation 1 and must count as 0; clear the diagonal.",
        ),
        (right - 1 + 1 / classes, "Almost: the 1 of 1 + corr is missing."),
        (right * classes**2, "This is the sum over all pairs: take the mean."),
        (2 * (1 - 1 / classes) - right, "The sign is wrong: 1 + corr, so that a correlation of -1 costs nothing."),
        (
            float(of_faces.mean()),
            "These are the correlations of single faces. Take the mean embedding of each class first.",
        ),
    ]


def _trains(function: Callable[[Tensor, Tensor], Tensor], embeddings: Tensor, labels: Tensor) -> bool:
    """Whether a learner's loss has a gradient."""
    leaf = embeddings.clone().requires_grad_()
    value = function(leaf, labels.clone())
    if not isinstance(value, Tensor) or not value.requires_grad:
        return False
    (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True)
    return gradient is not None and bool(gradient.any())


def check_heads_disagree(playground: LossPlayground, *, at_most: float = 0.05) -> str:
    """Judge whether ED of a playground with Ad-Corre was made small.

    Args:
        playground: the learner's.
        at_most: for ED.

    Returns:
        What is right or what to change.
    """
    if playground.loss != "ad-corre":
        return "The playground shows another loss now: choose Ad-Corre again."
    found, weights = playground.parts["ED"], playground.term_weights
    if weights["FD"] or weights["MD"]:
        return "FD or MD still plays a part: set their weights to 0."
    if found > at_most:
        advice = "press Play" if weights["ED"] else "give ED a weight above 0, then press Play"
        return f"ED is {found:.3f}; at most {at_most:g} is asked for: {advice}."
    return solved(f"ED is {found:.3f}: the two heads of every face say opposite things.")


def check_least_disagreement(function: Callable[[int], float]) -> str:
    """Judge a learner's `function(heads)` for the smallest value that ED can take with that many heads.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for heads in (2, 3, 7):
        value, complaint = number_of(function, heads)
        if complaint:
            return complaint
        right = (heads - 2) / heads
        mistakes: list[Mistake] = [
            (0.0, f"Two heads can be opposite to each other, {heads} cannot: what is their least mean correlation?"),
            (
                -1 / (heads - 1),
                "This is the least mean correlation of two different heads. ED averages 1 + corr.",
            ),
            (
                (heads - 2) / (heads - 1),
                "Almost: this is the mean over pairs of different heads. ED averages over all k x k pairs, with the "
                "diagonal as zeros.",
            ),
        ]
        if not np.isclose(value, right):
            return known_mistake(value, mistakes) or (
                f"With {heads} heads you get {value:.3f}, but the least is {right:.3f}. What can the correlations of "
                "different heads sum to at least, and how many terms does ED average?"
            )
    return solved("Right. With seven heads ED cannot fall below 5/7, whatever the heads say.")

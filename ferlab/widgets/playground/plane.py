"""The plane of the loss playground: values, gradients and level sets, all from the classes of `ferlab.losses`.

Nothing here computes a loss of its own: a `JointLoss` with the chosen metric loss is called and differentiated by
autograd, and its `sample_losses` gives single points. float64, so that a hinge that is shut is exactly 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import contourpy
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from ferlab.losses import CenterLoss, JointLoss, TripletCenterLoss
from ferlab.losses.centers import ClassCenters
from ferlab.losses.distances import row_distances
from ferlab.samplers import (
    FullySynthesizedNegative,
    NearestNegative,
    NegativeCenterSampler,
    PredictedNegative,
    SemiSynthesizedNegative,
)

PLANE_LOSSES: dict[str, str] = {
    "ce": "Cross-entropy",
    "center": "Center loss",
    "tcl-nearest": "TCL, nearest negative",
    "tcl-fully-synthesized": "TCL, fully-synthesized negative",
    "tcl-semi-synthesized": "TCL, semi-synthesized negative",
    "tcl-predicted": "TCL, predicted negative",
}
GRID = 49  # points along each side of the grid for the level sets
LEVELS = 12
# Added to a margin, it keeps every hinge open: larger than any squared distance of coordinates up to LIMIT.
OPEN = 1e7
LIMIT = 1000.0


@dataclass(frozen=True)
class PlaneSettings:
    """What the sliders say.

    Attributes:
        loss: a key of `PLANE_LOSSES`.
        margin: of TCL, in squared distance.
        candidates: of the semi-synthesized negative.
        temperature: divides the logits.
        ce_weight: lambda of `lambda * CE + metric loss`; cross-entropy alone always has 1.
    """

    loss: str = "tcl-nearest"
    margin: float = 4.0
    candidates: int = 2
    temperature: float = 1.0
    ce_weight: float = 0.0

    @property
    def uses_centers(self) -> bool:
        return self.loss != "ce"

    @property
    def uses_classifier(self) -> bool:
        return self.loss in ("ce", "tcl-predicted") or self.ce_weight > 0


@dataclass(frozen=True)
class Plane:
    """What lies on the plane; float64 tensors.

    Attributes:
        points: (N, 2), embeddings.
        labels: (N,), int64.
        centers: (K, 2).
        classifier: (K, 2), the weight vectors of a linear classifier without bias.
    """

    points: Tensor
    labels: Tensor
    centers: Tensor
    classifier: Tensor

    @property
    def movable(self) -> dict[str, Tensor]:
        return {"points": self.points, "centers": self.centers, "classifier": self.classifier}


@dataclass(frozen=True)
class PlaneResult:
    """One evaluation.

    Attributes:
        value: the loss.
        parts: its terms before their weights, by name.
        losses: (N,), every point's share before the mean.
        open: (N,) bool, False where the hinge of TCL is shut: the metric loss is 0 and pulls at nothing.
        gradients: of the loss, by the names of `Plane.movable`.
        negatives: (N, 2) class of the center that gives each coordinate of the negative; None without negatives.
    """

    value: float
    parts: dict[str, float]
    losses: Tensor
    open: Tensor
    gradients: dict[str, Tensor]
    negatives: Tensor | None


def deal_plane(num_classes: int, points_per_class: int, seed: int) -> Plane:
    """A random start: classes that overlap, centers beside them, a classifier that points at the centers."""
    generator = torch.Generator().manual_seed(seed)
    turn = 2 * math.pi * torch.rand(1, generator=generator, dtype=torch.float64)
    angles = turn + 2 * math.pi * torch.arange(num_classes, dtype=torch.float64) / num_classes
    around = torch.stack([angles.cos(), angles.sin()], dim=1)
    labels = torch.arange(num_classes).repeat_interleave(points_per_class)
    noise = torch.randn(len(labels), 2, generator=generator, dtype=torch.float64).clamp(-2, 2)
    aside = torch.randn(num_classes, 2, generator=generator, dtype=torch.float64).clamp(-2, 2)
    centers = 2.4 * around + 0.5 * aside
    return Plane((1.3 * around)[labels] + 1.1 * noise, labels, centers, F.normalize(centers))


def negative_sampler(settings: PlaneSettings) -> NegativeCenterSampler:
    if settings.loss == "tcl-semi-synthesized":
        return SemiSynthesizedNegative(settings.candidates)
    return {
        "tcl-nearest": NearestNegative,
        "tcl-fully-synthesized": FullySynthesizedNegative,
        "tcl-predicted": PredictedNegative,
    }[settings.loss]()


def metric_loss(settings: PlaneSettings, centers: Tensor, extra_margin: float = 0.0) -> ClassCenters | None:
    """The chosen loss with these centers as its parameter; None for cross-entropy."""
    if settings.loss == "ce":
        return None
    # A new loss draws its first centers at random; on this device without touching the caller's random numbers, also
    # while a cell trains: JupyterLab lets widgets talk to the kernel from a thread of their own.
    with torch.device("meta"):
        if settings.loss == "center":
            loss = CenterLoss(*centers.shape)
        else:
            margin = settings.margin + extra_margin
            loss = TripletCenterLoss(*centers.shape, margin=margin, negatives=negative_sampler(settings))
    loss.centers = torch.nn.Parameter(centers.detach().clone())
    return loss


def logits_of(points: Tensor, classifier: Tensor, temperature: float) -> Tensor:
    return F.linear(points, classifier) / temperature


def evaluate(plane: Plane, settings: PlaneSettings) -> PlaneResult:
    """Loss, shares and gradients where the points, centers and weights now are."""
    points, classifier = (tensor.clone().requires_grad_() for tensor in (plane.points, plane.classifier))
    metric = metric_loss(settings, plane.centers)
    joint = JointLoss(len(plane.centers), metric, ce_weight=1.0 if metric is None else settings.ce_weight)
    logits = logits_of(points, classifier, settings.temperature)
    output = joint(logits, plane.labels, points)
    output.total.backward()
    gradients = {
        "points": points.grad,
        "centers": torch.zeros_like(plane.centers) if metric is None else metric.centers.grad,
        "classifier": classifier.grad,
    }
    with torch.no_grad():
        losses, metric_losses = point_losses(plane.points, plane.labels, plane, settings, metric)
        is_triplet = isinstance(metric, TripletCenterLoss)
        chosen = metric.select_negatives(plane.points, plane.labels, logits) if is_triplet else None
    if chosen is not None and chosen.ndim == 1:
        chosen = chosen[:, None].expand(-1, 2)
    names = {"ce": "cross-entropy", "metric": "center loss" if settings.loss == "center" else "TCL"}
    return PlaneResult(
        value=float(output.total.detach()),
        parts={names[name]: float(part) for name, part in output.parts.items()},
        losses=losses,
        open=metric_losses > 0 if is_triplet else torch.ones_like(plane.labels, dtype=torch.bool),
        gradients=gradients,
        negatives=chosen,
    )


def point_losses(
    points: Tensor, labels: Tensor, plane: Plane, settings: PlaneSettings, metric: ClassCenters | None
) -> tuple[Tensor, Tensor]:
    """(M,) losses of points (M, 2), in whole and the metric loss alone, with the plane's centers and classifier."""
    logits = logits_of(points, plane.classifier, settings.temperature)
    ce = F.cross_entropy(logits, labels, reduction="none")
    if metric is None:
        return ce, torch.zeros_like(ce)
    metric_losses = metric.sample_losses(points, labels, metric.centers.detach(), logits, None)
    return settings.ce_weight * ce + metric_losses, metric_losses


@dataclass(frozen=True)
class LevelSets:
    """Where one point would have which loss.

    Attributes:
        lines: (level, lines of coordinates (M, 2)) from the lowest level up.
        through: the lines of the level of the point itself.
        above: for every level, the rings (M, 2) around the region with a higher loss; fill them with the even-odd rule.
        shut: rings around the region where the hinge of TCL is shut; empty without one.
    """

    lines: list[tuple[float, list[np.ndarray]]]
    through: list[np.ndarray]
    above: list[list[np.ndarray]]
    shut: list[np.ndarray]


@torch.no_grad()
def level_sets(plane: Plane, settings: PlaneSettings, result: PlaneResult, selected: int, span: float) -> LevelSets:
    """Level sets of the loss of the selected point, as it moves over [-span, span]^2 and all else stays."""
    axis = torch.linspace(-span, span, GRID, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis).flip(1)  # rows of the grid are y, its columns x
    labels = plane.labels[selected].expand(len(grid))
    own_loss = float(result.losses[selected])
    metric = metric_loss(settings, plane.centers)
    losses, _ = point_losses(grid, labels, plane, settings, metric)
    values = losses.view(GRID, GRID).numpy()
    contours = contourpy.contour_generator(axis.numpy(), axis.numpy(), values)
    low, high = float(values.min()), float(values.max())
    levels = [level for level in MaxNLocator(LEVELS).tick_values(low, high) if low < level < high and level > 0]
    shut: list[np.ndarray] = []
    if isinstance(metric, TripletCenterLoss):
        # Held open by a large margin, the same loss gives the hinge's argument, whose zero is a smooth line.
        metric = metric_loss(settings, plane.centers, extra_margin=OPEN)
        _, opened = point_losses(grid, labels, plane, settings, metric)
        hinge = contourpy.contour_generator(axis.numpy(), axis.numpy(), (opened - OPEN).view(GRID, GRID).numpy())
        shut = _rings(hinge, -OPEN, 0.0)
    return LevelSets(
        lines=[(float(level), contours.lines(level)) for level in levels],
        through=contours.lines(own_loss) if own_loss > 0 else [],
        above=[_rings(contours, level, OPEN) for level in levels],
        shut=shut,
    )


def _rings(contours: contourpy.ContourGenerator, low: float, high: float) -> list[np.ndarray]:
    polygons, offsets = contours.filled(low, high)
    return [
        polygon[start:end]
        for polygon, starts in zip(polygons, offsets, strict=True)
        for start, end in zip(starts[:-1], starts[1:], strict=True)
    ]


@torch.no_grad()
def sectors(classifier: Tensor, directions: int = 360) -> list[tuple[float, float, int]]:
    """Around the origin, which class has the largest logit: (first angle, last angle, class), in radians.

    A classifier without bias decides by direction alone.
    """
    step_size = 2 * math.pi / directions
    angles = (torch.arange(directions, dtype=torch.float64) + 0.5) * step_size
    classes = logits_of(torch.stack([angles.cos(), angles.sin()], dim=1), classifier, 1.0).argmax(dim=1).tolist()
    starts = [i for i in range(directions) if classes[i] != classes[i - 1]]
    if not starts:
        return [(0.0, 2 * math.pi, classes[0])]
    ends = [*starts[1:], starts[0] + directions]
    return [(start * step_size, end * step_size, classes[start]) for start, end in zip(starts, ends, strict=True)]


@torch.no_grad()
def explain(plane: Plane, settings: PlaneSettings, result: PlaneResult, selected: int, classes: tuple[str, ...]) -> str:
    """The loss of one point with its numbers put in."""
    point, label = plane.points[selected : selected + 1], plane.labels[selected : selected + 1]
    name = classes[int(label)]
    ce = None
    if settings.uses_classifier:
        probability = logits_of(point, plane.classifier, settings.temperature).softmax(dim=1)[0, int(label)]
        ce = f"−log p({name}) = −log {probability:.3f} = {-probability.log():.3f}"
    if settings.loss == "ce":
        return ce
    metric = metric_loss(settings, plane.centers)
    own = float(row_distances(metric.distance, point, plane.centers[label], None))
    if settings.loss == "center":
        text = f"½ d(f, own center) = ½ · {own:.3f} = {own / 2:.3f}"
    else:
        negative = plane.centers.gather(0, result.negatives[selected : selected + 1])
        other = float(row_distances(metric.distance, point, negative, None))
        hinge = own + settings.margin - other
        text = (
            "max(0, d(f, own center) + m − d(f, negative)) = "
            f"max(0, {own:.2f} + {settings.margin:.2f} − {other:.2f}) = {max(0.0, hinge):.2f}"
        )
    return f"{settings.ce_weight:g} · ({ce}) + {text}" if settings.ce_weight else text

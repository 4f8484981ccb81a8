"""The plane of the loss playground: values, gradients and level sets, all from the classes of `ferlab.losses`.

Nothing here computes a loss of its own: a `JointLoss` with the chosen metric loss is called and differentiated by
autograd, and the `sample_losses` of a loss with class centers gives single points. float64, so that a hinge that is
shut is exactly 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import contourpy
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from ferlab.losses import CenterLoss, ClassCenters, JointLoss, MetricLoss, TripletCenterLoss
from ferlab.losses.distances import row_distances
from ferlab.widgets.playground.drawable import Drawable

GRID = 49  # points along each side of the grid for the level sets
COARSE_GRID = 11  # where every point of the grid is a whole batch
LEVEL_LINES = 12
# Added to a margin, it keeps every hinge open: larger than any squared distance of coordinates within the limit.
OPEN = 1e7


@dataclass(frozen=True)
class PlaneSettings:
    """What the sliders say.

    Attributes:
        margin: of TCL, in squared distance.
        candidates: of the semi-synthesized negative.
        temperature: divides the logits.
        ce_weight: lambda of `lambda * CE + metric loss`; cross-entropy alone always has 1.
    """

    margin: float = 4.0
    candidates: int = 2
    temperature: float = 1.0
    ce_weight: float = 0.0


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

    def with_point(self, index: int, place: Tensor) -> Plane:
        """The same with one point elsewhere."""
        points = self.points.clone()
        points[index] = place
        return replace(self, points=points)


@dataclass(frozen=True)
class PlaneLoss:
    """A loss on the plane: which one, and with which settings."""

    drawable: Drawable
    settings: PlaneSettings = PlaneSettings()

    @property
    def ce_weight(self) -> float:
        return 1.0 if self.drawable.loss is None else self.settings.ce_weight

    @property
    def uses_classifier(self) -> bool:
        return self.drawable.reads_logits or self.ce_weight > 0

    @property
    def uses(self) -> list[str]:
        """What of the plane has a part in it."""
        centers = ["centers"] if self.drawable.has_centers else []
        return ["points", *centers, *(["classifier"] if self.uses_classifier else [])]

    def metric(self, centers: Tensor, extra_margin: float = 0.0) -> MetricLoss | None:
        """The metric loss, with these centers (K, 2) as its parameter where it has some; None for cross-entropy."""
        size = centers.shape[1]
        changed: dict[str, Any] = {}
        if self.drawable.has_margin:
            changed["margin"] = (self.settings.margin + extra_margin) / size  # a method's margin is divided by D
        if self.drawable.has_candidates:
            changed["negatives"] = replace(self.drawable.options["negatives"], candidates=self.settings.candidates)
        loss = self.drawable.build(len(centers), size, **changed)
        if isinstance(loss, ClassCenters):
            loss.centers = torch.nn.Parameter(centers.detach().clone())
        return loss

    def joint(self, metric: MetricLoss | None, num_classes: int) -> JointLoss:
        return JointLoss(num_classes, metric, ce_weight=self.ce_weight, metric_weight=self.drawable.strength)

    def logits(self, points: Tensor, classifier: Tensor) -> Tensor:
        return F.linear(points, classifier) / self.settings.temperature


@dataclass(frozen=True)
class PlaneResult:
    """One evaluation.

    Attributes:
        value: the loss.
        parts: its terms before their weights, by their words for people.
        losses: (N,), every point's share before the mean; None where the loss compares the points of a batch.
        open: (N,) bool, False where the hinge of TCL is shut: the metric loss is 0 and pulls at nothing.
        gradients: of the loss, by the names of `Plane.movable`.
        negatives: (N, 2) class of the center that gives each coordinate of the negative; None without negatives.
    """

    value: float
    parts: dict[str, float]
    losses: Tensor | None
    open: Tensor
    gradients: dict[str, Tensor]
    negatives: Tensor | None

    def value_for(self, point: int) -> float:
        """The loss whose level sets belong to a point: its own, or the whole where no point has one."""
        return self.value if self.losses is None else float(self.losses[point])

    def loudest(self) -> int:
        """The point that has most to tell: with the largest loss, or the steepest slope."""
        losses = self.gradients["points"].norm(dim=1) if self.losses is None else self.losses
        return int(losses.argmax())


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


def evaluate_plane(plane: Plane, loss: PlaneLoss) -> PlaneResult:
    """Loss, shares and gradients where the points, centers and weights now are."""
    points, classifier = (tensor.clone().requires_grad_() for tensor in (plane.points, plane.classifier))
    metric = loss.metric(plane.centers)
    joint = loss.joint(metric, len(plane.centers))
    logits = loss.logits(points, classifier)
    output = joint(logits, plane.labels, points)
    output.total.backward()
    gradients = {
        "points": points.grad,
        "centers": metric.centers.grad if isinstance(metric, ClassCenters) else torch.zeros_like(plane.centers),
        "classifier": classifier.grad,
    }
    losses, is_open, chosen = None, torch.ones_like(plane.labels, dtype=torch.bool), None
    with torch.no_grad():
        if loss.drawable.has_point_losses:
            losses, metric_losses = point_losses(plane.points, plane.labels, plane, loss, metric)
        if isinstance(metric, TripletCenterLoss):
            is_open = metric_losses > 0
            chosen = metric.select_negatives(plane.points, plane.labels, logits)
            chosen = chosen[:, None].expand(-1, 2) if chosen.ndim == 1 else chosen
    labels = joint.part_labels()
    return PlaneResult(
        value=float(output.total.detach()),
        parts={labels[name]: float(part) for name, part in output.parts.items()},
        losses=losses,
        open=is_open,
        gradients=gradients,
        negatives=chosen,
    )


def point_losses(
    points: Tensor, labels: Tensor, plane: Plane, loss: PlaneLoss, metric: MetricLoss | None
) -> tuple[Tensor, Tensor]:
    """(M,) losses of points (M, 2), in whole and the metric loss alone, with the plane's centers and classifier.

    Args:
        points: anywhere on the plane.
        labels: (M,).
        plane: whose classifier counts.
        loss: which has losses of single points.
        metric: its metric loss, with centers; None for cross-entropy.
    """
    logits = loss.logits(points, plane.classifier)
    ce = F.cross_entropy(logits, labels, reduction="none")
    if not isinstance(metric, ClassCenters):
        return ce, torch.zeros_like(ce)
    metric_losses = metric.sample_losses(points, labels, metric.centers.detach(), logits, None)
    return loss.ce_weight * ce + loss.drawable.strength * metric_losses, metric_losses


def batch_losses(places: Tensor, point: int, plane: Plane, loss: PlaneLoss) -> Tensor:
    """(M,): the loss of all points together, if one of them lay at each of the places (M, 2)."""
    joint = loss.joint(loss.metric(plane.centers), len(plane.centers))
    values = []
    for place in places:
        moved = plane.with_point(point, place).points
        values.append(joint(loss.logits(moved, plane.classifier), plane.labels, moved).total)
    return torch.stack(values)


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
def level_sets(plane: Plane, loss: PlaneLoss, result: PlaneResult, *, selected: int, span: float) -> LevelSets:
    """Level sets of the loss of the selected point, as it moves over [-span, span]^2 and all else stays.

    Where no point has a loss of its own, they are those of the whole.
    """
    size = GRID if loss.drawable.has_point_losses else COARSE_GRID
    axis = torch.linspace(-span, span, size, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis).flip(1)  # rows of the grid are y, its columns x
    labels = plane.labels[selected].expand(len(grid))

    def contours_of(values: Tensor) -> Any:  # contourpy's types allow for every kind of line
        return contourpy.contour_generator(axis.numpy(), axis.numpy(), values.view(size, size).numpy())

    metric = loss.metric(plane.centers)
    if loss.drawable.has_point_losses:
        values, _ = point_losses(grid, labels, plane, loss, metric)
    else:
        values = batch_losses(grid, selected, plane, loss)
    contours = contours_of(values)
    low, high = float(values.min()), float(values.max())
    levels = [level for level in MaxNLocator(LEVEL_LINES).tick_values(low, high) if low < level < high and level > 0]
    shut: list[np.ndarray] = []
    if isinstance(metric, TripletCenterLoss):
        # Held open by a large margin, the same loss gives the hinge's argument, whose zero is a smooth line.
        metric = loss.metric(plane.centers, extra_margin=OPEN)
        _, opened = point_losses(grid, labels, plane, loss, metric)
        shut = _rings(contours_of(opened - OPEN), -OPEN, 0.0)
    own = result.value_for(selected)
    return LevelSets(
        lines=[(float(level), contours.lines(level)) for level in levels],
        through=contours.lines(own) if own > 0 else [],
        above=[_rings(contours, level, OPEN) for level in levels],
        shut=shut,
    )


def _rings(contours: Any, low: float, high: float) -> list[np.ndarray]:
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
    around = torch.stack([angles.cos(), angles.sin()], dim=1)
    classes = F.linear(around, classifier).argmax(dim=1).tolist()
    starts = [i for i in range(directions) if classes[i] != classes[i - 1]]
    if not starts:
        return [(0.0, 2 * math.pi, classes[0])]
    ends = [*starts[1:], starts[0] + directions]
    return [(start * step_size, end * step_size, classes[start]) for start, end in zip(starts, ends, strict=True)]


@torch.no_grad()
def explain(plane: Plane, loss: PlaneLoss, result: PlaneResult, *, selected: int, classes: tuple[str, ...]) -> str:
    """The loss of one point with its numbers put in; where no point has one, what it pulls at."""
    if result.losses is None:
        return f"it is one of {len(plane.points)} that the loss compares, with {result.value:.3f} for all"
    point, label = plane.points[selected : selected + 1], plane.labels[selected : selected + 1]
    name, ce = classes[int(label)], ""
    if loss.uses_classifier:
        probability = loss.logits(point, plane.classifier).softmax(dim=1)[0, int(label)]
        ce = f"−log p({name}) = −log {probability:.3f} = {-probability.log():.3f}"
    metric = loss.metric(plane.centers)
    if metric is None:
        return ce
    # A subclass may add terms: its parent's formula would be wrong for it.
    write = formula.registry.get(type(metric), formula.dispatch(object))
    text = write(metric, plane, loss, result, selected)
    if loss.drawable.strength != 1:
        text = f"{loss.drawable.strength:g} · ({text})"
    return f"{loss.ce_weight:g} · ({ce}) + {text}" if loss.ce_weight else text


@singledispatch
def formula(metric: MetricLoss, plane: Plane, loss: PlaneLoss, result: PlaneResult, selected: int) -> str:
    """The metric loss of the selected point as a formula with its numbers; in words where nobody has written one."""
    _, metric_losses = point_losses(plane.points, plane.labels, plane, loss, metric)
    return f"{', '.join(metric.part_labels.values())} = {metric_losses[selected]:.3f}"


@formula.register
def _(metric: CenterLoss, plane: Plane, loss: PlaneLoss, result: PlaneResult, selected: int) -> str:
    own = _own_distance(metric, plane, selected)
    return f"½ d(f, own center) = ½ · {own:.3f} = {own / 2:.3f}"


@formula.register
def _(metric: TripletCenterLoss, plane: Plane, loss: PlaneLoss, result: PlaneResult, selected: int) -> str:
    own = _own_distance(metric, plane, selected)
    negative = plane.centers.gather(0, result.negatives[selected : selected + 1])
    other = float(row_distances(metric.distance, plane.points[selected : selected + 1], negative, None))
    hinge = own + metric.margin - other
    return (
        "max(0, d(f, own center) + m − d(f, negative)) = "
        f"max(0, {own:.2f} + {metric.margin:.2f} − {other:.2f}) = {max(0.0, hinge):.2f}"
    )


def _own_distance(metric: ClassCenters, plane: Plane, selected: int) -> float:
    chosen = slice(selected, selected + 1)
    centers = plane.centers[plane.labels[chosen]]
    return float(row_distances(metric.distance, plane.points[chosen], centers, None))

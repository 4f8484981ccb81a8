"""The dose-response of a comparison with strengths: every measure over the strength of a metric loss."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferlab.evaluation.significance import mean_interval
from ferlab.methods import get_method, reference_of, strength_of, without_strength

FEWEST = 2  # strengths beside 0 that make a curve
# A network with less than this share of its control's balanced accuracy has broken.
BROKEN = 0.5


@dataclass(frozen=True)
class Dose:
    """One strength of a metric loss.

    Attributes:
        strength: factor of the reference weight; 0 is the control.
        method: the name under which it was trained.
    """

    strength: float
    method: str


@dataclass(frozen=True)
class DoseResponse:
    """What a metric loss does at every strength that was run.

    Attributes:
        method: its name without a strength.
        control: the method at strength 0.
        doses: from the weakest to the strongest.
        default: the strength of the method that is named without one.
        breaks_at: the smallest strength with less than half of the control's balanced accuracy, or whose numbers were
            no longer finite with some seed; that one is not among the doses. None if there is neither.
    """

    method: str
    control: str
    doses: tuple[Dose, ...]
    default: float
    breaks_at: float | None


@dataclass(frozen=True)
class Point:
    """A measure at one strength: mean over the seeds, with its 95 % interval where there are several."""

    strength: float
    mean: float
    low: float | None
    high: float | None


def dose_responses(methods: Mapping[str, dict[str, Any]], diverged: Collection[str] = ()) -> dict[str, DoseResponse]:
    """Method -> its dose-response, for every metric loss of which a run holds the control and some strengths.

    Args:
        methods: as in ``summary.json``.
        diverged: names of those whose loss broke the network before the end.
    """
    found = {}
    for base in dict.fromkeys(without_strength(name) for name in methods if strength_of(name)):
        control = reference_of(base, methods)
        own = [name for name in methods if without_strength(name) == base]
        named = {strength: name for name in own if (strength := strength_of(name))}
        if control is None or len(named) < FEWEST:
            continue
        doses = (Dose(0.0, control), *(Dose(strength, named[strength]) for strength in sorted(named)))
        ends = [*_broken(methods, doses), *(strength_of(name) for name in diverged if without_strength(name) == base)]
        breaks_at = min((end for end in ends if end is not None), default=None)
        found[base] = DoseResponse(base, control, doses, get_method(base).strength, breaks_at)
    return found


def measures_of(scores: Mapping[str, Any], split: str) -> dict[str, dict[str, Any]]:
    """Measure -> mean, std and values of one method in ``summary.json``, on ``train`` or ``test`` faces."""
    return dict(scores.get("measures", {}).get(split, {}))


def response(methods: Mapping[str, dict[str, Any]], doses: DoseResponse, split: str, measure: str) -> list[Point]:
    """One measure over the strengths, those that have it.

    Args:
        methods: as in ``summary.json``.
        doses: from :func:`dose_responses`.
        split: ``"train"`` or ``"test"``.
        measure: its name there.
    """
    points = []
    for dose in doses.doses:
        value = measures_of(methods[dose.method], split).get(measure)
        if value is not None and value["mean"] is not None:
            low, high = mean_interval(value["values"])
            points.append(Point(dose.strength, value["mean"], low, high))
    return points


def recorded_responses(methods: Mapping[str, dict[str, Any]], diverged: Collection[str] = ()) -> dict[str, Any]:
    """What ``summary.json`` holds of them: for every measure and split strengths, means and intervals."""
    return {
        name: {
            "control": found.control,
            "strengths": [dose.strength for dose in found.doses],
            "methods": [dose.method for dose in found.doses],
            "default": found.default,
            "breaks_at": found.breaks_at,
            "measures": {split: dict(_columns(methods, found, split)) for split in ("train", "test")},
        }
        for name, found in dose_responses(methods, diverged).items()
    }


def _columns(
    methods: Mapping[str, dict[str, Any]], found: DoseResponse, split: str
) -> Iterator[tuple[str, list[dict[str, float | None]]]]:
    for measure in measures_of(methods[found.control], split):
        yield measure, [vars(point) for point in response(methods, found, split, measure)]


def lost_seeds(methods: Mapping[str, dict[str, Any]], method: str, control: str) -> tuple[int, int]:
    """How many seeds of a method lost the network, with less than half of the control's balanced accuracy; of how many.

    >>> values = {"ce": [0.8, 0.9], "a@4": [0.9, 0.2]}
    >>> lost_seeds({name: {"balanced_accuracy": {"values": own}} for name, own in values.items()}, "a@4", "ce")
    (1, 2)
    """
    own, of_control = (
        np.array(methods[name]["balanced_accuracy"]["values"], dtype=float) for name in (method, control)
    )
    is_whole = own >= BROKEN * of_control.mean()  # what is no number is lost too
    return int((~is_whole).sum()), len(own)


def _broken(methods: Mapping[str, dict[str, Any]], doses: tuple[Dose, ...]) -> list[float]:
    accuracies = [float(np.mean(methods[dose.method]["balanced_accuracy"]["values"])) for dose in doses]
    return [dose.strength for dose, own in zip(doses, accuracies, strict=True) if own < BROKEN * accuracies[0]]

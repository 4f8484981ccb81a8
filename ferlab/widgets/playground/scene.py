"""What the page of the loss playground is told: plain numbers and sentences, ready to be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ferlab.widgets.playground.plane import PLANE_LOSSES, LevelSets, Plane, PlaneResult, PlaneSettings
from ferlab.widgets.playground.profiles import MOST_CLASSES, ProfilesResult, entry_levels

AD_CORRE = "ad-corre"
LOSSES: dict[str, str] = {**PLANE_LOSSES, AD_CORRE: "Ad-Corre: FD, MD and ED"}

_CLASSIFIER = (
    "The classifier is linear and without bias: the logit of a class is the dot product of the point with the class's "
    "weight vector (arrows from the middle), divided by the temperature. The colored frame shows the class with the "
    "largest logit in that direction."
)
_PROFILES = (
    "Ad-Corre compares embeddings by the correlation of their entries. Of two entries it could only be +1 or −1, with "
    "no slope to follow, so there is no plane here: every face has two heads of 8 entries, drawn as profiles. FD wants "
    "correlation +1 within a class and −1 between classes, MD −1 between class means, ED −1 between the heads of one "
    "face. All pairs count alike here (adaptive weights off)."
)
ABOUT: dict[str, str] = {
    "ce": "−log of the softmax probability of the own class. Only the side of a border and the distance from it count, "
    "not how close a class lies together. " + _CLASSIFIER,
    "center": "Half the squared distance d to the center of the own class. It pulls classes together, but nothing "
    "pushes them apart.",
    "tcl-nearest": "The own center has to be nearer than the negative by the margin m, in squared distance d. The "
    "negative is the nearest center of another class.",
    "tcl-fully-synthesized": "The negative is put together coordinate by coordinate: each comes from the center of "
    "another class that is closest in this coordinate. It lies nearer than any center, so it is harder to shut the "
    "hinge.",
    "tcl-semi-synthesized": "As fully synthesized, but only the nearest centers of other classes are candidates: one "
    "gives the nearest negative, all give the fully-synthesized one. The loss jumps where the candidates change.",
    "tcl-predicted": "The negative is the center of the wrong class with the largest logit. The logits come from the "
    "classifier, which learns from the cross-entropy only: give it a weight above 0 to let it learn. " + _CLASSIFIER,
    AD_CORRE: _PROFILES,
}
TERMS = {"FD": "feature discriminator", "MD": "mean discriminator", "ED": "embedding discriminator"}


def slider(
    name: str, label: str, value: float, low: float, high: float, step: float, about: str, log: bool = False
) -> dict[str, Any]:
    """A slider as the page draws it; it reaches as far as its value."""
    return {
        "name": name, "label": label, "value": value, "min": min(low, value), "max": max(high, value), "step": step,
        "about": about, "log": log,
    }  # fmt: skip


def learning_rate_slider(value: float) -> dict[str, Any]:
    about = "Gradient descent moves everything by this times the negative gradient"
    return slider("learning_rate", "Learning rate", value, 0.01, 30, 0.05, about, log=True)


def plane_sliders(settings: PlaneSettings, num_classes: int, learning_rate: float) -> list[dict[str, Any]]:
    """The sliders that the loss has a use for."""
    sliders = []
    if settings.loss.startswith("tcl"):
        sliders.append(slider("margin", "Margin m", settings.margin, 0, 20, 0.1, "In squared distance"))
    if settings.loss == "tcl-semi-synthesized":
        about = "Nearest centers of other classes that may give a coordinate"
        sliders.append(slider("candidates", "Candidates", settings.candidates, 1, num_classes - 1, 1, about))
    if settings.loss != "ce":
        about = "Cross-entropy times this is added to the loss"
        sliders.append(slider("ce_weight", "CE weight λ", settings.ce_weight, 0, 5, 0.05, about))
    if settings.uses_classifier:
        about = "Divides the logits: low is sharp, high is soft"
        sliders.append(slider("temperature", "Temperature", settings.temperature, 0.1, 10, 0.05, about, log=True))
    return [*sliders, learning_rate_slider(learning_rate)]


def arrow_gain(plane: Plane, settings: PlaneSettings) -> float:
    """How much longer than the negative gradient its arrows are, so that they can be seen and fit."""
    return len(plane.points) / (1 if settings.loss == "ce" else 4)


def plane_scene(
    plane: Plane, settings: PlaneSettings, result: PlaneResult, levels: LevelSets, selected: int,
    border: list[tuple[float, float, int]], classes: tuple[str, ...],
) -> dict[str, Any]:  # fmt: skip
    """Everything on the plane."""
    used = ["points"]
    used += ["centers"] if settings.uses_centers else []
    used += ["classifier"] if settings.uses_classifier else []
    negative = None
    if result.negatives is not None:
        of = result.negatives[selected]
        at = plane.centers.gather(0, of[None])[0]
        names = [classes[k] for k in of.tolist()]
        where = f"the center of {names[0]}" if names[0] == names[1] else f"x of {names[0]}, y of {names[1]}"
        negative = {"at": rounded(at), "of": of.tolist(), "where": where}
    return {
        "view": "plane",
        "labels": plane.labels.tolist(),
        "positions": {name: rounded(tensor) for name, tensor in plane.movable.items() if name in used},
        "gradients": {name: rounded(result.gradients[name], 4) for name in used},
        "gain": arrow_gain(plane, settings),
        "losses": rounded(result.losses),
        "open": result.open.tolist(),
        "parts": result.parts if len(result.parts) > 1 and settings.ce_weight else {},
        "negative": negative,
        "lines": [[level, [rounded(line, 2) for line in lines]] for level, lines in levels.lines],
        "through": [rounded(line, 2) for line in levels.through],
        "above": [[rounded(ring, 2) for ring in rings] for rings in levels.above],
        "shut": [rounded(ring, 2) for ring in levels.shut],
        "sectors": [[round(start, 4), round(end, 4), k] for start, end, k in border],
    }


def profiles_scene(
    profiles: torch.Tensor, labels: torch.Tensor, result: ProfilesResult, weights: dict[str, float],
    place: tuple[int, int, int], num_classes: int,
) -> dict[str, Any]:  # fmt: skip
    """Every profile, and the matrices beside them."""
    reach = max(2.2, 1.05 * float(profiles.abs().max()))
    note = ""
    if num_classes > 2:
        note = "More than two directions cannot all be opposite to one another: FD and MD stay above 0 here."
    if num_classes > MOST_CLASSES:
        note = f"{MOST_CLASSES} of the {num_classes} classes are shown, so that they can be read. {note}"
    return {
        "view": "profiles",
        "place": place,
        "reach": reach,
        "levels": rounded(entry_levels(profiles, labels, weights, place, reach), 5),
        "labels": labels.tolist(),
        "profiles": rounded(profiles),
        "gradient": rounded(result.gradient, 5),
        "gain": 4.0 * len(labels),
        "terms": [[name, TERMS[name], result.terms[name], weights[name]] for name in TERMS],
        "correlations": rounded(result.correlations),
        "meanCorrelations": rounded(result.mean_correlations),
        "headCorrelations": rounded(result.head_correlations),
        "present": result.present,
        "note": note,
    }


def profiles_sliders(weights: dict[str, float], learning_rate: float) -> list[dict[str, Any]]:
    """A weight for each term, and the learning rate."""
    sliders = [
        slider(name, f"Weight of {name}", weights[name], 0, 3, 0.05, f"Of the {TERMS[name]}; 0 switches it off")
        for name in TERMS
    ]
    return [*sliders, learning_rate_slider(learning_rate)]


def rounded(values: torch.Tensor | np.ndarray, digits: int = 3) -> list:
    """As nested lists with few digits, for a short message."""
    return np.round(np.asarray(values), digits).tolist()

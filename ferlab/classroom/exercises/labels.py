"""The checks of the exercises on faces and labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.classroom.exercises.tools import Mistake, known_mistake, number_of, solved
from ferlab.methods import method_label
from ferlab.rendering import EXPRESSIONS
from ferlab.widgets.face_lab.face_lab import FaceLab


def check_kappa(function: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Judge a learner's `function(a, b)` for Cohen's kappa of two annotators' answers, int arrays (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    rng = np.random.default_rng(5)
    for classes, missing in ((4, False), (7, True)):
        a = rng.choice(classes, size=300, p=_falling(classes))
        b = np.where(rng.random(300) < 0.6, a, rng.integers(0, classes, 300))
        if missing:  # a class that the second annotator never uses
            b[b == 2] = 0
        value, complaint = number_of(function, a.copy(), b.copy())
        if complaint:
            return complaint
        same = float((a == b).mean())
        first, second = (np.bincount(answers, minlength=classes) / len(answers) for answers in (a, b))
        luck = float(first @ second)
        right = _beyond(same, luck)
        if not np.isclose(value, right):
            where = ", where the second annotator never uses one of them" if missing else ""
            return known_mistake(value, _kappa_mistakes(same, first, second)) or (
                f"For two annotators of 300 faces with {classes} classes{where}, you get {value:.3f}, but kappa is "
                f"{right:.3f}: {same:.3f} of the answers are equal, and luck would give {luck:.3f}."
            )
    return solved("Right, also where an annotator never uses one of the classes.")


def _falling(classes: int) -> np.ndarray:
    """Shares of some classes, the first the largest."""
    shares = 1 / np.arange(1, classes + 1)
    return shares / shares.sum()


def _beyond(same: float, luck: float) -> float:
    """How far the share of equal answers goes beyond luck, of the most that it could."""
    return (same - luck) / (1 - luck)


def _kappa_mistakes(same: float, first: np.ndarray, second: np.ndarray) -> list[Mistake]:
    """From the share of equal answers and the shares (K,) with which each annotator uses the classes."""
    luck = float(first @ second)
    pooled = float((((first + second) / 2) ** 2).sum())
    return [
        (same, "This is the share of equal answers. Part of it is luck, and kappa takes that away."),
        (luck, "This is what luck alone would give. Kappa asks how far the equal answers go beyond it."),
        (same - luck, "Almost: divide by 1 - luck, the most that can be gained over it."),
        ((same - luck) / luck, "Almost: divide by 1 - luck, not by luck."),
        (
            same - luck / (1 - luck),
            "Almost: division comes before subtraction, so only luck is divided. Put same - luck in brackets.",
        ),
        (
            same - luck / 1 - luck,
            "Almost: division comes before subtraction, so nothing is divided by 1 - luck. Put 1 - luck in brackets, "
            "and same - luck too.",
        ),
        (
            _beyond(same, 1 / len(first)),
            "You let luck choose every class equally often. Take the shares with which each annotator uses the "
            "classes.",
        ),
        (
            _beyond(same, pooled),
            "Close, but this is Scott's pi: it takes the mean shares of both annotators. For Cohen's kappa multiply "
            "the share of the one with the share of the other.",
        ),
        (
            _beyond(same, float(first @ first)),
            "Luck must use the shares of both annotators, not the first one's twice.",
        ),
        (
            _beyond(same, float(second @ second)),
            "Luck must use the shares of both annotators, not the second one's twice.",
        ),
    ]


def check_little_movement(
    lab: FaceLab, *, expression: str = "surprise", method: str = "ce", at_most: float = 1.0
) -> str:
    """Judge whether a rendered face makes a network name an expression with little movement.

    Args:
        lab: the learner's.
        expression: the answer wanted.
        method: whose answer counts.
        at_most: for the sum of the intensities of all action units.

    Returns:
        What is right or what to change.
    """
    label, classes = method_label(method), lab.spaces.classes
    if method not in lab.probabilities:
        return f"This lab does not show {label}; it shows: {', '.join(lab.spaces.methods)}."
    if lab.photo is not None:
        return "The lab shows a photo now: move a slider to bring the rendered face back."
    chances = lab.probabilities[method]
    said = classes[int(chances.argmax())]
    moved = {unit: value for unit, value in lab.units.items() if value > 0}
    if said == expression and (not moved or _said_unmoved(lab, method) == expression):
        return f"To this face, {label} says {expression} without any movement: choose another person."
    if not moved:
        return "Nothing is moved yet. Pull a slider above and watch the answers below the maps."
    named = ", ".join(f"{unit} {value:.2f}" for unit, value in moved.items())
    if said != expression:
        own = chances[classes.index(expression)]
        return (
            f"{label} says {said} ({chances.max():.0%}) to {named}; {expression} gets {own:.0%}. Which units does "
            f"{expression} have that {said} has not? And would less of one do more?"
        )
    total = sum(moved.values())
    found = f"{label} says {expression} ({chances.max():.0%}) to {named}: {total:.2f} in all"
    if total > at_most:
        return f"{found}, and at most {at_most:g} is asked for. Which of them can go, or go down?"
    pattern = min(sum(units.values()) for units in EXPRESSIONS[expression].values())
    return solved(
        f"{found}. The smallest pattern of {expression} has {pattern:g} at full strength. Can you get lower still? And "
        "one face may be luck: count on other people."
    )


def _said_unmoved(lab: FaceLab, method: str) -> str:
    """The network's answer to the same person, pose and light with a relaxed face."""
    return lab.spaces.classes[int(lab.probabilities_of({})[method].argmax())]

"""The checks of the exercises on evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ferlab.classroom.exercises.tools import Mistake, answer_of, known_mistake, number_of, solved
from ferlab.evaluation import holm


class _Claim(NamedTuple):
    supported: bool
    why: str


# What the notebook's numbers allow, and why: each holds whatever the numbers are.
_CLAIMS = {
    "one_seed": _Claim(False, "one seed is one draw of each method: another seed orders them anew."),
    "control": _Claim(False, "plain cross-entropy has another network as well. Compare with the control."),
    "absence": _Claim(
        False,
        "a test that finds nothing may have had too few seeds: look at the interval, it holds what may still be true.",
    ),
    "seeds": _Claim(True, "section 5 shows how rarely an effect of that size is found with so few seeds."),
}


def check_holm(function: Callable[[np.ndarray], np.ndarray]) -> str:
    """Judge a learner's `function(p)` for Holm's corrected p-values.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for values in ([0.01, 0.04, 0.03], [0.02, 0.5, 0.9, 0.001], [0.012, 0.011], [0.6, 0.7]):
        p = np.array(values)
        corrected = holm({str(place): value for place, value in enumerate(values)})
        right = np.array([corrected[str(place)] for place in range(len(values))])
        answer, complaint = answer_of(function, p.copy())
        if complaint:
            return complaint
        try:
            answer = np.asarray(answer, dtype=float)
        except (TypeError, ValueError):
            return "Your function should return one number for each p-value."
        if answer.shape != right.shape:
            return f"For {len(p)} p-values your function returns an array of shape {answer.shape}."
        if np.allclose(answer, right):
            continue
        if sentence := known_mistake(answer, _holm_mistakes(p, right)):
            return sentence
        if answer.max() > 1:
            return "Some of your values are above 1, which no probability is."
        return (
            f"For {values} you get {np.round(answer, 4).tolist()}, but it should be {np.round(right, 4).tolist()}. "
            "Follow the smallest p-value first, then the next."
        )
    return solved("Right.")


def _holm_mistakes(p: np.ndarray, right: np.ndarray) -> list[Mistake]:
    ranks = np.argsort(np.argsort(p))
    falling = p * (len(p) - ranks)  # Holm's factors alone: neither rising in order nor at most 1
    not_rising = "Almost: a corrected value may not be smaller than the one before it in the sorted list"
    in_order = "These are in sorted order; put each back to the place of its p-value."
    return [
        (falling, f"{not_rising}, or above 1."),
        (np.minimum(falling, 1), f"{not_rising}."),
        (np.sort(right), in_order),
        (np.sort(falling), in_order),
        (
            np.minimum(p * len(p), 1),
            "This is Bonferroni's correction: every value times m. Holm's factor falls from m to 1.",
        ),
    ]


def check_claims(answers: Mapping[str, str | None]) -> str:
    """Judge which sentences a learner holds to be supported: name of the claim -> "supported" or "not supported".

    Returns:
        For every claim whether the answer is right, and why.
    """
    if not_judged := [name for name in _CLAIMS if answers.get(name) is None]:
        return f"{len(not_judged)} of {len(_CLAIMS)} sentences are not judged yet: choose, then run this cell again."
    right = {name: (answers[name] == "supported") == claim.supported for name, claim in _CLAIMS.items()}
    lines = [
        f"{number}. {'Right' if right[name] else 'Think again'}: {claim.why}"
        for number, (name, claim) in enumerate(_CLAIMS.items(), start=1)
    ]
    return solved("\n".join(["All right.", *lines])) if all(right.values()) else "\n".join(lines)


# Balanced accuracy of a control and of its doses, each a case that another mistake falls into.
_DOSE_CASES: tuple[tuple[float, dict[float, float]], ...] = (
    (0.90, {0.5: 0.895, 1.0: 0.905, 2.0: 0.893, 4.0: 0.80}),  # the weakest, the best, the right one, the strongest
    (0.90, {0.5: 0.88, 1.0: 0.895, 2.0: 0.884, 4.0: 0.896}),  # one that passes behind one that fails
    (0.90, {2.0: 0.894, 0.5: 0.91, 1.0: 0.90, 4.0: 0.87}),  # in no order
    (0.90, {1.0: 0.89, 2.0: 0.85}),  # one point exactly, which floats miss by a hair
    (0.90, {0.5: 0.80, 1.0: 0.70}),  # none
    (0.50, {0.5: 0.4955, 1.0: 0.55, 2.0: 0.60}),  # better than the control by more than a point
)


def check_chosen_dose(function: Callable[[float, dict[float, float]], float]) -> str:
    """Judge a learner's `function(control, of_doses)` for the strongest dose within one point of its control.

    `control` is a balanced accuracy, `of_doses` maps every dose to its own.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for control, of_doses in _DOSE_CASES:
        passed = [dose for dose, accuracy in of_doses.items() if accuracy >= control - 0.01 - 1e-9]
        right = max(passed, default=0)
        value, complaint = number_of(function, control, dict(of_doses))
        if complaint:
            return complaint
        if not np.isclose(value, right):
            given = ", ".join(f"{dose:g}: {accuracy:g}" for dose, accuracy in of_doses.items())
            return known_mistake(value, _dose_mistakes(control, of_doses, passed)) or (
                f"For a control of {control:g} and doses {{{given}}} you choose {value:g}, but it should be {right:g}."
            )
    return solved("Right: the strongest dose that passes, whatever lies between.")


def _dose_mistakes(control: float, of_doses: Mapping[float, float], passed: list[float]) -> list[Mistake]:
    if not passed:
        return [(dose, "Where no dose is within one point, the answer is 0: the control itself.") for dose in of_doses]
    best = max(of_doses, key=lambda dose: of_doses[dose])
    inner = [dose for dose in passed if of_doses[dose] > control - 0.01 + 1e-9]
    until = 0.0
    for dose in sorted(of_doses):
        if dose not in passed:
            break
        until = dose
    return [
        (best, "This is the dose with the best accuracy. The rule asks for the strongest one that is good enough."),
        (
            max(inner, default=0),
            "A dose exactly one point below its control passes; 0.90 - 0.89 is a little more than 0.01 for a computer.",
        ),
        (
            until,
            "You stop at the first dose that fails. Curves go up and down: a stronger one behind it may pass again.",
        ),
        (
            max((dose for dose in passed if abs(of_doses[dose] - control) <= 0.01), default=0),
            "A dose that is better than its control by more than a point passes too.",
        ),
        (min(passed), "This is the weakest dose that passes; the rule asks for the strongest."),
        (
            max(of_doses),
            "This is the strongest dose of all, but its accuracy is more than one point below the control.",
        ),
    ]

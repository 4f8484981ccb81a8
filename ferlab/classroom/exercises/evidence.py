"""The checks of the exercises on evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ferlab.classroom.exercises.tools import Mistake, answer_of, known_mistake, solved
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

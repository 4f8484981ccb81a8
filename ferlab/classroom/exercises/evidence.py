"""Checks for the exercises on evidence: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ferlab.classroom.exercises.tools import answer_of, solved
from ferlab.evaluation import holm

# What the notebook's numbers allow, and why: each holds whatever the numbers are.
_CLAIMS = {
    "one_seed": (
        False,
        "one seed is one draw of each method: another seed orders them anew.",
    ),
    "control": (
        False,
        "plain cross-entropy has another network as well. Compare with the control.",
    ),
    "absence": (
        False,
        "a test that finds nothing may have had too few seeds: look at the interval, it holds what may still be true.",
    ),
    "seeds": (
        True,
        "section 5 shows how rarely an effect of that size is found with so few seeds.",
    ),
}


def check_holm(function: Callable) -> str:
    """Judge a learner's `function(p)` for Holm's corrected p-values.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for p in ([0.01, 0.04, 0.03], [0.02, 0.5, 0.9, 0.001], [0.012, 0.011], [0.6, 0.7]):
        right = np.array([holm(dict(enumerate(p)))[i] for i in range(len(p))])
        answer, complaint = answer_of(function, np.array(p))
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
        factors, ranks = len(p) - np.arange(len(p)), np.argsort(np.argsort(p))
        raw = np.asarray(p) * factors[ranks]
        if np.allclose(answer, raw):
            return "Almost: a corrected value may not be smaller than the one before it in the sorted list, or above 1."
        if np.allclose(answer, np.minimum(raw, 1)):
            return "Almost: a corrected value may not be smaller than the one before it in the sorted list."
        if np.allclose(answer, np.sort(right)) or np.allclose(answer, np.sort(raw)):
            return "These are in sorted order; put each back to the place of its p-value."
        if np.allclose(answer, np.minimum(np.asarray(p) * len(p), 1)):
            return "This is Bonferroni's correction: every value times m. Holm's factor falls from m to 1."
        if answer.max() > 1:
            return "Some of your values are above 1, which no probability is."
        return (
            f"For {p} you get {np.round(answer, 4).tolist()}, but it should be {np.round(right, 4).tolist()}. "
            "Follow the smallest p-value first, then the next."
        )
    return solved("Right.")


def check_claims(answers: Mapping[str, str | None]) -> str:
    """Judge which sentences a learner holds to be supported: name of the claim -> "supported" or "not supported".

    Returns:
        For every claim whether the answer is right, and why.
    """
    if open_claims := [name for name in _CLAIMS if answers.get(name) is None]:
        return f"{len(open_claims)} of {len(_CLAIMS)} sentences are not judged yet: choose, then run this cell again."
    lines, all_right = [], True
    for number, (name, (supported, why)) in enumerate(_CLAIMS.items(), start=1):
        right = (answers[name] == "supported") == supported
        lines.append(f"{number}. {'Right' if right else 'Think again'}: {why}")
        all_right &= right
    return solved("All right.\n" + "\n".join(lines)) if all_right else "\n".join(lines)

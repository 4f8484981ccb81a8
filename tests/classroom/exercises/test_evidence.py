"""Checks of the exercises on evidence: right answers pass, typical mistakes get their own sentence."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.classroom.exercises import check_chosen_dose, check_claims, check_holm
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.evaluation import holm


def steps(p):
    p = np.asarray(p)
    order = np.argsort(p)
    return p, order, p[order] * (len(p) - np.arange(len(p)))


def right(p):
    p, order, raised = steps(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return corrected


def falling(p, top=np.inf):
    p, order, raised = steps(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, top)
    return corrected


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (right, "Right."),
        (lambda p: [holm(dict(enumerate(p)))[i] for i in range(len(p))], "Right."),
        (lambda p: None, "returns None"),
        (lambda p: 1 / 0, "ZeroDivisionError"),
        (lambda p: "small", "one number for each"),
        (lambda p: 0.5, "shape ()"),
        (falling, "or above 1"),
        (lambda p: np.sort(right(p)), "sorted order"),
        (lambda p: np.minimum(np.multiply(p, len(p)), 1), "Bonferroni"),
        (lambda p: np.multiply(p, 100), "above 1"),
        (lambda p: p, "smallest p-value first"),
    ],
)
def test_holm(function, says):
    assert says in check_holm(function)


def test_claims():
    assert check_claims({}).startswith(NOT_BEGUN)
    assert "1 of 4" in check_claims(dict.fromkeys(["one_seed", "control", "absence"], "supported") | {"seeds": None})
    answers = dict.fromkeys(["one_seed", "control", "absence"], "not supported") | {"seeds": "supported"}
    assert check_claims(answers).count("Right") == 4 and check_claims(answers).startswith("✓ All right.")
    partly = check_claims(answers | {"absence": "supported"})
    assert partly.splitlines()[2].startswith("3. Think again") and "✓" not in partly


def passing(control, of_doses, below=0.01 + 1e-9, above=np.inf):
    return [dose for dose, accuracy in of_doses.items() if -below <= accuracy - control <= above]


def until_one_fails(control, of_doses):
    chosen = 0
    for dose in sorted(of_doses):
        if dose not in passing(control, of_doses):
            break
        chosen = dose
    return chosen


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda control, of_doses: max(passing(control, of_doses), default=0), "✓ Right"),
        (lambda control, of_doses: ..., "should return one number"),
        (lambda control, of_doses: None, "returns None"),
        (lambda control, of_doses: max(passing(control, of_doses)), "ValueError"),
        (lambda control, of_doses: max(of_doses, key=of_doses.get), "best accuracy"),
        (lambda control, of_doses: max(of_doses), "strongest dose of all"),
        (lambda control, of_doses: min(passing(control, of_doses)), "weakest"),
        (until_one_fails, "first dose that fails"),
        (lambda control, of_doses: max(passing(control, of_doses, below=0.01), default=0), "exactly one point"),
        (lambda control, of_doses: max(passing(control, of_doses, above=0.01), default=0), "better than its control"),
        (lambda control, of_doses: max(passing(control, of_doses), default=min(of_doses)), "the answer is 0"),
        (lambda control, of_doses: list(of_doses)[-1], "strongest dose of all"),
        (lambda control, of_doses: 3, "you choose 3, but it should be 2"),
    ],
)
def test_chosen_dose(function, says):
    assert says in check_chosen_dose(function)

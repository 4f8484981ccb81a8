"""What the checks of exercises share: how an answer is asked for, compared with known mistakes, and praised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ferlab.classroom.marks import SOLVED

# What comes out with a usual mistake, and the sentence that says what it is.
Mistake = tuple[ArrayLike, str]


def solved(sentence: str) -> str:
    """What a check says of a solved exercise: the sentence, marked."""
    return SOLVED + sentence


def answer_of(function: Callable, *given: Any) -> tuple[Any, str]:
    """What a learner's function answers, and a sentence where it fails or answers nothing; empty where all is well."""
    try:
        answer = function(*given)
    except Exception as error:  # the learner's code may fail in any way
        return None, f"Your function stopped with {type(error).__name__}: {error}"
    empty = "Your function returns None: put your code in place of the dots, with a `return`."
    return answer, empty if answer is None else ""


def number_of(function: Callable, *given: Any) -> tuple[float, str]:
    """As :func:`answer_of`, of a function that should answer with one number."""
    answer, complaint = answer_of(function, *given)
    if complaint:
        return float("nan"), complaint
    try:
        return float(answer), ""
    except (TypeError, ValueError, RuntimeError):
        return float("nan"), f"Your function should return one number, but returned {type(answer).__name__}."


def known_mistake(
    answer: ArrayLike, mistakes: Iterable[Mistake], *, rtol: float = 1e-5, atol: float = 1e-8
) -> str | None:
    """The sentence of the first mistake that the answer comes from; None where it comes from none of them.

    Args:
        answer: a learner's number or array.
        mistakes: pairs of what comes out with a mistake, and its sentence.
        rtol, atol: how close is the same, as for :func:`numpy.allclose`.

    Example:
        >>> known_mistake(0.25, [(4.0, "Turn the fraction round."), (0.25, "Take the root.")])
        'Take the root.'
    """
    return next(
        (
            sentence
            for wrong, sentence in mistakes
            if np.shape(answer) == np.shape(wrong) and np.allclose(answer, wrong, rtol=rtol, atol=atol)
        ),
        None,
    )

"""Checks for exercises: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ferlab.classroom.marks import SOLVED


def solved(sentence: str) -> str:
    """What a check says of a solved exercise: the sentence, marked."""
    return SOLVED + sentence


def answer_of(function: Callable, *given) -> tuple[Any, str]:
    """What a learner's function answers, and a sentence where it fails or answers nothing; empty where all is well."""
    try:
        answer = function(*given)
    except Exception as error:  # the learner's code may fail in any way
        return None, f"Your function stopped with {type(error).__name__}: {error}"
    empty = "Your function returns None: put your code in place of the dots, with a `return`."
    return answer, empty if answer is None else ""


def number_of(function: Callable, *given) -> tuple[float, str]:
    """As :func:`answer_of`, of a function that should answer with one number."""
    answer, complaint = answer_of(function, *given)
    if complaint:
        return float("nan"), complaint
    try:
        return float(answer), ""
    except (TypeError, ValueError, RuntimeError):
        return float("nan"), f"Your function should return one number, but returned {type(answer).__name__}."

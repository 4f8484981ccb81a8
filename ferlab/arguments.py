"""Numbers that come as arguments: of a fitting type, finite and in their range, or refused by their name."""

from __future__ import annotations

import math
import operator
from typing import Any

from ferlab.errors import FerlabError

LARGEST = 3.4028234663852886e38  # in single precision, which everything is computed in


def check_count(value: Any, name: str, least: int | None = 1) -> int:
    """A whole number from ``least`` on, or any with None.

    Args:
        value: what came: an int, or an integer of NumPy.
        name: of the argument, for the message.
        least: the smallest that is allowed, if there is one.

    Raises:
        ValueError: another type (truth values and text too), a fraction, or a number that is too small.

    Example:
        >>> check_count(7, "num_classes", 2)
        7
        >>> check_count(7.5, "num_classes", 2)
        Traceback (most recent call last):
        ValueError: num_classes must be a whole number, but is 7.5.
    """
    try:
        count = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = None
    if count is None:
        raise ValueError(f"{name} must be a whole number, but is {value!r}.")
    if least is not None and count < least:
        raise ValueError(f"{name} must be at least {least}, but is {count}.")
    return count


def check_number(value: Any, name: str, low: float = -LARGEST, high: float = LARGEST) -> float:
    """A finite number from ``low`` to ``high``.

    Args:
        value: what came: anything that is a number, NumPy's and single tensors too.
        name: of the argument, for the message.
        low, high: the smallest and the largest that are allowed.

    Raises:
        ValueError: another type (truth values and text too), NaN, infinity, or a number outside of the range.

    Example:
        >>> check_number(1, "margin", 0)
        1.0
        >>> check_number(float("nan"), "margin", 0)
        Traceback (most recent call last):
        ValueError: margin must be a finite number, but is nan.
        >>> check_number(2, "label_smoothing", 0, 1)
        Traceback (most recent call last):
        ValueError: label_smoothing must lie in 0..1, but is 2.
    """
    try:
        number = math.nan if isinstance(value, bool | str | bytes) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # the third: a tensor of several numbers
        number = math.nan
    if not abs(number) <= LARGEST:
        raise ValueError(f"{name} must be a finite number, but is {value!r}.")
    if not low <= number <= high:
        expected = f"lie in {low:g}..{high:g}" if high < LARGEST else f"be at least {low:g}"
        raise ValueError(f"{name} must {expected}, but is {value}.")
    return number


def check_cap(value: Any, name: str) -> float:
    """A limit that somebody raises or lowers: a finite number above 0.

    Args:
        value: what came.
        name: of the option or argument, for the message.

    Raises:
        FerlabError: anything else, NaN and infinity too, by which nothing would be limited without a word.

    Example:
        >>> check_cap(200, "megapixels")
        200.0
        >>> check_cap(float("inf"), "megapixels")
        Traceback (most recent call last):
        ferlab.errors.FerlabError: megapixels must be a number above 0, and no infinite one, but is inf.
    """
    try:
        number = check_number(value, name)
    except ValueError:
        number = 0.0
    if number <= 0:
        raise FerlabError(f"{name} must be a number above 0, and no infinite one, but is {value!r}.")
    return number

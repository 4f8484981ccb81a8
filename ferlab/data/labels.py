"""What a column says of classes: numbers, names, categories or booleans become class numbers and class names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, CONTEMPT
from ferlab.errors import FerlabError
from ferlab.palette import NO_CLASS

MOST_CLASSES = 1000  # more are people, file names or measurements rather than classes
_MISSING = -1  # what clusterings and others write for "none"


def class_labels(
    column: Any, *, classes: Sequence[str] | None = None, name: str = "label", most: int = MOST_CLASSES
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and class names of a column: the one place where labels of any kind become classes.

    Taken are whole numbers of any type (also those that are stored as floating-point numbers or Python objects), names
    (text or bytes), pandas' categories and booleans. What is missing (None, NaN, NA, empty text) and -1, a clustering's
    noise, become a class of their own, ``"no class"``: the last one, gray in every picture
    (:func:`ferlab.palette.class_colors`), and there only where it is needed.

    Without `classes` the classes are those that occur: numbers rising, as ``"class 3"``; names with the expressions in
    the canonical order first and the others by the alphabet; categories in their own order. So two columns that belong
    together, such as labels and predictions, go through one call, one behind the other.

    Args:
        column: N values: a Series, an array (N,) or (N, 1), a tensor or a list.
        classes: the names that are known. Numbers are then positions in it, names must be among them.
        name: of the column, for messages.
        most: how many classes are plausible.

    Returns:
        int64 (N,), positions in the second value; the names of the classes.

    Raises:
        FerlabError: fractions, infinity, negative numbers below -1, several values a row, numbers and names mixed,
            values that are no labels, numbers or names that `classes` has not, or more than `most` classes.

    Example:
        >>> class_labels([2.0, 0, -1, None])
        (array([1, 0, 2, 2]), ('class 0', 'class 2', 'no class'))
        >>> class_labels(["sad", "bored", "neutral"])
        (array([2, 1, 0]), ('neutral', 'bored', 'sad'))
        >>> class_labels([True, False])
        (array([1, 0]), ('False', 'True'))
        >>> class_labels(["no", "yes"], classes=("yes", "no"))
        (array([1, 0]), ('yes', 'no'))
        >>> class_labels([0.5, 1.5])
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: The column label holds 0.5, and a class has no fraction: give whole numbers or names.
    """
    values = _flat(column, name)
    codes, found = pd.factorize(values)
    known = [_label(value, name) for value in found]
    if len(kinds := {type(label): label for label in reversed(known) if label is not None}) > 1:
        *_, other, one = kinds.values()
        raise FerlabError(f"The column {name} mixes {one!r} and {other!r}: give numbers or names, not both.")
    present = list(dict.fromkeys(label for label in known if label is not None))
    if classes is not None:
        names = tuple(classes)
        place = {label: _position(label, names, name) for label in present}
    else:
        if len(present) > most:
            raise FerlabError(
                f"The column {name} has {len(present):,} different values, such as {present[0]!r}, and more than "
                f"{most:,} classes are implausible: name a column of classes, or raise the limit (most={len(present)})."
            )
        ordered = _in_order(present, values)
        names = tuple(label if isinstance(label, str) else _spelled(label) for label in ordered)
        place = {label: number for number, label in enumerate(ordered)}
    if None in known or (codes < 0).any():
        # A class that is called so already is the same one.
        names = names if NO_CLASS in names else (*names, NO_CLASS)
    missing = names.index(NO_CLASS) if NO_CLASS in names else _MISSING
    # The last entry is for what pandas calls missing itself, code -1.
    lookup = np.array([*(missing if label is None else place[label] for label in known), missing], dtype=np.int64)
    return lookup[codes], names


def _flat(column: Any, name: str) -> Any:
    """The values as an array or categories (N,)."""
    if isinstance(column, pd.Series | pd.Index):
        column = column.array
    if not isinstance(column, pd.api.extensions.ExtensionArray):
        if isinstance(column, list | tuple):  # NumPy would make text of [1, "a"] and floats of [True, None]
            values = np.empty(len(column), dtype=object)
            values[:] = [item.item() if getattr(item, "ndim", None) == 0 else item for item in column]  # torch's too
            column = values
        column = np.asarray(column)
        if column.ndim == 2 and column.shape[1] == 1:
            column = column[:, 0]
        if column.ndim != 1:
            raise FerlabError(
                f"The column {name} has shape {column.shape}: give one value a row (of one-hot rows: .argmax(axis=1))."
            )
        # pandas factorizes neither half precision nor another byte order.
        column = column.astype(np.float64 if column.dtype == np.float16 else column.dtype.newbyteorder("="))
    for value in column if column.dtype == object else ():
        if isinstance(value, list | dict | set | np.ndarray):  # pandas cannot tell these apart
            raise FerlabError(f"The column {name} holds {str(value)[:40]!r}: give one number or name a row.")
    return column


def _label(value: Any, name: str) -> bool | int | str | None:
    """One value as a label; None for what is missing."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, str):
        return None if value.strip() in ("", str(_MISSING)) else value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Real | Decimal) and not isinstance(value, Integral):
        if math.isnan(value):
            return None
        if not math.isfinite(value):
            raise FerlabError(f"The column {name} holds {value}, which is no class: give whole numbers or names.")
        if value != (whole := math.floor(value)):
            raise FerlabError(
                f"The column {name} holds {float(value):g}, and a class has no fraction: give whole numbers or names."
            )
        value = whole
    if isinstance(value, Integral):
        if value < _MISSING:
            raise FerlabError(
                f"The column {name} holds {value}: -1 stands for no class, and other numbers below 0 are no classes."
            )
        return None if value == _MISSING else int(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    raise FerlabError(
        f"The column {name} holds {str(value)[:40]!r}, of type {type(value).__name__}: give whole numbers or names."
    )


def _position(label: bool | int | str, classes: tuple[str, ...], name: str) -> int:
    if isinstance(label, str):
        if label in classes:
            return classes.index(label)
    elif label < len(classes):
        return int(label)
    raise FerlabError(
        f"The column {name} holds {label!r}, which is none of the {len(classes)} classes: "
        f"{', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''} (numbers from 0 to {len(classes) - 1})."
    )


def _in_order(present: list[Any], values: Any) -> list[Any]:
    if isinstance(values, pd.Categorical) and present and isinstance(present[0], str):
        own = {str(category): place for place, category in enumerate(values.categories)}
        return sorted(present, key=lambda label: own.get(label, len(own)))
    known = [label for label in (*CLASSES, CONTEMPT) if label in present]
    return [*known, *sorted(set(present) - set(known))]


def _spelled(label: bool | int) -> str:
    return str(label) if isinstance(label, bool) else f"class {label}"

"""Columns of labels, in whatever form they come, as classes: the one place for data sets and explorer alike."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.palette import CLASS_COLORS, NO_CLASS
from ferlab.texts import distinct, printable, shortened

MOST_CLASSES = 1000  # more are people, file names or measurements rather than classes
EXPRESSIONS = tuple(CLASS_COLORS)  # in the canonical order
_MISSING = -1  # what clusterings and others write for "none"
# Texts that stand for no label: what pandas and NumPy make of one that is missing where all values become texts.
_NO_TEXT = {"", "-1", "-1.0", "nan", "NaN", "None", "NaT", "<NA>"}
_DIGITS = 300  # of a whole number; a double cannot hold more


def class_labels(
    column: Any,
    *,
    classes: Sequence[str] | None = None,
    first: Sequence[str] = EXPRESSIONS,
    name: str = "label",
    most: int = MOST_CLASSES,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and class names of a column: the one place where labels of any kind become classes.

    Taken are whole numbers of any type (also those that are stored as floating-point numbers or Python objects), names
    (text or bytes), pandas' categories and booleans. What is missing (None, NaN, NA, empty text, a masked value) and
    -1, a clustering's noise, become a class of their own, ``"no class"``: always the last one, gray in every picture
    (:func:`ferlab.palette.class_colors`), and there only where it is needed.

    Without `classes` the classes are those that occur: numbers rising, as ``"class 3"``; names with those of `first` in
    front and the others as people sort them, numbers in them by their value; categories in their own order. So two
    columns that belong together, such as labels and predictions, go through one call, one behind the other. Letters
    of names that cannot be seen are spelled out (:func:`ferlab.texts.printable`).

    Args:
        column: N values: a Series, an array (N,) or (N, 1), a tensor or a list.
        classes: the names that are known. Numbers are then positions in it, names must be among them.
        first: class names that come before all others, in this order, where they occur.
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
        >>> class_labels(["sad", "fold 10", "fold 9", "neutral"])
        (array([3, 2, 1, 0]), ('neutral', 'fold 9', 'fold 10', 'sad'))
        >>> class_labels([True, False])
        (array([1, 0]), ('False', 'True'))
        >>> class_labels(["no", "yes"], classes=("yes", "no"))
        (array([1, 0]), ('yes', 'no'))
        >>> class_labels([0.5, 1.5])
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: The column label holds 0.5, and a class has no fraction: give whole numbers or names.
    """
    values = _one_a_row(column, name)
    try:
        codes, found = pd.factorize(values)
    except (TypeError, NotImplementedError) as error:  # the second: pyarrow's
        odd = next((value for value in values if not _is_hashable(value)), values[0])
        raise _no_label(odd, name) from error
    known = [_label(value, name, set(classes or ())) for value in found]
    _check_one_kind(values, known, name)
    present = list(dict.fromkeys(label for label in known if label is not None))
    if classes is None:
        _check_plausible(present, most, name)
        present = _in_order(present, values, first)
        names = tuple(distinct(printable(label) if isinstance(label, str) else _spelled(label) for label in present))
        place = {label: number for number, label in enumerate(present)}
    else:
        names = tuple(classes)
        place = {label: _position(label, names, name) for label in present}
    if None in known or (codes < 0).any() or NO_CLASS in names:
        order = [*(one for one in names if one != NO_CLASS), NO_CLASS]
        place = {label: order.index(names[number]) for label, number in place.items()}
        names = tuple(order)
    # What has no label is the last class; the last entry is for what pandas calls missing itself, code -1.
    last = len(names) - 1
    lookup = np.array([*(last if label is None else place[label] for label in known), last], dtype=np.int64)
    return lookup[codes], names


def is_unlabelled(codes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Where a label is missing: bool array like `codes`, which index `names`.

    >>> is_unlabelled(*class_labels(["a", None, "-1"])).tolist()
    [False, True, True]
    """
    missing: np.ndarray = np.asarray(codes) == (names.index(NO_CLASS) if NO_CLASS in names else -1)
    return missing


def natural(text: str) -> list[tuple[int, int | str]]:
    """The key by which names are sorted as people do: numbers in them by their value.

    >>> sorted(["fold 10", "fold 9"], key=natural)
    ['fold 9', 'fold 10']
    """
    parts: Iterable[str] = re.split(r"([0-9]+)", text)
    return [(0, int(part)) if part.isdecimal() and len(part) < _DIGITS else (1, part) for part in parts]


# ---- the values


def _one_a_row(column: Any, name: str) -> Any:
    """The values as an array or categories (N,), in a form that pandas can sort into classes."""
    if isinstance(column, pd.DataFrame):
        if column.shape[1] != 1:
            raise FerlabError(f"There are {column.shape[1]} columns called {name}: keep one of them.")
        column = column.iloc[:, 0]
    if isinstance(column, pd.Series | pd.Index):
        column = column.array
    if isinstance(column, pd.arrays.SparseArray):
        column = column.to_dense()
    if isinstance(column, pd.api.extensions.ExtensionArray):
        return column
    array = _as_array(column, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise FerlabError(
            f"The column {name} has shape {array.shape}: give one value a row (of one-hot rows: .argmax(axis=1))."
        )
    # pandas sorts neither half precision, nor another byte order, nor NumPy's own texts of any length.
    if array.dtype.kind not in "biufMm":
        return array.astype(object)
    return array.astype(np.float64 if array.dtype == np.float16 else array.dtype.newbyteorder("="))


def _as_array(column: Any, name: str) -> np.ndarray:
    if isinstance(column, str | bytes | dict | set | frozenset):
        raise FerlabError(f"The column {name} is of type {type(column).__name__}: give a list or an array of labels.")
    if hasattr(column, "detach"):  # a tensor, wherever it lies and whether or not it has a gradient
        return np.asarray(column.tolist()).reshape(tuple(column.shape))
    if isinstance(column, np.ma.MaskedArray):
        values = np.asarray(column.data, dtype=object)
        values[np.ma.getmaskarray(column)] = None
        return values
    if hasattr(column, "__array__") or not isinstance(column, Iterable):
        return np.asarray(column)
    # NumPy would make text of [1, "a"] and floats of [True, None].
    items = [item.item() if getattr(item, "ndim", None) == 0 else item for item in column]  # torch's too
    values = np.empty(len(items), dtype=object)
    values[:] = items
    return values


def _label(value: Any, name: str, known: set[str]) -> bool | int | str | None:
    """One value as a label; None for what is missing."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, Enum):
        value = value.name
    if isinstance(value, str | pd.Interval):
        text = str(value)
        return None if text.strip() in _NO_TEXT - known or text == NO_CLASS else text
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
        return _whole(int(value), name)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    raise _no_label(value, name)


def _whole(value: int, name: str) -> int | None:
    if abs(value) >= 10**_DIGITS:
        raise FerlabError(f"The column {name} holds a number of more than {_DIGITS} digits, which is no class.")
    if value < _MISSING:
        raise FerlabError(
            f"The column {name} holds {value}: -1 stands for no class, and other numbers below 0 are no classes."
        )
    return None if value == _MISSING else value


def _no_label(value: Any, name: str) -> FerlabError:
    shown = shortened(printable(value), 40)
    if isinstance(value, Iterable):
        return FerlabError(f"The column {name} holds {shown!r}: give one number or name a row.")
    return FerlabError(
        f"The column {name} holds {shown!r}, of type {type(value).__name__}: give whole numbers or names."
    )


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


# ---- all of them


def _check_one_kind(values: Any, known: list[Any], name: str) -> None:
    kinds = {type(label): label for label in reversed(known) if label is not None}
    if pd.api.types.is_object_dtype(values) and bool in map(type, values):
        # To pandas True and 1 are the same value.
        truth = next(value for value in values if isinstance(value, bool))
        number = next((value for value in values if _is_number(value)), None)
        kinds = kinds if number is None else {int: number, bool: truth}
    if len(kinds) > 1:
        *_, other, one = kinds.values()
        raise FerlabError(f"The column {name} mixes {one!r} and {other!r}: give numbers or names, not both.")


def _check_plausible(present: list[Any], most: int, name: str) -> None:
    if len(present) > most:
        example = printable(present[0]) if isinstance(present[0], str) else present[0]
        raise FerlabError(
            f"The column {name} has {len(present):,} different values, such as {example!r}, and more than "
            f"{most:,} classes are implausible: name a column of classes, or raise the limit (most={len(present)})."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_) and not math.isnan(value)


def _position(label: bool | int | str, classes: tuple[str, ...], name: str) -> int:
    for text in (label, printable(label)) if isinstance(label, str) else ():
        if text in classes:
            return classes.index(text)
    if not isinstance(label, str) and label < len(classes):
        return int(label)
    shown = printable(label) if isinstance(label, str) else label
    raise FerlabError(
        f"The column {name} holds {shown!r}, which is none of the {len(classes)} classes: "
        f"{', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''} (numbers from 0 to {len(classes) - 1})."
    )


def _in_order(present: list[Any], values: Any, first: Sequence[str]) -> list[Any]:
    if isinstance(values, pd.Categorical):
        own = {_label(category, "", set()): place for place, category in enumerate(values.categories)}
        return sorted(present, key=lambda label: own[label])
    known = [label for label in first if label in present]
    rest = set(present) - set(known)
    return [*known, *(sorted(rest, key=_by_sight) if present and isinstance(present[0], str) else sorted(rest))]


def _by_sight(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Names that look alike are ordered too, by what they are."""
    return natural(printable(name)), name


def _spelled(label: bool | int) -> str:
    return str(label) if isinstance(label, bool) else f"class {label}"


# ---- names of columns


def column_names(columns: Iterable[Any]) -> list[str]:
    """The names of a table's columns as texts of which no two are alike; a column may be named by a number or nothing.

    >>> column_names(["x", 0, "0", ("a", "b"), ("y", ""), ""])
    ['x', '0', '0 (2)', 'a, b', 'y', '(no name)']
    """
    texts = [
        printable(", ".join(str(part) for part in one if str(part)) if isinstance(one, tuple) else one)
        for one in columns
    ]
    return distinct(text if text.strip() else "(no name)" for text in texts)

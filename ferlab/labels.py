"""Columns of labels, in whatever form they come, as classes with names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.texts import MISSING, NOISE, distinct, printable

UNLABELLED = (NOISE, MISSING)  # always the last of the classes, and grey
MOST_CLASSES = 1000


def class_labels(
    column: Any, *, first: Sequence[str] = (), name: str = "label", most: int = MOST_CLASSES
) -> tuple[np.ndarray, tuple[str, ...]]:
    """A column of labels as class numbers and class names.

    Integers of any type become "class 3", also where they came as whole floats, as integers with missing values do.
    Names stay what they are, with what cannot be seen escaped; so do booleans and everything else that is no number.
    Categories keep their order; other classes are sorted, numbers in names by their value. What is missing (None, NaN,
    NaT, an empty text) and the integer -1 are classes of their own, the last ones. Only classes that occur are
    answered.

    Args:
        column: one value a row: a pandas column, an array or a list.
        first: class names that come before all others, in this order, where they occur.
        name: what the column is called, for messages.
        most: as many classes at most.

    Returns:
        int64 (N,), and the names that they index.

    Raises:
        FerlabError: fractions or infinite numbers, lists, tables; more classes than `most`.

    Example:
        >>> codes, names = class_labels(["b", None, "a", "b"])
        >>> codes.tolist(), names
        ([1, 2, 0, 1], ('a', 'b', '(missing)'))
        >>> class_labels(pd.Series([7, -1, None, 10**9]))[1]
        ('class 7', 'class 1000000000', 'class -1', '(missing)')
    """
    values = _one_column(column, name)
    try:
        codes, found = pd.factorize(values)
    except TypeError as error:
        kind = next(type(value).__name__ for value in values if not _is_hashable(value))
        raise FerlabError(
            f"The column {name} holds values of type {kind}; a class is a whole number or a name, one a row."
        ) from error
    found = list(found)
    _check(found, name, most)
    numbered = bool(found) and all(_is_number(value) for value in found)
    texts = [f"class {int(value)}" if numbered else _text(value) for value in found]
    texts = [MISSING if not text.strip() else text for text in texts]
    texts = [NOISE if _is_number(value) and value == -1 else text for value, text in zip(found, texts, strict=True)]
    names = _ordered(values, found, texts, first)
    if (codes < 0).any() and MISSING not in names:
        names.append(MISSING)
    place = {text: at for at, text in enumerate(names)}
    numbers = np.array([*(place[text] for text in texts), place.get(MISSING, -1)], dtype=np.int64)
    return numbers[codes], tuple(names)  # factorize says -1 where a value is missing: the last of the numbers


def is_unlabelled(codes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Where a label is missing: bool array like `codes`, which index `names`.

    >>> is_unlabelled(*class_labels(["a", None])).tolist()
    [False, True]
    """
    missing: np.ndarray = np.asarray(codes) == (names.index(MISSING) if MISSING in names else -1)
    return missing


def natural(text: str) -> list[tuple[int, int | str]]:
    """The key by which names are sorted as people do: numbers in them by their value.

    >>> sorted(["fold 10", "fold 9"], key=natural)
    ['fold 9', 'fold 10']
    """
    parts: Iterable[str] = re.split(r"([0-9]+)", text)
    return [(0, int(part)) if part.isdecimal() and len(part) < 300 else (1, part) for part in parts]


def _one_column(column: Any, name: str) -> pd.Series:
    if isinstance(column, pd.DataFrame):
        raise FerlabError(f"There are {column.shape[1]} columns called {name}; keep one of them.")
    try:
        values = pd.Series(column)
    except UnicodeEncodeError:  # names that are not UTF-8: pandas' own strings cannot hold them
        return pd.Series(list(column), dtype=object)
    except ValueError as error:  # pandas refuses a matrix
        raise FerlabError(
            f"The column {name} must hold one value a row, but has shape {np.shape(column)}; of scores take the argmax."
        ) from error
    if isinstance(values.dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
    return values


def _check(found: list[Any], name: str, most: int) -> None:
    fractions = [value for value in found if _is_number(value) and not _is_whole(value)]
    if fractions:
        raise FerlabError(
            f"The column {name} holds numbers that are not whole, such as {fractions[0]}; a class is a whole number or "
            "a name: take a column of classes, or turn these numbers into some, as pandas.cut does."
        )
    if len(found) > most:
        raise FerlabError(
            f"The column {name} holds {len(found):,} different values, which are too many for classes (at most "
            f"{most:,}); name the column that holds the classes."
        )


def _ordered(values: pd.Series, found: list[Any], texts: list[str], first: Sequence[str]) -> list[str]:
    """All names but those of the unlabelled in their order, then those."""
    by_value = dict(zip(found, texts, strict=True))
    if isinstance(values.dtype, pd.CategoricalDtype):
        order = [by_value[value] for value in values.cat.categories if value in by_value]
    elif found and all(_is_number(value) for value in found):
        order = [by_value[value] for value in sorted(found)]
    else:
        order = sorted(texts, key=natural)
    order = [text for text in order if text not in UNLABELLED]
    known = [text for text in first if text in order]
    rest = [text for text in order if text not in known]
    return list(dict.fromkeys([*known, *rest, *(text for text in UNLABELLED if text in texts)]))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    return printable(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _is_whole(value: Any) -> bool:
    if isinstance(value, Integral):
        return True
    return bool(np.isfinite(float(value))) and value == int(value)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


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

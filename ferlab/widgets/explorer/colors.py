"""What the points are colored by, and the legend that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ferlab.labels import class_labels
from ferlab.palette import CORRECT_COLORS, NO_CLASS, class_colors
from ferlab.texts import MISSING, printable
from ferlab.texts import distinct as distinct_texts
from ferlab.widgets.explorer.points import Points

LEVELS = 64
# From near the background to far from it, so that what is strong stands out on white and on black: gray, orange, dark
# red (on black: yellow); and blue, gray, orange around zero.
_SEQUENTIAL = {False: ("#d3d8de", "#e3903f", "#7d1128"), True: ("#3b434d", "#d9803f", "#ffe9a3")}
_DIVERGING = {False: ("#1b64a8", "#d3d8de", "#b8480f"), True: ("#63b5f7", "#3b434d", "#f7a35f")}
_REST = {False: "#d3d8de", True: "#3b434d"}
_MISSING = {False: "#eceef1", True: "#2a3037"}
# Numbers that identify a row, not a face.
_NO_COLORING = {"index", "seed", "background", "class", "label", "identity"}
_FIRST = ("intensity", "yaw", "pitch", "roll")
PEOPLE = 6
MOST_CATEGORIES = 12
NOT_KNOWN = "not known"
# Colorings that are no columns.
RESERVED = ("true class", "predicted class", "right or wrong", "confidence")


@dataclass(frozen=True)
class Coloring:
    """Colors of one map.

    Attributes:
        codes: int array (N,), index into `colors`.
        colors: hex colors.
        on_top: bool array (N,) of the points drawn over the others, or None.
    """

    codes: np.ndarray
    colors: list[str]
    on_top: np.ndarray | None = None


@dataclass(frozen=True)
class Legend:
    """Either named colors with their numbers of points, or a scale from `low` to `high`.

    Attributes:
        entries: (color, name, number of points or None).
        scale: hex colors from low to high; empty for named colors.
        low, high: ends of the scale.
        ends: the same in words.
    """

    entries: Sequence[tuple[str, str, int | None]]
    scale: list[str]
    low: float = 0.0
    high: float = 1.0

    @property
    def ends(self) -> tuple[str, str]:
        return f"{self.low:.3g}", f"{self.high:.3g}"


@dataclass(frozen=True)
class TimeLegend(Legend):
    """A legend whose scale goes from one point of time, or duration, to another; `low` and `high` are seconds."""

    is_duration: bool = False

    @property
    def ends(self) -> tuple[str, str]:
        if self.is_duration:
            return str(pd.Timedelta(seconds=round(self.low))), str(pd.Timedelta(seconds=round(self.high)))
        first, last = pd.Timestamp(self.low, unit="s"), pd.Timestamp(self.high, unit="s")
        return f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}"


def colorings(points: Points) -> list[str]:
    """What these points can be colored by, the most used first."""
    names = ["true class"] if points.is_labelled.any() or not points.predicted else []
    if points.predicted:
        names.append("predicted class")
        if any(points.is_answered(method).any() for method in points.predicted):
            names.append("right or wrong")
    if any(np.isfinite(values).any() for values in points.confidence.values()):
        names.append("confidence")
    about = points.metadata
    if points.people:
        names.append("identity")
    usable = [column for column in about if column not in _NO_COLORING and _usable(about[column])]
    first = [column for column in _FIRST if column in usable]
    units = [column for column in usable if is_unit(column)]
    rest = [column for column in usable if column not in first and column not in units]
    return [*names, *first[:1], *units, *first[1:], *rest]


def is_unit(column: str) -> bool:
    """Whether a column names an action unit.

    >>> is_unit("AU12"), is_unit("age")
    (True, False)
    """
    return column.startswith("AU") and column[2:].isdigit()


def color_points(points: Points, name: str, *, method: str, dark: bool, people: list[Any]) -> Coloring:
    """The colors of a method's map.

    Args:
        points: what is shown.
        name: one of :func:`colorings`.
        method: whose predictions and confidence.
        dark: whether the page is dark.
        people: for "identity": whom to color; all others are gray.
    """
    if name in ("true class", "predicted class"):
        codes = points.labels if name == "true class" else points.predicted.get(method)
        if codes is None:
            return _all_missing(len(points), dark)
        return Coloring(codes, class_colors(list(points.classes)))
    if name == "right or wrong":
        if method not in points.predicted:
            return _all_missing(len(points), dark)
        is_answered = points.is_answered(method)
        wrong = is_answered & (points.predicted[method] != points.labels)
        codes = np.where(is_answered, wrong, len(CORRECT_COLORS)).astype(int)
        unknown = [] if is_answered.all() else [_MISSING[dark]]
        return Coloring(codes, [*CORRECT_COLORS.values(), *unknown], on_top=wrong)
    if name == "identity":
        codes = np.zeros(len(points), dtype=int)
        for number, person in enumerate(people, start=1):
            codes[points.is_person(person)] = number
        return Coloring(codes, [_REST[dark], *_person_colors(people)], on_top=codes > 0)
    if name == "confidence":
        values = points.confidence.get(method)
        return _all_missing(len(points), dark) if values is None else _scaled(values, 0.0, 1.0, dark)
    column = points.metadata[name]
    if (groups := groups_in(column)) is not None:
        codes, categories = groups
        return Coloring(codes, class_colors(categories))
    numbers = numbers_in(column)
    return _scaled(numbers, *_limits(numbers), dark)


def legend_of(points: Points, name: str, *, dark: bool, people: list[Any]) -> Legend:
    """The legend of :func:`color_points`, for all maps."""
    if name in ("true class", "predicted class"):
        colors = class_colors(list(points.classes))
        # Of predicted classes every map has numbers of its own.
        counts = np.bincount(points.labels, minlength=len(colors)).tolist()
        known = counts if name == "true class" else [None] * len(colors)
        return Legend(list(zip(colors, points.classes, known, strict=True)), [])
    if name == "right or wrong":
        entries = [(color, answer, None) for answer, color in CORRECT_COLORS.items()]
        is_whole = all(points.is_answered(method).all() for method in points.predicted)
        return Legend(entries if is_whole else [*entries, (_MISSING[dark], NOT_KNOWN, None)], [])
    if name == "identity":
        shown = [points.is_person(person) for person in people]
        named = [
            (color, f"person {person}", int(of.sum()))
            for color, person, of in zip(_person_colors(people), people, shown, strict=True)
        ]
        rest = len(points) - int(np.sum(shown))
        return Legend([*named, (_REST[dark], "everyone else", rest)], [])
    if name == "confidence":
        is_whole = all(np.isfinite(values).all() for values in points.confidence.values())
        return Legend([] if is_whole else [(_MISSING[dark], NOT_KNOWN, None)], _ramp(_SEQUENTIAL[dark]), 0.0, 1.0)
    column = points.metadata[name]
    if (groups := groups_in(column)) is not None:
        codes, categories = groups
        counts = np.bincount(codes, minlength=len(categories)).tolist()
        return Legend(list(zip(class_colors(categories), categories, counts, strict=True)), [])
    return _scale_of(column, dark)


def _scale_of(column: pd.Series, dark: bool) -> Legend:
    """The legend of a column of numbers, with a gray entry for what is none."""
    numbers = numbers_in(column)
    low, high = _limits(numbers)
    absent, infinite = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
    words = " or ".join(word for word, count in (("missing", absent), ("infinite", infinite)) if count)
    entries = [(_MISSING[dark], words, absent + infinite)] if words else []
    ramp = _ramp((_DIVERGING if low < 0 < high else _SEQUENTIAL)[dark])
    if pd.api.types.is_timedelta64_dtype(column):
        return TimeLegend(entries, ramp, low, high, is_duration=True)
    if pd.api.types.is_datetime64_any_dtype(column):
        return TimeLegend(entries, ramp, low, high)
    return Legend(entries, ramp, low, high)


def _usable(column: pd.Series) -> bool:
    if (numbers := numbers_in(column)) is not None:
        finite = numbers[np.isfinite(numbers)]
        return len(finite) > 0 and bool((finite != finite[0]).any())
    return groups_in(column) is not None


def without_coloring(about: pd.DataFrame) -> list[str]:
    """The columns whose values are no single numbers or names: lists, dicts, arrays."""
    return [name for name in about if name not in _NO_COLORING and not _is_hashable(about[name])]


def with_too_many_names(about: pd.DataFrame) -> list[str]:
    """The columns of more different names than colors can tell apart; one that names every point is no group.

    >>> about = {"city": [f"city {k % 20}" for k in range(60)], "file": [f"{k}.png" for k in range(60)]}
    >>> with_too_many_names(pd.DataFrame(about))
    ['city']
    """
    found = []
    for name in about:
        if name in _NO_COLORING or not _is_hashable(about[name]) or numbers_in(about[name]) is not None:
            continue
        if MOST_CATEGORIES < usual(about[name]).nunique() <= len(about) / 2:
            found.append(name)
    return found


def numbers_in(column: pd.Series) -> np.ndarray | None:
    """float64 (N,) of a column of numbers or times (these in seconds), NaN where one is missing; None of other columns.

    >>> numbers_in(pd.Series([1, None, 3], dtype="Int64")).tolist(), numbers_in(pd.Series([True, False]))
    ([1.0, nan, 3.0], None)
    """
    column = usual(column)
    types = pd.api.types
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        zero = pd.Timestamp(0, tz=column.dt.tz) if types.is_datetime64_any_dtype(column) else pd.Timedelta(0)
        return ((column - zero) / pd.Timedelta(seconds=1)).to_numpy(dtype=float, na_value=np.nan)
    if types.is_bool_dtype(column) or types.is_complex_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    given = column.dropna() if types.is_object_dtype(column) else column.iloc[:0]
    if not len(given) or not all(isinstance(v, Real | Decimal) and not isinstance(v, bool | np.bool_) for v in given):
        return None
    return np.array([as_float(value) for value in column])


def as_float(value: Any) -> float:
    """A number, or a text that says one, infinite where it is larger than a float can be; NaN for all else.

    >>> as_float("1.5"), as_float(10**400), as_float(1j), as_float(None)
    (1.5, inf, nan, nan)
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):  # what is missing
        return math.nan


def usual(column: pd.Series) -> pd.Series:
    """A column without what pandas cannot reckon with: sparse ones dense, Arrow's dates, lists and dicts as objects."""
    if isinstance(column.dtype, pd.SparseDtype):
        return column.sparse.to_dense()
    if not isinstance(column.dtype, pd.ArrowDtype):
        return column
    if "date" in str(column.dtype):  # Arrow knows days beside times, pandas does not
        return pd.to_datetime(column.astype(object), errors="coerce")
    is_plain = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column) or column.dtype.kind in "mM"
    return column if is_plain else column.astype(object)


def groups_in(column: pd.Series) -> tuple[np.ndarray, list[str]] | None:
    """A column of a few names: int64 (N,) and the names that it indexes, "(missing)" the last; None of other columns.

    >>> codes, names = groups_in(pd.Series(["left", None, "right"]))
    >>> codes.tolist(), names
    ([0, 2, 1], ['left', 'right', '(missing)'])
    """
    if numbers_in(column) is not None or not _is_hashable(column):
        return None
    column = usual(column)
    distinct = column.nunique()
    if not distinct + column.isna().any() > 1 or not 0 < distinct <= MOST_CATEGORIES:
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = column.cat.rename_categories(distinct_texts(map(printable, column.cat.categories)))
    else:
        texts = column.astype(object).map(_text, na_action="ignore")
    codes, names = class_labels(texts)
    return codes, [MISSING if name == NO_CLASS else name for name in names]


def _text(value: Any) -> str:
    return printable(value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value)


def _is_hashable(column: pd.Series) -> bool:
    column = usual(column)
    if not pd.api.types.is_object_dtype(column):
        return True
    try:
        column.nunique()
    except TypeError:
        return False
    return True


def _limits(numbers: np.ndarray) -> tuple[float, float]:
    finite = numbers[np.isfinite(numbers)]
    low, high = float(finite.min()), float(finite.max())
    if low < 0 < high:
        return -max(-low, high), max(-low, high)
    return low, high


def _scaled(values: np.ndarray, low: float, high: float, dark: bool) -> Coloring:
    colors = _ramp((_DIVERGING if low < 0 < high else _SEQUENTIAL)[dark])
    missing = ~np.isfinite(values)
    # Halves, for the whole way between the ends may be larger than the largest number.
    half = max(high / 2 - low / 2, 1e-300)
    share = np.clip((np.where(missing, low, values) / 2 - low / 2) / half, 0.0, 1.0)
    codes = np.where(missing, LEVELS, np.round(np.where(missing, 0.0, share) * (LEVELS - 1)))
    return Coloring(codes.astype(int), [*colors, _MISSING[dark]])


def _ramp(ends: tuple[str, ...]) -> list[str]:
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return [to_hex(color) for color in LinearSegmentedColormap.from_list("ferlab", ends)(np.linspace(0, 1, LEVELS))]


def _person_colors(people: list[Any]) -> list[str]:
    return class_colors([f"person {person}" for person in people])


def _all_missing(count: int, dark: bool) -> Coloring:
    return Coloring(np.zeros(count, dtype=int), [_REST[dark]])

"""What the points are colored by, and the legend that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlab.palette import CORRECT_COLORS, class_colors
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
    """

    entries: Sequence[tuple[str, str, int | None]]
    scale: list[str]
    low: float = 0.0
    high: float = 1.0


def colorings(points: Points) -> list[str]:
    """What these points can be colored by, the most used first."""
    names = ["true class"]
    if points.predicted:
        names += ["predicted class", "right or wrong"]
    if points.confidence:
        names.append("confidence")
    about = points.metadata
    if "identity" in about:
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


def color_points(points: Points, name: str, *, method: str, dark: bool, people: list[int]) -> Coloring:
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
        wrong = points.predicted[method] != points.labels
        return Coloring(wrong.astype(int), [*CORRECT_COLORS.values()], on_top=wrong)
    if name == "identity":
        who = points.metadata["identity"].to_numpy()
        codes = np.zeros(len(points), dtype=int)
        for number, person in enumerate(people, start=1):
            codes[who == person] = number
        return Coloring(codes, [_REST[dark], *_person_colors(people)], on_top=codes > 0)
    if name == "confidence":
        values = points.confidence.get(method)
        return _all_missing(len(points), dark) if values is None else _scaled(values, 0.0, 1.0, dark)
    column = points.metadata[name]
    if _categorical(column):
        categories, codes = _categories(column)
        return Coloring(codes, class_colors(categories))
    return _scaled(column.to_numpy(dtype=float), *_limits(column), dark)


def legend_of(points: Points, name: str, *, dark: bool, people: list[int]) -> Legend:
    """The legend of :func:`color_points`, for all maps."""
    if name in ("true class", "predicted class"):
        colors = class_colors(list(points.classes))
        # Of predicted classes every map has numbers of its own.
        counts = np.bincount(points.labels, minlength=len(colors)).tolist()
        known = counts if name == "true class" else [None] * len(colors)
        return Legend(list(zip(colors, points.classes, known, strict=True)), [])
    if name == "right or wrong":
        return Legend([(color, answer, None) for answer, color in CORRECT_COLORS.items()], [])
    if name == "identity":
        who = points.metadata["identity"]
        named = [
            (color, f"person {person}", int((who == person).sum()))
            for color, person in zip(_person_colors(people), people, strict=True)
        ]
        return Legend([*named, (_REST[dark], "everyone else", int((~who.isin(people)).sum()))], [])
    if name == "confidence":
        return Legend([], _ramp(_SEQUENTIAL[dark]), 0.0, 1.0)
    column = points.metadata[name]
    if _categorical(column):
        categories, codes = _categories(column)
        counts = np.bincount(codes, minlength=len(categories)).tolist()
        return Legend(list(zip(class_colors(categories), categories, counts, strict=True)), [])
    low, high = _limits(column)
    return Legend([], _ramp((_DIVERGING if low < 0 < high else _SEQUENTIAL)[dark]), low, high)


def _usable(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return column.nunique() > 1
    return _categorical(column)


def _categorical(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and 1 < column.nunique() <= 12


def _categories(column: pd.Series) -> tuple[list[str], np.ndarray]:
    codes, categories = pd.factorize(column.astype(str), sort=True)
    return [str(category) for category in categories], codes


def _limits(column: pd.Series) -> tuple[float, float]:
    low, high = float(column.min()), float(column.max())
    if low < 0 < high:
        return -max(-low, high), max(-low, high)
    return low, high


def _scaled(values: np.ndarray, low: float, high: float, dark: bool) -> Coloring:
    colors = _ramp((_DIVERGING if low < 0 < high else _SEQUENTIAL)[dark])
    share = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    missing = ~np.isfinite(share)
    codes = np.where(missing, LEVELS, np.round(np.where(missing, 0.0, share) * (LEVELS - 1)))
    return Coloring(codes.astype(int), [*colors, _MISSING[dark]])


def _ramp(ends: tuple[str, ...]) -> list[str]:
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return [to_hex(color) for color in LinearSegmentedColormap.from_list("ferlab", ends)(np.linspace(0, 1, LEVELS))]


def _person_colors(people: list[int]) -> list[str]:
    return class_colors([f"person {person}" for person in people])


def _all_missing(count: int, dark: bool) -> Coloring:
    return Coloring(np.zeros(count, dtype=int), [_REST[dark]])

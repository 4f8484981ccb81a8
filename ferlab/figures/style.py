"""The look that all figures share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ferlab.figures.names import drawn_names, font_families

INK = "#24292f"
FAINT = "#6b737c"
IN_LEGEND = 24  # classes
TALLEST = 30.0  # inches of a figure with a line, or a column, a class
_STYLE: dict[Any, Any] = {
    "text.usetex": False,  # names hold what TeX takes for its own
    "text.parse_math": True,  # and are escaped for that
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#b8bec5",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e3e6ea",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def figure_style(classes: Sequence[str] = ()) -> Iterator[list[str]]:
    """The look of ferlab's figures, for the block; gives the names of classes as figures write them.

    >>> with figure_style(["a$b"]) as names:
    ...     print(names[0])
    a\\$b
    """
    names = drawn_names(classes)
    with plt.rc_context(_STYLE | {"font.family": font_families(names)}):
        yield names


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax`, or that of a new figure of `size` inches."""
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]


def matrix_side(classes: int, usual: float) -> float:
    """The side of a matrix of so many classes, in inches: `usual` for a few, and larger as long as it fits a page.

    >>> matrix_side(7, 5.0), matrix_side(100, 5.0)
    (5.0, 17.5)
    """
    return min(max(usual, 1.5 + 0.16 * classes), 24.0)


def legend_above(figure: Figure, classes: Sequence[Line2D], more: Sequence[Line2D]) -> None:
    """A legend above a figure, in as many columns as its names leave room for; of many classes it has the first."""
    left_out = len(classes) - IN_LEGEND
    if left_out > 0:
        classes = [*classes[:IN_LEGEND], Line2D([], [], ls="none", label=f"and {left_out} more")]
    handles = [*classes, *more]
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = int(figure.get_figwidth() * 72 / (5.4 * longest + 26))  # letters of 9 points
    figure.legend(handles=handles, loc="outside upper left", ncols=max(1, min(columns, len(handles))), fontsize=9,
                  handletextpad=0.4, columnspacing=1.3)  # fmt: skip


def line_size(ax: Axes, lines: int, usual: float) -> float:
    """The size of letters at which so many lines fit into the height of `ax`, at most the usual one."""
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    return float(np.clip(height / max(lines, 1) * 0.85, 3.0, usual))


def name_columns(ax: Axes, names: Sequence[str]) -> bool:
    """Names below columns at 0, 1, ..: slanted or upright ones where they do not fit; whether they do."""
    letters = ax.get_window_extent().width / ax.figure.dpi * 72 / max(len(names), 1) / 6.2  # of 10 points
    if fits := max(map(len, names), default=0) <= letters:
        ax.set_xticks(range(len(names)), names)
    elif letters >= 2.2:
        ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    else:
        size = float(np.clip(letters * 5.0, 3.0, 10.0))
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    return fits


@dataclass(frozen=True)
class Cells:
    """How large the cells of a matrix of classes are, and what can be written then.

    Attributes:
        points: width of a cell.
        annotation: size of letters in a cell; None where none can be read.
        names: size of the letters of names beside it.
        gap: width of the line between two.
        step: of the names every so manieth is written, so that none stands over another.
    """

    points: float

    @classmethod
    def of(cls, ax: Axes, classes: int) -> Cells:
        # By the figure's grid: before a layout Axes have their full size, after it they have not.
        width, height = ax.figure.get_size_inches()
        if (place := ax.get_subplotspec()) is not None:
            rows, columns = place.get_gridspec().get_geometry()
            width, height = width / columns, height / rows
        return cls(0.76 * 72 * float(min(width, height)) / max(classes, 1))

    @property
    def annotation(self) -> float | None:
        return min(7.5, self.points / 3.6) if self.points >= 20 else None

    @property
    def gap(self) -> float:
        return 1.5 if self.points >= 20 else 0.08 * self.points

    @property
    def names(self) -> float:
        return min(10.0, max(0.85 * self.points, 5.0))

    @property
    def step(self) -> int:
        return max(1, math.ceil(self.names * 1.1 / self.points))

    def name_sides(self, ax: Axes, names: Sequence[str]) -> None:
        """Names beside and below the matrix: slanted where they are large, upright where they are many."""
        at, shown = range(0, len(names), self.step), list(names[:: self.step])
        middles = [k + 0.5 for k in at]
        slant: dict[str, Any] = {"rotation": 35, "ha": "right"}
        if self.points * self.step < 1.5 * self.names:
            slant = {"rotation": 90, "ha": "right", "va": "center"}
        ax.set_xticks(middles, shown, fontsize=self.names, rotation_mode="anchor", **slant)
        ax.set_yticks(middles, shown, fontsize=self.names, rotation=0)
        ax.tick_params(length=0)
        for annotation in ax.texts:
            annotation.set_in_layout(False)  # they lie inside, and cost the layout seconds

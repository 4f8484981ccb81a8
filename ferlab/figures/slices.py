"""Accuracy on parts of the faces: by intensity, pose, light, action unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.style import figure_style
from ferlab.methods import method_color, method_label

MARKERS = "oDs^vPXd"  # one a method, so that color is not alone


class Kind(NamedTuple):
    """Slices of one kind: its name, and where its parts are in the list of all."""

    name: str
    parts: list[int]


def slice_accuracy(
    slices: Mapping[str, Sequence[Mapping[str, Any]]], score: str = "accuracy", title: str | None = None
) -> np.ndarray:
    """Accuracy on parts of the faces, one panel a kind (intensity, pose, light, ...): an array of Axes.

    Args:
        slices: method -> parts as `slices` in summary.json: `{"kind", "part", "faces", "accuracy": {"mean"}}`, the same
            parts in the same order for every method.
        score: `"accuracy"` or `"balanced_accuracy"`.
        title: above all.

    Raises:
        FerlabError: no parts.

    Example:
        >>> part = {"kind": "yaw", "part": "below 8", "faces": 40, "accuracy": {"mean": 0.8}}
        >>> len(slice_accuracy({"ce": [part]}))
        1
    """
    first = next(iter(slices.values()), [])
    kinds = [
        Kind(name, [i for i, _ in parts])
        for name, parts in groupby(enumerate(first), key=lambda numbered: numbered[1]["kind"])
    ]
    if not kinds:
        raise FerlabError("There are no parts to draw: nothing is known of these faces but their class.")
    columns = _in_columns(kinds)
    lowest = min(parts[i][score]["mean"] for parts in slices.values() for kind in kinds for i in kind.parts)
    left = max(0.0, np.floor(10 * lowest) / 10 - 0.02)
    with figure_style():
        longest = max(sum(map(_height, column)) for column in columns)
        figure = plt.figure(figsize=(5.6 * len(columns), 0.24 * longest + 0.9), layout="constrained")
        drawn: list[Axes] = []
        for sub, column in zip(figure.subfigures(1, len(columns), squeeze=False)[0], columns, strict=True):
            heights = [len(kind.parts) + 1 for kind in column]
            axes = sub.subplots(len(column), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})[
                :, 0
            ]
            for ax, kind in zip(axes, column, strict=True):
                _draw_kind(ax, kind, slices, score)
                ax.set_xlim(left, 1.02)
            axes[-1].set_xlabel(score.replace("_", " "))
            drawn += list(axes)
        figure.legend(
            *drawn[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(slices)), fontsize=9
        )
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return np.array(drawn)


def _height(kind: Kind) -> int:
    """Lines that a panel takes, with its title."""
    return len(kind.parts) + 2


def _in_columns(kinds: list[Kind]) -> list[list[Kind]]:
    """One or two columns of panels: the longest ones are dealt first, so that both are about as long."""
    columns: list[list[Kind]] = [[], []] if len(kinds) > 1 else [[]]
    for kind in sorted(kinds, key=lambda kind: -len(kind.parts)):
        min(columns, key=lambda column: sum(map(_height, column))).append(kind)
    # Within a column, and from one to the next, as they came.
    return sorted((sorted(column, key=lambda kind: kind.parts) for column in columns), key=lambda c: c[0].parts)


def _draw_kind(ax: Axes, kind: Kind, slices: Mapping[str, Sequence[Mapping[str, Any]]], score: str) -> None:
    """The parts of a kind from top to bottom, one marker a method."""
    lines = np.arange(len(kind.parts))
    offsets = 0.14 * (np.arange(len(slices)) - (len(slices) - 1) / 2)  # or the markers would hide each other
    for m, (method, parts) in enumerate(slices.items()):
        ax.plot(
            [parts[i][score]["mean"] for i in kind.parts], offsets[m] + lines, ls="", marker=MARKERS[m % len(MARKERS)],
            color=method_color(method), ms=6, alpha=0.85, label=method_label(method),
        )  # fmt: skip
    first = next(iter(slices.values()))
    ax.set_yticks(lines, [f"{first[i]['part']}  ({first[i]['faces']:,})" for i in kind.parts], fontsize=8.5)
    ax.set_ylim(len(kind.parts) - 0.4, -0.6)
    ax.grid(True, axis="both")
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_title(kind.name, fontsize=10)

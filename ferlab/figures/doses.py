"""What a metric loss does at every strength: curves over the strength, and what a point of accuracy buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ferlab.errors import FerlabError
from ferlab.figures.style import FAINT, INK, axes_or_new, figure_style
from ferlab.methods import METHODS, method_color, method_label, method_style

SPLIT_STYLES = {"test": ("-", "test faces"), "train": ("--", "training faces")}
NO_DOSES = "This run holds no strengths: ferlab compare --methods tcl-nearest,ad-corre --strengths 0,1,4,16."


def strength_places(strengths: Sequence[float]) -> np.ndarray:
    """Where strengths are drawn: doublings evenly apart, and 0 one doubling below the smallest.

    >>> strength_places([0, 0.5, 1, 4]).tolist()
    [-2.0, -1.0, 0.0, 2.0]
    """
    values = np.asarray(strengths, dtype=float)
    positive = values[values > 0]
    smallest = np.log2(positive.min()) if len(positive) else 1.0
    return np.where(values > 0, np.log2(np.where(values > 0, values, 1.0)), smallest - 1)


def dose_curves(
    doses: Mapping[str, Mapping[str, Any]],
    measure: str,
    ax: Axes | None = None,
    *,
    splits: Sequence[str] = ("test", "train"),
    title: str | None = None,
    label: str | None = None,
    legend: bool = True,
) -> Axes:
    """One measure over the strength of every metric loss, with its 95 % interval over the seeds.

    Test faces as solid lines, training faces dashed; a ring marks the default strength, a cross the one at which the
    network has broken, and a thin line the reference weight (of Ad-Corre: the paper's).

    Args:
        doses: ``summary["doses"]`` of a run with strengths.
        measure: such as ``"within_between_ratio"``.
        ax: where to draw; a new figure otherwise.
        splits: ``"test"``, ``"train"`` or both.
        title: above the curves.
        label: of the measure, for people.
        legend: whether to explain lines and marks.

    Raises:
        FerlabError: no strengths in the run, or none of them has the measure.
    """
    if not doses:
        raise FerlabError(NO_DOSES)
    if not any(found["measures"][split].get(measure) for found in doses.values() for split in splits):
        known = sorted({name for found in doses.values() for name in found["measures"]["test"]})
        raise FerlabError(f"No method has the measure {measure!r} over strengths; they have: {', '.join(known)}.")
    ends = {found["breaks_at"] for found in doses.values()} - {None}
    strengths = sorted(ends.union(*(found["strengths"] for found in doses.values())))
    # Two losses can lack a strength of each other's, but there is one axis.
    place = dict(zip(strengths, strength_places(strengths), strict=True))
    with figure_style():
        ax = axes_or_new(ax, (6.4, 4.2))
        for method, found in doses.items():
            for split in splits:
                points = found["measures"][split].get(measure, [])
                _draw_curve(ax, method, split, points, place)
                _draw_marks(ax, method, found, points, place, split)
        if 1.0 in place:
            ax.axvline(place[1.0], color=FAINT, lw=0.8, ls=(0, (1, 3)), zorder=0)
        ax.xaxis.set_major_locator(FixedLocator([place[strength] for strength in strengths]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticklabels([f"{strength:g}" for strength in strengths])
        ax.set(xlabel="strength of the metric loss (0: its control)", ylabel=label or measure.replace("_", " "))
        ax.grid(axis="y")
        if legend:
            ax.legend(handles=_legend(list(doses), splits), fontsize=8.5, loc="upper center", ncols=2,
                      bbox_to_anchor=(0.5, -0.16))  # fmt: skip
        if title:
            ax.set_title(title)
    return ax


def dose_panels(
    doses: Mapping[str, Mapping[str, Any]],
    measures: Mapping[str, str],
    columns: int = 3,
) -> np.ndarray:
    """Several measures over the strength, a panel each: an array of Axes.

    Args:
        doses: ``summary["doses"]`` of a run with strengths.
        measures: name -> words for people; those that no method has are left out.
        columns: panels side by side.

    Raises:
        FerlabError: no strengths in the run, or none of the measures.
    """
    shown = {
        name: words
        for name, words in measures.items()
        if any(found["measures"]["test"].get(name) for found in doses.values())
    }
    if not shown:
        raise FerlabError(NO_DOSES)
    rows = -(-len(shown) // columns)
    with figure_style():
        figure, axes = plt.subplots(
            rows, columns, figsize=(3.9 * columns, 2.9 * rows + 0.9), layout="constrained", squeeze=False
        )
        for ax, (name, words) in zip(axes.flat, shown.items(), strict=False):
            dose_curves(doses, name, ax, title=words, legend=False)
            ax.set(ylabel="", xlabel="")
        for ax in axes.flat[len(shown) :]:
            ax.set_axis_off()
        for ax in axes[-1]:
            ax.set_xlabel("strength (0: its control)")
        figure.legend(handles=_legend(list(doses), ("test", "train")), loc="outside lower center", ncols=4, fontsize=9)
    return axes


def trade_off(
    doses: Mapping[str, Mapping[str, Any]],
    measure: str = "within_between_ratio",
    ax: Axes | None = None,
    *,
    against: str = "balanced_accuracy",
    split: str = "test",
    title: str | None = None,
    label: str | None = None,
) -> Axes:
    """What a point of accuracy buys: accuracy against a measure of the space, one path a loss, from strength 0 on.

    Args:
        doses: ``summary["doses"]`` of a run with strengths.
        measure: of the space, from left to right.
        ax: where to draw; a new figure otherwise.
        against: from bottom to top.
        split: ``"test"`` or ``"train"``.
        title: above the paths.
        label: of the measure, for people.

    Raises:
        FerlabError: no strengths in the run.
    """
    if not doses:
        raise FerlabError(NO_DOSES)
    with figure_style():
        ax = axes_or_new(ax, (6.0, 4.4))
        for method, found in doses.items():
            across, up = (
                {point["strength"]: point["mean"] for point in found["measures"][split].get(name, [])}
                for name in (measure, against)
            )
            strengths = [strength for strength in found["strengths"] if strength in across and strength in up]
            color = method_color(method)
            x, y = ([values[strength] for strength in strengths] for values in (across, up))
            ax.plot(x, y, color=color, ls=method_style(method), lw=1.6, marker="o", ms=4.5, label=method_label(method))
            for strength, left, bottom in zip(strengths, x, y, strict=True):
                ax.annotate(
                    f"{strength:g}", (left, bottom), xytext=(4, 4), textcoords="offset points", fontsize=8, color=color
                )
            if found["default"] in across and found["default"] in up:
                ax.plot(across[found["default"]], up[found["default"]], "o", ms=11, mfc="none", mec=color, mew=1.8)
        ax.set(xlabel=label or measure.replace("_", " "), ylabel=against.replace("_", " "))
        ax.grid()
        ax.legend(fontsize=9)
        if title:
            ax.set_title(title)
    return ax


def _draw_curve(
    ax: Axes, method: str, split: str, points: Sequence[Mapping[str, Any]], place: Mapping[float, float]
) -> None:
    x = [place[point["strength"]] for point in points]
    color = method_color(method)
    # Training faces are dashed in all losses: there the loss's own style gives way to the split's.
    style = SPLIT_STYLES["train"][0] if split == "train" else "-"
    marker = _markers().get(method, "o")
    ax.plot(x, [point["mean"] for point in points], color=color, ls=style, lw=1.8 if split == "test" else 1.2,
            marker=marker, ms=5 if split == "test" else 3)  # fmt: skip
    if points and all(point["low"] is not None for point in points):
        ax.fill_between(
            x, [point["low"] for point in points], [point["high"] for point in points], color=color, alpha=0.15, lw=0
        )


def _draw_marks(
    ax: Axes,
    method: str,
    found: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]],
    place: Mapping[float, float],
    split: str,
) -> None:
    if split != "test":
        return
    values = {point["strength"]: point["mean"] for point in points}
    color = method_color(method)
    if found["default"] in values:
        ax.plot(place[found["default"]], values[found["default"]], "o", ms=11, mfc="none", mec=color, mew=1.8)
    if (end := found["breaks_at"]) is not None and values:
        # Of a network that was lost on the way there is no number: the cross stands at the end of a dotted line.
        last = max((strength for strength in values if strength <= end), default=min(values))
        if last != end:
            ax.plot([place[last], place[end]], [values[last]] * 2, color=color, lw=1.4, ls=(0, (1, 2)))
        ax.plot(place[end], values[last], "x", ms=11, mec=color, mew=2.2)


def _markers() -> dict[str, str]:
    """A mark for every row of the table that has a loss: color is never the only carrier of a meaning."""
    losses = [name for name, method in METHODS.items() if method.loss is not None]
    return dict(zip(losses, "osD^vPX*", strict=False))


def _legend(methods: Sequence[str], splits: Sequence[str]) -> list[Line2D]:
    markers = _markers()
    lines = [
        Line2D([], [], color=method_color(name), marker=markers.get(name, "o"), ms=5, lw=1.8, label=method_label(name))
        for name in methods
    ]
    if len(splits) > 1:
        lines += [
            Line2D([], [], color=INK, ls=SPLIT_STYLES[split][0], label=SPLIT_STYLES[split][1]) for split in splits
        ]
    lines.append(Line2D([], [], color=INK, marker="o", ms=10, mfc="none", mew=1.8, ls="none", label="default strength"))
    lines.append(Line2D([], [], color=INK, marker="x", ms=9, mew=2.2, ls="none", label="the network has broken"))
    return lines

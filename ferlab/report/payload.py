"""What the report's page computes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.images import TILE
from ferlab.methods import (
    build_loss,
    get_method,
    is_known,
    method_color,
    method_label,
    method_style,
    without_strength,
)
from ferlab.palette import class_colors
from ferlab.report.measures import DOSE_MEASURES
from ferlab.report.views import correlation_payload, space_views, strongest_unbroken, view_payload
from ferlab.runs.doses import lost_seeds
from ferlab.runs.reading import Run
from ferlab.texts import distinct, shortened

NAME_LETTERS = 32  # of a class
PANELS = 3  # maps side by side
SHOWN_FIRST = ("ce", "tcl-nearest", "ad-corre")
# Columns of the history that are no curves.
NO_CURVES = ("method", "seed", "epoch", "seconds")
# matplotlib's line styles as SVG's dashes; those of methods with a pattern of their own look alike.
DASHES: dict[object, str] = {"-": "", "--": "7 4", "-.": "7 3 2 3", ":": "2 3"}
OTHER_DASH = "5 2 1 2"


def page_payload(run: Run, dataset: FaceDataset, points: dict[str, pd.DataFrame], columns: int) -> dict[str, Any]:
    """All that report.js needs, as JSON takes it.

    Args:
        run: the run.
        dataset: the test split.
        points: method -> the faces on its map, the same ones in the same order, as `Run.map_points` gives them.
        columns: faces in a row of the sprite.
    """
    first = next(iter(points.values()), pd.DataFrame({"label": [], "index": []}))
    colors = class_colors(list(dataset.classes))
    names = distinct(shortened(name, NAME_LETTERS) for name in dataset.classes)
    views, no_others = space_views(run, points)
    return {
        "classes": [{"name": name, "color": color} for name, color in zip(names, colors, strict=True)],
        "methods": {
            name: {
                "label": method_label(name),
                "color": method_color(name),
                "dash": DASHES.get(method_style(name), OTHER_DASH),
            }
            for name in run.methods
        },
        "terms": _terms(run.methods),
        "panels": _panels(run, list(points)),
        "labels": first["label"].astype(int).tolist(),
        "indices": first["index"].astype(int).tolist(),
        "answers": {name: _answers(rows) for name, rows in points.items()},
        "views": [view_payload(view) for view in views],
        "no_others": no_others,
        "correlations": correlation_payload(run, points, len(dataset.classes)),
        "sprite": {"columns": columns, "tile": TILE},
        "curves": [curve for name in run.methods for curve in _curves(run, name)],
        "planes": run.has_planes,
        "travel": _travel(run),
        "doses": _doses(run),
    }


def _doses(run: Run) -> dict[str, Any]:
    """Every measure over the strengths of every metric loss; no methods where the run holds no strengths."""
    doses = run.summary.get("doses", {})
    found = {measure for of in doses.values() for measure in of["measures"]["test"]}
    ends = {of["breaks_at"] for of in doses.values()} - {None}
    return {
        "strengths": sorted(ends.union(*(of["strengths"] for of in doses.values()))),
        "measures": [{"measure": name, "title": words} for name, words in DOSE_MEASURES.items() if name in found],
        "methods": [
            {"label": method_label(name), "color": method_color(name), "lost": _lost(run, of)}
            | {key: of[key] for key in ("default", "breaks_at", "measures")}
            for name, of in doses.items()
        ],
    }


def _lost(run: Run, of: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The strengths at which a loss broke the network, with some seeds or on the whole, and in words with how many."""
    methods, control, found = run.summary["methods"], of["methods"][0], []
    for strength, name in zip(of["strengths"], of["methods"], strict=True):
        seeds, count = lost_seeds(methods, name, control) if {name, control} <= set(methods) else (0, 0)
        if seeds:
            found.append({"strength": strength, "words": f"network lost with {seeds} of {count} seeds"})
        elif of["breaks_at"] is not None and strength >= of["breaks_at"]:
            found.append({"strength": strength, "words": "network lost"})
    return found


def _panels(run: Run, mapped: list[str]) -> list[str]:
    """The methods whose maps are shown at first; of a loss with several strengths one of them."""
    of_first = ([name for name in mapped if name == first or without_strength(name) == first] for first in SHOWN_FIRST)
    preferred = [strongest_unbroken(run, names) for names in of_first if names]
    return (preferred + [name for name in mapped if name not in preferred])[:PANELS]


def _answers(rows: pd.DataFrame) -> dict[str, list]:
    """What a method says of every face."""
    return {"predicted": rows["predicted"].astype(int).tolist(), "confidence": _rounded(rows["confidence"])}


def _curves(run: Run, method: str) -> list[dict[str, Any]]:
    """Every numeric column of the history over the epochs, one entry a seed."""
    history = run.history[run.history["method"] == method]
    curves = []
    for seed, rows in history.groupby("seed", sort=True):
        rows = rows.sort_values("epoch")
        values = {
            column: _rounded(rows[column])
            for column in rows.columns
            if column not in NO_CURVES and pd.api.types.is_numeric_dtype(rows[column]) and rows[column].notna().any()
        }
        curves.append(
            {"method": method, "seed": int(seed), "epoch": rows["epoch"].astype(int).tolist(), "values": values}
        )
    return curves


def _travel(run: Run) -> dict[str, Any]:
    """Places of the followed validation faces after every epoch: method -> a list of x y x y .. an epoch."""
    epochs = run.epochs
    if not len(epochs):
        return {"labels": [], "methods": {}}
    first = epochs[(epochs["method"] == epochs["method"].iloc[0]) & (epochs["epoch"] == 1)]
    methods = {
        name: [
            [round(float(place), 3) for place in rows[["x", "y"]].to_numpy().ravel()]
            for _, rows in faces.groupby("epoch", sort=True)
        ]
        for name, faces in epochs.groupby("method", sort=False)
    }
    return {"labels": first["label"].astype(int).tolist(), "methods": methods}


def _terms(methods: Sequence[str]) -> list[dict[str, Any]]:
    """A chart for every metric loss: its title, a note, and the columns of the history that hold its parts."""
    charts: dict[tuple[str, ...], dict[str, Any]] = {}
    for name in methods:
        if not is_known(name) or (method := get_method(name)).loss is None:
            continue
        labels = build_loss(method, num_classes=7).part_labels()
        parts = tuple(part for part in labels if part != "ce")
        if len(parts) == 1:
            words = labels[parts[0]]
            chart = {"title": f"{words[:1].upper()}{words[1:]} in training", "note": "once it is switched on"}
        else:
            kinds = (f"{part} {kind}" for part, kind in zip(parts, ("solid", "dashed", "dotted"), strict=False))
            plain = name.partition("@")[0].partition("+")[0]  # the same loss at any strength
            chart = {"title": f"Terms of {method_label(plain)} in training", "note": ", ".join(kinds)}
        charts.setdefault(parts, chart | {"parts": list(parts)})
    return sorted(charts.values(), key=lambda chart: -len(chart["parts"]))


def _rounded(values: pd.Series) -> list[float | None]:
    """Four digits; None for what JSON does not have."""
    return [round(float(value), 4) if value is not None and np.isfinite(value) else None for value in values]

"""What the report's page computes with."""

from __future__ import annotations

import numpy as np

from ferlab.data.dataset import FaceDataset
from ferlab.images import TILE
from ferlab.palette import class_colors, method_color, method_label, method_style
from ferlab.runs.reading import Run


def page_payload(run: Run, dataset: FaceDataset, points: dict, columns: int) -> dict:
    colors = class_colors(list(dataset.classes))
    maps = {}
    for name, of in points.items():
        maps[name] = {
            "x": [round(float(v), 4) for v in of["x"]],
            "y": [round(float(v), 4) for v in of["y"]],
            "predicted": of["predicted"].astype(int).tolist(),
            "confidence": [_rounded(v) for v in of["confidence"]],
        }
    labels = next(iter(points.values()))["label"].astype(int).tolist() if points else []
    indices = next(iter(points.values()))["index"].astype(int).tolist() if points else []
    preferred = [name for name in ("ce", "tcl-nearest", "ad-corre") if name in maps]
    panels = (preferred + [name for name in maps if name not in preferred])[:3]
    curves = []
    for name in run.methods:
        of_method = run.history[run.history["method"] == name]
        for seed, rows in of_method.groupby("seed", sort=True):
            rows = rows.sort_values("epoch")
            values = {
                column: [_rounded(v) for v in rows[column]]
                for column in rows.columns
                if column not in ("method", "seed", "epoch", "seconds")
                and np.issubdtype(rows[column].dtype, np.number)
                and rows[column].notna().any()
            }
            curves.append(
                {"method": name, "seed": int(seed), "epoch": rows["epoch"].astype(int).tolist(), "values": values}
            )
    return {
        "classes": [{"name": n, "color": c} for n, c in zip(dataset.classes, colors, strict=True)],
        "methods": {
            name: {"label": method_label(name), "color": method_color(name), "dash": _dash(name)}
            for name in run.methods
        },
        "panels": panels,
        "labels": labels,
        "indices": indices,
        "maps": maps,
        "sprite": {"columns": columns, "tile": TILE},
        "curves": curves,
        "travel": _travel(run),
    }


def _travel(run: Run) -> dict:
    """Places of the followed validation faces after every epoch: method -> a list of x y x y .. an epoch."""
    if not len(run.epochs):
        return {"labels": [], "methods": {}}
    first = run.epochs[(run.epochs["method"] == run.epochs["method"].iloc[0]) & (run.epochs["epoch"] == 1)]
    methods = {
        name: [
            [round(float(v), 3) for v in rows[["x", "y"]].to_numpy().ravel()]
            for _, rows in of.groupby("epoch", sort=True)
        ]
        for name, of in run.epochs.groupby("method", sort=False)
    }
    return {"labels": first["label"].astype(int).tolist(), "methods": methods}


def _dash(name: str) -> str:
    return {"-": "", "--": "7 4", "-.": "7 3 2 3", ":": "2 3"}.get(method_style(name), "5 2 1 2")


def _rounded(value) -> float | None:
    return round(float(value), 4) if value is not None and np.isfinite(value) else None

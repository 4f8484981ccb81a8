"""The report: one HTML file with everything in it."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.images import sprite_sheet
from ferlab.report.evidence import (
    comparison_table,
    confusion_tables,
    metric_table,
    recall_table,
    settings_tables,
    slice_table,
)
from ferlab.report.payload import page_payload
from ferlab.report.verdict import Verdict, verdict
from ferlab.runs.reading import Run, read_run
from ferlab.vectors import random_part

MAXIMUM_FACES = 3000


def write_report(run_dir: str | Path, dataset: FaceDataset) -> Path:
    """Write `report.html` into a run folder: self-contained, it opens from disk without network or server.

    Args:
        run_dir: a run folder (see `ferlab.report.read_run`).
        dataset: the test split that was evaluated; its images become the faces under the cursor.

    Returns:
        The path of the report.

    Raises:
        FerlabError: the run folder is incomplete, or the data set is not the one of the run.

    Example:
        >>> from ferlab.data import load_dataset                            # doctest: +SKIP
        >>> write_report("runs/first", load_dataset("synthetic", "test"))   # doctest: +SKIP
        PosixPath('runs/first/report.html')
    """
    run = read_run(run_dir)
    points = run.map_points() if run.mapped_methods else {}
    shown = np.empty(0, dtype=np.int64)
    if points:
        first = next(iter(points.values()))
        chosen = np.arange(len(first))
        if len(chosen) > MAXIMUM_FACES:
            chosen = random_part(len(chosen), MAXIMUM_FACES)
            points = {name: of.iloc[chosen] for name, of in points.items()}
            first = next(iter(points.values()))
        shown = first["index"].to_numpy(dtype=np.int64)
        if len(shown) and (
            shown.max() >= len(dataset) or not (dataset.labels[shown] == first["label"].to_numpy()).all()
        ):
            raise FerlabError(
                f"The faces given ({dataset.name}, {dataset.split}) are not those of {run.path}; "
                f"load the test split of {run.summary.get('dataset', 'its data set')}."
            )
    text = _page(run, dataset, points, shown)
    target = run.path / "report.html"
    with atomic_path(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def _page(run: Run, dataset: FaceDataset, points: dict, shown: np.ndarray) -> str:
    sprite, columns = sprite_sheet(dataset.images[shown]) if len(shown) else ("", 1)
    said = verdict(run)
    parts = {
        "TITLE": escape(f"ferlab: {_count(len(run.methods), 'method')} on {_dataset_label(run, dataset)}"),
        "LEAD": escape(_lead(run, dataset)),
        "HEADLINE": escape(said.headline),
        "SENTENCES": _sentences(said),
        "METRICS": metric_table(run),
        "COMPARISONS": comparison_table(run),
        "RECALLS": recall_table(run),
        "SLICES": slice_table(run),
        "CONFUSION": confusion_tables(run, dataset),
        "SETTINGS": settings_tables(run),
        "SPRITE": sprite,
        "DATA": _json(page_payload(run, dataset, points, columns)),
        "CSS": _package_file("report.css"),
        "JS": _package_file("report.js"),
    }
    page = _package_file("template.html")
    # Split once, so that nothing that came from data is searched for placeholders again.
    pieces = page.split("%%")
    if len(pieces) % 2 == 0 or {*pieces[1::2]} - parts.keys():
        raise RuntimeError("template.html and writing.py do not fit together")
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _sentences(said: Verdict) -> str:
    """The verdict's sentences; many are folded below those that sum them up, since a table says them in numbers."""
    few = said.sentences if len(said.sentences) <= 5 else said.sentences[:2]
    shown = said.short or few
    rest = [sentence for sentence in said.sentences if sentence not in shown]
    items = ["<ul>", *(f"<li>{escape(sentence)}</li>" for sentence in shown), "</ul>"]
    if rest:
        items += ["<details><summary>All comparisons in words</summary>", "<ul>"]
        items += [*(f"<li>{escape(sentence)}</li>" for sentence in rest), "</ul>", "</details>"]
    return "\n".join(items)


def _package_file(name: str) -> str:
    return (resources.files("ferlab.report") / name).read_text(encoding="utf-8")


def _json(value) -> str:
    """JSON that can stand in a script element whatever its strings hold."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _dataset_label(run: Run, dataset: FaceDataset) -> str:
    return str(run.summary.get("dataset") or dataset.name)


def _lead(run: Run, dataset: FaceDataset) -> str:
    seeds, seconds, epochs = run.summary.get("seeds") or [], run.summary.get("seconds"), run.summary.get("epochs")
    parts = [
        f"Data set {_dataset_label(run, dataset)}",
        _count(len(dataset), "test face"),
        _count(len(run.methods), "method"),
    ]
    if isinstance(epochs, int):
        parts.append(_count(epochs, "epoch"))
    if seeds:
        parts.append(_count(len(seeds), "seed"))
    if isinstance(seconds, (int, float)):
        parts.append(f"{_duration(seconds)} in all")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

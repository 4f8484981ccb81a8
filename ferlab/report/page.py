"""The report: one HTML file with everything in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.checksums import recorded_path
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.images import sprite_sheet
from ferlab.markup import render
from ferlab.methods import method_color, method_label
from ferlab.report.evidence import (
    COMPARED,
    confusions,
    difference_rows,
    has_several_seeds,
    recall_rows,
    score_rows,
    settings_groups,
    slice_groups,
)
from ferlab.report.measures import MEASURES
from ferlab.report.payload import page_payload
from ferlab.report.verdict import Verdict, verdict
from ferlab.runs.reading import Run, read_run
from ferlab.vectors import random_part

MAXIMUM_FACES = 3000
MOST_SENTENCES = 5  # of the verdict; more are folded away


def write_report(run_dir: str | Path, dataset: FaceDataset) -> Path:
    """Write `report.html` into a run folder: self-contained, it opens from disk without network or server.

    Args:
        run_dir: a run folder (see `ferlab.runs.read_run`).
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
    text = _page(run, dataset, _shown_points(run, dataset))
    target = run.path / "report.html"
    with recorded_path(run.path, target.name) as beside:
        beside.write_text(text, encoding="utf-8")
    return target


def _shown_points(run: Run, dataset: FaceDataset) -> dict[str, pd.DataFrame]:
    """Method -> the faces on its map, at most :data:`MAXIMUM_FACES`; empty for a run without maps.

    Raises:
        FerlabError: they are not those of the data set.
    """
    if not run.mapped_methods:
        return {}
    points = run.map_points()
    first = next(iter(points.values()))
    if len(first) > MAXIMUM_FACES:
        chosen = random_part(len(first), MAXIMUM_FACES)
        points = {name: rows.iloc[chosen] for name, rows in points.items()}
        first = next(iter(points.values()))
    shown = first["index"].to_numpy(dtype=np.int64)
    if shown.max() >= len(dataset) or not (dataset.labels[shown] == first["label"].to_numpy()).all():
        raise FerlabError(
            f"The faces given ({dataset.name}, {dataset.split}) are not those of {run.path}; "
            f"load the test split of {run.summary.get('dataset', 'its data set')}."
        )
    return points


def _page(run: Run, dataset: FaceDataset, points: dict[str, pd.DataFrame]) -> str:
    sprite, columns = "", 1
    if points:
        shown = next(iter(points.values()))["index"].to_numpy(dtype=np.int64)
        sprite, columns = sprite_sheet(dataset.images[shown])
    said = verdict(run)
    sentences, folded_sentences = _folded(said)
    scores, differences = score_rows(run), difference_rows(run)
    recall_classes, recalls = recall_rows(run)
    sliced_methods, slices = slice_groups(run)
    return render(
        "report/templates/page.html",
        title=f"ferlab: {_count(len(run.methods), 'method')} on {_dataset_name(run, dataset)}",
        lead=_lead(run, dataset),
        headline=said.headline,
        sentences=sentences,
        folded_sentences=folded_sentences,
        measures=MEASURES,
        scores=scores,
        has_intervals=any(score is not None and score.interval for row in scores.values() for score in row),
        several_seeds=has_several_seeds(run),
        compared=COMPARED,
        differences=differences,
        compared_seeds=max((test.seeds for tests in differences.values() for test in tests.values()), default=0),
        recall_classes=recall_classes,
        recalls=recalls,
        sliced_methods=sliced_methods,
        slices=slices,
        classes=dataset.classes,
        confusions=confusions(run, len(dataset.classes)),
        settings=settings_groups(run),
        has_planes=run.has_planes,
        sprite=sprite,
        data=page_payload(run, dataset, points, columns),
        label=method_label,
        color=method_color,
    )


def _folded(said: Verdict) -> tuple[list[str], list[str]]:
    """The verdict's sentences that are shown, and those folded below them, since a table says them in numbers."""
    few = said.sentences if len(said.sentences) <= MOST_SENTENCES else said.sentences[:2]
    shown = said.short or few
    return shown, [sentence for sentence in said.sentences if sentence not in shown]


def _lead(run: Run, dataset: FaceDataset) -> str:
    """What was run, in a line above the headline."""
    seeds, seconds, epochs = run.summary.get("seeds") or [], run.summary.get("seconds"), run.summary.get("epochs")
    parts = [
        f"Data set {_dataset_name(run, dataset)}",
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


def _dataset_name(run: Run, dataset: FaceDataset) -> str:
    return str(run.summary.get("dataset") or dataset.name)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

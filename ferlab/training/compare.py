"""The main comparison: the same faces, several losses, one report."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ferlab.data import FaceDataset, load_dataset
from ferlab.data.transforms import Augmentation
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.files import write_json
from ferlab.training.loop import TrainSettings, steps_per_epoch, train
from ferlab.training.methods import ALL_METHODS, DEFAULT_METHODS, METHODS, get_method
from ferlab.training.runs import FinishedRun, prepare_folder, save_run, summarize, write_config, write_parquet

# Enough for a first impression within a minute on two CPU cores: small batches make many steps of few faces, and
# every class comes equally often, or three epochs would end at naming the most frequent one.
QUICK_SIZES = {"train": 2560, "validation": 300, "test": 700}
QUICK_CHANGES = {
    "epochs": 3,
    "batch_size": 32,
    "learning_rate": 0.05,
    "batches": "class-balanced",
    "augmentation": Augmentation(rotation=0.0, scale=0.0, shift=0.04, contrast=0.1, brightness=10.0),
}
# More points make the maps slower and harder to read, not truer.
MAP_POINTS = 3000


@dataclass(frozen=True)
class CompareSettings:
    """What ``ferlab compare`` runs.

    Attributes:
        out: run folder to write.
        dataset, root: which data set, and where it lies (not needed for the built-in faces).
        methods: names from the methods table, or ``("all",)``.
        seeds: number of seeds, 0, 1, ...
        epochs: None for the default (fewer with ``quick``).
        quick: a small part of the data (of the built-in faces: strong and nearly frontal ones, which are learned
            fastest) and few epochs, for tests and first impressions.
        overwrite: replace an earlier run in ``out``.
        train: settings of the training loop; its ``epochs`` and ``seed`` are set by the fields above.
    """

    out: Path
    dataset: str = "synthetic"
    root: Path | None = None
    methods: tuple[str, ...] = DEFAULT_METHODS
    seeds: int = 1
    epochs: int | None = None
    quick: bool = False
    overwrite: bool = False
    train: TrainSettings = field(default_factory=TrainSettings)


def run_compare(settings: CompareSettings, console: Console | None = None) -> dict[str, Any]:
    """Train every method with every seed, and write the run folder (:mod:`ferlab.training.runs`).

    Results of a finished method are on disk before the next one starts. Ctrl-C keeps them: the summary and report are
    then written for the finished methods, and ``KeyboardInterrupt`` is raised again.

    Returns:
        The content of ``summary.json``.

    Raises:
        FerlabError: unknown names, missing data, an output folder in use; raised before anything is written.
    """
    console = console or Console()
    started = time.perf_counter()
    names = ALL_METHODS if settings.methods == ("all",) else settings.methods
    for name in names:
        get_method(name)
    if not names or len(set(names)) < len(names):
        raise FerlabError(f"Name each method once; got: {', '.join(names) or 'none'}.")
    if settings.seeds < 1:
        raise FerlabError(f"The number of seeds must be at least 1, but is {settings.seeds}.")
    if settings.epochs is not None and settings.epochs < 1:
        raise FerlabError(f"The number of epochs must be at least 1, but is {settings.epochs}.")
    splits = load_splits(settings)
    base = dataclasses.replace(settings.train, **QUICK_CHANGES) if settings.quick else settings.train
    base = dataclasses.replace(base, epochs=settings.epochs or base.epochs)
    steps_per_epoch(splits["train"], base)
    out = Path(settings.out)
    prepare_folder(out, settings.overwrite)
    chosen = {**dataclasses.asdict(settings), "out": str(out), "root": str(settings.root or ""), "methods": names}
    write_config(out, {**chosen, "epochs": base.epochs, "train": dataclasses.asdict(base)})

    runs: list[FinishedRun] = []
    interrupted: KeyboardInterrupt | None = None
    try:
        train_all(names, settings.seeds, splits, base, out, console, runs)
    except KeyboardInterrupt as stop:
        interrupted = stop
        console.print(f"Interrupted: {len(runs)} of {len(names) * settings.seeds} trainings are finished and kept.")
        if not runs:
            raise
    summary = finish(runs, settings.dataset, base.epochs, started, splits["test"], out, console)
    if interrupted:
        raise interrupted
    return summary


def load_splits(settings: CompareSettings) -> dict[str, FaceDataset]:
    """The three splits, or parts of them with ``quick``."""
    splits = {split: load_dataset(settings.dataset, split, settings.root) for split in QUICK_SIZES}
    if settings.quick:
        return {split: quick_part(faces, QUICK_SIZES[split]) for split, faces in splits.items()}
    return splits


def quick_part(faces: FaceDataset, size: int) -> FaceDataset:
    """At most ``size`` faces, the same ones in every quick run; strong and nearly frontal where the metadata tells."""
    about = faces.metadata
    kept = np.arange(len(faces))
    if {"intensity", "yaw", "pitch", "occluder"} <= set(about.columns):
        strong = (about["intensity"] >= 0.6) | (about["class"] == "neutral")
        frontal = (about["yaw"].abs() < 15) & (about["pitch"].abs() < 10) & (about["occluder"] == "none")
        kept = np.flatnonzero(strong & frontal)
    return faces.subset(np.sort(np.random.default_rng(0).permutation(kept)[:size]))


def train_all(
    names: tuple[str, ...],
    seeds: int,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    out: Path,
    console: Console,
    runs: list[FinishedRun],
) -> None:
    """Train, measure and save; each finished run is appended to ``runs``."""
    steps = steps_per_epoch(splits["train"], base) * base.epochs
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        overall = progress.add_task("all trainings", total=steps * len(names) * seeds, note="")
        for seed in range(seeds):
            for name in names:
                label = name if seeds == 1 else f"{name}, seed {seed}"
                task = progress.add_task(label, total=steps, note="")

                def advance(task=task) -> None:
                    progress.advance(task)
                    progress.advance(overall)

                def report(row: dict[str, float], task=task) -> None:
                    progress.update(task, note=f"validation accuracy {row['validation_accuracy']:.3f}")

                result = train(
                    METHODS[name], splits["train"], splits["validation"],
                    dataclasses.replace(base, seed=seed), on_batch=advance, on_epoch=report,
                )  # fmt: skip
                predictions = predict(result.network, splits["test"].images)
                runs.append(save_run(out, name, seed, result.network, result.history, splits["test"], predictions))


def finish(
    runs: list[FinishedRun],
    dataset: str,
    epochs: int,
    started: float,
    test_set: FaceDataset,
    out: Path,
    console: Console,
) -> dict[str, Any]:
    """Maps, tables, figures and report of the finished runs."""
    from ferlab.figures import save_figures
    from ferlab.report import write_report

    with console.status("Drawing the maps (UMAP) and the report ..."):
        write_parquet(out / "history.parquet", pd.concat([run.history for run in runs], ignore_index=True))
        write_parquet(out / "embeddings.parquet", add_maps(runs, len(test_set)))
        summary = summarize(runs, dataset, epochs, time.perf_counter() - started)
        write_json(out / "summary.json", summary)
        save_figures(out, test_set)
        report = write_report(out, test_set)
    console.print(score_table(summary))
    console.print(f"Report: {report}")
    return summary


def add_maps(runs: list[FinishedRun], faces: int) -> pd.DataFrame:
    """The rows of all runs, with aligned map coordinates ``x, y`` for the first seed of each method (else NaN)."""
    from ferlab.projection import aligned_layouts

    shown = np.sort(np.random.default_rng(0).permutation(faces)[:MAP_POINTS])
    first_seed = min(run.seed for run in runs)
    mapped = {run.method: np.stack(run.embeddings["embedding"])[shown] for run in runs if run.seed == first_seed}
    layouts = aligned_layouts(mapped, seed=0)
    tables = []
    for run in runs:
        table = run.embeddings.assign(x=np.float32("nan"), y=np.float32("nan"))
        if run.seed == first_seed:
            table.loc[shown, ["x", "y"]] = layouts[run.method]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def score_table(summary: dict[str, Any]) -> Table:
    """The scores as a table for the terminal; standard deviations when there are several seeds."""
    several = len(summary["seeds"]) > 1
    columns: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "accuracy": lambda scores: scores["accuracy"],
        "balanced": lambda scores: scores["balanced_accuracy"],
        "macro-F1": lambda scores: scores["macro_f1"],
        "within/\nbetween": lambda scores: scores["geometry"]["within_between_ratio"],
        "silhouette": lambda scores: scores["geometry"]["silhouette"],
        "10-NN": lambda scores: scores["geometry"]["knn_accuracy"],
        "MAP@R": lambda scores: scores["geometry"]["map_at_r"],
    }
    # Narrow enough for a terminal of 80 columns.
    table = Table(
        title=f"{summary['dataset']}, test split, {summary['epochs']} epochs, seeds {summary['seeds']}",
        box=box.SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    table.add_column("method", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right")
    for method, scores in summary["methods"].items():
        cells = []
        for read in columns.values():
            value = read(scores)
            cells.append(f"{value['mean']:.3f}" + (f" ± {value['std']:.3f}" if several else ""))
        table.add_row(method, *cells)
    return table

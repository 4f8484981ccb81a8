"""The main comparison: the same faces, several losses, one report."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightning_fabric import Fabric
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ferlab.data import FaceDataset, load_dataset
from ferlab.data.dataset import random_part
from ferlab.data.transforms import Augmentation
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.files import write_json
from ferlab.training.loop import Batch, check_splits, start_fabric, steps_per_epoch, train
from ferlab.training.methods import ALL_METHODS, DEFAULT_METHODS, METHODS, get_method
from ferlab.training.runs import (
    EPOCH_FACES,
    check_folder,
    check_same_settings,
    load_epochs,
    load_run,
    only_one_training,
    prepare_folder,
    read_config,
    run_folder,
    save_epoch,
    save_run,
    write_config,
    write_parquet,
)
from ferlab.training.settings import TrainSettings
from ferlab.training.summary import FinishedRun, people_of, summarize
from ferlab.training.sweep import CLUSTERS, run_sweep

# Enough for a first impression within a minute on two CPU cores: small batches make many steps of few faces, and
# every class comes equally often, or three epochs would end at naming the most frequent one.
QUICK_SIZES = {"train": 1920, "validation": 300, "test": 700}
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
        resume: go on with an unfinished run in ``out``: finished trainings are kept, an unfinished one continues from
            its last checkpoint, and the numbers are those of a run without interruption.
        jobs: trainings side by side, each in a process of its own (fewer when the memory is short). Numbers can differ
            from those of one after the other by rounding, since each has fewer processor threads.
        cluster: ``"local"``, or ``"slurm"`` to send every training to that cluster as a job.
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
    resume: bool = False
    jobs: int = 1
    cluster: str = "local"
    train: TrainSettings = field(default_factory=TrainSettings)


def run_compare(settings: CompareSettings, console: Console | None = None) -> dict[str, Any]:
    """Train every method with every seed, and write the run folder (:mod:`ferlab.training.runs`).

    Results of a finished training are on disk before the next one starts, and a checkpoint after every epoch. Ctrl-C
    keeps them: the summary and report are then written for the finished methods, and ``KeyboardInterrupt`` is raised
    again; the same settings with ``resume`` go on.

    With ``jobs`` or on a cluster the trainings run side by side (:mod:`ferlab.training.sweep`).
    With several devices every process runs this function; the first one writes.

    Returns:
        The content of ``summary.json``.

    Raises:
        FerlabError: unknown names, missing data, an output folder in use; raised before anything is written.
    """
    console = console or Console()
    started = time.perf_counter()
    names, base = check_settings(settings)
    splits = load_splits(settings)
    check_splits(splits["train"], splits["validation"], base)
    out, seeds = Path(settings.out), settings.seeds
    check_folder(out, settings.overwrite, settings.resume)
    config = {**dataclasses.asdict(settings), "out": str(out), "root": str(settings.root or ""), "methods": names}
    config |= {"epochs": base.epochs, "train": dataclasses.asdict(base)}
    config["table"] = {name: repr(METHODS[name]) for name in names}
    if settings.resume and (out / "config.json").exists():
        check_same_settings(out, config)
        earlier = read_config(out)
        names = tuple(dict.fromkeys([*earlier["methods"], *names]))
        seeds = max(seeds, earlier["seeds"])
        config |= {"methods": names, "seeds": seeds, "table": earlier["table"] | config["table"]}
    in_jobs = settings.jobs > 1 or settings.cluster != "local"
    # With jobs this process trains nothing, and the machine that sends them may have no GPU.
    reading = dataclasses.replace(base, accelerator="cpu", devices=1, nodes=1, precision="32-true")
    fabric = start_fabric(reading if in_jobs else base)
    if fabric.is_global_zero:
        prepare_folder(out, settings.overwrite)
        write_config(out, config)
    else:
        console = Console(quiet=True)
    fabric.barrier()

    wanted = [(name, seed) for seed in range(seeds) for name in names]
    finished = finished_runs(out, wanted)
    started -= sum(float(run.history["seconds"].sum()) for run in finished)  # their time counts too
    pending = [which for which in wanted if which not in {(run.method, run.seed) for run in finished}]
    interrupted: KeyboardInterrupt | None = None
    try:
        if in_jobs:
            run_sweep(out, pending, base, settings.jobs, settings.cluster, console)
        else:
            train_all(pending, splits, base, out, fabric, console)
    except KeyboardInterrupt as stop:
        interrupted = stop
    summary: dict[str, Any] = {}
    if fabric.is_global_zero:
        finished = finished_runs(out, wanted)
        if interrupted:
            console.print(
                f"Interrupted: {len(finished)} of {len(wanted)} trainings are finished and kept; "
                "the same command with --resume goes on."
            )
        if finished:
            summary = finish(settings, base.epochs, finished, splits, started, out, console)
    if interrupted:
        raise interrupted
    return fabric.broadcast(summary)


def check_settings(settings: CompareSettings) -> tuple[tuple[str, ...], TrainSettings]:
    """The names of the methods and the settings of the training loop; a FerlabError for what cannot be."""
    names = ALL_METHODS if settings.methods == ("all",) else tuple(settings.methods)
    for name in names:
        get_method(name)
    if not names or len(set(names)) < len(names):
        raise FerlabError(f"Name each method once; got: {', '.join(names) or 'none'}.")
    if settings.seeds < 1:
        raise FerlabError(f"The number of seeds must be at least 1, but is {settings.seeds}.")
    if settings.jobs < 1 or settings.cluster not in CLUSTERS:
        raise FerlabError(f"--jobs is at least 1 and --cluster one of {', '.join(CLUSTERS)}.")
    if settings.overwrite and settings.resume:
        raise FerlabError("Choose one of --resume and --overwrite: one keeps the earlier run, the other deletes it.")
    train = settings.train
    if settings.quick:
        usual = TrainSettings()  # what was asked for stays
        changes = {name: value for name, value in QUICK_CHANGES.items() if getattr(train, name) == getattr(usual, name)}
        train = dataclasses.replace(train, **changes)
    if settings.epochs is not None:
        train = dataclasses.replace(train, epochs=settings.epochs)
    if settings.jobs > 1 and settings.cluster == "local" and train.devices * train.nodes > 1:
        raise FerlabError("Choose one of --jobs and --devices on one machine: each job would want all devices.")
    return names, train


def load_splits(
    settings: CompareSettings, splits: Sequence[str] = ("train", "validation", "test")
) -> dict[str, FaceDataset]:
    """The three splits or those asked for, or parts of them with ``quick``."""
    found = {split: load_dataset(settings.dataset, split, settings.root) for split in splits}
    if settings.quick:
        return {split: quick_part(faces, QUICK_SIZES[split]) for split, faces in found.items()}
    return found


def quick_part(faces: FaceDataset, size: int) -> FaceDataset:
    """At most ``size`` faces, the same ones in every quick run; strong and nearly frontal where the metadata tells."""
    about = faces.metadata
    kept = np.arange(len(faces))
    if {"intensity", "yaw", "pitch", "occluder"} <= set(about.columns):
        strong = (about["intensity"] >= 0.6) | (about["class"] == "neutral")
        frontal = (about["yaw"].abs() < 15) & (about["pitch"].abs() < 10) & (about["occluder"] == "none")
        kept = np.flatnonzero(strong & frontal)
    return faces.subset(kept[random_part(len(kept), size)])


def train_all(
    pending: list[tuple[str, int]],
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    out: Path,
    fabric: Fabric,
    console: Console,
) -> None:
    """Train, measure and save every (method, seed), with a progress bar each."""
    steps = steps_per_epoch(splits["train"], base)
    columns = (
        TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    several = len({seed for _, seed in pending}) > 1
    with Progress(*columns, console=console) as progress:
        overall = progress.add_task("all trainings", total=steps * base.epochs * len(pending), note="")
        for place, (name, seed) in enumerate(pending):
            task = progress.add_task(f"{name}, seed {seed}" if several else name, total=steps * base.epochs, note="")

            def advance(batch: Batch, task=task) -> None:
                progress.advance(task)
                progress.advance(overall)

            def reach(epoch: int, task=task, place=place) -> None:
                # Set, not advanced: epochs read from a checkpoint had no steps here.
                progress.update(task, completed=steps * epoch)
                progress.update(overall, completed=steps * (base.epochs * place + epoch))

            def report(row: dict[str, float], task=task, reach=reach) -> None:
                reach(int(row["epoch"]))
                progress.update(task, note=f"validation accuracy {row['validation_accuracy']:.3f}")

            train_one(name, seed, splits, base, out, fabric, advance, report)
            reach(base.epochs)  # with early stopping the last epochs are never run


def train_one(
    name: str,
    seed: int,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    out: Path,
    fabric: Fabric,
    on_batch: Callable[[Batch], None] = lambda batch: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> None:
    """One method with one seed: trained, measured on the test split and saved; its checkpoints are then deleted."""
    folder = run_folder(out, name, seed)
    held = only_one_training(folder) if fabric.is_global_zero else nullcontext()
    with held, tensorboard_log(folder / "tensorboard", fabric) as log:

        def report(row: dict[str, float]) -> None:
            log(row)
            on_epoch(row)

        result = train(
            METHODS[name], splits["train"], splits["validation"], dataclasses.replace(base, seed=seed),
            folder / "checkpoints", fabric, on_batch, report,
            on_validation=lambda epoch, seen: save_epoch(folder, epoch, seen) if fabric.is_global_zero else None,
        )  # fmt: skip
        if fabric.is_global_zero:
            predictions = predict(result.network, splits["test"].images)
            save_run(out, name, seed, result.network, result.history, splits["test"], predictions)
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def finished_runs(out: Path, wanted: list[tuple[str, int]]) -> list[FinishedRun]:
    """Those of the wanted (method, seed) that lie in ``out``, trained and measured."""
    return [run for which in wanted if (run := load_run(out, *which)) is not None]


@contextmanager
def tensorboard_log(folder: Path, fabric: Fabric) -> Iterator[Callable[[dict[str, float]], None]]:
    """A function that writes an epoch's row for TensorBoard.

    An earlier log is deleted: a resumed training reports its earlier epochs again.
    """
    if not fabric.is_global_zero:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(folder) as writer:
        yield lambda row: [writer.add_scalar(key, value, int(row["epoch"])) for key, value in row.items()]


def finish(
    settings: CompareSettings,
    epochs: int,
    runs: list[FinishedRun],
    splits: dict[str, FaceDataset],
    started: float,
    out: Path,
    console: Console,
) -> dict[str, Any]:
    """Maps, tables, figures and report of the finished runs."""
    from ferlab.figures import save_figures
    from ferlab.report import write_report

    test_set = splits["test"]
    with console.status("Drawing the maps (UMAP) and the report ..."):
        write_parquet(out / "history.parquet", pd.concat([run.history for run in runs], ignore_index=True))
        write_parquet(out / "embeddings.parquet", add_maps(runs, len(test_set)))
        if not settings.quick:  # many maps: they would double the time of a first impression
            write_parquet(out / "epochs.parquet", epoch_maps(runs, out, splits["validation"]))
        seconds = time.perf_counter() - started
        summary = summarize(runs, settings.dataset, epochs, seconds, people_of(test_set))
        write_json(out / "summary.json", summary)
        save_figures(out, test_set)
        report = write_report(out, test_set)
    console.print(score_table(summary))
    console.print(f"Report: {report}")
    return summary


def add_maps(runs: list[FinishedRun], faces: int) -> pd.DataFrame:
    """The rows of all runs, with aligned map coordinates ``x, y`` for the first seed of each method (else NaN)."""
    from ferlab.projection import aligned_layouts

    shown = random_part(faces, MAP_POINTS)
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


def epoch_maps(runs: list[FinishedRun], out: Path, validation_set: FaceDataset) -> pd.DataFrame:
    """Aligned map coordinates of the followed validation faces after every epoch, for the first seed of each method."""
    from ferlab.projection import epoch_layouts

    first_seed = min(run.seed for run in runs)
    spaces = {
        run.method: load_epochs(run_folder(out, run.method, run.seed), len(run.history))
        for run in runs
        if run.seed == first_seed
    }
    spaces = {method: epochs for method, epochs in spaces.items() if epochs}
    shown = random_part(len(validation_set), EPOCH_FACES)
    columns = ["method", "epoch", "index", "label", "x", "y"]
    tables = [
        pd.DataFrame(
            {
                "method": method,
                "epoch": epoch,
                "index": shown,
                "label": validation_set.labels[shown],
                "x": layout[:, 0],
                "y": layout[:, 1],
            }
        )
        for method, layouts in (epoch_layouts(spaces) if spaces else {}).items()
        for epoch, layout in enumerate(layouts, start=1)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def score_table(summary: dict[str, Any]) -> Table:
    """The scores as a table for the terminal; standard deviations when there are several seeds."""
    several = len(summary["seeds"]) > 1
    columns: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "accu-\nracy": lambda scores: scores["accuracy"],
        "balan-\nced": lambda scores: scores["balanced_accuracy"],
        "macro-\nF1": lambda scores: scores["macro_f1"],
        "within/\nbetween": lambda scores: scores["geometry"]["within_between_ratio"],
        "silhou-\nette": lambda scores: scores["geometry"]["silhouette"],
        "10-NN": lambda scores: scores["geometry"]["knn_accuracy"],
        "MAP@R": lambda scores: scores["geometry"]["map_at_r"],
    }
    # Narrow enough for a terminal of 80 columns.
    table = Table(
        title=f"{summary['dataset']}, test split, {summary['epochs']} epochs, seeds {summary['seeds']}",
        box=box.SIMPLE,
        padding=(0, 0, 0, 1),
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

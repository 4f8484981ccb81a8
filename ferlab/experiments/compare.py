"""The main comparison: the same faces, several losses, one report."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pandas as pd
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ferlab.data import FaceDataset
from ferlab.experiments.maps import add_maps, epoch_maps
from ferlab.experiments.one_training import train_one
from ferlab.experiments.sweep import run_sweep
from ferlab.experiments.terminal import terminal_table
from ferlab.files import write_json, write_parquet
from ferlab.methods import METHODS
from ferlab.runs.folder import (
    check_folder,
    check_same_settings,
    prepare_folder,
    read_config,
    write_config,
)
from ferlab.runs.records import load_run
from ferlab.runs.settings import CompareSettings, check_settings, load_splits
from ferlab.runs.summary import FinishedRun, people_of, summarize
from ferlab.training.loop import Batch, check_splits, start_fabric, steps_per_epoch
from ferlab.training.settings import TrainSettings


def run_compare(settings: CompareSettings, console: Console | None = None) -> dict[str, Any]:
    """Train every method with every seed, and write the run folder (:mod:`ferlab.runs.folder`).

    Results of a finished training are on disk before the next one starts, and a checkpoint after every epoch. Ctrl-C
    keeps them: the summary and report are then written for the finished methods, and ``KeyboardInterrupt`` is raised
    again; the same settings with ``resume`` go on.

    With ``jobs`` or on a cluster the trainings run side by side (:mod:`ferlab.experiments.sweep`).
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


def finished_runs(out: Path, wanted: list[tuple[str, int]]) -> list[FinishedRun]:
    """Those of the wanted (method, seed) that lie in ``out``, trained and measured."""
    return [run for which in wanted if (run := load_run(out, *which)) is not None]


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
    from ferlab.report import save_figures, write_report

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
    console.print(terminal_table(summary))
    console.print(f"Report: {report}")
    return summary

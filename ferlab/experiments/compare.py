"""The main comparison: the same faces, several losses, one report."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pandas as pd
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import TaskID

from ferlab.data import FaceDataset
from ferlab.errors import TrainingDiverged
from ferlab.experiments.bars import progress_bars
from ferlab.experiments.checks import check_faces, check_methods, without_epoch_maps
from ferlab.experiments.maps import add_maps, epoch_maps
from ferlab.experiments.one_training import train_one
from ferlab.experiments.sweep import run_sweep
from ferlab.experiments.terminal import say, terminal_table
from ferlab.files import check_writable
from ferlab.methods import without_strength
from ferlab.report import save_figures, write_report
from ferlab.runs import FinishedTraining, RunFolder, load_splits
from ferlab.runs.faces_record import records_of
from ferlab.runs.plan import check_settings, planned_method, recorded
from ferlab.runs.reading import PLANE
from ferlab.runs.summary import people_of, summarize
from ferlab.settings import CompareSettings, Plan, TrainSettings
from ferlab.training.batching import steps_per_epoch
from ferlab.training.devices import start_fabric
from ferlab.training.loop import Batch


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
    run = RunFolder(settings.out)
    run.check_free(overwrite=settings.overwrite, resume=settings.resume)
    check_writable(run.path, folder=True)
    # All that can be refused is refused here, before anything is written or trained.
    config = joined_with_earlier(run, recorded(settings, names, base), resume=settings.resume)
    splits = load_splits(settings)
    check_faces(splits, base)
    check_methods([(name, planned_method(settings, name)) for name in names], splits["train"], base)
    wanted = [(name, seed) for seed in range(config["seeds"]) for name in config["methods"]]
    if settings.resume:
        check_what_is_there(run, splits, wanted)
    in_jobs = settings.jobs > 1 or settings.cluster != "local"
    # With jobs this process trains nothing, and the machine that sends them may have no GPU.
    reading = dataclasses.replace(base, accelerator="cpu", devices=1, nodes=1, precision="32-true")
    fabric = start_fabric(reading if in_jobs else base)
    if not fabric.is_global_zero:
        console = Console(quiet=True)
    if (missing := without_epoch_maps(splits["validation"])) and not settings.quick:
        say(console, missing)
    with run.held() if fabric.is_global_zero else nullcontext():
        return run_held(run, settings, config, splits, base, fabric, in_jobs, started, console)


def run_held(
    run: RunFolder,
    settings: CompareSettings,
    config: dict[str, Any],
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    fabric: Fabric,
    in_jobs: bool,
    started: float,
    console: Console,
) -> dict[str, Any]:
    """The comparison in its folder, which this process holds: trainings, then the report."""
    if fabric.is_global_zero:
        run.prepare(overwrite=settings.overwrite)
        run.write_settings(config, records_of(splits))
    fabric.barrier()

    wanted = [(name, seed) for seed in range(config["seeds"]) for name in config["methods"]]
    finished = run.finished(wanted)
    # Their time counts too.
    started -= sum(float(training.history["seconds"].sum()) for training in finished)
    done = {(training.method, training.seed) for training in finished}
    pending = [which for which in wanted if which not in done and not is_known_to_diverge(run, *which)]
    interrupted: KeyboardInterrupt | None = None
    try:
        if in_jobs:
            run_sweep(settings, base, pending, console)
        else:
            train_all(run, settings, pending, splits, base, fabric, console)
    except KeyboardInterrupt as stop:
        interrupted = stop
    summary: dict[str, Any] = {}
    if fabric.is_global_zero:
        finished, diverged = run.finished(wanted), run.diverged(wanted)
        if interrupted:
            say(
                console,
                f"Interrupted: {len(finished)} of {len(wanted)} trainings are finished and kept; "
                "the same command with --resume goes on.",
            )
        # A strength that breaks its network with one seed has no mean over the seeds.
        if measured := [training for training in finished if training.method not in diverged]:
            summary = finish(run, settings, base.epochs, measured, splits, started, console, diverged)
    if interrupted:
        raise interrupted
    return fabric.broadcast(summary)


def is_known_to_diverge(run: RunFolder, name: str, seed: int) -> bool:
    """Whether an earlier start found that this strength breaks its network; without one, a mended setting may help."""
    return name != without_strength(name) and bool(run.training(name, seed).diverged())


def check_what_is_there(run: RunFolder, splits: dict[str, FaceDataset], wanted: list[tuple[str, int]]) -> None:
    """What is gone on with must be what it was: a FerlabError for other faces, changed files, or another process."""
    if run.has_settings():
        run.check_unchanged(("config.json",))
        run.check_same_faces(splits, mend="use the faces as they were, or another --out")
    run.finished(wanted)
    run.check_idle()


def joined_with_earlier(run: RunFolder, config: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """The settings to write: with ``resume`` those of the run that is there, with the new methods and seeds.

    Raises:
        FerlabError: the run was started with other settings.
    """
    if not (resume and run.has_settings()):
        return config
    earlier = run.comparison_settings()
    run.check_same_settings(config)
    return config | {
        "methods": tuple(dict.fromkeys([*earlier["methods"], *config["methods"]])),
        "seeds": max(config["seeds"], earlier["seeds"]),
        "table": earlier.get("table", {}) | config["table"],
    }


def train_all(
    run: RunFolder,
    plan: Plan,
    pending: list[tuple[str, int]],
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    fabric: Fabric,
    console: Console,
) -> None:
    """Train, measure and save every (method, seed), with a progress bar each."""
    steps = steps_per_epoch(splits["train"], base)
    several = len({seed for _, seed in pending}) > 1
    with progress_bars(console, width=20) as progress:
        overall = progress.add_task("all trainings", total=steps * base.epochs * len(pending), note="")
        for place, (name, seed) in enumerate(pending):
            task = progress.add_task(f"{name}, seed {seed}" if several else name, total=steps * base.epochs, note="")

            def advance(batch: Batch, task: TaskID = task) -> None:
                progress.advance(task)
                progress.advance(overall)

            def reach(epoch: int, task: TaskID = task, place: int = place) -> None:
                # Set, not advanced: epochs read from a checkpoint had no steps here.
                progress.update(task, completed=steps * epoch)
                progress.update(overall, completed=steps * (base.epochs * place + epoch))

            def report(row: dict[str, float], task: TaskID = task, reach: Callable[[int], None] = reach) -> None:
                reach(int(row["epoch"]))
                progress.update(task, note=f"validation accuracy {row['validation_accuracy']:.3f}")

            try:
                method, folder = planned_method(plan, name), run.training(name, seed)
                train_one(method, folder, splits, base, fabric, on_batch=advance, on_epoch=report)
            except TrainingDiverged as error:
                if name == without_strength(name):
                    raise
                # At some strength a loss breaks its network: that is a result, and the other strengths are others.
                say(progress.console, f"{name}, seed {seed}: {error}")
            reach(base.epochs)  # with early stopping the last epochs are never run


def finish(
    run: RunFolder,
    settings: CompareSettings,
    epochs: int,
    trainings: list[FinishedTraining],
    splits: dict[str, FaceDataset],
    started: float,
    console: Console,
    diverged: dict[str, list[int]],
) -> dict[str, Any]:
    """Maps, tables, figures and report of the finished trainings."""
    test_set = splits["test"]
    is_plane = settings.embedding_size == PLANE
    with console.status(f"Drawing {'the embeddings' if is_plane else 'the maps (UMAP)'} and the report ..."):
        embeddings = add_maps(trainings, len(test_set))
        # Many maps: they would double the time of a first impression, unless they are there already.
        is_skipped = settings.quick and not is_plane
        epochs_mapped = None if is_skipped else epoch_maps(trainings, run, splits["validation"])
        seconds = time.perf_counter() - started
        summary = summarize(trainings, settings.dataset, epochs, seconds, people_of(test_set), diverged)
        run.write_results(
            history=pd.concat([training.history for training in trainings], ignore_index=True),
            embeddings=embeddings,
            epochs=epochs_mapped,
            summary=summary,
        )
        if not settings.no_figures:
            save_figures(run.path, test_set, splits["train"])
        report = write_report(run.path, test_set)
    console.print(terminal_table(summary))
    say(console, f"Report: {report}")
    return summary

"""Trainings side by side: in processes of this machine, or as jobs of a Slurm cluster.

submitit runs both: the same function call becomes a local process or a Slurm job, with logs, and without a server to
start (Ray and Dask want one). What a training leaves on disk is the only thing passed on, so a sweep that was
interrupted goes on as a whole: finished trainings are kept, the others continue from their checkpoints.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ferlab.errors import FerlabError
from ferlab.training.checkpoints import checkpoints
from ferlab.training.runs import load_run, run_folder
from ferlab.training.settings import TrainSettings

MEMORY = 2.5e9  # bytes that one training on the built-in faces may need, with its libraries
CLUSTERS = ("local", "slurm")


def run_sweep(
    out: Path, pending: list[tuple[str, int]], base: TrainSettings, jobs: int, cluster: str, console: Console
) -> None:
    """Train every pending (method, seed) of the run folder ``out``, at most ``jobs`` at a time.

    Raises:
        FerlabError: as :func:`run_jobs`.
    """
    calls = {f"{name}, seed {seed}": (train_job, str(out), name, seed) for name, seed in pending}
    run_jobs(
        out, calls, base, jobs, cluster, console, total=base.epochs * len(pending),
        epochs_done=lambda: sum(epochs_done(run_folder(out, *which), base.epochs) for which in pending),
    )  # fmt: skip
    if missing := [f"{name}, seed {seed}" for name, seed in pending if load_run(out, name, seed) is None]:
        raise FerlabError(f"Trained but not readable: {'; '.join(missing)}. Go on with --resume.")


def run_jobs(
    out: Path,
    calls: dict[str, tuple],
    base: TrainSettings,
    jobs: int,
    cluster: str,
    console: Console,
    total: int,
    epochs_done: Callable[[], int],
) -> None:
    """Make every call in a process or Slurm job of its own, at most ``jobs`` at a time, and wait for all.

    Args:
        out: the jobs' logs go to ``out/jobs``.
        calls: name -> function and arguments; the function sets its number of threads by a last argument ``threads``.
        base: how one training uses devices.
        jobs, cluster: as in :class:`~ferlab.training.CompareSettings`.
        console: shows a bar of epochs.
        total, epochs_done: epochs in all, and how many are done by now.

    Raises:
        FerlabError: a job that failed, with the end of its log; no Slurm here.
    """
    import submitit

    jobs = jobs if cluster != "local" else min(jobs, affordable_jobs())
    threads = max(1, (os.cpu_count() or 1) // jobs) if cluster == "local" else 0
    try:
        executor = submitit.AutoExecutor(folder=out / "jobs", cluster=cluster)
    except RuntimeError as error:
        raise FerlabError(f"There is no {cluster} here ({error}): leave --cluster out to train here.") from error
    executor.update_parameters(name="ferlab", timeout_min=72 * 60)
    if cluster == "slurm":
        executor.update_parameters(
            slurm_array_parallelism=jobs, nodes=base.nodes, tasks_per_node=base.devices, cpus_per_task=4
        )
        if base.accelerator != "cpu":
            executor.update_parameters(gpus_per_node=base.devices)
    waiting, running = list(calls), {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(f"epochs, {jobs} trainings at a time", total=total)
            while waiting or running:
                while waiting and len(running) < jobs:
                    name = waiting.pop(0)
                    running[name] = executor.submit(*calls[name], threads)
                time.sleep(0.5)
                for name, job in list(running.items()):
                    if job.done():
                        del running[name]
                        if job.exception() is not None:
                            raise FerlabError(f"{name} failed: {last_line(job)} See {job.paths.stderr}.")
                progress.update(task, completed=epochs_done())
    finally:
        for job in running.values():  # after Ctrl-C or a failure
            job.cancel()


def train_job(out: str, name: str, seed: int, threads: int) -> None:
    """What one process does: one training with the settings in the run folder's ``config.json``."""
    import torch

    from ferlab.training.compare import load_splits, train_one
    from ferlab.training.evaluate import read_settings
    from ferlab.training.loop import start_fabric

    if threads:
        torch.set_num_threads(threads)
    settings = read_settings(Path(out))
    fabric = start_fabric(settings.train)
    train_one(name, seed, load_splits(settings), settings.train, Path(out), fabric)


def affordable_jobs() -> int:
    """How many trainings this machine's free memory allows."""
    return max(1, int(psutil.virtual_memory().available // MEMORY))


def epochs_done(folder: Path, epochs: int) -> int:
    """Finished epochs of the training in ``folder``, which writes ``scores.json`` at its end."""
    if (folder / "scores.json").exists():
        return epochs
    saved = checkpoints(folder / "checkpoints")
    return int(saved[-1].name.removeprefix("epoch_")) if saved else 0


def last_line(job) -> str:
    """The error that ended a job."""
    lines = (job.stderr() or "").strip().splitlines() or [str(job.exception())]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])

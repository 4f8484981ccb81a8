"""Calls side by side, in processes of this machine or as jobs of a Slurm cluster."""

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
from ferlab.training.settings import TrainSettings

MEMORY = 2.5e9  # bytes that one training on the built-in faces may need, with its libraries


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

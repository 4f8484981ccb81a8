"""Calls side by side: in processes of this machine, or as jobs of a Slurm cluster.

submitit runs both: the same function call becomes a local process or a Slurm job, with logs, and without a server to
start (Ray and Dask want one). What a call leaves on disk is the only thing passed on, so what was interrupted goes on
as a whole: what is finished is kept, the rest continues from its checkpoints.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from ferlab.errors import FerlabError
from ferlab.experiments.bars import progress_bars
from ferlab.settings import Plan, TrainSettings

STDERR = 2  # its number for the operating system
PROCESSES_LOG = "processes.err"
MEMORY = 2.5e9  # bytes that one training on the built-in faces may need, with its libraries


def run_jobs(
    plan: Plan,
    base: TrainSettings,
    calls: dict[str, tuple[Any, ...]],
    console: Console,
    *,
    total: int,
    epochs_done: Callable[[], int],
) -> dict[str, Any]:
    """Make every call in a process or Slurm job of its own, at most ``plan.jobs`` at a time, and wait for all.

    Args:
        plan: the jobs' logs go to ``plan.out / "jobs"``; how many at a time, and where.
        base: how one training uses devices.
        calls: name -> function and arguments; the function sets its number of threads by a last argument ``threads``.
        console: shows a bar of epochs.
        total, epochs_done: epochs in all, and how many are done by now.

    Returns:
        name -> what the call returned.

    Raises:
        FerlabError: a job that failed, with the end of its log; no Slurm here.
    """
    jobs = plan.jobs if plan.cluster != "local" else min(plan.jobs, affordable_jobs())
    threads = max(1, (os.cpu_count() or 1) // jobs) if plan.cluster == "local" else 0
    executor = start_executor(plan, base, jobs)
    waiting = list(calls)
    running: dict[str, Any] = {}
    results: dict[str, Any] = {}
    try:
        with progress_bars(console) as progress:
            task = progress.add_task(f"epochs, {jobs} trainings at a time", total=total, note="")
            while waiting or running:
                while waiting and len(running) < jobs:
                    name = waiting.pop(0)
                    with stderr_into(Path(plan.out) / "jobs" / PROCESSES_LOG):
                        running[name] = executor.submit(*calls[name], threads)
                time.sleep(0.5)
                for name, job in list(running.items()):
                    if job.done():
                        del running[name]
                        if job.exception() is not None:
                            raise FerlabError(f"{name} failed: {last_line(job)} See {job.paths.stderr}.")
                        results[name] = job.result()
                progress.update(task, completed=epochs_done())
    finally:
        for job in running.values():  # after Ctrl-C or a failure
            job.cancel()
    return results


def start_executor(plan: Plan, base: TrainSettings, jobs: int) -> Any:
    """submitit's executor for ``jobs`` calls at a time.

    Raises:
        FerlabError: there is no such cluster here.
    """
    import submitit  # slow to import, and rarely needed

    try:
        executor = submitit.AutoExecutor(folder=Path(plan.out) / "jobs", cluster=plan.cluster)
    except RuntimeError as error:
        raise FerlabError(f"There is no {plan.cluster} here ({error}): leave --cluster out to train here.") from error
    executor.update_parameters(name="ferlab", timeout_min=72 * 60)
    if plan.cluster == "slurm":
        executor.update_parameters(
            slurm_array_parallelism=jobs, nodes=base.nodes, tasks_per_node=base.devices, cpus_per_task=4
        )
        if base.accelerator != "cpu":
            executor.update_parameters(gpus_per_node=base.devices)
    return executor


@contextmanager
def stderr_into(path: Path) -> Iterator[None]:
    """Let the processes that are started in the block write their errors to the end of a file.

    Each of submitit's jobs is watched by a process that shares this one's terminal, and after Ctrl-C each of these
    would print its traceback there. submitit has no option for that.
    """
    sys.stderr.flush()
    terminal = os.dup(STDERR)
    try:
        with path.open("ab") as log:
            os.dup2(log.fileno(), STDERR)
            yield
    finally:
        os.dup2(terminal, STDERR)
        os.close(terminal)


def affordable_jobs() -> int:
    """How many trainings this machine's free memory allows."""
    return max(1, int(psutil.virtual_memory().available // MEMORY))


def last_line(job: Any) -> str:
    """The error that ended a job."""
    lines = (job.stderr() or "").strip().splitlines() or [str(job.exception())]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])

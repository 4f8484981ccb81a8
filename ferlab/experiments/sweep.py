"""Trainings side by side: in processes of this machine, or as jobs of a Slurm cluster.

submitit runs both: the same function call becomes a local process or a Slurm job, with logs, and without a server to
start (Ray and Dask want one). What a training leaves on disk is the only thing passed on, so a sweep that was
interrupted goes on as a whole: finished trainings are kept, the others continue from their checkpoints.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ferlab.errors import FerlabError
from ferlab.experiments.jobs import epochs_done, run_jobs
from ferlab.runs.folder import run_folder
from ferlab.runs.records import load_run
from ferlab.training.settings import TrainSettings


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


def train_job(out: str, name: str, seed: int, threads: int) -> None:
    """What one process does: one training with the settings in the run folder's ``config.json``."""
    import torch

    from ferlab.experiments.one_training import train_one
    from ferlab.runs.settings import load_splits, read_settings
    from ferlab.training.loop import start_fabric

    if threads:
        torch.set_num_threads(threads)
    settings = read_settings(Path(out))
    fabric = start_fabric(settings.train)
    train_one(name, seed, load_splits(settings), settings.train, Path(out), fabric)

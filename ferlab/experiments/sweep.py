"""The trainings of a comparison side by side."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console

from ferlab.errors import FerlabError
from ferlab.experiments.jobs import run_jobs
from ferlab.experiments.one_training import train_one
from ferlab.runs import RunFolder, load_splits, read_settings
from ferlab.runs.plan import planned_method
from ferlab.settings import CompareSettings
from ferlab.training import TrainSettings, start_fabric


def run_sweep(settings: CompareSettings, base: TrainSettings, pending: list[tuple[str, int]], console: Console) -> None:
    """Train every pending (method, seed) of the run folder ``settings.out``, at most ``settings.jobs`` at a time.

    Raises:
        FerlabError: as :func:`~ferlab.experiments.jobs.run_jobs`.
    """
    run = RunFolder(settings.out)
    calls = {f"{name}, seed {seed}": (train_job, str(run.path), name, seed) for name, seed in pending}
    folders = [run.training(*which) for which in pending]
    run_jobs(
        settings,
        base,
        calls,
        console,
        total=base.epochs * len(pending),
        epochs_done=lambda: sum(folder.epochs_done(base.epochs) for folder in folders),
    )
    if missing := [f"{folder.method}, seed {folder.seed}" for folder in folders if folder.load() is None]:
        raise FerlabError(f"Trained but not readable: {'; '.join(missing)}. Go on with --resume.")


def train_job(out: str, name: str, seed: int, threads: int) -> None:
    """What one process does: one training with the settings in the run folder's ``config.json``."""
    if threads:
        torch.set_num_threads(threads)
    run = RunFolder(Path(out))
    settings = read_settings(run)
    train_one(
        planned_method(settings, name),
        run.training(name, seed),
        load_splits(settings),
        settings.train,
        start_fabric(settings.train),
    )

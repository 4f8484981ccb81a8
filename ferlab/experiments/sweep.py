"""The trainings of a comparison side by side."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console

from ferlab.errors import FerlabError, TrainingDiverged
from ferlab.experiments.jobs import run_jobs
from ferlab.experiments.one_training import train_one
from ferlab.experiments.terminal import say
from ferlab.methods import without_strength
from ferlab.runs import RunFolder, load_splits, read_settings
from ferlab.runs.plan import planned_method
from ferlab.settings import CompareSettings
from ferlab.training import TrainSettings, start_fabric


def run_sweep(settings: CompareSettings, base: TrainSettings, pending: list[tuple[str, int]], console: Console) -> None:
    """Train every pending (method, seed) of the run folder ``settings.out``, at most ``settings.jobs`` at a time.

    A strength that breaks its network is said and left out, as in a comparison one after the other.

    Raises:
        FerlabError: as :func:`~ferlab.experiments.jobs.run_jobs`.
    """
    run = RunFolder(settings.out)
    calls = {f"{name}, seed {seed}": (train_job, str(run.path), name, seed) for name, seed in pending}
    folders = [run.training(*which) for which in pending]
    diverged = run_jobs(
        settings,
        base,
        calls,
        console,
        total=base.epochs * len(pending),
        epochs_done=lambda: sum(folder.epochs_done(base.epochs) for folder in folders),
    )
    for which, message in diverged.items():
        if message:
            say(console, f"{which}: {message}")
    absent = [f"{folder.method}, seed {folder.seed}" for folder in folders if folder.load() is None]
    if missing := [which for which in absent if not diverged.get(which)]:
        raise FerlabError(f"Trained but not readable: {'; '.join(missing)}. Go on with --resume.")


def train_job(out: str, name: str, seed: int, threads: int) -> str:
    """What one process does: one training with the settings in the run folder's ``config.json``.

    Returns:
        Empty, or why the network broke at this strength.
    """
    if threads:
        torch.set_num_threads(threads)
    run = RunFolder(Path(out))
    settings = read_settings(run)
    splits = load_splits(settings)
    run.check_same_faces(splits, mend="use the faces as they were, or another --out")
    fabric = start_fabric(settings.train)
    try:
        train_one(planned_method(settings, name), run.training(name, seed), splits, settings.train, fabric)
    except TrainingDiverged as error:
        if name == without_strength(name):
            raise
        return str(error)
    return ""

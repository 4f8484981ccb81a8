"""What a comparison runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ferlab.data import FaceDataset, load_dataset
from ferlab.data.transforms import Augmentation
from ferlab.errors import FerlabError
from ferlab.methods import ALL_METHODS, DEFAULT_METHODS, get_method
from ferlab.runs.folder import read_config
from ferlab.training.settings import TrainSettings
from ferlab.vectors import random_part

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
CLUSTERS = ("local", "slurm")


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


def read_settings(run: Path) -> CompareSettings:
    """The settings that a run folder was made with.

    Raises:
        FerlabError: no ``config.json``, or one of another version.
    """
    saved = read_config(run)
    try:
        return CompareSettings(
            out=run,
            dataset=saved["dataset"],
            root=Path(saved["root"]) if saved["root"] else None,
            methods=tuple(saved["methods"]),
            seeds=saved["seeds"],
            epochs=saved["epochs"],
            quick=saved["quick"],
            train=TrainSettings.from_dict(saved["train"]),
        )
    except (KeyError, TypeError) as error:
        raise FerlabError(f"{run / 'config.json'} is of another version of ferlab ({error}): run it again.") from error

"""Which faces make a batch, and whether a data set has enough of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.samplers import ClassBalancedBatches, PerClassBatches, ShuffledBatches
from ferlab.settings import TrainSettings

BATCHES = {"shuffled": ShuffledBatches, "class-balanced": ClassBalancedBatches, "per-class": PerClassBatches}


def check_splits(train_set: FaceDataset, validation_set: FaceDataset, settings: TrainSettings) -> None:
    """A FerlabError for splits that nothing can be learned from or measured on."""
    if not len(validation_set):
        raise FerlabError(f"{train_set.name} has no validation images: every epoch is measured on some.")
    if len(train_set.classes) < 2:
        raise FerlabError(f"{train_set.name} has {len(train_set.classes)} class: a network needs two to tell apart.")
    steps_per_epoch(train_set, settings)
    build_batches(train_set, settings, torch.Generator())
    if missing := [name for name, count in train_set.class_counts().items() if count == 0]:
        raise FerlabError(f"{train_set.name} has no training images of {', '.join(missing)}: add some or leave it out.")
    processes = settings.devices * settings.nodes
    if settings.batch_size % processes:
        raise FerlabError(f"A batch of {settings.batch_size} cannot be shared by {processes} processes equally.")


def build_batches(train_set: FaceDataset, settings: TrainSettings, generator: torch.Generator) -> ShuffledBatches:
    """The batches of an epoch, of the kind that the settings name.

    Raises:
        FerlabError: batches that these images cannot fill.
    """
    try:
        return BATCHES[settings.batches](train_set.labels, settings.batch_size, generator)
    except ValueError as error:
        raise FerlabError(f"These batches cannot be made: {error}") from error


def steps_per_epoch(train_set: FaceDataset, settings: TrainSettings) -> int:
    """Whole batches an epoch.

    Raises:
        FerlabError: fewer images than one batch.
    """
    steps = len(train_set) // settings.batch_size
    if steps == 0:
        raise FerlabError(
            f"{train_set.name} has {len(train_set)} training images, fewer than one batch of "
            f"{settings.batch_size}: use more images or a smaller batch size."
        )
    return steps


def class_weights(train_set: FaceDataset, settings: TrainSettings) -> Tensor | None:
    """(K,): N / (K * images of the class) for ``"balanced"``, so that every class weighs as much in all."""
    if settings.class_weights == "none":
        return None
    counts = np.array(list(train_set.class_counts().values()))
    return torch.from_numpy(len(train_set) / (len(counts) * counts)).float()

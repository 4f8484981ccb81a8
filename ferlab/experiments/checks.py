"""What can be known before anything is trained: a comparison or search that could not be finished is not begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation.geometry import NEIGHBORS
from ferlab.methods import Method, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.projection.aligned import MINIMUM_POINTS
from ferlab.settings import TrainSettings
from ferlab.training.batching import check_splits
from ferlab.vectors import random_part

MORE = "add images, or give it other ones"


def check_faces(splits: Mapping[str, FaceDataset], settings: TrainSettings) -> None:
    """A FerlabError for splits that cannot be trained on, or on which the networks could not be measured afterwards.

    Args:
        splits: ``train``, ``validation``, and ``test`` where that is to be measured.
        settings: of the trainings.
    """
    train_set, measured = splits["train"], splits.get("test", splits["validation"])
    for faces in splits.values():
        check_alike(train_set, faces)
    check_splits(train_set, splits["validation"], settings)
    check_measurable(measured.labels, f"the {measured.split} split of {measured.name}")
    if "test" in splits:
        part = train_set.labels[random_part(len(train_set), len(measured))]
        check_measurable(
            part, f"the part of {train_set.name}'s training images that is measured beside its test images"
        )


def check_alike(train_set: FaceDataset, faces: FaceDataset) -> None:
    """A FerlabError unless a split has the classes of the training split, and images of the same shape."""
    if faces.classes != train_set.classes:
        raise FerlabError(
            f"The {faces.split} split of {faces.name} has the classes {', '.join(faces.classes)}, and its "
            f"training split {', '.join(train_set.classes)}: they must be the same, in the same order."
        )
    if len(faces) and faces.images.shape[1:] != train_set.images.shape[1:]:
        raise FerlabError(
            f"The images of the {faces.split} split of {faces.name} are of shape {faces.images.shape[1:]}, and those "
            f"of its training split of {train_set.images.shape[1:]}: they must be the same."
        )


def check_measurable(labels: np.ndarray, where: str) -> None:
    """A FerlabError for labels (N,) of faces whose geometry could not be measured."""
    found = len(np.unique(labels))
    if len(labels) <= NEIGHBORS or found < 2 or found == len(labels):
        raise FerlabError(
            f"To be measured a space needs more than {NEIGHBORS} faces, of at least 2 classes, and two of one class; "
            f"{where} has {len(labels)} of {found}: {MORE}."
        )


def check_methods(methods: Iterable[tuple[str, Method]], train_set: FaceDataset, settings: TrainSettings) -> None:
    """Build every method's loss for the classes that there are, and send two black faces through every network.

    Args:
        methods: names and rows.
        train_set: says how many classes there are and what its images are like.
        settings: of the trainings.

    Raises:
        FerlabError: a loss that cannot be with so many classes, or a backbone that cannot take images of that size.
    """
    seen = set()
    share = min(2, max(1, settings.batch_size // (settings.devices * settings.nodes)))
    for name, method in methods:
        try:
            build_loss(method, len(train_set.classes))
        except (ValueError, TypeError, FerlabError) as error:
            raise FerlabError(
                f"{name} cannot be trained on the {len(train_set.classes)} classes of {train_set.name}: {error}"
            ) from error
        shape = (method.embedding_size, method.heads, method.attention)
        if shape not in seen:
            seen.add(shape)
            check_network(method, train_set, settings, faces=share)


def check_network(method: Method, train_set: FaceDataset, settings: TrainSettings, *, faces: int) -> None:
    """A FerlabError for images that a method's network cannot take; ``faces``: of a batch, as many as matter."""
    height, width, channels = train_set.images.shape[1:]
    images = torch.zeros(faces, channels, height, width, dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        network = ExpressionNetwork(
            len(train_set.classes),
            embedding_size=method.embedding_size,
            heads=method.heads,
            in_channels=channels,
            backbone=settings.backbone,
            attention=method.attention,
            input_size=settings.input_size,
        ).train()
        try:
            with torch.no_grad():
                network(images)
        except (ValueError, RuntimeError) as error:
            size = f"{settings.input_size} x {settings.input_size}" if settings.input_size else f"{height} x {width}"
            reason = " ".join(str(error).split())[:160].rstrip(".")
            raise FerlabError(
                f"The backbone {settings.backbone} cannot be trained with batches of {settings.batch_size} images of "
                f"{size} pixels ({reason}): choose another --input-size, such as 64 or 224, another --batch-size, or "
                "another --backbone."
            ) from error


def without_epoch_maps(validation_set: FaceDataset) -> str | None:
    """Why there can be no maps after every epoch; None where there can be."""
    if len(validation_set) >= MINIMUM_POINTS:
        return None
    return (
        f"The validation split has {len(validation_set)} faces, fewer than the {MINIMUM_POINTS} that a map needs: maps "
        "after every epoch are left out."
    )

"""An embedding of two numbers while the network learns: a few training faces, centers and the classifier, as they lie.

The same faces are shown to the network again and again, between two batches and unaltered. How often follows from how
long that takes here, so that watching stays cheap on every machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ferlab.data import FaceDataset
from ferlab.evaluation import predict
from ferlab.figures.two_dimensions import classifier_directions
from ferlab.losses import ClassCenters
from ferlab.methods import Method
from ferlab.runs.reading import PLANE
from ferlab.training.loop import Learner

PER_CLASS = 30  # faces that are followed
SHARE = 0.02  # of the time, at most, that looking may take


@dataclass(frozen=True)
class PlaneLook:
    """The plane at one moment; everything in the embedding's own units.

    Attributes:
        points: float32 (n, 2), the followed training faces.
        centers: float32 (K, 2), those of the loss once it is switched on, else the class means of the followed faces;
            NaN for a class without faces.
        are_of_loss: whether the centers are the loss's.
        meeting: float32 (2,), where the classifier's directions meet.
        directions: float32 (K, 2), see :func:`~ferlab.figures.two_dimensions.classifier_directions`.
        epochs: how far the training had come.
    """

    points: np.ndarray
    centers: np.ndarray
    are_of_loss: bool
    meeting: np.ndarray
    directions: np.ndarray
    epochs: float

    def tobytes(self) -> bytes:
        """float32 for the page: the meeting point, directions, centers and points, x y x y .."""
        parts = (self.meeting, self.directions, self.centers, self.points)
        return b"".join(part.astype(np.float32).tobytes() for part in parts)


class PlaneWatcher:
    """Looks at the plane of a network that learns.

    Args:
        learner: what learns.
        train_set: where the followed faces are from.

    Attributes:
        labels: int64 (n,), of the followed faces.
    """

    def __init__(self, learner: Learner, train_set: FaceDataset) -> None:
        faces = followed_faces(train_set)
        self.labels, self._images = train_set.labels[faces], train_set.images[faces]
        self._learner, self._classes = learner, len(train_set.classes)
        self._next = 0.0  # when looking is due, on the clock of time.perf_counter

    def is_due(self) -> bool:
        """Whether enough time has passed since the last look, for what a look costs."""
        return time.perf_counter() >= self._next

    def look(self, epochs: float, is_loss_on: bool) -> PlaneLook:
        """The plane of now; between two batches.

        Args:
            epochs: how far the training has come.
            is_loss_on: whether the metric loss takes part: until then its centers lie where they were drawn.
        """
        began = time.perf_counter()
        network, loss = self._learner.network, self._learner.objective.metric_loss
        points = predict(network, self._images).embeddings
        if are_of_loss := is_loss_on and isinstance(loss, ClassCenters):
            centers = _plain(loss.centers)
        else:
            centers = class_means(points, self.labels, self._classes)
        meeting, directions = classifier_directions(_plain(network.classifier.weight), _plain(network.classifier.bias))
        ended = time.perf_counter()
        self._next = ended + (ended - began) * (1 / SHARE - 1)
        return PlaneLook(points, centers, are_of_loss, meeting, directions, epochs)


def is_watchable(method: Method) -> bool:
    """Whether the embedding of a method is a plane."""
    return method.embedding_size * method.heads == PLANE


def followed_faces(train_set: FaceDataset) -> np.ndarray:
    """Positions of the faces that are followed: of every class the first ones, as many of each where there are."""
    return np.concatenate([np.flatnonzero(train_set.labels == k)[:PER_CLASS] for k in range(len(train_set.classes))])


def class_means(points: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean of every class, (K, D); NaN for a class without points.

    >>> class_means(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]), 2).tolist()
    [[nan, nan], [2.0, 3.0]]
    """
    means = np.full((classes, points.shape[1]), np.nan, dtype=points.dtype)
    for k in np.unique(labels):
        means[k] = points[labels == k].mean(axis=0)
    return means


def _plain(tensor: Tensor) -> np.ndarray:
    values: np.ndarray = tensor.detach().float().cpu().numpy().copy()  # it goes on learning
    return values

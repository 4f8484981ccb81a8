"""What a playground lets one read and set of its plane."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from ferlab.data.classes import CLASSES
from ferlab.widgets.kit.turns import one_at_a_time
from ferlab.widgets.playground.checks import LIMIT, coordinates, number, point_labels, whole
from ferlab.widgets.playground.plane_scene import PlaneScene
from ferlab.widgets.playground.scene import PlaygroundScene


@one_at_a_time()
class OnPlane:
    """Points, centers, classifier, the sliders of their losses, and what belongs to single points."""

    _plane: PlaneScene
    _shown: PlaygroundScene  # the plane or another one

    @abstractmethod
    def _tell(self) -> None:
        """Have the page drawn anew."""

    @property
    def points(self) -> np.ndarray:
        """(N, 2) embeddings on the plane."""
        return self._plane.plane.points.numpy().copy()

    @points.setter
    def points(self, value: ArrayLike) -> None:
        self._put("points", value)

    @property
    def labels(self) -> np.ndarray:
        """(N,) class of every point, int64."""
        return self._plane.plane.labels.numpy().copy()

    @labels.setter
    def labels(self, value: ArrayLike) -> None:
        labels = point_labels(value, self._plane.count(), len(self._plane.classes))
        self._plane.place({"labels": labels})
        self._tell()

    @property
    def centers(self) -> np.ndarray:
        """(K, 2) class centers."""
        return self._plane.plane.centers.numpy().copy()

    @centers.setter
    def centers(self, value: ArrayLike) -> None:
        self._put("centers", value)

    @property
    def classifier(self) -> np.ndarray:
        """(K, 2) weight vectors of the linear classifier that gives the logits."""
        return self._plane.plane.classifier.numpy().copy()

    @classifier.setter
    def classifier(self, value: ArrayLike) -> None:
        self._put("classifier", value)

    @property
    def margin(self) -> float:
        """Margin of TCL, in squared distance."""
        return self._plane.settings.margin

    @margin.setter
    def margin(self, value: float) -> None:
        self._set(margin=number(value, "margin", 0, LIMIT))

    @property
    def candidates(self) -> int:
        """Centers that may give a coordinate to the semi-synthesized negative."""
        return self._plane.settings.candidates

    @candidates.setter
    def candidates(self, value: int) -> None:
        self._set(candidates=whole(value, "candidates", 1, len(CLASSES)))

    @property
    def temperature(self) -> float:
        """Divides the logits."""
        return self._plane.settings.temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._set(temperature=number(value, "temperature", 0.01, 100))

    @property
    def ce_weight(self) -> float:
        """Weight of the cross-entropy that is added to every other loss on the plane."""
        return self._plane.settings.ce_weight

    @ce_weight.setter
    def ce_weight(self, value: float) -> None:
        self._set(ce_weight=number(value, "ce_weight", 0, LIMIT))

    @property
    def losses(self) -> np.ndarray | None:
        """(N,) loss of every point, whose mean is `value`; None where the loss compares points, as Ad-Corre does."""
        losses = self._plane.result.losses if self._shown is self._plane else None
        return None if losses is None else losses.numpy().copy()

    @property
    def negatives(self) -> np.ndarray | None:
        """(N, 2) negative of every point; None where the loss has none."""
        classes = self.negative_classes
        return None if classes is None else np.take_along_axis(self.centers, classes, axis=0)

    @property
    def negative_classes(self) -> np.ndarray | None:
        """(N, 2) class of the center that gives each coordinate of the negative; None where the loss has none."""
        negatives = self._plane.result.negatives if self._shown is self._plane else None
        return None if negatives is None else negatives.numpy().copy()

    def _put(self, name: str, value: ArrayLike) -> None:
        shape = tuple(self._plane.movable[name].shape)
        self._plane.place({name: coordinates(value, name, shape)})
        self._tell()

    def _set(self, **changed: float) -> None:
        self._plane.change(**changed)
        self._tell()

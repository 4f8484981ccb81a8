"""What the two drawings of the loss playground have in common: one way to be moved, looked at and told to the page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ferlab.widgets.playground.checks import LIMIT
from ferlab.widgets.playground.drawable import Drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RAN_AWAY = "The steps ran out of bounds. Choose a smaller learning rate, then press Reset."
AT_REST = "The gradient is zero: nothing moves any more."


class PlaygroundScene(ABC):
    """Embeddings that can be moved, with a loss of them: state, results, and what the page draws of it.

    Attributes:
        kind: what the page calls it.
        loss: the loss that is drawn.
        classes: class names, in label order.
        selected: the point or face that is looked at closely.
        learning_rate: of gradient descent.
    """

    kind: ClassVar[str]

    def __init__(self, loss: Drawable, learning_rate: float) -> None:
        self.loss = loss
        self.classes: tuple[str, ...] = ()
        self.selected = 0
        self.learning_rate = learning_rate

    @property
    @abstractmethod
    def movable(self) -> dict[str, Tensor]:
        """What can be moved, by name; float64."""

    @property
    @abstractmethod
    def gradients(self) -> dict[str, Tensor]:
        """Of the loss, by the names of `movable`."""

    @property
    @abstractmethod
    def value(self) -> float:
        """The loss."""

    @property
    @abstractmethod
    def parts(self) -> dict[str, float]:
        """The terms of the loss, before their weights."""

    @abstractmethod
    def show(self, loss: Drawable) -> None:
        """Draw another loss of the same things."""

    @abstractmethod
    def place(self, moved: Mapping[str, Tensor]) -> None:
        """Put what is named elsewhere, and evaluate the loss again."""

    @abstractmethod
    def reset(self) -> None:
        """Back to where everything was dealt."""

    @abstractmethod
    def count(self) -> int:
        """How many points or faces there are."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the page draws: plain numbers and sentences."""

    @abstractmethod
    def figure(self, title: str) -> Figure:
        """The drawing as a static picture."""

    def descend(self, moving: Collection[str]) -> str:
        """One step of gradient descent of all that is named; a sentence, and no step, where there is none to take."""
        before = {name: tensor for name, tensor in self.movable.items() if name in moving}
        after = {name: tensor - self.learning_rate * self.gradients[name] for name, tensor in before.items()}
        if not all(bool((tensor.abs() <= LIMIT).all()) for tensor in after.values()):
            return RAN_AWAY
        if all(torch.equal(before[name], after[name]) for name in after):
            return AT_REST
        self.place(after)
        return ""


def slider(
    name: str, label: str, value: float, *, low: float, high: float, step: float, about: str, log: bool = False
) -> dict[str, Any]:
    """A slider as the page draws it; it reaches as far as its value."""
    return {
        "name": name, "label": label, "value": value, "min": min(low, value), "max": max(high, value), "step": step,
        "about": about, "log": log,
    }  # fmt: skip


def learning_rate_slider(value: float) -> dict[str, Any]:
    about = "Gradient descent moves everything by this times the negative gradient"
    return slider("learning_rate", "Learning rate", value, low=0.01, high=30, step=0.05, about=about, log=True)


def rounded(values: Tensor | np.ndarray | list, digits: int = 3) -> list:
    """As nested lists with few digits, for a short message."""
    return np.round(np.asarray(values), digits).tolist()

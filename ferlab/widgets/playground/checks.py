"""Checks of what a playground is given from Python and from its page; a FerlabError says what is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError

LIMIT = 1000.0  # the largest coordinate


def number(value: Any, name: str, low: float, high: float) -> float:
    """A number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise FerlabError(f"{name} must be a number from {low:g} to {high:g}, but is {value!r}.")
    return float(value)


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    given = number(value, name, low, high)
    if given != math.floor(given):
        raise FerlabError(f"{name} must be a whole number, but is {value!r}.")
    return int(given)


def class_names(classes: int | Sequence[str]) -> tuple[str, ...]:
    """Names of classes, from names or their number."""
    if isinstance(classes, int):
        return CLASSES[: whole(classes, "classes", 2, len(CLASSES))]
    names = tuple(classes)
    if isinstance(classes, str) or not 2 <= len(set(names)) == len(names) <= len(CLASSES):
        raise FerlabError(f"classes must be 2 to {len(CLASSES)} different names or their number, but is {classes!r}.")
    return names


def coordinates(value: Any, name: str, shape: tuple[int | None, ...]) -> Tensor:
    """float64 numbers within the limit, of a shape in which None stands for any size."""
    expected = "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise FerlabError(f"{name} must be numbers of shape {expected}.") from None
    if array.ndim != len(shape) or any(size not in (None, have) for size, have in zip(shape, array.shape, strict=True)):
        raise FerlabError(f"{name} must have shape {expected}, but has {array.shape}.")
    if not (np.abs(array) <= LIMIT).all():
        raise FerlabError(f"{name} must be finite and lie within ±{LIMIT:g}.")
    return torch.from_numpy(array)


def point_labels(value: Any, points: int, num_classes: int) -> Tensor:
    """int64 labels, one for each point."""
    array = np.asarray(value)
    if array.shape != (points,) or array.dtype.kind not in "iu":
        raise FerlabError(f"labels must be whole numbers of shape ({points},), one for each point.")
    if array.min() < 0 or array.max() >= num_classes:
        raise FerlabError(
            f"labels must lie in 0..{num_classes - 1} for {num_classes} classes; give more classes, or other labels."
        )
    return torch.from_numpy(array.astype(np.int64))

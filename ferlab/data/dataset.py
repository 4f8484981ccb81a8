"""One split of a data set, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError


@dataclass(frozen=True)
class FaceDataset:
    """Labelled face images of one split.

    Attributes:
        name: the data set, such as ``"synthetic"``.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        images: uint8, shape (N, H, W, C); C is 1 or 3.
        labels: int64, shape (N,); indices into ``classes``.
        classes: class names in label order.
        metadata: a DataFrame with one row an image.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    metadata: pd.DataFrame

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise FerlabError(
                f"The images of {self.name} must be uint8 of shape (N, H, W, C), "
                f"but are {self.images.dtype} of shape {self.images.shape}."
            )
        if not len(self.images) == len(self.labels) == len(self.metadata):
            raise FerlabError(
                f"{self.name} has {len(self.images)} images, {len(self.labels)} labels and "
                f"{len(self.metadata)} metadata rows; they must be as many."
            )
        if len(self.labels) and not (self.labels.min() >= 0 and self.labels.max() < len(self.classes)):
            raise FerlabError(f"A label of {self.name} lies outside 0..{len(self.classes) - 1}.")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: np.ndarray) -> FaceDataset:
        """The images at ``indices`` (int or bool array), in that order."""
        return FaceDataset(
            self.name, self.split, self.images[indices], self.labels[indices], self.classes,
            self.metadata.iloc[np.flatnonzero(indices) if indices.dtype == bool else indices].reset_index(drop=True),
        )  # fmt: skip

    def class_counts(self) -> dict[str, int]:
        """Number of images of each class, in label order."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

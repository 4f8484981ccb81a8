"""One split of a data set, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.labels import class_labels
from ferlab.palette import NO_CLASS
from ferlab.texts import distinct, printable


@dataclass(frozen=True)
class FaceDataset:
    """Labelled face images of one split.

    Names of classes, and texts in the metadata, are made such that all of their letters can be seen and written: a
    folder may be called anything, and what is not UTF-8 stops files and pages that are.

    Attributes:
        name: the data set, such as ``"synthetic"``.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        images: uint8, shape (N, H, W, C); C is 1 or 3.
        labels: int64, shape (N,); indices into ``classes``. Whatever :func:`ferlab.labels.class_labels` takes may
            be given: whole numbers of any type, names, categories; missing ones and -1 become a class of their own.
        classes: class names in label order; with ``"no class"`` as the last where a label is missing.
        metadata: a DataFrame with one row an image.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    metadata: pd.DataFrame

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(distinct(printable(name) for name in self.classes)))
        object.__setattr__(self, "metadata", printable_table(self.metadata))
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
        labels, classes = class_labels(self.labels, classes=self.classes, name=f"labels of {self.name}")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "classes", classes)

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: np.ndarray) -> FaceDataset:
        """The images at ``indices`` (int or bool array), in that order."""
        return FaceDataset(
            self.name, self.split, self.images[indices], self.labels[indices], self.classes,
            self.metadata.iloc[np.flatnonzero(indices) if indices.dtype == bool else indices].reset_index(drop=True),
        )  # fmt: skip

    def labelled(self) -> FaceDataset:
        """The faces that have a class, without the class for those that have none: what can be trained on."""
        if NO_CLASS not in self.classes:
            return self
        missing = self.classes.index(NO_CLASS)
        kept = self.subset(self.labels != missing)
        classes = tuple(name for name in self.classes if name != NO_CLASS)
        labels = np.where(kept.labels > missing, kept.labels - 1, kept.labels)
        return FaceDataset(self.name, self.split, kept.images, labels, classes, kept.metadata)

    def class_counts(self) -> dict[str, int]:
        """Number of images of each class, in label order."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))


def printable_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all texts as :func:`ferlab.texts.printable` writes them; the same one where they are that already.

    >>> printable_table(pd.DataFrame({"file": ["a.png", "b\\n.png"], "age": [3, 4]}))["file"].tolist()
    ['a.png', 'b\\\\n.png']
    """
    cleaned = table
    for place in range(table.shape[1]):  # by place: names of columns need not differ
        column = table.iloc[:, place]
        if pd.api.types.is_numeric_dtype(column) or all(v.isprintable() for v in column if isinstance(v, str)):
            continue
        cleaned = table.copy() if cleaned is table else cleaned
        cleaned.isetitem(place, column.astype(object).map(_printable))
    return cleaned


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) else value

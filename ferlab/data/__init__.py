"""Data sets: every reader gives a :class:`FaceDataset` in one canonical class order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError

__all__ = ["CLASSES", "DATASETS", "SPLITS", "FaceDataset", "load_dataset"]

SPLITS = ("train", "validation", "test")


def _synthetic(split: str, root: Path | None) -> FaceDataset:
    from ferlab.data.synthetic import load_synthetic

    return load_synthetic(split, root)


def _fer2013(split: str, root: Path | None) -> FaceDataset:
    from ferlab.data.fer2013 import load_fer2013

    return load_fer2013(split, root)


DATASETS: dict[str, Callable[[str, Path | None], FaceDataset]] = {"synthetic": _synthetic, "fer2013": _fer2013}


def load_dataset(name: str, split: str = "train", root: str | Path | None = None) -> FaceDataset:
    """Load one split of a data set into memory.

    Args:
        name: ``"synthetic"`` (built in) or ``"fer2013"``.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: folder of the data set; not needed for the built-in faces.

    Raises:
        FerlabError: unknown name or split, missing or damaged files.

    Example:
        >>> faces = load_dataset("synthetic", split="validation")
        >>> faces.images.shape[1:], faces.classes[0]
        ((64, 64, 3), 'surprise')
    """
    if name not in DATASETS:
        raise FerlabError(f"There is no data set {name!r}; choose one of: {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise FerlabError(f"There is no split {split!r}; choose one of: {', '.join(SPLITS)}.")
    return DATASETS[name](split, None if root is None else Path(root).expanduser())

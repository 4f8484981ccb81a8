"""Data sets: every reader gives a :class:`FaceDataset` in one canonical class order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ferlab.data.affectnet import load_affectnet
from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.data.fer2013 import load_fer2013
from ferlab.data.folder import load_folder
from ferlab.data.rafdb import load_rafdb
from ferlab.data.splits import SPLITS, check_split
from ferlab.data.synthetic import load_synthetic
from ferlab.errors import FerlabError

__all__ = ["CLASSES", "DATASETS", "SPLITS", "FaceDataset", "load_dataset"]


DATASETS: dict[str, Callable[[str, Path | None], FaceDataset]] = {
    "synthetic": load_synthetic,
    "fer2013": load_fer2013,
    "rafdb": load_rafdb,
    "affectnet": load_affectnet,
    "affectnet-8": partial(load_affectnet, contempt=True),
    "folder": load_folder,
}


def load_dataset(name: str, split: str = "train", root: str | Path | None = None) -> FaceDataset:
    """Load one split of a data set into memory.

    Args:
        name: ``"synthetic"`` (built in), ``"fer2013"``, ``"rafdb"``, ``"affectnet"`` (seven classes), ``"affectnet-8"``
            (with contempt) or ``"folder"`` (your own faces, ``<class>/<image>``).
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
    check_split(split)
    return DATASETS[name](split, None if root is None else Path(root).expanduser())

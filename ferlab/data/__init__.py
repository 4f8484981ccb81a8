"""Data sets: every reader gives a :class:`FaceDataset` in one canonical class order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ferlab.arguments import check_cap
from ferlab.data.affectnet import load_affectnet
from ferlab.data.annotators import simulate_annotators
from ferlab.data.classes import CLASSES
from ferlab.data.codes import read_labels, stored_labels
from ferlab.data.dataset import FaceDataset
from ferlab.data.fer2013 import load_fer2013
from ferlab.data.folder import load_folder
from ferlab.data.rafdb import load_rafdb
from ferlab.data.splits import SPLITS, check_split, content_hash, duplicate_of_train
from ferlab.data.synthetic import load_synthetic
from ferlab.errors import FerlabError
from ferlab.labels import class_labels

__all__ = [
    "CLASSES",
    "DATASETS",
    "SPLITS",
    "FaceDataset",
    "Reader",
    "class_labels",
    "content_hash",
    "duplicate_of_train",
    "load_dataset",
    "register_dataset",
    "simulate_annotators",
]


ENTRY_POINTS = "ferlab.datasets"
Reader = Callable[..., FaceDataset]

DATASETS: dict[str, Reader] = {
    "synthetic": load_synthetic,
    "fer2013": load_fer2013,
    "rafdb": load_rafdb,
    "affectnet": load_affectnet,
    "affectnet-8": partial(load_affectnet, contempt=True),
    "folder": load_folder,
}


def load_dataset(
    name: str,
    split: str = "train",
    root: str | Path | None = None,
    *,
    labels: str | Mapping[str | int, str] | None = None,
    megapixels: float | None = None,
) -> FaceDataset:
    """Load one split of a data set into memory.

    Args:
        name: ``"synthetic"`` (built in), ``"fer2013"``, ``"rafdb"``, ``"affectnet"`` (seven classes), ``"affectnet-8"``
            (with contempt) or ``"folder"`` (your own faces, ``<class>/<image>``).
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: folder of the data set; not needed for the built-in faces.
        labels: what the labels of this copy mean, where it counts in another way than its makers: ``{0: "neutral", 1:
            "happiness", ..}`` or ``"0=neutral,1=happiness,.."``. Left out, the file ``ferlab-labels.txt`` in `root` is
            asked, if there is one.
        megapixels: of the largest image that is read; None for the reader's own limit.

    Raises:
        FerlabError: unknown name or split, missing or damaged files, labels that mean something else or may do so.

    Warns:
        FerlabWarning: files that are left out, and why.

    Example:
        >>> faces = load_dataset("synthetic", split="validation")
        >>> faces.images.shape[1:], faces.classes[0]
        ((64, 64, 3), 'surprise')
    """
    reader = DATASETS.get(name) or _installed(name)
    if reader is None:
        raise FerlabError(f"There is no data set {name!r}; choose one of: {', '.join(DATASETS)}.")
    check_split(split)
    folder = None if root is None else Path(root).expanduser()
    takes = inspect.signature(reader).parameters
    options: dict[str, Any] = {}
    if labels and "labels" not in takes:
        raise FerlabError(
            f"--labels says what a copy's labels mean, and the data set {name!r} has no others: leave it out."
        )
    if "labels" in takes and (meaning := read_labels(labels) or stored_labels(folder)):
        options["labels"] = meaning
    if "megapixels" in takes and megapixels is not None:
        options["megapixels"] = check_cap(megapixels, "megapixels")
    return reader(split, folder, **options)


def register_dataset(name: str, reader: Reader) -> None:
    """Make a data set of your own known by name, to ``load_dataset`` and all else that takes a data set's name.

    That holds for this process. A package that is installed makes its data sets known to every process, the command
    line and its jobs included, by an entry point in the group ``ferlab.datasets`` whose name is the data set's.

    Args:
        name: as it is given to ``load_dataset``.
        reader: called with a split (``"train"``, ``"validation"`` or ``"test"``) and a folder or None; answers with a
            :class:`FaceDataset`. If it has parameters of these names it is given, by keyword and where they are asked
            for, ``labels`` (a dict) and ``megapixels``, see :func:`load_dataset`.

    Raises:
        FerlabError: another data set has that name.

    Example:
        >>> def read(split, root):
        ...     faces = load_dataset("synthetic", split)
        ...     return faces.subset(faces.labels < 4)
        >>> register_dataset("four-classes", read)
        >>> int(load_dataset("four-classes", "validation").labels.max())
        3
        >>> del DATASETS["four-classes"]
    """
    if DATASETS.get(name, reader) is not reader:
        raise FerlabError(f"There is a data set {name!r} already: register yours under another name.")
    DATASETS[name] = reader


def _installed(name: str) -> Reader | None:
    """The reader that an installed package gives for a name."""
    found = entry_points(group=ENTRY_POINTS, name=name)
    return next((entry.load() for entry in found), None)

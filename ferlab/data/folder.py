"""Anybody's faces: one folder a class."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, CONTEMPT, canonical_class
from ferlab.data.dataset import FaceDataset
from ferlab.data.image_files import FaceFiles, content_hashes, fingerprint, images_in, load_split, visible
from ferlab.data.splits import held_out
from ferlab.errors import FerlabError

__all__ = ["load_folder"]

SIZE = 112
TEST_SHARE = 0.2  # of each class, where the folders do not say
_PARTS = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}


def load_folder(split: str, root: Path | None) -> FaceDataset:
    """Load one split of a folder of faces.

    Accepts ``<class>/<image>``, and ``train/<class>/<image>`` with ``test/<class>/<image>`` and, if there is one,
    ``validation/<class>/<image>``. Without such parts, 20 % of each class are the test split; without a validation
    part, 10 % of each class of the rest are held out: those whose files have the smallest hash. Identical files are on
    the same side.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder.

    Returns:
        Images of shape (N, 112, 112, 3): the largest middle squares, scaled; so crop to the faces first. The classes
        are the folders' names: those of expressions in the canonical order (``happy`` is ``happiness``), then all
        others by the alphabet. Metadata columns: ``usage``, ``file`` (relative to ``root``), ``duplicate_of_train``.

    Raises:
        FerlabError: no root, no images in class folders, fewer than two classes, an image that cannot be decoded.

    Example:
        >>> mine = load_folder("train", Path("my_faces"))                     # doctest: +SKIP
    """
    if root is None:
        raise FerlabError("Name the folder that holds your faces as <class>/<image> (--root DIR).")
    root = Path(root)
    if not root.is_dir():
        raise FerlabError(f"There is no folder {root}; name the one that holds your faces as <class>/<image>.")
    faces, classes = _read(root, fingerprint(*sorted(root.glob("*/")), *sorted(root.glob("*/*/"))))
    return load_split("folder", split, faces, classes, SIZE)


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read(root: Path, fingerprint: tuple) -> tuple[FaceFiles, tuple[str, ...]]:
    parts = {_PARTS[path.name.lower()]: path for path in visible(root) if path.name.lower() in _PARTS and path.is_dir()}
    if parts and not {"train", "test"} <= set(parts):
        raise FerlabError(f"{root} has the part {min(parts)!r} only; it needs train and test, or class folders.")
    files, names, usages = [], [], []
    for usage, part in (parts or {"train": root}).items():
        for folder in visible(part):
            found = images_in(folder) if folder.is_dir() else []
            files += found
            names += [canonical_class(folder.name) or folder.name] * len(found)
            usages += [usage] * len(found)
    known = [name for name in (*CLASSES, CONTEMPT) if name in names]
    classes = (*known, *sorted(set(names) - set(known)))
    if len(classes) < 2:
        raise FerlabError(f"{root} holds images of {len(classes)} classes; it needs two, each in a folder of its own.")
    labels = np.array([classes.index(name) for name in names], dtype=np.int64)
    hashes = content_hashes(files)
    splits = np.array(usages, dtype=object)
    if not parts:
        splits[held_out(labels, hashes, TEST_SHARE)] = "test"
    metadata = pd.DataFrame({"usage": splits, "file": [path.relative_to(root).as_posix() for path in files]})
    return FaceFiles(root, files, labels, metadata, hashes), classes

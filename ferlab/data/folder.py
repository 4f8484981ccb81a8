"""Anybody's faces: one folder a class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, CONTEMPT, canonical_class
from ferlab.data.codes import Coding
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import MEGAPIXELS
from ferlab.data.image_files import (
    ClassFolders,
    FaceFiles,
    content_hashes,
    fingerprint,
    load_split,
    loose_images,
    visible,
)
from ferlab.data.splits import held_out
from ferlab.errors import FerlabError
from ferlab.palette import NO_CLASS
from ferlab.texts import printable

__all__ = ["load_folder"]

SIZE = 112
TEST_SHARE = 0.2  # of each class, where the folders do not say
PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}


def load_folder(
    split: str, root: Path | None, *, labels: Mapping[str, str] | None = None, megapixels: float = MEGAPIXELS
) -> FaceDataset:
    """Load one split of a folder of faces.

    Accepts ``<class>/<image>``, and ``train/<class>/<image>`` with ``test/<class>/<image>`` and, if there is one,
    ``validation/<class>/<image>`` (also ``val`` or ``valid``). Without such parts, 20 % of each class are the test
    split; without a validation part, 10 % of each class of the training images are held out; both times those whose
    files have the smallest hash. With a validation part and none for test, the first is the test split, and a warning
    says so. Identical files are on the same side.

    Images are known by their content (:func:`ferlab.data.decoding.read_image`). What is none is left out, and a warning
    says how many such files are in which class.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder.
        labels: classes for folders' names, such as ``{"0": "neutral"}``; others keep their names.
        megapixels: of the largest image that is read.

    Returns:
        Images of shape (N, 112, 112, 3): the largest middle squares, scaled; so crop to the faces first. The classes
        are the folders' names: those of expressions in the canonical order (``happy`` is ``happiness``), then all
        others by the alphabet. Metadata columns: ``usage``, ``file`` (relative to ``root``), ``duplicate_of_train``.

    Raises:
        FerlabError: no root, no images in class folders, a class folder with files but no image, fewer than two
            classes, a class that the training part has not, an image that cannot be decoded.

    Example:
        >>> mine = load_folder("train", Path("my_faces"))                     # doctest: +SKIP
    """
    if root is None:
        raise FerlabError("Name the folder that holds your faces as <class>/<image> (--root DIR).")
    root = Path(root)
    if not root.is_dir():
        raise FerlabError(f"There is no folder {root}; name the one that holds your faces as <class>/<image>.")
    looked_at = fingerprint(root, *sorted(root.glob("*/")), *sorted(root.glob("*/*/")))
    faces, classes = _read(root, tuple((labels or {}).items()), looked_at)
    return load_split("folder", split, faces, classes, SIZE, megapixels=megapixels)


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read(root: Path, coding: Coding, fingerprint: tuple) -> tuple[FaceFiles, tuple[str, ...]]:
    parts, notes = _parts(root)
    folders, names, usages, seen = ClassFolders(root), [], [], set()
    for usage, part in (parts or {"train": root}).items():
        if loose := loose_images(part):
            count = f"{len(loose):,} image{'s' if loose[1:] else ''}"
            which = f"{printable(loose[0].name)}{', ..' if loose[1:] else '.'}"
            notes.append(f"{part} has {count} in no class folder, left out: {which}")
        for folder in [path for path in visible(part) if path.is_dir()]:
            seen.add(folder.name)
            found = folders.add(folder)
            if not found:
                notes.append(f"The folder {folder} is empty: it is no class.")
            names += [_class_of(folder.name, coding)] * len(found)
            usages += [usage] * len(found)
    if unseen := [code for code, _ in coding if code not in seen]:
        raise FerlabError(
            f"--labels names {unseen[0]!r}, but {root} has no folder of that name: mend the one or other."
        )
    known = [name for name in (*CLASSES, CONTEMPT) if name in names]
    classes = (*known, *sorted(set(names) - set(known)))
    if (named := len({*classes} - {NO_CLASS})) < 2:
        raise FerlabError(f"{root} holds images of {named} classes; it needs two, each in a folder of its own.")
    _check_trained(root, names, usages)
    labels = np.array([classes.index(name) for name in names], dtype=np.int64)
    hashes = content_hashes(folders.files)
    splits = np.array(usages, dtype=object)
    if not parts:
        splits[held_out(labels, hashes, TEST_SHARE)] = "test"
    files = [printable(path.relative_to(root).as_posix()) for path in folders.files]
    metadata = pd.DataFrame({"usage": splits, "file": files})
    return FaceFiles(root, folders.files, labels, metadata, hashes, notes=(*folders.notes(), *notes)), classes


def _parts(root: Path) -> tuple[dict[str, Path], list[str]]:
    """The folders of the splits, and sentences about them; none where the classes lie in `root` itself."""
    folders = [path for path in visible(root) if path.is_dir()]
    named = [path for path in folders if path.name.lower() in PARTS]
    parts: dict[str, Path] = {}
    for path in named:
        usage = PARTS[path.name.lower()]
        if usage in parts:
            raise FerlabError(f"{root} has {parts[usage].name} and {path.name}, which mean the same part: keep one.")
        parts[usage] = path
    others = [printable(path.name) for path in folders if path not in named]
    if parts and ("train" not in parts or len(parts) < 2):
        beside = f", and {others[0]} beside it, which is no part's name" if others else ""
        raise FerlabError(
            f"{root} has the part {min(parts)!r} only{beside}; it needs train and test, or class folders."
        )
    if parts and others:
        raise FerlabError(
            f"{root} has the parts {' and '.join(parts)}, and {others[0]} beside them, which would be left out: move "
            "its faces into the parts, or it elsewhere."
        )
    if parts and "test" not in parts:
        last = parts["validation"]
        note = f"{root} has no part for test: {last.name} is the test split, and a tenth of train is held out."
        return {"train": parts["train"], "test": last}, [note]
    return parts, []


def _class_of(name: str, coding: Coding) -> str:
    """As it is on the disk, so that two names that print alike stay two; clusters that were saved have a -1."""
    return dict(coding).get(name) or canonical_class(name) or (NO_CLASS if name.strip() == "-1" else name)


def _check_trained(root: Path, names: list[str], usages: list[str]) -> None:
    """Refuse a class that no network could learn, such as one that is spelled otherwise in test."""
    by_usage: dict[str, set[str]] = {}
    for name, usage in zip(names, usages, strict=True):
        by_usage.setdefault(usage, set()).add(name)
    for usage, classes in by_usage.items():
        if unknown := sorted(classes - by_usage.get("train", set()) - {NO_CLASS}):
            raise FerlabError(
                f"The {usage} part of {root} has the class '{printable(unknown[0])}' and the training part has not: "
                "give it images there, or the same name in both."
            )

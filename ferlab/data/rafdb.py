"""RAF-DB: aligned faces from the web, named by some forty people each (Li, Deng & Du, 2017).

Li, Deng & Du, *Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild*,
CVPR 2017, doi 10.1109/CVPR.2017.277. The basic emotions, 12,271 faces for training and 3,068 for testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES
from ferlab.data.codes import RAFDB_CODING, Coding, check_codes, coding_of, unknown_code
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import MEGAPIXELS
from ferlab.data.image_files import ClassFolders, FaceFiles, content_hashes, fingerprint, load_split, visible
from ferlab.errors import FerlabError
from ferlab.texts import printable

__all__ = ["load_rafdb"]

SIZE = 100  # of the aligned faces
LIST, ALIGNED = Path("EmoLabel", "list_patition_label.txt"), Path("Image", "aligned")  # its own spelling
CODES = tuple(code for code, _ in RAFDB_CODING)  # 1 to 7; CLASSES has RAF-DB's order
_EXPECTED = f"{LIST.as_posix()} with {ALIGNED.as_posix()}/, or the folders DATASET/train/1 to 7 and DATASET/test/1 to 7"


def load_rafdb(
    split: str, root: Path | None, *, labels: Mapping[str, str] | None = None, megapixels: float = MEGAPIXELS
) -> FaceDataset:
    """Load one split of RAF-DB's seven basic emotions.

    Accepts the authors' layout, ``EmoLabel/list_patition_label.txt`` (``train_00001.jpg 5``) with
    ``Image/aligned/train_00001_aligned.jpg``, and the one of folders, ``DATASET/train/5/train_00001_aligned.jpg``.
    ``root`` holds ``EmoLabel`` and ``Image``, or ``DATASET``; ``basic`` and ``DATASET`` may be named themselves.

    RAF-DB has a training and a test part. 10 % of each class of the training part are held out as validation: those
    whose files have the smallest hash.

    Copies are in circulation whose folders count in another way, from 0 on. So both parts must have exactly the codes 1
    to 7, or those that `labels` names.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder of the data set.
        labels: what the numbers of another copy mean, such as ``{"0": "neutral", "1": "happiness", ..}``.
        megapixels: of the largest image that is read.

    Returns:
        Images of shape (N, 100, 100, 3), labels in the canonical class order, which is RAF-DB's. Metadata columns:
        ``usage`` (as published), ``file`` (relative to ``root``), ``duplicate_of_train``.

    Raises:
        FerlabError: no root, nothing to read there, other codes, a damaged list or image.

    Example:
        >>> train = load_rafdb("train", Path("rafdb"))                        # doctest: +SKIP
    """
    if root is None:
        raise FerlabError(f"RAF-DB is not built in; name the folder that holds {_EXPECTED} (--root DIR).")
    root = Path(root)
    coding = coding_of("RAF-DB", RAFDB_CODING, labels, CLASSES)
    for folder in (root, root / "basic"):
        if (folder / LIST).is_file():
            if not (folder / ALIGNED).is_dir():
                raise FerlabError(
                    f"{folder} has {LIST.as_posix()} but no {ALIGNED.as_posix()}; unpack aligned.zip there."
                )
            faces = _read_list(root, folder, coding, fingerprint(folder / LIST, folder / ALIGNED))
            return load_split("rafdb", split, faces, CLASSES, SIZE, megapixels=megapixels)
    for folder in (root, root / "DATASET"):
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            looked_at = [*sorted(folder.glob("t*/")), *sorted(folder.glob("t*/*/")), *_lists(root, folder).values()]
            faces = _read_folders(root, folder, coding, fingerprint(*looked_at))
            return load_split("rafdb", split, faces, CLASSES, SIZE, megapixels=megapixels)
    raise FerlabError(f"{root} holds no RAF-DB; it needs {_EXPECTED}.")


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read_list(root: Path, folder: Path, coding: Coding, fingerprint: tuple) -> FaceFiles:
    files, codes = [], []
    try:
        lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FerlabError(f"{folder / LIST} is no text; get RAF-DB again.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, code = line.strip().partition(" ")
        if not code.strip() or not name.startswith(("train_", "test_")) or Path(name).name != name or "\0" in name:
            raise FerlabError(
                f"Line {number} of {folder / LIST} is {line[:40]!r}, not like 'train_00001.jpg 5'; get RAF-DB again."
            )
        if code.strip() not in dict(coding):
            where = f"Line {number} of {folder / LIST} has the label {code.strip()[:40]!r}"
            raise unknown_code("RAF-DB", coding, where, code.strip(), {of.split()[-1] for of in lines if of.strip()})
        files.append(folder / ALIGNED / f"{Path(name).stem}_aligned{Path(name).suffix}")
        codes.append(code.strip())
    if not files:
        raise FerlabError(f"{folder / LIST} holds no lines; get RAF-DB again.")
    usages = [path.name.split("_")[0] for path in files]
    found = {
        f"The {usage} part of {folder / LIST}": {code for code, of in zip(codes, usages, strict=True) if of == usage}
        for usage in dict.fromkeys(usages)
    }
    check_codes("RAF-DB", coding, found, needed=[code for code, _ in coding])
    return _faces(root, files, codes, usages, coding)


@lru_cache(maxsize=1)
def _read_folders(root: Path, folder: Path, coding: Coding, fingerprint: tuple) -> FaceFiles:
    parts = {usage: [path for path in visible(folder / usage) if path.is_dir()] for usage in ("train", "test")}
    for usage, folders in parts.items():
        if not folders:
            raise FerlabError(f"{folder / usage} holds no images in the folders 1 to 7; unpack RAF-DB again.")
    found = {str(folder / usage): {path.name for path in folders} for usage, folders in parts.items()}
    check_codes("RAF-DB", coding, found, needed=[code for code, _ in coding])
    classes, codes, usages = ClassFolders(root), [], []
    for usage, folders in parts.items():
        for path in folders:
            if not (images := classes.add(path)):
                raise FerlabError(f"{path} is empty, and every class needs images; unpack RAF-DB again.")
            codes += [path.name] * len(images)
            usages += [usage] * len(images)
    for usage, path in _lists(root, folder).items():
        _check_list(path, [file for file, of in zip(classes.files, usages, strict=True) if of == usage])
    return _faces(root, classes.files, codes, usages, coding, classes.notes())


def _lists(root: Path, folder: Path) -> dict[str, Path]:
    """The lists that lie beside the folders of some copies, a part each."""
    places = [place / f"{usage}_labels.csv" for usage in ("train", "test") for place in (root, folder)]
    return {path.name.split("_")[0]: path for path in places if path.is_file()}


def _check_list(path: Path, files: list[Path]) -> None:
    """Refuse a list (``image,label``) that says something else of an image than the folder that it lies in."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        said = dict(zip(table["image"].str.strip(), table["label"].str.strip(), strict=True))
    except (ValueError, KeyError, AttributeError) as error:  # ValueError: pandas' own, and what is no text
        raise FerlabError(
            f"{path} is no list of images and labels; get RAF-DB again, or move the list away."
        ) from error
    for file in files:
        label = said.get(file.name, file.parent.name).removesuffix(".0")
        if label != file.parent.name:
            raise FerlabError(
                f"{path} gives {printable(file.name)} the label {printable(label)[:40]!r}, and it lies in the folder "
                f"{printable(str(file.parent))!r}: one of them counts in another way; look at some of its faces, and "
                "move the list away, or the images to the right folders."
            )


def _faces(
    root: Path, files: list[Path], codes: list[str], usages: list[str], coding: Coding, notes: tuple[str, ...] = ()
) -> FaceFiles:
    metadata = pd.DataFrame({"usage": usages, "file": [printable(path.relative_to(root).as_posix()) for path in files]})
    numbers = {code: CLASSES.index(name) for code, name in coding}
    labels = np.array([numbers[code] for code in codes], dtype=np.int64)
    return FaceFiles(root, files, labels, metadata, content_hashes(files), notes=notes)

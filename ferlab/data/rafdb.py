"""RAF-DB: aligned faces from the web, named by some forty people each (Li, Deng & Du, 2017).

Li, Deng & Du, *Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild*,
CVPR 2017, doi 10.1109/CVPR.2017.277. The basic emotions, 12,271 faces for training and 3,068 for testing.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.data.image_files import FaceFiles, content_hashes, fingerprint, images_in, load_split
from ferlab.errors import FerlabError

__all__ = ["load_rafdb"]

SIZE = 100  # of the aligned faces
LIST, ALIGNED = Path("EmoLabel", "list_patition_label.txt"), Path("Image", "aligned")  # its own spelling
CODES = ("1", "2", "3", "4", "5", "6", "7")  # CLASSES has RAF-DB's order
_EXPECTED = f"{LIST.as_posix()} with {ALIGNED.as_posix()}/, or the folders DATASET/train/1 to 7 and DATASET/test/1 to 7"


def load_rafdb(split: str, root: Path | None) -> FaceDataset:
    """Load one split of RAF-DB's seven basic emotions.

    Accepts the authors' layout, ``EmoLabel/list_patition_label.txt`` (``train_00001.jpg 5``) with
    ``Image/aligned/train_00001_aligned.jpg``, and the one of folders, ``DATASET/train/5/train_00001_aligned.jpg``.
    ``root`` holds ``EmoLabel`` and ``Image``, or ``DATASET``; ``basic`` and ``DATASET`` may be named themselves.

    RAF-DB has a training and a test part. 10 % of each class of the training part are held out as validation: those
    whose files have the smallest hash.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder of the data set.

    Returns:
        Images of shape (N, 100, 100, 3), labels in the canonical class order, which is RAF-DB's. Metadata columns:
        ``usage`` (as published), ``file`` (relative to ``root``), ``duplicate_of_train``.

    Raises:
        FerlabError: no root, nothing to read there, a damaged list or image.

    Example:
        >>> train = load_rafdb("train", Path("rafdb"))                        # doctest: +SKIP
    """
    if root is None:
        raise FerlabError(f"RAF-DB is not built in; name the folder that holds {_EXPECTED} (--root DIR).")
    root = Path(root)
    for folder in (root, root / "basic"):
        if (folder / LIST).is_file():
            if not (folder / ALIGNED).is_dir():
                raise FerlabError(
                    f"{folder} has {LIST.as_posix()} but no {ALIGNED.as_posix()}; unpack aligned.zip there."
                )
            faces = _read_list(root, folder, fingerprint(folder / LIST, folder / ALIGNED))
            return load_split("rafdb", split, faces, CLASSES, SIZE)
    for folder in (root, root / "DATASET"):
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            faces = _read_folders(root, folder, fingerprint(*sorted(folder.glob("t*/*/"))))
            return load_split("rafdb", split, faces, CLASSES, SIZE)
    raise FerlabError(f"{root} holds no RAF-DB; it needs {_EXPECTED}.")


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read_list(root: Path, folder: Path, fingerprint: tuple) -> FaceFiles:
    files, codes = [], []
    try:
        lines = (folder / LIST).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FerlabError(f"{folder / LIST} is no text; get RAF-DB again.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, code = line.strip().partition(" ")
        if code.strip() not in CODES or not name.startswith(("train_", "test_")) or Path(name).name != name:
            raise FerlabError(
                f"Line {number} of {folder / LIST} is {line[:40]!r}, not like 'train_00001.jpg 5'; get RAF-DB again."
            )
        files.append(folder / ALIGNED / f"{Path(name).stem}_aligned{Path(name).suffix}")
        codes.append(code.strip())
    if not files:
        raise FerlabError(f"{folder / LIST} holds no lines; get RAF-DB again.")
    return _faces(root, files, codes, [path.name.split("_")[0] for path in files])


@lru_cache(maxsize=1)
def _read_folders(root: Path, folder: Path, fingerprint: tuple) -> FaceFiles:
    files, codes, usages = [], [], []
    for usage in ("train", "test"):
        for code in CODES:
            if (folder / usage / code).is_dir():
                found = images_in(folder / usage / code)
                files += found
                codes += [code] * len(found)
                usages += [usage] * len(found)
        if usage not in usages:
            raise FerlabError(f"{folder / usage} holds no images in the folders 1 to 7; unpack RAF-DB again.")
    return _faces(root, files, codes, usages)


def _faces(root: Path, files: list[Path], codes: list[str], usages: list[str]) -> FaceFiles:
    metadata = pd.DataFrame({"usage": usages, "file": [path.relative_to(root).as_posix() for path in files]})
    labels = np.array([CODES.index(code) for code in codes], dtype=np.int64)
    return FaceFiles(root, files, labels, metadata, content_hashes(files))

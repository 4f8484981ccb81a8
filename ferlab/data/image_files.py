"""Faces in image files: found, split by their content, cut out, scaled and decoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.data.splits import SPLITS, check_split, content_hash, duplicate_of_train, held_out
from ferlab.errors import FerlabError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
BLOCK = 64  # files a task: a task a file would take longer to hand out than to do


@dataclass(frozen=True)
class FaceFiles:
    """The labelled image files of a data set, all splits.

    Attributes:
        root: the data set's folder, for messages.
        files: path of every image.
        labels: int64 (N,).
        metadata: a DataFrame, a row an image; its column ``usage`` is ``"train"``, ``"validation"`` or ``"test"``.
        hashes: uint64 (N,), of the files' content.
        boxes: int64 (N, 4), left, top, width and height of the face in pixels; None where the image is the face.
    """

    root: Path
    files: list[Path]
    labels: np.ndarray
    metadata: pd.DataFrame
    hashes: np.ndarray
    boxes: np.ndarray | None = None


def load_split(name: str, split: str, faces: FaceFiles, classes: tuple[str, ...], size: int) -> FaceDataset:
    """One split, decoded: RGB images of shape (N, size, size, 3).

    Where no image is meant for validation, 10 % of each class of the training images, those whose files have the
    smallest hash, are held out. No held-out file is identical to one that stays in train.

    Args:
        name: of the data set.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        faces: the files of all splits.
        classes: names, in the order of the labels.
        size: side of the decoded images in pixels.

    Raises:
        FerlabError: no such split, no image in it, an image that cannot be decoded.
    """
    check_split(split)
    usage = faces.metadata["usage"].to_numpy()
    parts = {part: np.flatnonzero(usage == part) for part in SPLITS}
    if not len(parts["validation"]):
        training = parts["train"]
        apart = held_out(faces.labels[training], faces.hashes[training])
        parts |= {"train": training[~apart], "validation": training[apart]}
    indices = parts[split]
    if not len(indices):
        raise FerlabError(f"{faces.root} has no images for the {split} split; get a complete copy.")
    metadata = faces.metadata.iloc[indices].reset_index(drop=True)
    metadata["duplicate_of_train"] = duplicate_of_train(
        faces.hashes[indices], faces.hashes[parts["train"]], within=split == "train"
    )
    boxes = None if faces.boxes is None else faces.boxes[indices]
    images = decode([faces.files[i] for i in indices], size, boxes)
    return FaceDataset(name, split, images, faces.labels[indices], classes, metadata)


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without what systems hide there."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder, known by their suffix, sorted."""
    return [path for path in visible(folder) if path.suffix.lower() in SUFFIXES]


def fingerprint(*paths: Path) -> tuple:
    """Changes when a file is written, or one is added to a folder or removed."""
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


def in_threads(work: Callable[[Any], Any], items: Sequence, doing: str) -> list:
    """``[work(item) for item in items]``, several at a time; with a progress bar when there are very many."""
    from rich.progress import track

    blocks = [items[start : start + BLOCK] for start in range(0, len(items), BLOCK)]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        done = pool.map(lambda block: [work(item) for item in block], blocks)
        shown = track(done, description=doing, total=len(blocks), transient=True, disable=len(items) < 20_000)
        return [result for block in shown for result in block]


def content_hashes(files: Sequence[Path]) -> np.ndarray:
    """uint64 (N,).

    Raises:
        FerlabError: a file is missing or cannot be read.
    """

    def of(path: Path) -> int:
        try:
            return content_hash(path.read_bytes())
        except OSError as error:
            raise FerlabError(
                f"The image {path} cannot be read ({error.strerror}): unpack the data set again, all of its parts."
            ) from error

    return np.array(in_threads(of, files, "reading faces"), dtype=np.uint64)


def decode(files: Sequence[Path], size: int, boxes: np.ndarray | None = None) -> np.ndarray:
    """uint8 (N, size, size, 3): the boxes, or the largest middle squares, of image files."""
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)

    def one(place: int) -> None:
        images[place] = _decode_one(files[place], size, None if boxes is None else boxes[place])

    in_threads(one, range(len(files)), "decoding faces")
    return images


def _decode_one(path: Path, size: int, box: np.ndarray | None) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if box is None:
                face = ImageOps.exif_transpose(image).convert("RGB")
            else:
                left, top, right, bottom = _within(box, image.size)
                face = image.convert("RGB").crop((left, top, right, bottom))
            if face.size != (size, size):
                face = ImageOps.fit(face, (size, size), Image.Resampling.LANCZOS)
            return np.asarray(face)
    except Exception as error:  # decoders raise whatever they please on damaged bytes
        raise FerlabError(f"The image {path} cannot be decoded; replace it or remove it.") from error


def _within(box: np.ndarray, image_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a box that lies in the image.

    >>> _within(np.array([-5, 10, 50, 50]), (100, 40))
    (0, 10, 45, 40)
    """
    left, top, width, height = box.tolist()
    inside = (max(left, 0), max(top, 0), min(left + width, image_size[0]), min(top + height, image_size[1]))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise ValueError("the box of the face lies outside the image")
    return inside

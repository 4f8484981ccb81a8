"""Faces in image files: found, split by their content, cut out, scaled and decoded."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import MEGAPIXELS, ImageError, is_image_name, looks_like_image, read_image
from ferlab.data.splits import HASH_BYTES, SPLITS, check_split, duplicate_of_train, held_out
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.files import regular_file
from ferlab.texts import printable

if TYPE_CHECKING:
    from PIL import Image

BLOCK = 64  # files a task: a task a file would take longer to hand out than to do
SHOWN_FROM = 2000  # files; fewer are done before anybody asks for a progress bar
MUCH = 2e9  # bytes of pictures in memory, of which a warning tells
_READ_AT_ONCE = 1 << 20
# What systems put into folders of pictures; and names that begin with a dot.
_OUT_OF_FOLDERS = "move what lies in a folder of a class into the class itself, "
JUNK = {"thumbs.db", "desktop.ini", "icon\r", "@eadir", "__macosx", "__pycache__"}


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
        notes: sentences about what was left out.
    """

    root: Path
    files: list[Path]
    labels: np.ndarray
    metadata: pd.DataFrame
    hashes: np.ndarray
    boxes: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass
class ClassFolders:
    """The images found in the class folders of a data set, and what was left out there.

    Attributes:
        root: the data set's folder.
        files: path of every image, folder by folder.
        left_out: folder -> what in it is no image.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    left_out: dict[Path, list[Path]] = field(default_factory=dict)

    def add(self, folder: Path) -> list[Path]:
        """The images of a class, which are kept.

        Raises:
            FerlabError: there are files in the folder but no image.
        """
        found, others = images_and_others(folder)
        if others and not found:
            raise FerlabError(
                f"{folder} holds no image that can be read, but {_named(others)}: convert them to JPEG or PNG, "
                f"{_OUT_OF_FOLDERS if any(path.is_dir() for path in others) else ''}or move the folder away."
            )
        self.files += found
        if others:
            self.left_out[folder] = others
        return found

    def notes(self) -> tuple[str, ...]:
        """A sentence about what was left out in which folder; none where nothing was."""
        if not self.left_out:
            return ()
        folders = [f"in {_below(self.root, folder)} {_named(others)}" for folder, others in self.left_out.items()]
        count = sum(len(others) for others in self.left_out.values())
        has_folders = any(path.is_dir() for others in self.left_out.values() for path in others)
        return (
            f"{self.root} has {count:,} {'file' if count == 1 else 'files'} that cannot be read as an image and "
            f"{'is' if count == 1 else 'are'} left out, {'; '.join(folders)}: "
            f"{_OUT_OF_FOLDERS if has_folders else ''}convert what is a face to JPEG or PNG.",
        )


def _named(paths: Sequence[Path], most: int = 3) -> str:
    """How many of which kind, and the names of the first ones.

    >>> _named([Path("a.heic"), Path("b.heic"), Path("c.txt"), Path("d")])
    '4 (2 .heic, 1 .txt, 1 without suffix: a.heic, b.heic, c.txt, ...)'
    >>> _named([Path("a.heic")])
    '1 (a.heic)'
    """
    shown = [f"{printable(path.name)}{'/' if path.is_dir() else ''}" for path in paths[:most]]
    names = ", ".join(shown) + (", ..." if len(paths) > most else "")
    kinds = Counter("folder" if path.is_dir() else path.suffix.lower() or "without suffix" for path in paths)
    counted = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5))
    return f"{len(paths):,} ({counted}: {names})" if len(paths) > 1 else f"1 ({names})"


def _below(root: Path, path: Path) -> str:
    return printable(path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path))


def load_split(
    name: str, split: str, faces: FaceFiles, classes: tuple[str, ...], size: int, *, megapixels: float = MEGAPIXELS
) -> FaceDataset:
    """One split, decoded: RGB images of shape (N, size, size, 3).

    Where no image is meant for validation, 10 % of each class of the training images, those whose files have the
    smallest hash, are held out. No held-out file is identical to one that stays in train.

    Args:
        name: of the data set.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        faces: the files of all splits.
        classes: names, in the order of the labels.
        size: side of the decoded images in pixels.
        megapixels: of the largest image that is read.

    Raises:
        FerlabError: no such split, no image in it, an image that cannot be decoded.

    Warns:
        FerlabWarning: what the reader left out; pictures that fill more than 2 GB of memory.
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
        raise FerlabError(
            f"{faces.root} has no images for the {split} split: give every class more, or get a complete copy."
        )
    say_notes(faces.notes)
    metadata = faces.metadata.iloc[indices].reset_index(drop=True)
    metadata["duplicate_of_train"] = duplicate_of_train(
        faces.hashes[indices], faces.hashes[parts["train"]], within=split == "train"
    )
    boxes = None if faces.boxes is None else faces.boxes[indices]
    if (needed := len(indices) * size * size * 3) > MUCH:
        say_notes([f"The {split} split of {name} takes {needed / 1e9:.0f} GB of memory: {len(indices):,} pictures."])
    images = decode([faces.files[i] for i in indices], size, boxes, megapixels=megapixels)
    return FaceDataset(name, split, images, faces.labels[indices], classes, metadata)


def say_notes(notes: Iterable[str]) -> None:
    """Warn of each sentence; the place of the warning is the caller of a reader's function."""
    for note in notes:
        warnings.warn(note, FerlabWarning, stacklevel=4)


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without what systems hide there."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in JUNK
    )  # fmt: skip


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder, sorted; see :func:`images_and_others`."""
    return images_and_others(folder)[0]


def images_and_others(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files in a folder, and what else lies there, both sorted.

    What Pillow's names for images end with is taken for one, and a damaged one is told when it is decoded. Other files
    are looked into, so that an image without a suffix, or with a wrong one, counts too.
    """
    from ferlab.data.decoding import known_suffixes

    suffixes = known_suffixes()
    found, others = [], []
    for path in visible(folder):
        if path.is_file() and (path.suffix.lower() in suffixes or looks_like_image(path)):
            found.append(path)
        else:  # a folder, a pipe or a broken link too
            others.append(path)
    return found, others


def loose_images(folder: Path) -> list[Path]:
    """The images, by their names or by what they hold, that lie beside the class folders."""
    return [path for path in visible(folder) if path.is_file() and (is_image_name(path) or looks_like_image(path))]


def fingerprint(*paths: Path) -> tuple:
    """Changes when a file is written, or one is added to a folder or removed."""
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


def in_threads(work: Callable[[Any], Any], items: Sequence, doing: str) -> list:
    """``[work(item) for item in items]``, several at a time; with a progress bar when there are very many."""
    from rich.console import Console
    from rich.progress import track

    blocks = [items[start : start + BLOCK] for start in range(0, len(items), BLOCK)]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        done = pool.map(lambda block: [work(item) for item in block], blocks)
        is_short, console = len(items) < SHOWN_FROM, Console(stderr=True)
        shown = track(done, doing, total=len(blocks), transient=True, disable=is_short, console=console)
        return [result for block in shown for result in block]


def content_hashes(files: Sequence[Path]) -> np.ndarray:
    """uint64 (N,), as :func:`ferlab.data.splits.content_hash` gives them, whatever the files' size.

    Raises:
        FerlabError: a file is missing, cannot be read or is none.
    """

    def of(path: Path) -> int:
        digest = blake2b(digest_size=HASH_BYTES)
        try:
            with regular_file(path) as file:
                while block := file.read(_READ_AT_ONCE):
                    digest.update(block)
        except FerlabError as error:
            raise FerlabError(f"The image {printable(str(path))} {error}; remove it.") from error
        except (OSError, ValueError) as error:  # ValueError: a name with a zero in it
            why = error.strerror if isinstance(error, OSError) else error
            raise FerlabError(
                f"The image {printable(str(path))} cannot be read ({why}): unpack the data set again, all of its parts."
            ) from error
        return int.from_bytes(digest.digest(), "big")

    return np.array(in_threads(of, files, "reading faces"), dtype=np.uint64)


def decode(
    files: Sequence[Path], size: int, boxes: np.ndarray | None = None, *, megapixels: float = MEGAPIXELS
) -> np.ndarray:
    """uint8 (N, size, size, 3): the boxes, or the largest middle squares, of image files."""
    images = np.empty((len(files), size, size, 3), dtype=np.uint8)

    def one(place: int) -> None:
        path, box = files[place], None if boxes is None else boxes[place]
        picture = read_face_file(path, megapixels=megapixels, upright=box is None)
        if box is not None:
            # A list's boxes are in the pixels of the file, as it lies on the disk.
            picture = picture.crop(_within(box, picture.size, path))
        images[place] = middle_square(picture, size)

    in_threads(one, range(len(files)), "decoding faces")
    return images


def read_face_file(path: Path, *, megapixels: float = MEGAPIXELS, upright: bool = True) -> Image.Image:
    """:func:`ferlab.data.decoding.read_image`, with a sentence where the file cannot be opened."""
    try:
        return read_image(path, megapixels=megapixels, upright=upright)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f"The image {path}", f"cannot be opened ({why})", "replace it or remove it") from error


def middle_square(picture: Image.Image, size: int) -> np.ndarray:
    """uint8 (size, size, 3): the largest middle square of a picture, scaled."""
    from PIL import Image, ImageOps

    if picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _within(box: np.ndarray, image_size: tuple[int, int], path: Path) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a box that lies in the image.

    >>> _within(np.array([-5, 10, 50, 50]), (100, 40), Path("a.jpg"))
    (0, 10, 45, 40)
    """
    left, top, width, height = box.tolist()
    inside = (max(left, 0), max(top, 0), min(left + width, image_size[0]), min(top + height, image_size[1]))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise FerlabError(
            f"The box of the face in {path} (x {left}, y {top}, {width} x {height}) lies outside its "
            f"{image_size[0]} x {image_size[1]} pixels, so the face cannot be decoded: mend the list, or get it again."
        )
    return inside

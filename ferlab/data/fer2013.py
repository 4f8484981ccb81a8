"""FER-2013: 48 px grey faces found by web search (Goodfellow et al., 2013), from a csv or from folders.

Goodfellow et al., *Challenges in Representation Learning: A report on three machine learning contests*,
ICONIP 2013, arXiv:1307.0414. FER+ votes: Barsoum et al., *Training Deep Networks for Facial Expression
Recognition with Crowd-Sourced Label Distribution*, ICMI 2016, arXiv:1608.01041.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, canonical_class
from ferlab.data.codes import FER2013, FER2013_CODING, Coding, check_codes, coding_of, unknown_code
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import MEGAPIXELS
from ferlab.data.image_files import ClassFolders, read_face_file, say_notes, visible
from ferlab.data.splits import check_split, content_hash, duplicate_of_train, held_out
from ferlab.errors import FerlabError
from ferlab.texts import printable

__all__ = ["load_fer2013"]

SIZE = 48
ROWS = 35_887  # rows of the whole fer2013.csv
CSV_NAMES = ("fer2013.csv", "icml_face_data.csv")
CSV_CLASSES = FER2013  # codes 0 to 6
USAGES = ("Training", "PublicTest", "PrivateTest")
VOTES_NAME = "fer2013new.csv"
_EXPECTED = f"{CSV_NAMES[0]}, {CSV_NAMES[1]} or the folders train/<emotion> and test/<emotion>"


@dataclass(frozen=True)
class _Faces:
    """Every image of a copy of FER-2013, before it is split."""

    images: np.ndarray  # uint8 (N, 48, 48)
    labels: np.ndarray  # int64 (N,)
    metadata: pd.DataFrame  # usage, number and, for folders, file
    notes: tuple[str, ...] = ()  # about what was left out


def load_fer2013(
    split: str, root: Path | None, *, labels: Mapping[str, str] | None = None, megapixels: float = MEGAPIXELS
) -> FaceDataset:
    """Load one split of FER-2013.

    Accepts what is in circulation: ``fer2013.csv`` (columns ``emotion,pixels,Usage``),
    ``icml_face_data.csv`` (the same with spaces in its header), or folders ``train/<emotion>/*`` and
    ``test/<emotion>/*`` of images. ``root`` is the folder that holds them, or the csv itself; a
    csv is preferred to folders beside it.

    Splits: where Training, PublicTest and PrivateTest are all there (by the csv's ``Usage``, or the names
    of the images in ``test/``), they are train, validation and test. Where there is one test part only, it
    is the test split, and 10 % of each class of the training images, those whose pixels have the smallest
    hash, are held out as validation. The choice depends on nothing but the images. No held-out image is
    identical to one that stays in train.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder (or csv file) of the data set.
        labels: what the csv's numbers, or the folders' names, mean in another copy, such as ``{"0": "neutral", ..}``.
        megapixels: of the largest image that is read.

    Returns:
        Images of shape (N, 48, 48, 1), labels in the canonical class order. Metadata columns: ``usage`` (as
        published; ``"test"`` for a test image that does not say), ``number`` (the csv's row, or the number
        in the image's name), ``file`` (folders only, relative to ``root``), ``duplicate_of_train`` (FER-2013
        holds identical images: True where the train split holds the same pixels; in train itself, where an
        earlier image does), and, where ``fer2013new.csv`` lies beside, the ten FER+ vote counts
        ``ferplus_neutral`` ... ``ferplus_NF`` (missing where FER+ has none).

    Raises:
        FerlabError: no root, nothing to read there, a damaged csv or image, an unknown class, a csv with other
            emotions than 0 to 6, or without one of them.

    Example:
        >>> test = load_fer2013("test", Path("fer2013"))                      # doctest: +SKIP
        >>> clean = test.subset(~test.metadata["duplicate_of_train"].to_numpy())   # doctest: +SKIP
    """
    check_split(split)
    if root is None:
        raise FerlabError(f"FER-2013 is not built in; name the folder that holds {_EXPECTED} (--root DIR).")
    source = _find_source(Path(root))
    coding = coding_of("FER-2013", FER2013_CODING, labels, CLASSES) if labels or source.is_file() else ()
    faces, hashes = _read_all(source, coding, megapixels, _fingerprint(source))
    parts = _split_indices(faces, hashes)
    if len(parts[split]) == 0:
        raise FerlabError(f"FER-2013 at {root} has no images for the {split} split; get a complete copy.")
    say_notes(faces.notes)
    indices = parts[split]
    metadata = faces.metadata.iloc[indices].reset_index(drop=True)
    metadata["duplicate_of_train"] = duplicate_of_train(
        hashes[indices], hashes[parts["train"]], within=split == "train"
    )
    votes = (source.parent if source.is_file() else source) / VOTES_NAME
    if votes.is_file():
        metadata = metadata.join(_read_votes(votes, faces.metadata), on="number")
    images = faces.images[indices][..., None]  # indexing copies: the caller may change it
    return FaceDataset("fer2013", split, images, faces.labels[indices], CLASSES, metadata)


def _find_source(root: Path) -> Path:
    """The csv, or the folder with ``train`` and ``test``."""
    if not root.exists():
        raise FerlabError(f"There is no folder {root}; name the one that holds {_EXPECTED}.")
    if root.is_file():
        return root
    for name in CSV_NAMES:
        if (root / name).is_file():
            return root / name
    if not (root / "train").is_dir():
        raise FerlabError(f"{root} holds no FER-2013; it needs {_EXPECTED}.")
    if not (root / "test").is_dir():
        raise FerlabError(f"{root} has a folder train but no folder test; unpack FER-2013 again.")
    return root


def _fingerprint(source: Path) -> tuple:
    """Changes when a file is added, removed or, for a csv, written."""
    paths = [source] if source.is_file() else sorted(source.glob("t*/*/"))
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


@lru_cache(maxsize=1)  # the three splits come from one reading; 75 MB
def _read_all(source: Path, coding: Coding, megapixels: float, fingerprint: tuple) -> tuple[_Faces, np.ndarray]:
    faces = _read_csv(source, coding) if source.is_file() else _read_folders(source, coding, megapixels)
    hashes = np.array([content_hash(image.tobytes()) for image in faces.images], dtype=np.uint64)
    return faces, hashes


# ---------------------------------------------------------------------------------------------- csv
def _read_csv(path: Path, coding: Coding) -> _Faces:
    images, codes, usages = [], [], []
    row = 0
    try:
        for chunk in pd.read_csv(path, chunksize=2000, dtype=str, keep_default_na=False):
            chunk.columns = chunk.columns.str.strip()
            missing = {"emotion", "pixels", "Usage"} - set(chunk.columns)
            if missing:
                raise FerlabError(
                    f"{path} lacks the column {min(missing)!r}; FER-2013's csv has emotion, pixels and Usage."
                )
            for code, pixels, usage in zip(chunk["emotion"], chunk["pixels"], chunk["Usage"], strict=True):
                images.append(_parse_pixels(pixels, path, row))
                codes.append(code.strip())
                usages.append(usage.strip())
                row += 1
    except ValueError as error:  # pandas' parser errors and undecodable text
        raise FerlabError(f"{path} is not a readable csv (near row {row}); get FER-2013 again.") from error
    if not images:
        raise FerlabError(f"{path} holds no rows; get FER-2013 again.")
    codes = [_code(text) for text in codes]
    numbers = {code: CLASSES.index(name) for code, name in coding}
    for row, (code, usage) in enumerate(zip(codes, usages, strict=True)):
        if code not in numbers:
            raise unknown_code("FER-2013", coding, f"Row {row} of {path} has the emotion {code!r}", code, set(codes))
        if usage not in USAGES:
            raise FerlabError(
                f"Row {row} of {path} has the Usage {usage!r} instead of {', '.join(USAGES)}: "
                "the file is truncated or damaged, get FER-2013 again."
            )
    parts = {usage: {code for code, of in zip(codes, usages, strict=True) if of == usage} for usage in set(usages)}
    found = {f"The {usage} part of {path}": parts[usage] for usage in USAGES if usage in parts}
    check_codes("FER-2013", coding, found, needed=list(numbers))
    metadata = pd.DataFrame({"usage": usages, "number": pd.array(range(len(usages)), dtype="Int64")})
    return _Faces(np.stack(images), np.array([numbers[code] for code in codes], dtype=np.int64), metadata)


def _code(text: str) -> str:
    """An emotion as its code: spreadsheets make 3.0 of 3."""
    return text.strip().removesuffix(".0")


def _parse_pixels(text: str, path: Path, row: int) -> np.ndarray:
    try:
        values = np.fromstring(text, dtype=np.int64, sep=" ")
    except ValueError:
        values = np.array([])
    if values.shape != (SIZE * SIZE,) or values.min() < 0 or values.max() > 255:
        raise FerlabError(
            f"Row {row} of {path} does not hold {SIZE * SIZE} pixels from 0 to 255: "
            "the file is truncated or damaged, get FER-2013 again."
        )
    return values.astype(np.uint8).reshape(SIZE, SIZE)


# ------------------------------------------------------------------------------------------ folders
def _read_folders(root: Path, coding: Coding, megapixels: float) -> _Faces:
    folders, labels = ClassFolders(root), []
    present: dict[str, set[str]] = {}
    for part in ("train", "test"):
        found = 0
        for folder in visible(root / part):
            if not folder.is_dir():
                continue
            name = dict(coding).get(folder.name) or canonical_class(folder.name)
            if name not in CLASSES:
                raise FerlabError(
                    f"{folder} is not a class of FER-2013, whose folders are angry, disgust, fear, happy, sad, "
                    "surprise and neutral: if they are numbers, say with --labels 0=neutral,1=happiness,.. what each "
                    "label means."
                )
            images = folders.add(folder)
            labels += [CLASSES.index(name)] * len(images)
            found += len(images)
            if images:
                present.setdefault(part, set()).add(name)
        if not found:
            raise FerlabError(
                f"{root / part} holds no png or jpg images, nor any others, in class folders; unpack FER-2013 again."
            )
    for part, names in present.items():
        if missing := [name for name in CLASSES if name not in names]:
            raise FerlabError(
                f"{root / part} has no images of {', '.join(missing)}, which FER-2013 has: unpack it again, or read "
                "the faces with --dataset folder."
            )
    files = folders.files
    numbers = _numbers_from_names(path.stem for path in files)
    metadata = pd.DataFrame(
        {
            "usage": [_usage_from_path(path.relative_to(root)) for path in files],
            "number": pd.array(numbers, dtype="Int64"),
            "file": [printable(path.relative_to(root).as_posix()) for path in files],
        }
    )
    # The csv's order where it is known, so that both layouts agree; a fixed order otherwise.
    order = metadata.sort_values(["number", "file"]).index.to_numpy()
    decoded = np.empty((len(files), SIZE, SIZE), dtype=np.uint8)
    for place, index in enumerate(order):
        decoded[place] = _decode(files[index], megapixels)
    metadata = metadata.iloc[order].reset_index(drop=True)
    return _Faces(decoded, np.array(labels, dtype=np.int64)[order], metadata, folders.notes())


def _usage_from_path(path: Path) -> str:
    if path.parts[0] == "train":
        return "Training"
    usage = path.name.split("_")[0]
    return usage if usage in USAGES[1:] else "test"


def _numbers_from_names(stems: Iterable[str]) -> list[int | None]:
    """The numbers where every name carries one below 35,887; those of some copies mean something else."""
    matches = [re.fullmatch(rf"(?:{'|'.join(USAGES)})_(\d+)", stem) for stem in stems]
    numbers = [int(match[1]) for match in matches if match]
    if len(numbers) < len(matches) or len(set(numbers)) < len(numbers) or max(numbers) >= ROWS:
        return [None] * len(matches)
    return numbers


def _decode(path: Path, megapixels: float) -> np.ndarray:
    picture = read_face_file(path, megapixels=megapixels)
    if picture.size != (SIZE, SIZE):
        wide, high = picture.size
        raise FerlabError(f"The image {path} has {wide} x {high} pixels; those of FER-2013 have {SIZE} x {SIZE}.")
    return np.asarray(picture.convert("L"))


# -------------------------------------------------------------------------------------------- splits
def _split_indices(faces: _Faces, hashes: np.ndarray) -> dict[str, np.ndarray]:
    usage = faces.metadata["usage"].to_numpy()
    training = np.flatnonzero(usage == "Training")
    if set(usage) == set(USAGES):
        return {
            "train": training,
            "validation": np.flatnonzero(usage == "PublicTest"),
            "test": np.flatnonzero(usage == "PrivateTest"),
        }
    apart = held_out(faces.labels[training], hashes[training])
    return {
        "train": training[~apart],
        "validation": training[apart],
        "test": np.flatnonzero(usage != "Training"),
    }


# -------------------------------------------------------------------------------------------- FER+
def _read_votes(path: Path, metadata: pd.DataFrame) -> pd.DataFrame:
    """FER+ votes, indexed by the numbers in ``metadata``.

    FER+ has one line for every row of ``fer2013.csv``, in its order. It also numbers its images
    (``fer0000012.png``), and skips those without a face: image 59 is row 60. Copies in folders carry the
    one or the other number; the one under which more images agree in their usage is taken.
    """
    names = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    names += ["contempt", "unknown", "NF"]
    try:
        table = pd.read_csv(path)
        votes = table[names].astype("Int64").add_prefix("ferplus_")
        image = table["Image name"].astype("string").str.extract(r"^fer(\d+)\.png$", expand=False)
        usage = table["Usage"].fillna("").astype(str)
    except (ValueError, KeyError, TypeError) as error:  # ValueError includes pandas' own
        raise FerlabError(f"{path} is not FER+'s {VOTES_NAME}; get it again or remove it.") from error
    named = image.dropna().astype("int64")
    # Of identical images, which share a number, the one that it was given to.
    distance = np.abs(named.to_numpy() - named.index.to_numpy())
    named = named.iloc[np.argsort(distance, kind="stable")].drop_duplicates()
    numbered = metadata.dropna(subset="number").set_index("number")["usage"]

    def agreement(lines: np.ndarray, numbers: np.ndarray) -> int:
        return int((numbered.reindex(numbers).to_numpy() == usage.iloc[lines].to_numpy()).sum())

    by_row = agreement(named.index.to_numpy(), named.index.to_numpy())
    if by_row > agreement(named.index.to_numpy(), named.to_numpy()):
        return votes
    votes = votes.loc[named.index]
    votes.index = pd.Index(named.to_numpy())
    return votes

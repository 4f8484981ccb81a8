"""A folder of faces in a trained embedding space."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.arguments import check_cap
from ferlab.data.decoding import MEGAPIXELS, ImageError, is_image_name, looks_like_image
from ferlab.data.image_files import JUNK, in_threads, middle_square, read_face_file
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.evaluation import Predictions, predict
from ferlab.models import ExpressionNetwork
from ferlab.projection.aligned import MINIMUM_POINTS, aligned_layouts
from ferlab.projection.cost import map_cost
from ferlab.runs import RunFolder
from ferlab.runs.reading import PLANE
from ferlab.texts import printable

AT_ONCE = 512  # images in memory
SHOWN_FROM = 200  # images; fewer are embedded before anybody asks for a progress bar
SHOWN = 20  # of the images left out, on the terminal


def embed_folder(
    run: Path,
    folder: Path,
    method: str | None = None,
    seed: int = 0,
    *,
    megapixels: float = MEGAPIXELS,
    mapped: bool | None = None,
) -> tuple[pd.DataFrame, dict[Path, str]]:
    """Show every image in a folder to a trained network.

    Images should be crops of one face each, as those of the training set are: nothing is searched for in them. Each is
    cut to a square about its middle and scaled to the network's size. They are known by their content, whatever they
    are called, and at most 512 of them are in memory at a time.

    Args:
        run: folder of a comparison.
        folder: searched with its subfolders.
        method, seed: which network of the run; its first method by default.
        megapixels: of the largest image that is read.
        mapped: compute a map; None: where that takes less than a minute and 2 GB (:func:`map_cost`).

    Returns:
        One row an image (``file``, ``predicted``, ``confidence``, a probability ``p_<class>`` for each class,
        ``embedding``, and map coordinates ``x``, ``y``: by UMAP, NaN below 10 images and without a map, or the
        embedding itself where it has two dimensions), and the images left out, each with the reason.

    Raises:
        FerlabError: no such run, method or folder, or no image in it.

    Warns:
        FerlabWarning: other files in the folder, too few images for a map, a map that takes minutes.
    """
    megapixels = check_cap(megapixels, "megapixels")
    network, classes, size = RunFolder(run).network(method, seed)
    if not folder.is_dir():
        raise FerlabError(f"There is no folder {folder}: name one with face images.")
    files, others = _images_below(folder)
    seen, kept, skipped = _embedded(network, files, size, megapixels)
    if not kept:
        found = f"none of its {len(files)} image files can be decoded" if files else "no image files are in it"
        raise FerlabError(f"{folder} holds no faces to embed: {found}.")
    if others:
        count = f"{len(others):,} other file{'s' if len(others) > 1 else ''}"
        _warn(f"{folder} has {count}, no image, left out: {printable(others[0].name)}{', ..' if others[1:] else ''}")
    maps = _map_of(seen.embeddings, mapped)
    rows = pd.DataFrame(
        {
            "file": [printable(path.relative_to(folder).as_posix()) for path in kept],
            "predicted": [classes[i] for i in seen.predicted],
            "confidence": seen.confidence,
            **{f"p_{name}": seen.probabilities[:, i] for i, name in enumerate(classes)},
            "embedding": list(seen.embeddings),
            "x": maps[:, 0],
            "y": maps[:, 1],
        }
    )
    return rows, skipped


def read_face(path: Path, size: int, channels: int, *, megapixels: float = MEGAPIXELS) -> np.ndarray:
    """uint8 (size, size, channels): the middle square of an image, upright as its camera held it.

    Raises:
        ImageError: no image, or one that cannot be read.
    """
    picture = read_face_file(path, megapixels=megapixels)
    face = middle_square(picture.convert("L" if channels == 1 else "RGB"), size)
    return face.reshape(size, size, channels)


def no_map_sentence(rows: pd.DataFrame) -> str:
    """Why the rows of :func:`embed_folder` have no coordinates; empty where they have some."""
    if np.isfinite(rows["x"]).any():
        return ""
    if len(rows) < MINIMUM_POINTS:
        return f"A map needs at least {MINIMUM_POINTS} faces, so x and y are left empty for these {len(rows)}."
    cost = map_cost(len(rows), len(rows["embedding"].iloc[0]))
    return f"Without a map: x and y are left empty. A map of these {len(rows):,} faces takes {cost}; --map computes it."


def _images_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files in a folder and its subfolders, and other files; hidden ones are neither."""
    images: list[Path] = []
    others: list[Path] = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") or part.lower() in JUNK for part in path.relative_to(folder).parts)
        if is_hidden or path.is_dir():
            continue
        is_image = is_image_name(path) or (path.is_file() and looks_like_image(path))
        (images if is_image else others).append(path)
    return images, others


def _embedded(
    network: ExpressionNetwork, files: Sequence[Path], size: int, megapixels: float
) -> tuple[Predictions, list[Path], dict[Path, str]]:
    """What the network says of the images, which these are, and why the others were left out."""
    found: list[Predictions] = []
    kept: list[Path] = []
    skipped: dict[Path, str] = {}

    def read(path: Path) -> np.ndarray | str:
        try:
            return read_face(path, size, network.in_channels, megapixels=megapixels)
        except ImageError as error:
            return error.what

    for block in _with_progress(files):
        faces = []
        for path, face in zip(block, in_threads(read, block, "decoding faces"), strict=True):
            if isinstance(face, str):
                skipped[path] = face
            else:
                faces.append(face)
                kept.append(path)
        if faces:
            found.append(predict(network, np.stack(faces)))
    whole = [np.concatenate([getattr(part, name) for part in found]) if found else np.empty((0, 0))
             for name in ("embeddings", "probabilities")]  # fmt: skip
    return Predictions(*whole), kept, skipped


def _with_progress(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """The files in blocks, with a bar on the terminal that counts images."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=len(files) < SHOWN_FROM) as progress:
        task = progress.add_task("embedding faces", total=len(files))
        for start in range(0, len(files), AT_ONCE):
            block = files[start : start + AT_ONCE]
            yield block
            progress.advance(task, len(block))


def _map_of(embeddings: np.ndarray, mapped: bool | None) -> np.ndarray:
    """float (N, 2); NaN where there is no map."""
    count, size = embeddings.shape
    if size == PLANE:
        return embeddings
    if count < MINIMUM_POINTS or mapped is False or (mapped is None and map_cost(count, size).is_high):
        return np.full((count, 2), np.nan, np.float32)
    return aligned_layouts({"faces": embeddings})["faces"]


def _warn(sentence: str) -> None:
    warnings.warn(sentence, FerlabWarning, stacklevel=3)

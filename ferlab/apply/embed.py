"""A folder of faces in a trained embedding space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL.Image import DecompressionBombError

from ferlab.data.image_files import SUFFIXES as IMAGE_SUFFIXES
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.projection.aligned import MINIMUM_POINTS, aligned_layouts
from ferlab.runs import RunFolder
from ferlab.runs.reading import PLANE

SUFFIXES = (*IMAGE_SUFFIXES, ".gif")


def embed_folder(run: Path, folder: Path, method: str | None = None, seed: int = 0) -> tuple[pd.DataFrame, list[Path]]:
    """Show every image in a folder to a trained network.

    Images should be crops of one face each, as those of the training set are: nothing is searched for in them. Each is
    cut to a square about its middle and scaled to the network's size.

    Args:
        run: folder of a comparison.
        folder: searched with its subfolders.
        method, seed: which network of the run; its first method by default.

    Returns:
        One row an image (``file``, ``predicted``, ``confidence``, a probability ``p_<class>`` for each class,
        ``embedding``, and map coordinates ``x``, ``y``: by UMAP, NaN below 10 images, or the embedding itself where it
        has two dimensions), and the files left out because they cannot be decoded.

    Raises:
        FerlabError: no such run, method or folder, or no image in it.
    """
    network, classes, size = RunFolder(run).network(method, seed)
    if not folder.is_dir():
        raise FerlabError(f"There is no folder {folder}: name one with face images.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    faces, kept, skipped = [], [], []
    for path in files:
        try:
            faces.append(read_face(path, size, network.in_channels))
            kept.append(path)
        except (OSError, ValueError, DecompressionBombError):
            skipped.append(path)
    if not faces:
        found = f"none of its {len(files)} image files can be decoded" if files else "no image files are in it"
        raise FerlabError(f"{folder} holds no faces to embed: {found}.")
    seen = predict(network, np.stack(faces))
    maps = np.full((len(faces), 2), np.nan, np.float32)
    if seen.embeddings.shape[1] == PLANE:
        maps = seen.embeddings
    elif len(faces) >= MINIMUM_POINTS:
        maps = aligned_layouts({"faces": seen.embeddings})["faces"]
    rows = pd.DataFrame(
        {
            "file": [path.relative_to(folder).as_posix() for path in kept],
            "predicted": [classes[i] for i in seen.predicted],
            "confidence": seen.confidence,
            **{f"p_{name}": seen.probabilities[:, i] for i, name in enumerate(classes)},
            "embedding": list(seen.embeddings),
            "x": maps[:, 0],
            "y": maps[:, 1],
        }
    )
    return rows, skipped


def read_face(path: Path, size: int, channels: int) -> np.ndarray:
    """uint8 (size, size, channels): the middle square of an image, upright as its camera held it.

    Raises:
        OSError, ValueError: no image.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
    face = np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS))
    return face.reshape(size, size, channels)

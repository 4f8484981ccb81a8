"""AffectNet: large faces from the web with expression, valence and arousal (Mollahosseini, Hasani & Mahoor, 2019).

Mollahosseini, Hasani & Mahoor, *AffectNet: A Database for Facial Expression, Valence, and Arousal Computing in the
Wild*, IEEE Transactions on Affective Computing 10(1), 2019, arXiv:1708.03985.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, CONTEMPT
from ferlab.data.dataset import FaceDataset
from ferlab.data.image_files import FaceFiles, content_hashes, fingerprint, images_in, in_threads, load_split
from ferlab.errors import FerlabError

__all__ = ["load_affectnet"]

SIZE = 112  # side of a face in memory: the 287,651 faces of the smaller release take 11 GB
CODED = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")  # codes 0 to 7
LISTS = {"train": "training.csv", "test": "validation.csv"}
SETS = {"train": "train_set", "test": "val_set"}
PICTURES = ("Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images", ".")
COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
    "valence", "arousal",
)  # fmt: skip
_EXPECTED = "training.csv and validation.csv with Manually_Annotated_Images/, or train_set/ and val_set/"


def load_affectnet(split: str, root: Path | None, contempt: bool = False) -> FaceDataset:
    """Load one split of AffectNet's manually labelled faces.

    Accepts the first release, ``training.csv`` and ``validation.csv`` (in ``root`` or in a folder of it) with the
    pictures in ``Manually_Annotated_Images``, out of which the faces are cut; and the later one, ``train_set`` and
    ``val_set`` with ``images/<id>.jpg`` and ``annotations/<id>_exp.npy``, ``_val.npy`` and ``_aro.npy``. Pictures
    without one of the classes (none, uncertain, no face) are left out.

    AffectNet's test part was never published: its validation part is the test split here, as in the papers, and 10 % of
    each class of the training part are held out as validation, those whose files have the smallest hash.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"``.
        root: the folder of the data set.
        contempt: whether to keep contempt, as the eighth class (AffectNet-8).

    Returns:
        Images of shape (N, 112, 112, 3), labels in the canonical class order. Metadata columns: ``usage``, ``file``
        (relative to ``root``), ``valence`` and ``arousal`` (-1 to 1), ``duplicate_of_train``.

    Raises:
        FerlabError: no root, nothing to read there, a damaged csv, annotation or image.

    Example:
        >>> test = load_affectnet("test", Path("affectnet"), contempt=True)   # doctest: +SKIP
        >>> test.classes[-1]                                                  # doctest: +SKIP
        'contempt'
    """
    if root is None:
        raise FerlabError(f"AffectNet is not built in; name the folder that holds {_EXPECTED} (--root DIR).")
    root = Path(root)
    folder = next((path.parent for pattern in ("", "*/") for path in root.glob(f"{pattern}{LISTS['train']}")), None)
    if folder is not None:
        faces = _read_csvs(root, folder, fingerprint(*(path for path in folder.glob("*.csv"))))
    elif (root / SETS["train"]).is_dir():
        faces = _read_sets(root, fingerprint(*sorted(root.glob("*_set/*/"))))
    else:
        raise FerlabError(f"{root} holds no AffectNet; it needs {_EXPECTED}.")
    classes = (*CLASSES, CONTEMPT) if contempt else CLASSES
    kept = np.flatnonzero(faces.labels < len(classes))
    faces = FaceFiles(
        faces.root, [faces.files[i] for i in kept], faces.labels[kept],
        faces.metadata.iloc[kept].reset_index(drop=True), faces.hashes[kept],
        None if faces.boxes is None else faces.boxes[kept],
    )  # fmt: skip
    return load_split("affectnet-8" if contempt else "affectnet", split, faces, classes, SIZE)


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read_csvs(root: Path, folder: Path, fingerprint: tuple) -> FaceFiles:
    tables = [_read_csv(folder / name).assign(usage=usage) for usage, name in LISTS.items()]
    table = pd.concat(tables, ignore_index=True)
    pictures = next((root / name for name in PICTURES if (root / name / table.iloc[0, 0]).is_file()), None)
    if pictures is None:
        raise FerlabError(f"{root} has no picture {table.iloc[0, 0]}; unpack {PICTURES[0]} there, all of its parts.")
    files = [pictures / name for name in table["subDirectory_filePath"]]
    boxes = table[["face_x", "face_y", "face_width", "face_height"]].to_numpy().astype(np.int64)
    return _faces(root, files, table["expression"].to_numpy(), table[["usage", "valence", "arousal"]], boxes)


def _read_csv(path: Path) -> pd.DataFrame:
    """The rows with one of the classes; numbers where there should be some."""
    if not path.is_file():
        raise FerlabError(f"{path} is missing; get both of AffectNet's lists, {' and '.join(LISTS.values())}.")
    try:
        with path.open(encoding="utf-8") as lines:
            headed = lines.readline().startswith(COLUMNS[0])
        table = pd.read_csv(path, header=0 if headed else None, names=None if headed else COLUMNS)
        table = table[pd.to_numeric(table["expression"], errors="coerce").isin(range(len(CODED)))]
        numbers = [name for name in COLUMNS if name not in (COLUMNS[0], "facial_landmarks")]
        table = table.astype({name: float for name in numbers} | {COLUMNS[0]: str})
    except (ValueError, KeyError) as error:  # ValueError includes pandas' own, and undecodable text
        raise FerlabError(f"{path} is not AffectNet's list ({error}); get it again.") from error
    if not len(table) or not np.isfinite(table[numbers].to_numpy()).all():
        raise FerlabError(f"{path} holds no faces, or some without a box; get it again.")
    return table[[COLUMNS[0], *numbers]]


@lru_cache(maxsize=1)
def _read_sets(root: Path, fingerprint: tuple) -> FaceFiles:
    files, usages = [], []
    for usage, name in SETS.items():
        if not (root / name / "images").is_dir() or not (root / name / "annotations").is_dir():
            raise FerlabError(f"{root / name} needs the folders images and annotations; unpack AffectNet again.")
        found = images_in(root / name / "images")
        files += found
        usages += [usage] * len(found)
    values = np.array(in_threads(_annotation, files, "reading annotations"), dtype=np.float64).reshape(-1, 3)
    known = np.flatnonzero(values[:, 0] < len(CODED))
    about = pd.DataFrame({"usage": usages, "valence": values[:, 1], "arousal": values[:, 2]}).iloc[known]
    return _faces(root, [files[i] for i in known], values[known, 0], about.reset_index(drop=True))


def _annotation(image: Path) -> list[float]:
    """Expression, valence and arousal of one image."""
    found = []
    for what in ("exp", "val", "aro"):
        path = image.parent.parent / "annotations" / f"{image.stem}_{what}.npy"
        try:
            found.append(float(np.load(path, allow_pickle=False)))
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise FerlabError(f"The annotation {path} is missing or damaged; unpack AffectNet again.") from error
    if found[0] < 0 or found[0] != int(found[0]):
        raise FerlabError(f"The image {image} has the expression {found[0]:g}; AffectNet knows 0 to 10.")
    return found


def _faces(
    root: Path, files: list[Path], codes: np.ndarray, about: pd.DataFrame, boxes: np.ndarray | None = None
) -> FaceFiles:
    order = (*CLASSES, CONTEMPT)
    lookup = np.array([order.index(name) for name in CODED], dtype=np.int64)
    metadata = about.assign(file=[path.relative_to(root).as_posix() for path in files])
    return FaceFiles(root, files, lookup[codes.astype(np.int64)], metadata, content_hashes(files), boxes)

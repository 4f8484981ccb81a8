"""AffectNet: large faces from the web with expression, valence and arousal (Mollahosseini, Hasani & Mahoor, 2019).

Mollahosseini, Hasani & Mahoor, *AffectNet: A Database for Facial Expression, Valence, and Arousal Computing in the
Wild*, IEEE Transactions on Affective Computing 10(1), 2019, arXiv:1708.03985.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES, CONTEMPT
from ferlab.data.codes import AFFECTNET, AFFECTNET_CODING, Coding, check_codes, coding_of, unknown_code
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import MEGAPIXELS
from ferlab.data.image_files import ClassFolders, FaceFiles, content_hashes, fingerprint, in_threads, load_split
from ferlab.errors import FerlabError
from ferlab.files import regular_file
from ferlab.texts import printable

__all__ = ["load_affectnet"]

SIZE = 112  # side of a face in memory: the 287,651 faces of the smaller release take 11 GB
CODED = AFFECTNET  # codes 0 to 7
NOT_USED = ("8", "9", "10")  # none, uncertain, no face
UNKNOWN = -2.0  # valence and arousal where there is no face to say them of
LARGEST_ANNOTATION = 4096  # bytes of a file with one number in it
# NumPy parses a header as Python, which several threads of Python 3.11 cannot do at once: a SystemError now and then.
_PARSING = threading.Lock()
LISTS = {"train": "training.csv", "test": "validation.csv"}
SETS = {"train": "train_set", "test": "val_set"}
PICTURES = ("Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images", ".")
COLUMNS = (
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
    "valence", "arousal",
)  # fmt: skip
_EXPECTED = "training.csv and validation.csv with Manually_Annotated_Images/, or train_set/ and val_set/"


def load_affectnet(
    split: str,
    root: Path | None,
    contempt: bool = False,
    *,
    labels: Mapping[str, str] | None = None,
    megapixels: float = MEGAPIXELS,
) -> FaceDataset:
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
        labels: what the numbers of another copy mean, such as ``{"1": "neutral", "2": "happiness", ..}``.
        megapixels: of the largest image that is read.

    Returns:
        Images of shape (N, 112, 112, 3), labels in the canonical class order. Metadata columns: ``usage``, ``file``
        (relative to ``root``), ``valence`` and ``arousal`` (-1 to 1; missing where AffectNet has -2, unknown),
        ``duplicate_of_train``.

    Raises:
        FerlabError: no root, nothing to read there, a damaged csv, annotation or image, expressions that AffectNet does
            not know, or not all that it has, valence and arousal outside -1..1, a list that points out of the folder.

    Example:
        >>> test = load_affectnet("test", Path("affectnet"), contempt=True)   # doctest: +SKIP
        >>> test.classes[-1]                                                  # doctest: +SKIP
        'contempt'
    """
    if root is None:
        raise FerlabError(f"AffectNet is not built in; name the folder that holds {_EXPECTED} (--root DIR).")
    root = Path(root)
    coding = coding_of("AffectNet", AFFECTNET_CODING, labels, (*CLASSES, CONTEMPT))
    folder = next((path.parent for pattern in ("", "*/") for path in root.glob(f"{pattern}{LISTS['train']}")), None)
    if folder is not None:
        faces = _read_csvs(root, folder, coding, fingerprint(*(path for path in folder.glob("*.csv"))))
    elif (root / SETS["train"]).is_dir():
        faces = _read_sets(root, coding, fingerprint(*sorted(root.glob("*_set/*/"))))
    else:
        raise FerlabError(f"{root} holds no AffectNet; it needs {_EXPECTED}.")
    classes = (*CLASSES, CONTEMPT) if contempt else CLASSES
    kept = np.flatnonzero(faces.labels < len(classes))
    faces = FaceFiles(
        faces.root, [faces.files[i] for i in kept], faces.labels[kept],
        faces.metadata.iloc[kept].reset_index(drop=True), faces.hashes[kept],
        None if faces.boxes is None else faces.boxes[kept], faces.notes,
    )  # fmt: skip
    return load_split("affectnet-8" if contempt else "affectnet", split, faces, classes, SIZE, megapixels=megapixels)


@lru_cache(maxsize=1)  # the three splits come from one look at the files
def _read_csvs(root: Path, folder: Path, coding: Coding, fingerprint: tuple) -> FaceFiles:
    tables = [_read_csv(folder / name, coding).assign(usage=usage) for usage, name in LISTS.items()]
    table = pd.concat(tables, ignore_index=True)
    pictures = next((root / name for name in PICTURES if (root / name / table.iloc[0, 0]).is_file()), None)
    if pictures is None:
        raise FerlabError(f"{root} has no picture {table.iloc[0, 0]}; unpack {PICTURES[0]} there, all of its parts.")
    files = [pictures / name for name in table["subDirectory_filePath"]]
    boxes = table[["face_x", "face_y", "face_width", "face_height"]].to_numpy().astype(np.int64)
    about = table[["usage", "valence", "arousal"]]
    return _faces(root, files, table["expression"].tolist(), about, coding, boxes=boxes)


def _read_csv(path: Path, coding: Coding) -> pd.DataFrame:
    """The rows with one of the classes, their expression as the code; numbers where there should be some."""
    if not path.is_file():
        raise FerlabError(f"{path} is missing; get both of AffectNet's lists, {' and '.join(LISTS.values())}.")
    numbers = [name for name in COLUMNS if name not in (COLUMNS[0], "facial_landmarks", "expression")]
    try:
        with path.open(encoding="utf-8") as lines:
            headed = lines.readline().startswith(COLUMNS[0])
        table = pd.read_csv(path, header=0 if headed else None, names=None if headed else COLUMNS)
        codes = [_code(value) for value in table["expression"]]
        _check_codes(codes, coding, lambda at: f"Line {at + 1 + headed} of {path}")
        _check_all_there(codes, coding, str(path))
        table = table.assign(expression=codes, line=np.arange(len(table)) + 1 + headed)
        table = table[table["expression"].isin(dict(coding))]
        table = table.astype({name: float for name in numbers})
        table[COLUMNS[0]] = table[COLUMNS[0]].fillna("").astype(str)
    except (ValueError, KeyError) as error:  # ValueError includes pandas' own, and undecodable text
        raise FerlabError(f"{path} is not AffectNet's list ({error}); get it again.") from error
    boxes = table[["face_x", "face_y", "face_width", "face_height"]].to_numpy()
    if not len(table) or not (np.abs(boxes) < 1e6).all():  # NaN is not either
        raise FerlabError(f"{path} holds no faces, or some without a box; get it again.")
    for name in ("valence", "arousal"):
        table[name] = _checked(name, table[name].to_numpy(), lambda at: f"Line {table['line'].iloc[at]} of {path}")
    for line, name in zip(table["line"], table[COLUMNS[0]], strict=True):
        if not _stays_inside(name):
            raise FerlabError(
                f"Line {line} of {path} names the picture {name[:60]!r}, {'' if name.strip() else 'which is none, or '}"
                "outside AffectNet's own folder; do not use this list, get it again."
            )
    return table[[COLUMNS[0], "expression", *numbers]]


def _stays_inside(name: str) -> bool:
    """Whether a path of a list stays in the folder that it is relative to, on any system.

    >>> _stays_inside("1/a.jpg"), _stays_inside("../a.jpg"), _stays_inside("C:\\\\a.jpg"), _stays_inside("/a.jpg")
    (True, False, False, False)
    """
    windows = PureWindowsPath(name)
    is_absolute = PurePosixPath(name).is_absolute() or bool(windows.drive or windows.root)
    return bool(name.strip()) and not is_absolute and ".." not in windows.parts and "\0" not in name


def _code(value: object) -> str:
    """An expression as its code: 3, 3.0 and "3" are the same.

    >>> _code(3.0), _code("3"), _code(2.5), _code("x")
    ('3', '3', '2.5', 'x')
    """
    text = str(value).strip()
    return text.removesuffix(".0")


def _check_codes(codes: list[str], coding: Coding, says: Callable[[int], str]) -> None:
    """Refuse an expression that AffectNet does not know; `says` begins the sentence about one of them."""
    known = {*dict(coding), *NOT_USED}
    for place, code in enumerate(codes):
        if code not in known:
            raise unknown_code("AffectNet", coding, f"{says(place)} has the expression {code}", code, set(codes))


def _check_all_there(codes: list[str], coding: Coding, place: str) -> None:
    """Refuse a part without one of the seven: it may count in another way."""
    needed = [code for code, name in coding if name != CONTEMPT]  # copies of AffectNet-7 come without
    if codes:
        check_codes("AffectNet", coding, {place: set(codes) & set(dict(coding))}, needed=needed)


def _checked(name: str, values: np.ndarray, place: Callable[[int], str]) -> np.ndarray:
    """Valence or arousal, -1 to 1; NaN where they are unknown."""
    unknown = values == UNKNOWN
    possible = unknown | ((values >= -1) & (values <= 1))
    if not possible.all():
        at = int(np.flatnonzero(~possible)[0])
        raise FerlabError(
            f"{place(at)} has the {name} {values[at]:g}; AffectNet's lie between -1 and 1, and -2 says "
            "unknown: get AffectNet again."
        )
    return np.where(unknown, np.nan, values)


@lru_cache(maxsize=1)
def _read_sets(root: Path, coding: Coding, fingerprint: tuple) -> FaceFiles:
    folders, usages = ClassFolders(root), []
    for usage, name in SETS.items():
        if not (root / name / "images").is_dir() or not (root / name / "annotations").is_dir():
            raise FerlabError(f"{root / name} needs the folders images and annotations; unpack AffectNet again.")
        usages += [usage] * len(folders.add(root / name / "images"))
    files = folders.files
    values = np.array(in_threads(_annotation, files, "reading annotations"), dtype=np.float64).reshape(-1, 3)
    codes = [f"{value:g}" for value in values[:, 0]]
    _check_codes(codes, coding, lambda at: f"The image {files[at]}")
    for usage, name in SETS.items():
        here = [code for code, of in zip(codes, usages, strict=True) if of == usage]
        _check_all_there(here, coding, str(root / name))
    for column, name in ((1, "valence"), (2, "arousal")):
        values[:, column] = _checked(name, values[:, column], lambda at: f"The image {files[at]}")
    known = [place for place, code in enumerate(codes) if code in dict(coding)]
    about = pd.DataFrame({"usage": usages, "valence": values[:, 1], "arousal": values[:, 2]}).iloc[known]
    about = about.reset_index(drop=True)
    kept, kept_codes = [files[i] for i in known], [codes[i] for i in known]
    return _faces(root, kept, kept_codes, about, coding, notes=folders.notes())


def _annotation(image: Path) -> list[float]:
    """Expression, valence and arousal of one image."""
    found = []
    for what in ("exp", "val", "aro"):
        path = image.parent.parent / "annotations" / f"{image.stem}_{what}.npy"
        try:
            found.append(_number_in(path))
        except (OSError, ValueError, TypeError, EOFError, FerlabError) as error:
            raise FerlabError(f"The annotation {path} is missing or damaged; unpack AffectNet again.") from error
    return found


def _number_in(path: Path) -> float:
    """The one number of an annotation. Its file says how large it is and what it would fill, so both are looked at.

    Raises:
        OSError, ValueError, TypeError, EOFError, FerlabError: it holds something else.
    """
    with regular_file(path) as file:
        content = file.read(LARGEST_ANNOTATION + 1)
    if len(content) > LARGEST_ANNOTATION:
        raise ValueError("an annotation is one number")
    header = io.BytesIO(content)
    version = np.lib.format.read_magic(header)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with _PARSING:
        shape, _, kind = read(header)
    if shape not in ((), (1,)) or kind.itemsize > LARGEST_ANNOTATION:
        raise ValueError("an annotation is one number")
    return float(np.frombuffer(content[header.tell() :], dtype=kind, count=1)[0].item())


def _faces(
    root: Path,
    files: list[Path],
    codes: list[str],
    about: pd.DataFrame,
    coding: Coding,
    *,
    boxes: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
) -> FaceFiles:
    order = (*CLASSES, CONTEMPT)
    numbers = {code: order.index(name) for code, name in coding}
    labels = np.array([numbers[code] for code in codes], dtype=np.int64)
    metadata = about.assign(file=[printable(path.relative_to(root).as_posix()) for path in files])
    return FaceFiles(root, files, labels, metadata, content_hashes(files), boxes, notes)

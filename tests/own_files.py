"""Small copies of data sets in all layouts, with labels that count as one likes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ferlab.data.affectnet import COLUMNS

RAFDB, AFFECTNET, AFFECTNET_LIST, FER2013 = range(1, 8), range(8), range(11), range(7)  # their makers' codes


def face(number: int, size: tuple[int, int] = (12, 12)) -> np.ndarray:
    """uint8 (H, W, 3): pixels that no other number has."""
    return np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def save(path: Path, number: int, kind: str = "PNG", size: tuple[int, int] = (12, 12)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(face(number, size)).save(path, kind)
    return path


def class_folders(root: Path, names, each: int = 10, first: int = 0) -> Path:
    """``<name>/<number>.png``; returns ``root``."""
    for place, name in enumerate(names):
        for k in range(each):
            save(root / str(name) / f"{k}.png", first + place * each + k)
    return root


def rafdb_folders(root: Path, train=RAFDB, test=RAFDB) -> Path:
    class_folders(root / "DATASET" / "train", train, 3)
    class_folders(root / "DATASET" / "test", test, 1, first=1000)
    return root


def rafdb_list(root: Path, train=RAFDB, test=RAFDB) -> Path:
    lines = []
    for usage, codes, each in (("train", train, 3), ("test", test, 1)):
        for number, code in enumerate([code for code in codes for _ in range(each)], 1):
            name = f"{usage}_{number:05d}"
            save(root / "Image" / "aligned" / f"{name}_aligned.jpg", number + 1000 * (usage == "test"), "JPEG")
            lines.append(f"{name}.jpg {code}\n")
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
    return root


def affectnet_lists(root: Path, train=AFFECTNET_LIST, test=AFFECTNET_LIST, **cells) -> Path:
    """One picture for all rows; `cells` replace what the first row of the training list says."""
    save(root / "Manually_Annotated_Images" / "1" / "a.jpg", 1, "JPEG", (20, 20))
    for name, codes in (("training", train), ("validation", test)):
        rows = pd.DataFrame([("1/a.jpg", 2, 2, 10, 10, "1;2", code, 0.25, -0.5) for code in codes], columns=COLUMNS)
        if name == "training":
            rows = rows.astype({column: object for column in cells})
            for column, value in cells.items():
                rows.loc[0, column] = value
        rows.to_csv(root / f"{name}.csv", index=False)
    return root


def affectnet_sets(root: Path, train=AFFECTNET, test=AFFECTNET, valence: float = 0.5) -> Path:
    for name, codes in (("train_set", train), ("val_set", test)):
        (root / name / "annotations").mkdir(parents=True)
        for k, code in enumerate(codes):
            save(root / name / "images" / f"{k}.jpg", k + 1000 * (name == "val_set"), "JPEG")
            for what, value in (("exp", str(code)), ("val", str(valence)), ("aro", "-0.25")):
                np.save(root / name / "annotations" / f"{k}_{what}.npy", np.array(value))
    return root


def fer2013_csv(root: Path, train=FER2013, test=FER2013) -> Path:
    lines = ["emotion,pixels,Usage"]
    for usage, codes in (("Training", train), ("PublicTest", test), ("PrivateTest", test)):
        for place, code in enumerate(codes):
            lines.append(f"{code},{f'{3 * place + len(usage)} ' * 2304},{usage}")
    root.mkdir(parents=True, exist_ok=True)
    (root / "fer2013.csv").write_text("\n".join(lines) + "\n")
    return root


def fer2013_folders(root: Path, names=("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")) -> Path:
    for part, first in (("train", 0), ("test", 1000)):
        for place, name in enumerate(names):
            for k in range(3):
                save(root / part / str(name) / f"{k}.png", first + 3 * place + k, size=(48, 48))
    return root


def pack(source: Path, archive: Path) -> Path:
    """All files of a folder in a zip; returns its path."""
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            out.write(path, path.relative_to(source).as_posix())
    return archive

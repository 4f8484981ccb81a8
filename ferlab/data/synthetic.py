"""The built-in faces: rendered, FACS-controlled, shipped with the package (see docs/DATA_CARD.md)."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import read_image
from ferlab.data.splits import check_split
from ferlab.errors import FerlabError

FILES = Path(__file__).with_name("files")
MEND = "restore it with `git checkout -- ferlab/data/files` or render it again with data_scripts/render_synthetic.py"


def load_synthetic(split: str, root: str | Path | None = None) -> FaceDataset:
    """Load one split of the built-in faces.

    Args:
        split: "train" (9,000 images), "validation" (1,500) or "test" (3,000).
        root: folder with the Parquet files and synthetic.json; the package's own by default.

    Returns: FaceDataset with images uint8 (N, 64, 64, 3) and, in metadata, every column but the image:
    identity, variant, intensity, each action unit, pose, light, appearance.

    Raises:
        FerlabError: unknown split, or a file that is missing, truncated or altered (by its sha256).

    >>> faces = load_synthetic("validation")
    >>> faces.images.shape
    (1500, 64, 64, 3)
    """
    import pyarrow.parquet as pq

    check_split(split)
    folder = Path(root).expanduser() if root is not None else FILES
    path, record_path = folder / f"synthetic_{split}.parquet", folder / "synthetic.json"
    try:
        content = path.read_bytes()
        expected = json.loads(record_path.read_text())["files"][path.name]["sha256"]
    except (OSError, ValueError, KeyError) as error:
        missing = path if not path.is_file() else record_path
        raise FerlabError(f"The built-in faces need {missing}, which is missing or unreadable: {MEND}.") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise FerlabError(f"{path} is truncated or altered (its sha256 is not the recorded one): {MEND}.")
    table = pq.read_table(io.BytesIO(content))
    images = np.stack([np.asarray(read_image(encoded)) for encoded in table.column("image").to_pylist()])
    metadata = table.drop_columns(["image"]).to_pandas()
    index = {name: i for i, name in enumerate(CLASSES)}
    labels = metadata["class"].map(index).to_numpy(dtype=np.int64, copy=True)
    return FaceDataset("synthetic", split, images, labels, CLASSES, metadata)

"""Which faces a run was made of: the checksum of every split, so that going on with others is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError


def record_of(faces: FaceDataset) -> dict[str, Any]:
    """How many faces a split has, and the SHA-256 of their pixels, labels and class names, in their order.

    Metadata is left out: it says where files lie, which may differ from one machine to the next.

    >>> from ferlab.data import load_dataset
    >>> faces = load_dataset("synthetic", "validation")
    >>> record_of(faces) == record_of(faces), record_of(faces)["faces"] == len(faces)
    (True, True)
    """
    content = hashlib.sha256(json.dumps([faces.images.shape, faces.classes]).encode())
    for array in (faces.images, faces.labels.astype("<i8")):
        content.update(np.ascontiguousarray(array).data)
    return {"faces": len(faces), "sha256": content.hexdigest()}


def records_of(splits: Mapping[str, FaceDataset]) -> dict[str, dict[str, Any]]:
    """:func:`record_of` every split, as ``config.json`` keeps them under ``data``."""
    return {name: record_of(faces) for name, faces in splits.items()}


def check_same_faces(
    kept: Mapping[str, dict[str, Any]], splits: Mapping[str, FaceDataset], *, where: str, mend: str
) -> None:
    """A FerlabError unless splits are those that a run was made of; what nothing is known of passes.

    Args:
        kept: as ``config.json`` keeps them; empty in a run of an earlier version.
        splits: as they are now.
        where: the run, for the sentence.
        mend: what to do, as the sentence's end.
    """
    others = []
    for name, faces in splits.items():
        now, before = record_of(faces), kept.get(name)
        if before is None or now == before:
            continue
        counts = (
            f"{before['faces']:,} faces then, {now['faces']:,} now"
            if now["faces"] != before["faces"]
            else (f"{now['faces']:,} faces as then, but pictures, labels, classes or their order have changed")
        )
        others.append(f"{name} ({counts})")
    if others:
        source = next(iter(splits.values())).name
        raise FerlabError(
            f"{where} was made of other faces than {source} holds now, in {' and '.join(others)}: {mend}. (Another "
            "version of Pillow may decode pictures differently, too.)"
        )

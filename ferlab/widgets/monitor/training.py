"""Whether a folder holds the same training."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.files import read_json, write_json
from ferlab.methods import Method
from ferlab.runs.folder import flatten
from ferlab.runs.schema import MonitoredRecord
from ferlab.training import TrainSettings


def check_same_training(folder: Path, method: Method, settings: TrainSettings, splits: dict[str, FaceDataset]) -> None:
    """Note in a new folder what is trained there, and see that an earlier training in it was the same.

    Going on with other settings or faces would end with numbers that nobody could repeat.

    Raises:
        FerlabError: another training, or one of `ferlab compare`.
    """
    described = {"method": repr(method), "settings": dataclasses.asdict(settings)}
    for split, faces in splits.items():
        described[split] = {
            "name": faces.name,
            "classes": list(faces.classes),
            "faces": hashlib.sha256(faces.images.tobytes() + faces.labels.tobytes()).hexdigest(),
        }
    now = json.loads(json.dumps(described))
    path = folder / "training.json"
    if not path.exists():
        if (folder / "checkpoints").exists() or (folder / "scores.json").exists():
            raise FerlabError(f"{folder} holds a training of ferlab compare: choose another out.")
        return write_json(path, now)
    before = flatten(read_json(path, MonitoredRecord, mend="choose another out"))
    changes = [
        f"{name} was {before.get(name)} and is {value}"
        for name, value in flatten(now).items()
        if before.get(name) != value
    ]
    if changes:
        raise FerlabError(
            f"{folder} holds a training with other settings or faces ({', '.join(changes)}): use those, or another out."
        )

"""What a monitor's training is: its loss, and whether a folder holds the same one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.files import write_json
from ferlab.losses import AdCorreLoss
from ferlab.methods import Method, build_loss
from ferlab.runs.folder import flatten
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
    try:
        before = flatten(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FerlabError(f"{path} is damaged ({error}): choose another out.") from error
    changes = [
        f"{name} was {before.get(name)} and is {value}"
        for name, value in flatten(now).items()
        if before.get(name) != value
    ]
    if changes:
        raise FerlabError(
            f"{folder} holds a training with other settings or faces ({', '.join(changes)}): use those, or another out."
        )


def part_weights(method: Method, num_classes: int) -> dict[str, float]:
    """Every part of the method's loss and the factor with which it enters the total.

    >>> part_weights(Method(loss="tcl", embedding_size=64, metric_weight=2.0), 7)
    {'ce': 1.0, 'tcl': 0.03125}
    """
    joint = build_loss(method, num_classes)
    weights = {"ce": joint.ce_weight}
    if isinstance(joint.metric_loss, AdCorreLoss):
        return weights | {name: joint.metric_weight * weight for name, weight in joint.metric_loss.weights.items()}
    return weights | ({joint.name: joint.metric_weight} if joint.metric_loss is not None else {})

"""Finished trainings made small: half-precision networks, and the epochs' embeddings along few directions in bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.files import atomic_path, write_parquet
from ferlab.models import ExpressionNetwork
from ferlab.runs import FinishedTraining, RunFolder
from ferlab.runs.summary import measure, people_of, summarize

SEED = 0  # of the trainings whose networks are kept
DIRECTIONS = 40  # of a space that are kept of every epoch
RECORD = "gallery.json"


@dataclass(frozen=True)
class Part:
    """Some trainings that are opened together, as one run.

    Attributes:
        name: what :func:`~ferlab.gallery.open_gallery` calls it.
        run: where they were trained.
        maps: of all its test faces: rows with ``method``, ``x`` and ``y``, as ``embeddings.parquet`` has them.
        epochs: as ``epochs.parquet`` has them.
    """

    name: str
    run: RunFolder
    maps: pd.DataFrame
    epochs: pd.DataFrame

    @property
    def methods(self) -> list[str]:
        """Its methods, in order."""
        return list(dict.fromkeys(self.maps["method"]))

    def file_of(self, method: str) -> str:
        """Of a training; two parts of one run share it."""
        return f"{self.run.path.name}.{method}.safetensors"


def pack_gallery(
    parts: Sequence[Part], seeds: dict[str, Any], train_set: FaceDataset, test_set: FaceDataset, files: Path
) -> None:
    """Write the gallery's files.

    Networks are rounded to half precision and their scores measured again, so that the gallery's numbers are those of
    the networks in it.

    Args:
        parts: what can be opened.
        seeds: ``summary.json`` of a comparison with several seeds.
        train_set, test_set: the splits of all.
        files: folder to write.
    """
    packed: dict[str, tuple[FinishedTraining, dict[str, Any]]] = {}
    recorded: dict[str, Any] = {}
    for part in parts:
        finished = []
        for method in part.methods:
            file = part.file_of(method)
            if file not in packed:
                packed[file] = pack_training(part.run, method, train_set, test_set, files / file)
            finished.append(packed[file][0])
        write_parquet(files / f"{part.name}.epochs.parquet", _small(part.epochs))
        write_parquet(files / f"{part.name}.maps.parquet", _small(part.maps[["method", "x", "y"]]))
        summary = part.run.summary()
        recorded[part.name] = {
            "config": _config(part),
            "files": {method: part.file_of(method) for method in part.methods},
            "summary": summarize(
                finished,
                summary["dataset"],
                summary["epochs"],
                summary["seconds"],
                people_of(test_set),
                summary.get("diverged", {}),
            ),
        }
    trainings = {
        file: {"network": settings, "history": training.history.to_dict("list"), "scores": training.scores}
        for file, (training, settings) in packed.items()
    }
    record = {"parts": recorded, "trainings": trainings, "seeds_summary": seeds}
    with atomic_path(files / RECORD) as beside:
        beside.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


def pack_training(
    run: RunFolder, method: str, train_set: FaceDataset, test_set: FaceDataset, file: Path
) -> tuple[FinishedTraining, dict[str, Any]]:
    """Write one training's network and epochs.

    Returns:
        The training as the rounded network has it, and the network's settings.

    Raises:
        FerlabError: the training is not finished.
    """
    folder = run.training(method, SEED)
    if (finished := folder.load()) is None:
        raise FerlabError(f"{folder.path} is not finished: go on with ferlab compare --resume.")
    network = folder.load_network().network
    tensors = {f"network.{key}": _half(value) for key, value in network.state_dict().items()}
    tensors |= pack_epochs(folder.load_epochs(len(finished.history)))
    with atomic_path(file) as beside:
        save_file(tensors, beside)
    rounded = load_gallery_network(tensors, network.settings)
    seen = predict(rounded, test_set.images)
    scores = measure(rounded, train_set, test_set, seen, method)
    rows = finished.embeddings.assign(predicted=seen.predicted)
    return dataclasses.replace(finished, scores=scores, embeddings=rows), network.settings


def load_gallery_network(tensors: dict[str, torch.Tensor], settings: dict[str, Any]) -> ExpressionNetwork:
    """The network among a training's tensors, in single precision and evaluation mode."""
    network = ExpressionNetwork(**settings)
    state = {key.removeprefix("network."): value for key, value in tensors.items() if key.startswith("network.")}
    network.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in state.items()})
    return network.eval()


def pack_epochs(epochs: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """Embeddings (n, D) after every epoch, along their main directions and in bytes.

    Of every epoch the tensors hold the mean (E, D), the r = min(40, D) directions of largest variance (E, r, D), the
    faces' places along them (E, n, r) in bytes, and the value of one step (E,). A byte has 255 steps between the
    largest negative and positive place of an epoch.
    """
    packed: dict[str, list[np.ndarray]] = {"mean": [], "directions": [], "places": [], "step": []}
    for embeddings in epochs:
        mean = embeddings.astype(np.float32).mean(axis=0)
        _, _, rows = np.linalg.svd(embeddings.astype(np.float32) - mean, full_matrices=False)
        directions = rows[:DIRECTIONS].astype(np.float16)
        places = (embeddings - mean) @ directions.T.astype(np.float32)
        step = max(float(np.abs(places).max()), 1e-30) / 127
        packed["mean"].append(mean)
        packed["directions"].append(directions)
        packed["places"].append(np.round(places / step).astype(np.int8))
        packed["step"].append(np.asarray(step, dtype=np.float32))
    return {f"epochs.{name}": torch.from_numpy(np.stack(values)) for name, values in packed.items()}


def unpack_epochs(tensors: dict[str, torch.Tensor]) -> np.ndarray:
    """What :func:`pack_epochs` packed: float32 (E, n, D)."""
    mean, directions, places, step = (
        tensors[f"epochs.{name}"].float() for name in ("mean", "directions", "places", "step")
    )
    return (mean[:, None] + (places * step[:, None, None]) @ directions).numpy()


def _config(part: Part) -> dict[str, Any]:
    """``config.json`` of a part: that of its run, with its own methods and one seed."""
    config = part.run.config()
    settings = config["settings"]
    settings |= {"out": f"runs/gallery-{part.name}", "methods": part.methods, "seeds": 1}
    settings["table"] = {method: settings["table"][method] for method in part.methods}
    return config


def _small(rows: pd.DataFrame) -> pd.DataFrame:
    """Maps need no more than half precision to be drawn."""
    return rows.assign(**{name: rows[name].astype(np.float16) for name in ("x", "y")}).astype({"method": "category"})


def _half(value: torch.Tensor) -> torch.Tensor:
    return (value.half() if value.is_floating_point() else value.clone()).contiguous()

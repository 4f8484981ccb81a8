"""What one training leaves on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions
from ferlab.files import atomic_path, write_json, write_parquet
from ferlab.models import ExpressionNetwork
from ferlab.runs.folder import run_folder
from ferlab.runs.networks import load_network, save_network
from ferlab.runs.summary import FinishedRun, measure
from ferlab.vectors import random_part

EPOCH_FACES = 600  # enough to see classes form, few enough for a map after every epoch


def save_run(
    out: Path,
    method: str,
    seed: int,
    network: ExpressionNetwork,
    history: list[dict[str, float]],
    test_set: FaceDataset,
    predictions: Predictions,
) -> None:
    """Measure one trained network on the test split and write ``<method>/seed_<n>/``."""
    folder = run_folder(out, method, seed)
    scores = measure(test_set, predictions)
    history_rows = pd.DataFrame({"method": method, "seed": seed, **pd.DataFrame(history)})
    save_network(folder, network, test_set.classes, image_size=test_set.images.shape[1])
    write_parquet(folder / "history.parquet", history_rows)
    write_parquet(folder / "embeddings.parquet", face_rows(method, seed, test_set, predictions))
    write_json(folder / "scores.json", scores)  # last: its presence says that the run is finished


def face_rows(method: str, seed: int, test_set: FaceDataset, predictions: Predictions) -> pd.DataFrame:
    """One row a test face: what ``embeddings.parquet`` holds of one training."""
    return pd.DataFrame(
        {
            "method": method,
            "seed": seed,
            "index": np.arange(len(test_set)),
            "label": test_set.labels,
            "predicted": predictions.predicted,
            "confidence": predictions.confidence,
            "embedding": list(predictions.embeddings),
        }
    )


def save_epoch(folder: Path, epoch: int, predictions: Predictions) -> None:
    """Embeddings (n, D) of the followed validation faces after an epoch."""
    save_half(folder, epoch, predictions.embeddings[random_part(len(predictions.embeddings), EPOCH_FACES)])


def save_half(folder: Path, epoch: int, embeddings: np.ndarray) -> None:
    """Embeddings (n, D) in half precision: ``epochs/epoch_<n>.npy``."""
    with atomic_path(folder / "epochs" / f"epoch_{epoch:04d}.npy") as beside, beside.open("wb") as file:
        np.save(file, embeddings.astype(np.float16))


def load_epochs(folder: Path, epochs: int) -> list[np.ndarray]:
    """What :func:`save_epoch` wrote, in order; empty unless all ``epochs`` are there."""
    paths = [folder / "epochs" / f"epoch_{epoch:04d}.npy" for epoch in range(1, epochs + 1)]
    return [np.load(path) for path in paths] if all(path.is_file() for path in paths) else []


def load_run(out: Path, method: str, seed: int) -> FinishedRun | None:
    """What :func:`save_run` wrote, or None where the training is not finished or a file of it is damaged."""
    folder = run_folder(out, method, seed)
    try:
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        history, rows = (pd.read_parquet(folder / f"{name}.parquet") for name in ("history", "embeddings"))
        load_network(folder)
    except (OSError, ValueError, FerlabError):  # pyarrow's errors are among the first two
        return None
    return FinishedRun(method, seed, scores, history, rows)

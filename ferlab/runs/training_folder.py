"""One training of a run: ``<method>/seed_<n>/``, and what lies in it.

::

    model.safetensors, model.json    the network, its class names and the size of its images
    history.parquet                  one row an epoch
    embeddings.parquet               one row a test face
    scores.json                      its scores on the test split; written last: it says that the training is finished
    epochs/                          embeddings of some validation faces after every epoch
    tensorboard/
    checkpoints/                     while it trains (:mod:`ferlab.training.checkpoints`)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions, predict
from ferlab.files import atomic_path, write_json, write_parquet
from ferlab.models import ExpressionNetwork
from ferlab.runs.summary import FinishedTraining, measure
from ferlab.training.checkpoints import checkpoints
from ferlab.vectors import random_part

EPOCH_FACES = 600  # enough to see classes form, few enough for a map after every epoch


class StoredNetwork(NamedTuple):
    """A trained network in evaluation mode, its class names, and the side of its images in pixels."""

    network: ExpressionNetwork
    classes: tuple[str, ...]
    image_size: int


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one method with one seed.

    Attributes:
        path: where it lies; it need not be there yet.
        method, seed: what is trained there.
    """

    path: Path
    method: str
    seed: int

    @property
    def checkpoints(self) -> Path:
        """Where an unfinished training keeps its last epochs."""
        return self.path / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        """Where TensorBoard reads."""
        return self.path / "tensorboard"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process.

        A job can outlive the command that started it (after ``kill -9``); a second training in its folder would mix
        with it.

        Raises:
            FerlabError: another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            with lock.acquire(timeout=0):
                yield
        except Timeout as error:
            raise FerlabError(
                f"Another process is still training in {self.path}: wait for it or end it, then go on there."
            ) from error

    def save(
        self,
        network: ExpressionNetwork,
        history: list[dict[str, float]],
        train_set: FaceDataset,
        test_set: FaceDataset,
    ) -> None:
        """Measure a trained network and write everything; its checkpoints are then deleted.

        Args:
            network: as it came out of training.
            history: a row an epoch.
            train_set, test_set: what it is measured on.
        """
        predictions = predict(network, test_set.images)
        scores = measure(network, train_set, test_set, predictions, self.method)
        rows = pd.DataFrame({"method": self.method, "seed": self.seed, **pd.DataFrame(history)})
        self.save_network(network, test_set.classes, image_size=test_set.images.shape[1])
        self.write(rows, self.face_rows(test_set, predictions), scores)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def write(self, history: pd.DataFrame, embeddings: pd.DataFrame, scores: dict[str, Any]) -> None:
        """Write what was measured; ``scores.json`` last."""
        write_parquet(self.path / "history.parquet", history)
        write_parquet(self.path / "embeddings.parquet", embeddings)
        self.write_scores(scores)

    def write_scores(self, scores: dict[str, Any]) -> None:
        """Write ``scores.json``, which says that all is done."""
        write_json(self.path / "scores.json", scores)

    def load(self) -> FinishedTraining | None:
        """What :meth:`save` wrote, or None where the training is not finished or a file of it is damaged."""
        try:
            scores = json.loads((self.path / "scores.json").read_text(encoding="utf-8"))
            history, rows = (pd.read_parquet(self.path / f"{name}.parquet") for name in ("history", "embeddings"))
            self.load_network()
        except (OSError, ValueError, FerlabError):  # pyarrow's errors are among the first two
            return None
        return FinishedTraining(self.method, self.seed, scores, history, rows)

    def scores(self) -> dict[str, Any] | None:
        """What ``scores.json`` holds; None where there is none, or a damaged one."""
        try:
            return dict(json.loads((self.path / "scores.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def epochs_done(self, epochs: int) -> int:
        """How many of the ``epochs`` are finished by now."""
        if (self.path / "scores.json").exists():
            return epochs
        saved = checkpoints(self.checkpoints)
        return int(saved[-1].name.removeprefix("epoch_")) if saved else 0

    def face_rows(self, test_set: FaceDataset, predictions: Predictions) -> pd.DataFrame:
        """One row a test face: what ``embeddings.parquet`` holds."""
        return pd.DataFrame(
            {
                "method": self.method,
                "seed": self.seed,
                "index": np.arange(len(test_set)),
                "label": test_set.labels,
                "predicted": predictions.predicted,
                "confidence": predictions.confidence,
                "embedding": list(predictions.embeddings),
            }
        )

    def save_network(self, network: ExpressionNetwork, classes: tuple[str, ...], image_size: int) -> None:
        """Write the network's weights, and beside them what is needed to build it again.

        Raises:
            FerlabError: it cannot be written, for example on a full disk.
        """
        try:
            with atomic_path(self.path / "model.safetensors") as beside:
                save_file({name: value.contiguous() for name, value in network.state_dict().items()}, beside)
        except SafetensorError as error:
            raise FerlabError(
                f"The network could not be written to {self.path} ({error}): free some space there, then go on with "
                "--resume."
            ) from error
        description = {"network": network.settings, "classes": list(classes), "image_size": image_size}
        write_json(self.path / "model.json", description)

    def load_network(self) -> StoredNetwork:
        """The network, its class names and image size.

        Raises:
            FerlabError: missing or damaged files.
        """
        try:
            description = json.loads((self.path / "model.json").read_text(encoding="utf-8"))
            network = ExpressionNetwork(**description["network"])
            network.load_state_dict(load_file(self.path / "model.safetensors"))
            classes, size = tuple(description["classes"]), int(description["image_size"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise FerlabError(f"No network can be read from {self.path}: {error} Train it again.") from error
        return StoredNetwork(network.eval(), classes, size)

    def save_followed(self, epoch: int, predictions: Predictions) -> None:
        """Embeddings (n, D) of the followed validation faces after an epoch."""
        self.save_epoch(epoch, predictions.embeddings[random_part(len(predictions.embeddings), EPOCH_FACES)])

    def save_epoch(self, epoch: int, embeddings: np.ndarray) -> None:
        """Embeddings (n, D) in half precision: ``epochs/epoch_<n>.npy``."""
        with atomic_path(self._epoch_file(epoch)) as beside, beside.open("wb") as file:
            np.save(file, embeddings.astype(np.float16))

    def load_epochs(self, epochs: int) -> list[np.ndarray]:
        """What :meth:`save_epoch` wrote, in order; empty unless all ``epochs`` are there."""
        paths = [self._epoch_file(epoch) for epoch in range(1, epochs + 1)]
        return [np.load(path) for path in paths] if all(path.is_file() for path in paths) else []

    def _epoch_file(self, epoch: int) -> Path:
        return self.path / "epochs" / f"epoch_{epoch:04d}.npy"

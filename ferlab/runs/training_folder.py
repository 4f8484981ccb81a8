"""One training of a run: ``<method>/seed_<n>/``, and what lies in it.

::

    model.safetensors, model.json    the network, its class names and the size of its images
    history.parquet                  one row an epoch
    embeddings.parquet               one row a test face
    scores.json                      its scores on the test split; written last: it says that the training is finished
    epochs/                          embeddings of some validation faces after every epoch
    tensorboard/
    sha256.json                      checksums of all these
    checkpoints/                     while it trains (:mod:`ferlab.training.checkpoints`)
    diverged.json                    instead of all these, where the loss broke its network
"""

from __future__ import annotations

import hashlib
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

from ferlab.checksums import RECORD, check_unchanged, record_all
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError, UnreadableFile
from ferlab.evaluation import Predictions, predict
from ferlab.files import atomic_path, json_text, read_json, write_json, write_parquet
from ferlab.models import ExpressionNetwork
from ferlab.runs.schema import Divergence, ModelRecord, Scores, TrialScores, read_table
from ferlab.runs.summary import FinishedTraining, measure
from ferlab.training.checkpoints import checkpoints
from ferlab.vectors import random_part

MEASURED = ("history", "embeddings")
NEEDED = ("scores.json", "history.parquet", "embeddings.parquet", "model.json", "model.safetensors", RECORD)
NOT_RECORDED = ("checkpoints", ".lock")  # they come and go
LONGEST = 160  # letters
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
        """Write ``scores.json``, which says that all is done, and before it the checksums of all files, its own too."""
        its_own = hashlib.sha256(json_text(scores).encode()).hexdigest()
        record_all(self.path, leave_out=NOT_RECORDED, more={"scores.json": its_own})
        write_json(self.path / "scores.json", scores)

    def load(self) -> FinishedTraining | None:
        """What :meth:`save` wrote, or None where the training is not finished, since a file is missing.

        Of an earlier version, without checksums, a training with a damaged file counts as not finished too.

        Raises:
            ChangedFile: a file is no longer what was written.
            UnreadableFile: a file is what was written, but not what it should be; the sentence names the field.
        """
        if not (self.path / "scores.json").is_file():
            return None
        self.check_unchanged()
        try:
            scores = read_json(self.path / "scores.json", Scores, mend=self._mend)
            history, rows = (read_table(self.path / f"{name}.parquet", mend=self._mend) for name in MEASURED)
            self.load_network()
        except FerlabError:
            # Whole files with checksums that fit, and yet not a training's: nothing to be trained over without a word.
            if all((self.path / name).is_file() for name in NEEDED):
                raise
            return None
        return FinishedTraining(self.method, self.seed, scores, history, rows)

    def trial_scores(self) -> dict[str, Any] | None:
        """What ``scores.json`` of a trial of a search holds; None where there is none.

        Raises:
            ChangedFile, UnreadableFile: as :meth:`load`.
        """
        if not self.is_finished():
            return None
        self.check_unchanged()
        return dict(read_json(self.path / "scores.json", TrialScores, mend=self._mend))

    def write_diverged(self, reason: str) -> None:
        """Write down that the loss broke its network: the same numbers would do it again."""
        write_json(self.path / "diverged.json", {"reason": reason})

    def diverged(self) -> str:
        """Why the training ended without a network; empty where it did not.

        Raises:
            UnreadableFile: the record is none.
        """
        path = self.path / "diverged.json"
        if self.is_finished() or not path.is_file():
            return ""
        return str(read_json(path, Divergence, mend=self._mend)["reason"])

    def is_finished(self) -> bool:
        """Whether there is a ``scores.json``, whatever it holds."""
        return (self.path / "scores.json").is_file()

    def check_unchanged(self) -> None:
        """A ChangedFile where a file has another content than the recorded one."""
        check_unchanged(self.path, mend=self._mend)

    @property
    def _mend(self) -> str:
        return f"restore it from a copy, or delete {self.path} to have that training made again with --resume"

    def epochs_done(self, epochs: int) -> int:
        """How many of the ``epochs`` are finished by now."""
        if self.is_finished():
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
        """The network, its class names and image size. Nothing is downloaded for it, whatever the files ask for.

        Raises:
            FerlabError: missing, changed or damaged files.
        """
        check_unchanged(self.path, ("model.json", "model.safetensors"), mend=self._mend)
        description = read_json(self.path / "model.json", ModelRecord, mend=self._mend)
        try:
            weights, wanted = load_file(self.path / "model.safetensors"), description["network"]
            shape = (wanted["num_classes"], wanted["heads"] * wanted["embedding_size"])
            if "classifier.weight" not in weights or tuple(weights["classifier.weight"].shape) != shape:
                raise ValueError(f"classifier.weight should be of shape {shape}")  # before memory is taken for it
            network = ExpressionNetwork(**wanted, pretrained=False)
            network.load_state_dict(weights)
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError, FerlabError) as error:
            raise UnreadableFile(
                f"{self.path / 'model.safetensors'} is not the network that model.json beside it describes "
                f"({first_line(error)}): {self._mend}."
            ) from error
        if len(description["classes"]) != description["network"]["num_classes"]:
            raise UnreadableFile(
                f"{self.path / 'model.json'} is damaged, it names {len(description['classes'])} classes for a network "
                f"of {description['network']['num_classes']}: {self._mend}."
            )
        return StoredNetwork(network.eval(), tuple(description["classes"]), description["image_size"])

    def save_followed(self, epoch: int, predictions: Predictions) -> None:
        """Embeddings (n, D) of the followed validation faces after an epoch."""
        self.save_epoch(epoch, predictions.embeddings[random_part(len(predictions.embeddings), EPOCH_FACES)])

    def save_epoch(self, epoch: int, embeddings: np.ndarray) -> None:
        """Embeddings (n, D) in half precision: ``epochs/epoch_<n>.npy``."""
        with atomic_path(self._epoch_file(epoch)) as beside, beside.open("wb") as file:
            np.save(file, embeddings.astype(np.float16))

    def load_epochs(self, epochs: int) -> list[np.ndarray]:
        """What :meth:`save_epoch` wrote, in order; empty unless all ``epochs`` are there.

        Raises:
            UnreadableFile: one of them is damaged.
        """
        paths = [self._epoch_file(epoch) for epoch in range(1, epochs + 1)]
        return [self._load_epoch(path) for path in paths] if all(path.is_file() for path in paths) else []

    def _load_epoch(self, path: Path) -> np.ndarray:
        try:
            # Mapped, so that a header that promises more than the file holds is found out before memory is taken.
            found = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError) as error:
            raise UnreadableFile(f"{path} is damaged ({first_line(error)}): {self._mend}.") from error
        if found.ndim != 2 or found.dtype.kind != "f":
            raise UnreadableFile(f"{path} is damaged, it holds no embeddings (n, D): {self._mend}.")
        return found

    def _epoch_file(self, epoch: int) -> Path:
        return self.path / "epochs" / f"epoch_{epoch:04d}.npy"


def first_line(error: Exception) -> str:
    """What a library said of a file, short enough for a sentence."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."

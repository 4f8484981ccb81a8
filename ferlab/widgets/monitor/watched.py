"""What has been seen of a training so far: batch by batch, epoch by epoch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from ferlab.data import FaceDataset
from ferlab.evaluation import Predictions, confusion_counts
from ferlab.losses import JointLoss
from ferlab.projection.principal import principal_map
from ferlab.runs import EPOCH_FACES
from ferlab.runs.reading import PLANE
from ferlab.training.loop import Batch
from ferlab.vectors import random_part
from ferlab.widgets.monitor.plane import PlaneLook
from ferlab.widgets.monitor.record import EpochRecord, accuracies, loss_curves, recalls

FEWEST_TIMES = 5  # batches before a guess at the time that is left


@dataclass(frozen=True)
class Part:
    """One line among the losses.

    Attributes:
        name: its column in the history.
        label: in the legend; where a loss has several parts, their names, which are shorter.
        words: what it is.
        weight: its factor in the total.
    """

    name: str
    label: str
    words: str
    weight: float


class EpochMap(NamedTuple):
    """The followed faces after an epoch: float32 (n, 2), and the share of the variance that the map shows; of an
    embedding of two numbers the embedding itself, about its mean."""

    points: np.ndarray
    share: float


def parts_of(objective: JointLoss) -> tuple[Part, ...]:
    """The total and every part of an objective.

    >>> [part.name for part in parts_of(JointLoss(7))]
    ['train_loss', 'ce']
    """
    words, weights = objective.part_labels(), objective.part_weights()
    several = words.keys() - {"ce"} if len(words) > 2 else set()
    total = Part("train_loss", "total", "total", 1.0)
    return (
        total,
        *(Part(name, name if name in several else words[name], words[name], weights[name]) for name in words),
    )


def _nobody() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass
class Watched:
    """A training as it was seen; nothing of it before the first batch. Whoever has one locks it between threads.

    Attributes:
        epochs: of the whole training.
        steps: batches of an epoch.
        classes: class names, in label order.
        parts: of the loss, the total first.
        validation_labels: int64 (N,).
        followed: which of them the maps follow, int64 (n,).
        rows: the training's own row of every epoch that is over.
        records: epoch -> what was seen while it ran.
        maps: epoch -> its map.
        batch: batches of the epoch that has begun.
        plane: the newest look at an embedding of two numbers; None where there is none.
        plane_labels: int64 (n,), of the training faces in it.
    """

    epochs: int
    steps: int = 0
    classes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    validation_labels: np.ndarray = field(default_factory=_nobody)
    followed: np.ndarray = field(default_factory=_nobody)
    rows: list[dict[str, float]] = field(default_factory=list)
    records: dict[int, EpochRecord] = field(default_factory=dict)
    maps: dict[int, EpochMap] = field(default_factory=dict)
    batch: int = 0
    plane: PlaneLook | None = None
    plane_labels: np.ndarray = field(default_factory=_nobody)

    def __post_init__(self) -> None:
        self._times: deque[float] = deque(maxlen=self.steps + 1)  # of the last epoch's worth of batches
        self._epoch_started = 0.0
        self.begin_epoch()

    @classmethod
    def beginning(
        cls, train_set: FaceDataset, validation_set: FaceDataset, *, objective: JointLoss, epochs: int, steps: int
    ) -> Watched:
        """That of a training that is about to start."""
        return cls(
            epochs=epochs,
            steps=steps,
            classes=train_set.classes,
            parts=parts_of(objective),
            validation_labels=validation_set.labels,
            followed=random_part(len(validation_set), EPOCH_FACES),
        )

    # ---- what has been seen ---------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Whole epochs."""
        return len(self.rows)

    @property
    def followed_labels(self) -> np.ndarray:
        return self.validation_labels[self.followed]

    def detailed(self) -> list[int]:
        """The epochs that can be shown in detail."""
        return sorted(epoch for epoch in self.records if epoch <= self.epoch)

    def history(self) -> pd.DataFrame:
        """One row an epoch: the training's own columns and what was counted here."""
        rows = []
        for row in self.rows:
            row, record = dict(row), self.records.get(int(row["epoch"]))
            if record is not None:
                row["seconds"] = record.seconds
                row["train_accuracy"], row["train_balanced_accuracy"] = accuracies(record.train_confusion)
                of_classes = zip(self.classes, recalls(record.validation_confusion), strict=True)
                row |= {f"recall_{name}": recall for name, recall in of_classes}
            rows.append(row)
        return pd.DataFrame(rows)

    def curves(self) -> np.ndarray:
        """The losses as they enter the total, every part times its factor; see :func:`.record.loss_curves`."""
        unknown = {"": np.full(self.steps, np.nan)}
        epochs = [self.records[e].losses if e in self.records else unknown for e in range(1, self.epoch + 1)]
        epochs.append({name: np.array(values) for name, values in self._current.items()})
        names = [part.name for part in self.parts]
        curves = loss_curves(epochs, names, steps=max(self.steps, 1), total=self.steps * self.epochs)
        weights = np.repeat([part.weight for part in self.parts], 2).astype(np.float32)
        curves[1:] *= weights[:, None]
        if self.parts:  # smoothed by itself, the total would lag behind where a part is switched on
            curves[2] = np.nansum(curves[4::2], axis=0)
        return curves

    def is_empty(self) -> bool:
        """Whether there is nothing to draw yet."""
        return not self._current and not self.records

    def seconds_left(self) -> float | None:
        """From the speed of the last epoch's worth of batches, validation between them included; None at first."""
        if len(self._times) < FEWEST_TIMES:
            return None
        each = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
        return each * (self.steps * (self.epochs - self.epoch) - self.batch)

    # ---- what the training's thread adds ----------------------------------------------------------------------------

    def begin_epoch(self) -> None:
        """Forget the batches of an epoch that is over or given up."""
        self.batch = 0
        self._pending: list[Batch] = []
        self._current: dict[str, list[float]] = {}
        self._train_confusion = np.zeros((len(self.classes),) * 2, dtype=np.int64)

    def start_clock(self, now: float) -> None:
        """The first epoch begins, at `now` seconds without pauses."""
        self._epoch_started = now

    def add_batch(self, batch: Batch, now: float) -> None:
        """A batch is over; its numbers wait for :meth:`take_pending`."""
        self._pending.append(batch)
        self.batch += 1
        self._times.append(now)

    def take_pending(self) -> None:
        """Numbers of the latest batches; on a GPU this waits for them, so not after every batch."""
        pending, self._pending = self._pending, []
        for name in {name for batch in pending for name in batch.losses}:
            values = torch.stack([batch.losses[name] for batch in pending if name in batch.losses]).float().cpu()
            self._current.setdefault(name, []).extend(values.tolist())
        if pending:
            classes = len(self.classes)
            predicted = torch.cat([batch.logits.argmax(dim=1) for batch in pending])
            cells = torch.cat([batch.labels for batch in pending]) * classes + predicted
            counts = torch.bincount(cells, minlength=classes**2).cpu().numpy()
            self._train_confusion += counts.reshape(classes, classes)

    def record_epoch(self, seen: Predictions, now: float) -> EpochRecord:
        """What was seen of the epoch whose validation has given `seen`."""
        record = EpochRecord(
            losses={name: np.array(values, dtype=np.float32) for name, values in self._current.items()},
            train_confusion=self._train_confusion,
            validation_confusion=confusion_counts(self.validation_labels, seen, len(self.classes)),
            embeddings=seen.embeddings[self.followed].astype(np.float16),
            predicted=seen.predicted[self.followed],
            seconds=now - self._epoch_started,
        )
        self._epoch_started = now
        return record

    def map_of(self, record: EpochRecord) -> EpochMap:
        """The map of an epoch, turned like the newest one; an embedding of two numbers is its own, about its mean."""
        if record.embeddings.shape[1] == PLANE:
            plane = record.embeddings.astype(np.float32)
            return EpochMap(plane - plane.mean(axis=0), 1.0)
        before = self.maps[max(self.maps)].points if self.maps else None
        return EpochMap(*principal_map(record.embeddings, before))

    def remember(self, epoch: int, record: EpochRecord, on_map: EpochMap) -> None:
        self.records[epoch], self.maps[epoch] = record, on_map

    def add_row(self, row: dict[str, float]) -> None:
        """An epoch is over."""
        self.rows.append(row)
        self.begin_epoch()

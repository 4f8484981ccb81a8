"""What a :class:`~ferlab.widgets.monitor.TrainingMonitor` remembers of an epoch, in memory and on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.files import atomic_path


@dataclass(frozen=True)
class EpochRecord:
    """One epoch as it was seen while it ran.

    Attributes:
        losses: name -> float32 (steps,), the value of every batch.
        train_confusion: int64 (K, K), rows are true classes: the batches' predictions, on augmented faces and while the
            network was still learning.
        validation_confusion: int64 (K, K), after the epoch.
        embeddings: float16 (n, D) of the followed validation faces.
        predicted: int64 (n,), the class that each of them was given.
        seconds: without pauses.
    """

    losses: dict[str, np.ndarray]
    train_confusion: np.ndarray
    validation_confusion: np.ndarray
    embeddings: np.ndarray
    predicted: np.ndarray
    seconds: float

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {f"loss {name}": values for name, values in self.losses.items()}
        arrays |= {
            "train_confusion": self.train_confusion,
            "validation_confusion": self.validation_confusion,
            "embeddings": self.embeddings,
            "predicted": self.predicted,
            "seconds": np.array(self.seconds),
        }
        with atomic_path(path) as beside, beside.open("wb") as file:
            np.savez(file, **arrays)

    def _is_one(self) -> bool:
        """Whether all of it has the shape and type that it should: a file may hold anything."""
        tables, n = (self.train_confusion, self.validation_confusion), len(self.embeddings)
        return (
            all(
                table.ndim == 2 and table.dtype.kind in "iu" and len({*table.shape, *tables[0].shape}) == 1
                for table in tables
            )
            and self.embeddings.ndim == 2
            and self.embeddings.dtype.kind == "f"
            and self.predicted.shape == (n,)
            and self.predicted.dtype.kind in "iu"
            and all(values.ndim == 1 and values.dtype.kind == "f" for values in self.losses.values())
        )

    @classmethod
    def load(cls, path: Path) -> EpochRecord | None:
        """What :meth:`save` wrote; None where it is missing or damaged, since the training can go on without."""
        try:
            with np.load(path) as arrays:
                losses = {name[5:]: arrays[name] for name in arrays.files if name.startswith("loss ")}
                others = {name: arrays[name] for name in arrays.files if not name.startswith("loss ")}
            found = cls(losses, **{**others, "seconds": float(others["seconds"])})
            return found if found._is_one() else None
        except Exception:  # what zip and NumPy make of damaged bytes is of many kinds
            return None


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Recall of every class, float64 (K,); NaN for a class without faces.

    >>> recalls(np.array([[3, 1], [0, 0]])).tolist()
    [0.75, nan]
    """
    faces = confusion.sum(axis=1)
    return np.divide(np.diag(confusion), faces, out=np.full(len(faces), np.nan), where=faces > 0)


def accuracies(confusion: np.ndarray) -> tuple[float, float]:
    """Accuracy, and balanced accuracy over the classes present.

    >>> accuracies(np.array([[3, 1], [1, 1]]))
    (0.6666666666666666, 0.625)
    """
    of_classes = recalls(confusion)
    return float(np.trace(confusion) / max(confusion.sum(), 1)), float(np.mean(of_classes[~np.isnan(of_classes)]))


def loss_curves(
    records: list[dict[str, np.ndarray]], names: list[str], steps: int, total: int, points: int = 400
) -> np.ndarray:
    """Losses batch by batch and smoothed, in few enough points to be drawn several times a second.

    Args:
        records: the losses of every epoch, name -> (steps,); the last one may hold fewer. A name may be missing in an
            epoch: its line then has a gap.
        names: the lines wanted.
        steps: batches of an epoch.
        total: batches of the whole training, so that points do not move while it goes on.
        points: at most so many.

    Returns:
        float32 (1 + 2 * len(names), P): the place in epochs, then for each name the mean over the batches of a point
        and the smoothed value (exponentially, with a half-life of a tenth of an epoch, at least five batches).
    """
    lengths = [max((len(values) for values in losses.values()), default=0) for losses in records]
    every = -(-max(total, 1) // points)
    starts = np.arange(0, sum(lengths), every)
    rows = [np.minimum(starts + every, sum(lengths)) / steps]
    for name in names:
        values = np.concatenate(
            [np.empty(0)]
            + [
                losses.get(name, np.full(length, np.nan)).astype(float)
                for losses, length in zip(records, lengths, strict=True)
            ]
        )
        series = pd.Series(values)
        smooth = series.ewm(halflife=max(5.0, steps / 10)).mean().where(series.notna())
        rows.append(series.groupby(np.arange(len(series)) // every).mean().to_numpy())
        rows.append(smooth.to_numpy()[np.minimum(starts + every, len(series)) - 1])
    return np.array(rows, dtype=np.float32).reshape(1 + 2 * len(names), len(starts))

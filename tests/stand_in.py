"""What is called like `ferlab.training.train`, for tests of those who watch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ferlab.data import FaceDataset
from ferlab.evaluation import Predictions
from ferlab.methods import Method
from ferlab.models import ExpressionNetwork
from ferlab.training import TrainResult, TrainSettings, train
from ferlab.training.loop import Batch, Learner


def no_training(
    method: Method,
    train_set: FaceDataset,
    validation_set: FaceDataset,
    settings: TrainSettings,
    checkpoints: Path | None = None,
    *,
    on_batch: Callable[[Batch], None],
    on_epoch: Callable[[dict[str, float]], None],
    on_validation: Callable[[int, Predictions], None],
    on_start: Callable[[Learner], None],
) -> TrainResult:
    """Batches and epochs as of a training with cross-entropy alone, made up in no time; nothing is learned."""
    random = torch.Generator().manual_seed(settings.seed)
    classes, size = len(train_set.classes), settings.batch_size
    history = []
    for epoch in range(1, settings.epochs + 1):
        for step in range(len(train_set) // size):
            loss = torch.tensor(1 / (epoch + step))
            labels = torch.from_numpy(train_set.labels[step * size : (step + 1) * size])
            logits = torch.randn(size, classes, generator=random)
            on_batch(Batch(epoch, {"train_loss": loss, "ce": loss}, logits, labels))
        embeddings = torch.randn(len(validation_set), 8, generator=random).numpy()
        probabilities = torch.randn(len(validation_set), classes, generator=random).softmax(dim=1).numpy()
        on_validation(epoch, Predictions(embeddings, probabilities))
        accuracy = float(np.mean(probabilities.argmax(axis=1) == validation_set.labels))
        row = {"epoch": float(epoch), "train_loss": float(loss), "ce": float(loss), "seconds": 0.0}
        history.append(row | {"validation_accuracy": accuracy, "validation_balanced_accuracy": accuracy})
        on_epoch(history[-1])
    return TrainResult(ExpressionNetwork(classes), history)


def acting(batch: int, action: Callable[[], object], like: Callable[..., TrainResult] = train) -> Callable:
    """Called like a training, does `action()` in its thread at the end of that batch of the first start."""
    seen = [0]

    def acted(*arguments, on_batch: Callable[[Batch], None], **named) -> TrainResult:
        def counted(step: Batch) -> None:
            seen[0] += 1
            if seen[0] == batch:
                action()
            on_batch(step)

        return like(*arguments, on_batch=counted, **named)

    return acted

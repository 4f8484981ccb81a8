"""One method with one seed: trained, measured and saved."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lightning_fabric import Fabric

from ferlab.data import FaceDataset
from ferlab.evaluation import predict
from ferlab.methods import METHODS
from ferlab.runs.folder import only_one_training, run_folder
from ferlab.runs.records import save_epoch, save_run
from ferlab.training.loop import Batch, train
from ferlab.training.settings import TrainSettings


def train_one(
    name: str,
    seed: int,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    out: Path,
    fabric: Fabric,
    on_batch: Callable[[Batch], None] = lambda batch: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> None:
    """One method with one seed: trained, measured on the test split and saved; its checkpoints are then deleted."""
    folder = run_folder(out, name, seed)
    held = only_one_training(folder) if fabric.is_global_zero else nullcontext()
    with held, tensorboard_log(folder / "tensorboard", fabric) as log:

        def report(row: dict[str, float]) -> None:
            log(row)
            on_epoch(row)

        result = train(
            METHODS[name], splits["train"], splits["validation"], dataclasses.replace(base, seed=seed),
            folder / "checkpoints", fabric, on_batch, report,
            on_validation=lambda epoch, seen: save_epoch(folder, epoch, seen) if fabric.is_global_zero else None,
        )  # fmt: skip
        if fabric.is_global_zero:
            predictions = predict(result.network, splits["test"].images)
            save_run(out, name, seed, result.network, result.history, splits["test"], predictions)
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)


@contextmanager
def tensorboard_log(folder: Path, fabric: Fabric) -> Iterator[Callable[[dict[str, float]], None]]:
    """A function that writes an epoch's row for TensorBoard.

    An earlier log is deleted: a resumed training reports its earlier epochs again.
    """
    if not fabric.is_global_zero:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(folder) as writer:
        yield lambda row: [writer.add_scalar(key, value, int(row["epoch"])) for key, value in row.items()]

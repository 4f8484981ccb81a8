"""One method with one seed: trained, measured and saved."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lightning_fabric import Fabric

from ferlab.data import FaceDataset
from ferlab.errors import TrainingDiverged
from ferlab.methods import Method
from ferlab.runs import TrainingFolder
from ferlab.settings import TrainSettings
from ferlab.training.loop import Batch, train


def train_one(
    method: Method,
    folder: TrainingFolder,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    fabric: Fabric,
    on_batch: Callable[[Batch], None] = lambda batch: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> None:
    """Train the method with the folder's seed, measure it on the test split and save all of it there.

    Raises:
        TrainingDiverged: the loss broke its network; that is written down there too.
    """
    held = folder.held() if fabric.is_global_zero else nullcontext()
    with held, tensorboard_log(folder.tensorboard, fabric) as log:

        def report(row: dict[str, float]) -> None:
            log(row)
            on_epoch(row)

        try:
            result = train(
                method,
                splits["train"],
                splits["validation"],
                dataclasses.replace(base, seed=folder.seed),
                folder.checkpoints,
                fabric,
                on_batch=on_batch,
                on_epoch=report,
                on_validation=lambda epoch, seen: folder.save_followed(epoch, seen) if fabric.is_global_zero else None,
            )
        except TrainingDiverged as error:
            if fabric.is_global_zero:
                folder.write_diverged(str(error))
            raise
        if fabric.is_global_zero:
            folder.save(result.network, result.history, splits["train"], splits["test"])


@contextmanager
def tensorboard_log(folder: Path, fabric: Fabric) -> Iterator[Callable[[dict[str, float]], None]]:
    """A function that writes an epoch's row for TensorBoard.

    An earlier log is deleted: a resumed training reports its earlier epochs again.
    """
    if not fabric.is_global_zero:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter  # slow to import

    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(folder) as writer:

        def write(row: dict[str, float]) -> None:
            for key, value in row.items():
                writer.add_scalar(key, value, int(row["epoch"]))

        yield write

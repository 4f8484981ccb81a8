"""The training loop: one for all methods, on one processor or many GPUs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from ferlab.data.dataset import FaceDataset
from ferlab.data.transforms import apply_changes, draw_changes
from ferlab.errors import FerlabError
from ferlab.evaluation.metrics import classification_scores
from ferlab.evaluation.predict import Predictions, predict
from ferlab.losses import DistributedLoss
from ferlab.losses.centers import ClassCenters
from ferlab.methods import Method, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.models.batch_norm import synchronise_batch_norm
from ferlab.samplers import ClassBalancedBatches, PerClassBatches, ShuffledBatches
from ferlab.training.optimization import build_optimizer, build_schedule
from ferlab.training.settings import TrainSettings
from ferlab.training.state import TrainingState

BATCHES = {"shuffled": ShuffledBatches, "class-balanced": ClassBalancedBatches, "per-class": PerClassBatches}

# Fabric announces its precision at every start; the run's config.json says it once.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


class Batch(NamedTuple):
    """What one step did, for those who watch. The tensors stay on the device: nothing waits for them to be copied.

    Attributes:
        epoch: from 1.
        losses: ``train_loss`` and every part of it, as :class:`~ferlab.losses.JointLoss` names them; scalars.
        logits: (B, K), in training mode.
        labels: (B,), of the same faces.
    """

    epoch: int
    losses: dict[str, Tensor]
    logits: Tensor
    labels: Tensor


@dataclass
class TrainResult:
    """A trained network (on the CPU, in evaluation mode) and one dict an epoch."""

    network: ExpressionNetwork
    history: list[dict[str, float]]


def train(
    method: Method,
    train_set: FaceDataset,
    validation_set: FaceDataset,
    settings: TrainSettings,
    checkpoints: Path | None = None,
    fabric: Fabric | None = None,
    on_batch: Callable[[Batch], None] = lambda batch: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
    on_validation: Callable[[int, Predictions], None] = lambda epoch, predictions: None,
) -> TrainResult:
    """Train one network.

    Two runs with the same arguments on the same machine give the same numbers; two methods with the same seed see the
    same images in the same order, and start from the same weights where their networks agree.

    Args:
        method: what to train, see :mod:`ferlab.methods`.
        train_set, validation_set: in-memory splits; validation is measured after every epoch.
        settings: how.
        checkpoints: folder for a checkpoint after every epoch; a training that finds some there goes on from the newest
            and ends with the numbers it would have had without the interruption.
        fabric: from :func:`start_fabric`; by default one is started from the settings.
        on_batch: called after every step, for a progress bar. What it raises ends the training as Ctrl-C does: the
            checkpoint of the last whole epoch is there.
        on_epoch: called after every epoch with its row of the history, also for epochs read from a checkpoint.
        on_validation: called with an epoch's number and its predictions of the validation split, before the epoch's
            checkpoint is written.

    Raises:
        FerlabError: splits that cannot be trained on, too little memory, or numbers that are no longer finite; earlier
            checkpoints are left in place.
    """
    settings = settings.completed(method.learning_rate, method.weight_decay)
    check_splits(train_set, validation_set, settings)
    fabric = fabric or start_fabric(settings)
    steps = steps_per_epoch(train_set, settings)
    num_classes = len(train_set.classes)
    torch.manual_seed(settings.seed)
    network = ExpressionNetwork(
        num_classes,
        method.embedding_size,
        method.heads,
        train_set.images.shape[3],
        settings.backbone,
        settings.pretrained,
        method.attention,
        settings.input_size,
        seed=settings.seed,
    )
    network = synchronise_batch_norm(network.to(fabric.device, memory_format=torch.channels_last))
    objective = build_loss(method, num_classes, class_weights(train_set, settings), settings.label_smoothing)
    objective = fabric.strategy.precision.convert_module(objective.to(fabric.device))
    gathered_objective = DistributedLoss(objective)  # the loss of the whole batch, however many processes share it
    optimizer = build_optimizer(network, objective, settings, method.embedding_size)
    schedule = build_schedule(optimizer, settings, steps)
    model, optimizer = fabric.setup(network, optimizer)

    images = torch.from_numpy(train_set.images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(train_set.labels)
    generator = torch.Generator().manual_seed(settings.seed)  # of batches and augmentation, the same in all processes
    batches = build_batches(train_set, settings, generator)
    share = settings.batch_size // fabric.world_size
    mine = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    switch_on = epochs_before_metric_loss(method, settings.epochs)
    # Early stopping looks at the epochs from there on: an earlier network would be cross-entropy's.
    progress = TrainingState(network, objective, optimizer, schedule, generator, fabric, first_candidate=switch_on + 1)
    if checkpoints is not None:
        progress.resume(checkpoints)
    for row in progress.history:
        on_epoch(row)

    for epoch in range(len(progress.history), settings.epochs):
        if progress.is_over(settings.patience):
            break
        started = time.perf_counter()
        metric_on = method.loss is not None and epoch >= switch_on
        if metric_on and epoch == switch_on and isinstance(objective.metric_loss, ClassCenters):
            seen = predict_once(fabric, network, train_set)
            objective.metric_loss.set_centers(
                torch.from_numpy(seen.embeddings).to(fabric.device), labels.to(fabric.device)
            )
        model.train()
        sums: dict[str, Tensor] = {}
        for step, batch in enumerate(batches, start=1):
            changes = draw_changes(len(batch), settings.augmentation, generator)[mine]
            faces = apply_changes(fabric.to_device(images[batch[mine]]), changes)
            own_labels = fabric.to_device(labels[batch[mine]])
            try:
                output = model(faces)
                loss = gathered_objective(
                    output.logits,
                    own_labels,
                    output.embeddings if metric_on else None,
                    output.element_weights,
                )
                optimizer.zero_grad()
                fabric.backward(loss.total)
            except (ValueError, RuntimeError) as error:
                if sentence := explain(error, epoch + 1, step, settings):
                    raise FerlabError(sentence) from error
                raise
            if settings.gradient_clip:
                # With 16-mixed a step may overflow; the scaler then leaves it out.
                fabric.clip_gradients(model, optimizer, max_norm=settings.gradient_clip, error_if_nonfinite=False)
            optimizer.step()
            schedule.step()
            losses = {"train_loss": loss.total.detach(), **loss.parts}
            for name, value in losses.items():
                sums[name] = sums.get(name, 0) + value
            on_batch(Batch(epoch + 1, losses, output.logits.detach(), own_labels))
        row = {"epoch": epoch + 1} | {name: float(value) / steps for name, value in sums.items()}
        seen = predict_once(fabric, network, validation_set)
        scores = classification_scores(validation_set.labels, seen)
        on_validation(epoch + 1, seen)
        row |= {f"validation_{name}": scores[name] for name in ("accuracy", "balanced_accuracy")}
        row["seconds"] = time.perf_counter() - started
        progress.add(row, keep_best=settings.patience > 0)
        if checkpoints is not None:
            progress.save(checkpoints)
        on_epoch(row)
    if progress.best_weights:
        network.load_state_dict(progress.best_weights)
    return TrainResult(network.cpu().eval(), progress.history)


def start_fabric(settings: TrainSettings) -> Fabric:
    """Lightning Fabric with the settings' devices, launched.

    With several devices the program is started again for each of the others, or was so by ``torchrun``.

    Raises:
        FerlabError: devices that are not there.
    """
    processes = settings.devices * settings.nodes
    try:
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy="ddp" if processes > 1 else "auto",
            precision=choose_precision(settings.precision, settings.accelerator),
        )
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise FerlabError(f"These devices cannot be used: {error}") from error
    fabric.launch()
    return fabric


def predict_once(fabric: Fabric, network: ExpressionNetwork, faces: FaceDataset) -> Predictions:
    """Predictions of the first process, given to all: so that all decide alike."""
    seen = predict(network, faces.images, fabric=fabric) if fabric.is_global_zero else None
    return fabric.broadcast(seen)


def check_splits(train_set: FaceDataset, validation_set: FaceDataset, settings: TrainSettings) -> None:
    """A FerlabError for splits that nothing can be learned from or measured on."""
    if not len(validation_set):
        raise FerlabError(f"{train_set.name} has no validation images: every epoch is measured on some.")
    steps_per_epoch(train_set, settings)
    build_batches(train_set, settings, torch.Generator())
    if missing := [name for name, count in train_set.class_counts().items() if count == 0]:
        raise FerlabError(f"{train_set.name} has no training images of {', '.join(missing)}: add some or leave it out.")
    processes = settings.devices * settings.nodes
    if settings.batch_size % processes:
        raise FerlabError(f"A batch of {settings.batch_size} cannot be shared by {processes} processes equally.")


def epochs_before_metric_loss(method: Method, epochs: int) -> int:
    """Epochs of cross-entropy alone; at least the last one trains with the method's metric loss."""
    return min(round(method.warm_up * epochs), epochs - 1) if method.loss else 0


def build_batches(train_set: FaceDataset, settings: TrainSettings, generator: torch.Generator) -> ShuffledBatches:
    try:
        return BATCHES[settings.batches](train_set.labels, settings.batch_size, generator)
    except ValueError as error:
        raise FerlabError(f"These batches cannot be made: {error}") from error


def steps_per_epoch(train_set: FaceDataset, settings: TrainSettings) -> int:
    steps = len(train_set) // settings.batch_size
    if steps == 0:
        raise FerlabError(
            f"{train_set.name} has {len(train_set)} training images, fewer than one batch of "
            f"{settings.batch_size}: use more images or a smaller batch size."
        )
    return steps


def class_weights(train_set: FaceDataset, settings: TrainSettings) -> Tensor | None:
    """(K,): N / (K * images of the class) for ``"balanced"``, so that every class weighs as much in all."""
    if settings.class_weights == "none":
        return None
    counts = np.array(list(train_set.class_counts().values()))
    return torch.from_numpy(len(train_set) / (len(counts) * counts)).float()


def choose_precision(precision: str = "auto", accelerator: str = "auto") -> str:
    """Lightning Fabric's name of a precision; ``"auto"`` is bf16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available() and accelerator != "cpu":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    # Without AVX-512 or AMX instructions for it, bf16 on a CPU is emulated and slower than float32.
    capabilities = torch.cpu.get_capabilities()
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"


def explain(error: Exception, epoch: int, step: int, settings: TrainSettings) -> str:
    """What stopped a batch and what to do about it; empty for an error that is not the user's to mend."""
    place = f"Training stopped in epoch {epoch}, batch {step}:"
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return (
            f"{place} the memory is full. Use a batch size below {settings.batch_size}, precision bf16-mixed or "
            "16-mixed, or a smaller network."
        )
    if isinstance(error, ValueError) and "finite" in str(error):  # the losses refuse NaN and infinity
        return f"{place} {error} Use a smaller learning rate or metric weight, or clip the gradient."
    return ""

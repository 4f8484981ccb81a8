"""The training loop: one for all methods."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from ferlab.data.dataset import FaceDataset
from ferlab.data.transforms import Augmentation, augment
from ferlab.errors import FerlabError
from ferlab.evaluation.metrics import classification_scores
from ferlab.evaluation.predict import predict
from ferlab.losses.centers import ClassCenters
from ferlab.models import ExpressionNetwork
from ferlab.samplers import ClassBalancedBatches, PerClassBatches, ShuffledBatches
from ferlab.training.methods import Method, build_loss

BATCHES = {"shuffled": ShuffledBatches, "class-balanced": ClassBalancedBatches, "per-class": PerClassBatches}

# Fabric announces its precision at every start; the run's config.json says it once.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step; a smaller rest at the end of an epoch is left out.
        batches: ``"shuffled"``, ``"class-balanced"`` or ``"per-class"``, see :mod:`ferlab.samplers.batches`.
        learning_rate: peak of the one-cycle schedule (SGD with Nesterov momentum).
        momentum, weight_decay: of SGD; the loss's own parameters (class centers) are not decayed.
        precision: Lightning Fabric's name, such as ``"32-true"`` or ``"bf16-mixed"``; ``"auto"`` takes bf16 where the
            processor computes in it.
        seed: initial weights, data order and augmentation.
        augmentation: how far faces are moved.
    """

    epochs: int = 8
    batch_size: int = 128
    batches: str = "shuffled"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    precision: str = "auto"
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


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
    on_batch: Callable[[], None] = lambda: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> TrainResult:
    """Train one network.

    Two runs with the same arguments on the same machine give the same numbers; two methods with the same seed see the
    same images in the same order, and start from the same weights where their networks agree.

    Args:
        method: what to train, see :mod:`ferlab.training.methods`.
        train_set, validation_set: in-memory splits; validation is only measured, after every epoch.
        settings: how.
        on_batch: called after every step, for a progress bar.
        on_epoch: called after every epoch with its row of the history.

    Raises:
        FerlabError: too few images for one batch, or numbers that are no longer finite.
    """
    num_classes = len(train_set.classes)
    steps = steps_per_epoch(train_set, settings)
    torch.manual_seed(settings.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=choose_precision(settings.precision))
    fabric.launch()

    network = ExpressionNetwork(
        num_classes,
        method.embedding_size,
        method.heads,
        train_set.images.shape[3],
        attention=method.attention,
        seed=settings.seed,
    ).to(memory_format=torch.channels_last)
    objective = build_loss(method, num_classes).to(fabric.device)
    optimizer = torch.optim.SGD(
        [
            {"params": network.parameters()},
            # The centers' distance is divided by D, and so is their gradient: the rate makes up for it.
            {
                "params": objective.parameters(),
                "lr": settings.learning_rate * method.embedding_size,
                "weight_decay": 0.0,
            },
        ],
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=settings.epochs * steps
    )
    model, optimizer = fabric.setup(network, optimizer)

    images = to_channels_first(train_set.images)
    labels = torch.from_numpy(train_set.labels)
    generator = torch.Generator().manual_seed(settings.seed)
    batches = BATCHES[settings.batches](train_set.labels, settings.batch_size, generator)
    switch_on = round(method.warm_up * settings.epochs)
    history: list[dict[str, float]] = []
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        metric_on = method.loss is not None and epoch >= switch_on
        if metric_on and epoch == switch_on and isinstance(objective.metric_loss, ClassCenters):
            seen = predict(network, train_set.images, fabric=fabric)
            objective.metric_loss.set_centers(
                torch.from_numpy(seen.embeddings).to(fabric.device), labels.to(fabric.device)
            )
        model.train()
        sums: dict[str, Tensor] = {}
        for step, batch in enumerate(batches, start=1):
            faces = augment(fabric.to_device(images[batch]), settings.augmentation, generator)
            output = model(faces)
            try:
                loss = objective(
                    output.logits,
                    fabric.to_device(labels[batch]),
                    output.embeddings if metric_on else None,
                    output.element_weights,
                )
            except ValueError as error:  # the losses refuse NaN and infinity
                raise FerlabError(
                    f"Training stopped in epoch {epoch + 1}, batch {step}: {error} "
                    "Use a smaller learning rate or metric weight."
                ) from error
            optimizer.zero_grad()
            fabric.backward(loss.total)
            optimizer.step()
            schedule.step()
            for name, value in {"train_loss": loss.total.detach(), **loss.parts}.items():
                sums[name] = sums.get(name, 0) + value
            on_batch()
        row = {"epoch": epoch + 1} | {name: float(value) / steps for name, value in sums.items()}
        scores = classification_scores(validation_set.labels, predict(network, validation_set.images, fabric=fabric))
        row["validation_accuracy"] = scores["accuracy"]
        row["validation_balanced_accuracy"] = scores["balanced_accuracy"]
        row["seconds"] = time.perf_counter() - started
        history.append(row)
        on_epoch(row)
    return TrainResult(network.cpu().eval(), history)


def steps_per_epoch(train_set: FaceDataset, settings: TrainSettings) -> int:
    steps = len(train_set) // settings.batch_size
    if steps == 0:
        raise FerlabError(
            f"{train_set.name} has {len(train_set)} training images, fewer than one batch of "
            f"{settings.batch_size}: use more images or a smaller batch size."
        )
    return steps


def to_channels_first(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W, C) to a tensor (N, C, H, W)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def choose_precision(precision: str = "auto") -> str:
    """Lightning Fabric's name of a precision; ``"auto"`` is bf16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    # Without AVX-512 or AMX instructions for it, bf16 on a CPU is emulated and slower than float32.
    capabilities = torch.cpu.get_capabilities()
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"

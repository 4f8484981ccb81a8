"""The training loop: one for all methods, on one processor or many GPUs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ferlab.data.dataset import FaceDataset
from ferlab.data.transforms import apply_changes, draw_changes
from ferlab.errors import FerlabError, NotFinite, TrainingDiverged
from ferlab.evaluation.metrics import classification_scores
from ferlab.evaluation.predict import Predictions, predict
from ferlab.losses import DistributedLoss, JointLoss
from ferlab.methods import Method, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.models.batch_norm import synchronise_batch_norm
from ferlab.settings import TrainSettings
from ferlab.training.batching import build_batches, check_splits, class_weights, steps_per_epoch
from ferlab.training.devices import start_fabric
from ferlab.training.optimization import build_optimizer, build_schedule
from ferlab.training.state import TrainingState


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


@dataclass
class Learner:
    """What learns, and what it learns with.

    Attributes:
        network: as it is saved.
        model: the same network as Fabric runs it.
        objective: cross-entropy and the metric loss.
        optimizer, schedule: of the network and of the objective's own parameters.
    """

    network: ExpressionNetwork
    model: torch.nn.Module
    objective: JointLoss
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler


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
    on_start: Callable[[Learner], None] = lambda learner: None,
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
        on_start: called once with what learns, as it is before its next step, for those who look at it between batches.

    Raises:
        FerlabError: splits that cannot be trained on, too little memory, or numbers that are no longer finite; earlier
            checkpoints are left in place.
    """
    settings = settings.completed(method.learning_rate, method.weight_decay)
    check_splits(train_set, validation_set, settings)
    fabric = fabric or start_fabric(settings)
    learner = build_learner(method, train_set, settings, fabric)
    generator = torch.Generator().manual_seed(settings.seed)  # of batches and augmentation, the same in all processes
    feed = Feed(train_set, settings, generator, fabric)
    switch_on = epochs_before_metric_loss(method, settings.epochs)
    # Early stopping looks at the epochs from there on: an earlier network would be cross-entropy's.
    state = TrainingState(
        learner.network, learner.objective, learner.optimizer, learner.schedule, generator, fabric,
        first_candidate=switch_on + 1,
    )  # fmt: skip
    if checkpoints is not None:
        state.resume(checkpoints)
    on_start(learner)
    for row in state.history:
        on_epoch(row)

    for epoch in range(len(state.history) + 1, settings.epochs + 1):
        if state.is_over(settings.patience):
            break
        started = time.perf_counter()
        metric_on = method.loss is not None and epoch > switch_on
        if metric_on and epoch == switch_on + 1:
            start_metric_loss(learner, train_set, fabric)
        row = {"epoch": epoch} | train_epoch(learner, feed, settings, fabric, epoch, metric_on, on_batch)
        seen = predict_once(fabric, learner.network, validation_set)
        on_validation(epoch, seen)
        scores = classification_scores(validation_set.labels, seen)
        row |= {f"validation_{name}": scores[name] for name in ("accuracy", "balanced_accuracy")}
        row["seconds"] = time.perf_counter() - started
        state.add(row, keep_best=settings.patience > 0)
        if checkpoints is not None:
            state.save(checkpoints)
        on_epoch(row)
    if state.best_weights:
        learner.network.load_state_dict(state.best_weights)
    return TrainResult(learner.network.cpu().eval(), state.history)


def build_learner(method: Method, train_set: FaceDataset, settings: TrainSettings, fabric: Fabric) -> Learner:
    """Network, objective, optimizer and schedule of a training that has not begun."""
    num_classes = len(train_set.classes)
    torch.manual_seed(settings.seed)
    network = ExpressionNetwork(
        num_classes,
        embedding_size=method.embedding_size,
        heads=method.heads,
        in_channels=train_set.images.shape[3],
        backbone=settings.backbone,
        pretrained=settings.pretrained,
        attention=method.attention,
        input_size=settings.input_size,
        seed=settings.seed,
    )
    # PyTorch's types know no call with both.
    network = synchronise_batch_norm(network.to(fabric.device).to(memory_format=torch.channels_last))
    objective = build_loss(method, num_classes, class_weights(train_set, settings), settings.label_smoothing)
    objective = fabric.strategy.precision.convert_module(objective.to(fabric.device))
    optimizer = build_optimizer(network, objective, settings)
    schedule = build_schedule(optimizer, settings, steps_per_epoch(train_set, settings))
    model, optimizer = fabric.setup(network, optimizer)
    return Learner(network, model, objective, optimizer, schedule)


class Feed:
    """The batches of an epoch: augmented faces (B, C, H, W) and labels (B,), this process's share of each.

    Args:
        train_set: in memory.
        settings: batch size, kind of batches and augmentation.
        generator: draws the order and the changes.
        fabric: says which share is ours, and on which device it belongs.
    """

    def __init__(
        self, train_set: FaceDataset, settings: TrainSettings, generator: torch.Generator, fabric: Fabric
    ) -> None:
        self.images = torch.from_numpy(train_set.images).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(train_set.labels)
        self.batches = build_batches(train_set, settings, generator)
        self.augmentation = settings.augmentation
        self.generator = generator
        self.fabric = fabric
        share = settings.batch_size // fabric.world_size
        self.mine = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in self.batches:
            changes = draw_changes(len(batch), self.augmentation, self.generator)[self.mine]
            own = batch[self.mine]
            yield (
                apply_changes(self.fabric.to_device(self.images[own]), changes),
                self.fabric.to_device(self.labels[own]),
            )


def start_metric_loss(learner: Learner, train_set: FaceDataset, fabric: Fabric) -> None:
    """Show the metric loss where the training faces lie by now, if it wants to know."""
    loss = learner.objective.metric_loss
    if loss is not None and loss.starts_from_faces:
        seen = predict_once(fabric, learner.network, train_set)
        labels = torch.from_numpy(train_set.labels)
        loss.start_from(torch.from_numpy(seen.embeddings).to(fabric.device), labels.to(fabric.device))


def train_epoch(
    learner: Learner,
    feed: Feed,
    settings: TrainSettings,
    fabric: Fabric,
    epoch: int,
    metric_on: bool,
    on_batch: Callable[[Batch], None],
) -> dict[str, float]:
    """All steps of one epoch.

    Args:
        learner: what is trained.
        feed: the epoch's batches.
        settings: of the training.
        fabric: runs the steps.
        epoch: counted from 1.
        metric_on: whether the metric loss takes part.
        on_batch: called after every step.

    Returns:
        The mean of ``train_loss`` and of every part of it.

    Raises:
        FerlabError: too little memory, or numbers that are no longer finite.
    """
    gathered_objective = DistributedLoss(learner.objective)  # the whole batch's, however many processes share it
    learner.model.train()
    sums: dict[str, Tensor] = {}
    step = 0
    for step, (faces, labels) in enumerate(feed, start=1):
        try:
            output = learner.model(faces)
            embeddings = output.embeddings if metric_on else None
            loss = gathered_objective(output.logits, labels, embeddings, output.element_weights)
            learner.optimizer.zero_grad()
            fabric.backward(loss.total)
        except (ValueError, RuntimeError) as error:
            if (known := explained(error, epoch, step, settings)) is not None:
                raise known from error
            raise
        if settings.gradient_clip:
            # With 16-mixed a step may overflow; the scaler then leaves it out.
            fabric.clip_gradients(
                learner.model, learner.optimizer, max_norm=settings.gradient_clip, error_if_nonfinite=False
            )
        learner.optimizer.step()
        learner.schedule.step()
        losses = {"train_loss": loss.total.detach(), **loss.parts}
        for name, value in losses.items():
            sums[name] = sums.get(name, 0) + value
        on_batch(Batch(epoch, losses, output.logits.detach(), labels))
    return {name: float(value) / step for name, value in sums.items()}


def predict_once(fabric: Fabric, network: ExpressionNetwork, faces: FaceDataset) -> Predictions:
    """Predictions of the first process, given to all: so that all decide alike."""
    seen = predict(network, faces.images, fabric=fabric) if fabric.is_global_zero else None
    return fabric.broadcast(seen)


def epochs_before_metric_loss(method: Method, epochs: int) -> int:
    """Epochs of cross-entropy alone; at least the last one trains with the method's metric loss."""
    return min(round(method.warm_up * epochs), epochs - 1) if method.loss else 0


def explained(error: Exception, epoch: int, step: int, settings: TrainSettings) -> FerlabError | None:
    """What stopped a batch and what to do about it; None for an error that is not the user's to mend."""
    place = f"Training stopped in epoch {epoch}, batch {step}:"
    # A processor's full memory is a plain RuntimeError in PyTorch: there is nothing but its words to know it by.
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return FerlabError(
            f"{place} the memory is full. Use a batch size below {settings.batch_size}, precision bf16-mixed or "
            "16-mixed, or a smaller network."
        )
    if isinstance(error, NotFinite):
        return TrainingDiverged(f"{place} {error} Use a smaller learning rate or metric weight, or clip the gradient.")
    return None

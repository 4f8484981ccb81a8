"""Optimizer and learning-rate schedule of a training."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from ferlab.losses import JointLoss
from ferlab.settings import TrainSettings


def build_optimizer(network: nn.Module, objective: JointLoss, settings: TrainSettings) -> Optimizer:
    """One parameter group for the network, one for the objective's own parameters (class centers)."""
    rate = settings.learning_rate
    factor = 1.0 if objective.metric_loss is None else objective.metric_loss.learning_rate_factor
    groups = [
        {"params": list(network.parameters()), "lr": rate},
        # AdamW does not depend on the scale of a gradient.
        {
            "params": list(objective.parameters()),
            "lr": rate * factor if settings.optimizer == "sgd" else rate,
            "weight_decay": 0.0,
        },
    ]
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, betas=(settings.momentum, 0.999), weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        groups, momentum=settings.momentum, weight_decay=settings.weight_decay, nesterov=settings.momentum > 0
    )


def build_schedule(optimizer: Optimizer, settings: TrainSettings, steps_per_epoch: int) -> LRScheduler:
    """The learning rates of all ``epochs * steps_per_epoch`` steps."""
    total = settings.epochs * steps_per_epoch
    if settings.schedule == "one-cycle":
        return OneCycleLR(optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=total)
    rising = min(round(settings.warm_up * steps_per_epoch), total - 1)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / (total - rising)))

    return LambdaLR(optimizer, factor)

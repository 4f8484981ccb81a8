"""Optimizer and learning-rate schedule of a training."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from ferlab.losses import JointLoss
from ferlab.settings import TrainSettings
from ferlab.training.muon import Muon, kernels_and_others


def build_optimizer(network: nn.Module, objective: JointLoss, settings: TrainSettings) -> Optimizer:
    """Parameter groups for the network (with Muon, one for kernels and one for the rest) and for class centers."""
    rate, decay, momentum = settings.learning_rate, settings.weight_decay, settings.momentum
    centers = list(objective.parameters())
    groups: list[dict[str, Any]]
    if settings.optimizer == "adamw":
        # AdamW does not depend on the scale of a gradient, so centers learn at the network's rate.
        groups = [{"params": list(network.parameters())}, {"params": centers, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=rate, betas=(momentum, 0.999), weight_decay=decay)
    factor = 1.0 if objective.metric_loss is None else objective.metric_loss.learning_rate_factor
    of_centers: dict[str, Any] = {"params": centers, "lr": rate * factor, "weight_decay": 0.0}
    if settings.optimizer == "muon":
        kernels, others = kernels_and_others(network)
        groups = [{"params": others}, {"params": kernels, "orthogonal": True}, of_centers]
        return Muon(groups, lr=rate, momentum=momentum, weight_decay=decay, nesterov=momentum > 0)
    groups = [{"params": list(network.parameters())}, of_centers]
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, weight_decay=decay, nesterov=momentum > 0)


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

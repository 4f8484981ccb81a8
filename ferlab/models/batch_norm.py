"""Batch normalisation over the whole batch of a training that is split over processes."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def synchronise_batch_norm(network: Network) -> Network:
    """``network`` with its batch normalisations replaced by ones that see the batches of all processes.

    PyTorch's own ``SyncBatchNorm`` runs on GPUs only; on CPUs :class:`SharedBatchNorm2d` does the same. Weights and
    names in the state dict stay as they are. Without several processes nothing is replaced.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return network
    if next(network.parameters()).device.type != "cpu":
        return cast(Network, nn.SyncBatchNorm.convert_sync_batchnorm(network))
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if type(module) is nn.BatchNorm2d:  # a subclass does more, such as an activation
                shared = SharedBatchNorm2d(module.num_features, module.eps, module.momentum, module.affine)
                shared.load_state_dict(module.state_dict())
                setattr(parent, name, shared)
    return network


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation (B, C, H, W) whose mean and variance in training are those of all processes' batches.

    The batches must be of equal size.
    """

    # Of every batch normalisation here; PyTorch allows some without.
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:
        """Normalised ``x`` (B, C, H, W), in its own type."""
        if not self.training:
            return super().forward(x)
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        processes = dist.get_world_size()
        # Two steps, mean then variance: the difference of squares would lose digits.
        mean = _Sum.apply(wide.mean(dim=(0, 2, 3))) / processes
        centered = wide - mean[:, None, None]
        variance = _Sum.apply(centered.square().mean(dim=(0, 2, 3))) / processes
        with torch.no_grad():
            count = processes * x.numel() / x.shape[1]
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            self.running_var.lerp_((variance * count / (count - 1)).to(self.running_var), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = (centered * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)
        return normalised


class _Sum(torch.autograd.Function):
    """Sum over all processes; every process's result depends on every process's value, and so do the gradients."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return _sum(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _sum(gradient)


def _sum(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total

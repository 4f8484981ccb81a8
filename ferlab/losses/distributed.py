"""A loss over the batches of all processes together."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class DistributedLoss(nn.Module):
    """Gathers a batch from all processes, so that every process computes the loss of the whole batch.

    Ad-Corre compares all pairs of a batch, and a center's gradient is a mean over the batch: computed on each process's
    share alone, both would change with the number of processes. Here the value is the whole batch's on every process,
    and so are the gradient of the loss's own parameters and the running confusion matrix: centers stay in step without
    being synchronised, so leave the loss out of ``DistributedDataParallel``. The embeddings' gradient is multiplied by
    the number of processes, since ``DistributedDataParallel`` averages the network's gradients.

    (``pytorch_metric_learning``'s ``DistributedLossWrapper`` does this for embeddings and labels, but not for logits or
    element weights, and multiplies the centers' gradient too.)

    Shares must be of equal size. Without an initialised process group, the loss is computed as it is.

    Args:
        loss: a ferlab loss, or :class:`~ferlab.losses.JointLoss`.

    Example:
        >>> from ferlab.losses import AdCorreLoss
        >>> loss = DistributedLoss(AdCorreLoss(num_classes=7))
        >>> loss(torch.randn(8, 7, 16), torch.arange(8) % 7).shape
        torch.Size([])
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, *arguments: Tensor | None, **named: Tensor | None) -> Any:
        """As the loss itself, every tensor gathered along its first dimension in the order of the processes."""
        if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
            return self.loss(*arguments, **named)
        if any(isinstance(value, tuple | list) for value in (*arguments, *named.values())):
            raise ValueError("indices_tuple must be None with several processes: it names places in one's own batch.")
        return self.loss(*map(_gather, arguments), **{name: _gather(value) for name, value in named.items()})


def _gather(share: Tensor | None) -> Tensor | None:
    if share is None:
        return None
    gathered: Tensor = _Gather.apply(share) if share.requires_grad else _all_gather(share)
    return gathered


def _all_gather(share: Tensor) -> Tensor:
    share = share.contiguous()
    shares = [torch.empty_like(share) for _ in range(dist.get_world_size())]
    dist.all_gather(shares, share)
    return torch.cat(shares)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, share: Tensor) -> Tensor:
        ctx.size = len(share)
        return _all_gather(share)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Every process has the whole gradient already; its own share is enough, nothing needs to be sent.
        start = dist.get_rank() * ctx.size
        own: Tensor = gradient[start : start + ctx.size] * dist.get_world_size()
        return own

"""Muon: SGD whose steps turn all directions of a convolution's kernel alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Of the quintic Newton-Schulz iteration, chosen by Jordan for a steep rise at 0: singular values come out between
# about .7 and 1.2, which trains as well as exact ones.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
TRACE = 1e-12


class Muon(torch.optim.SGD):
    """SGD with Nesterov momentum, and Muon's step for the kernels of convolutions.

    Jordan et al., *Muon: An optimizer for hidden layers in neural networks*, 2024: a kernel (out, in, h, w) is taken as
    the matrix (out, in * h * w), and its momentum replaced by the nearest matrix whose singular values are 1, so that
    rare directions learn as fast as frequent ones. Decay is decoupled. All other parameters have the steps of SGD.

    ``torch.optim.Muon`` takes matrices only, and computes in bfloat16, which a CPU without instructions for it
    emulates: there a kernel's step takes longer than the rest of a training step.

    Args:
        groups: parameter groups; one with ``"orthogonal": True`` holds kernels.
        **defaults: as of ``torch.optim.SGD``.

    Example:
        >>> layer = nn.Conv2d(2, 4, 3)
        >>> optimizer = Muon([{"params": [layer.weight], "orthogonal": True}, {"params": [layer.bias]}], lr=0.05)
        >>> layer(torch.ones(1, 2, 8, 8)).square().mean().backward()
        >>> optimizer.step()
    """

    def __init__(self, groups: list[dict[str, Any]], **defaults: Any) -> None:
        super().__init__([{"orthogonal": False, **group} for group in groups], **defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; the gradients of kernels are used up."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["orthogonal"]:
                for kernel in group["params"]:
                    if kernel.grad is not None:
                        self._turn(kernel, group)
                        kernel.grad = None  # SGD's step passes over it
        super().step()
        return loss

    def _turn(self, kernel: Tensor, group: dict[str, Any]) -> None:
        state = self.state[kernel]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(kernel)
        momentum = state["momentum_buffer"].mul_(group["momentum"]).add_(kernel.grad)
        ahead = torch.add(kernel.grad, momentum, alpha=group["momentum"])
        kernel.mul_(1 - group["lr"] * group["weight_decay"])
        kernel.add_(orthogonalized(ahead.flatten(1)).view_as(kernel), alpha=-group["lr"])


def orthogonalized(matrix: Tensor) -> Tensor:
    """About the nearest matrix to ``matrix`` (n, m) whose singular values are 1, in its type.

    Example:
        >>> torch.linalg.svdvals(orthogonalized(torch.diag(torch.tensor([9.0, 1.0])))).round()
        tensor([1., 1.])
    """
    a, b, c = COEFFICIENTS
    precise = matrix.to(torch.promote_types(matrix.dtype, torch.float32))
    wide = precise if matrix.shape[0] <= matrix.shape[1] else precise.T
    wide = wide / wide.norm().clamp_min(1e-7)
    # A step takes X to S X with S = a + b G + c G G and G = X X', which takes G to S G S. So it is enough to iterate on
    # G, a ninth of a kernel's numbers, and to turn X once, by the product of all S: a third of the time, equal to
    # rounding.
    wide = without_traces(wide)
    gram = without_traces(wide @ wide.T)
    turn = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(ITERATIONS):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        turn = without_traces(step @ turn)
        gram = without_traces(step @ gram @ step)
    wide = turn @ wide
    found = wide if matrix.shape[0] <= matrix.shape[1] else wide.T
    return found.to(matrix.dtype)


def without_traces(matrix: Tensor) -> Tensor:
    """The matrix with 0 for numbers far below the rounding of its largest, which is about 1.

    Where a loss moves few directions, the others' products would be denormal numbers, which a CPU multiplies a hundred
    times slower: a training of photographs with a strong loss took six times as long.
    """
    return F.hardshrink(matrix, TRACE)


def kernels_and_others(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """The kernels of convolutions, which Muon turns, and all other parameters.

    >>> [len(part) for part in kernels_and_others(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)))]
    [1, 3]
    """
    kernels = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    known = {id(kernel) for kernel in kernels}
    others: list[Tensor] = [parameter for parameter in network.parameters() if id(parameter) not in known]
    return kernels, others

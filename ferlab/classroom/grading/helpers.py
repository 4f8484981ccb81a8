"""What a part of an assignment may use of an earlier one, so that a mistake there costs nothing later."""

from __future__ import annotations

import torch
from torch import Tensor

from ferlab.losses.ad_corre import standardise


def unit_profiles(vectors: Tensor) -> Tensor:
    """Each vector (.., D) without its mean and of length 1; zeros, without gradient, where all entries are equal.

    >>> unit_profiles(torch.tensor([[1.0, -1.0], [3.0, 3.0]])).square().sum(dim=1).round()
    tensor([1., 0.])
    """
    return standardise(vectors)


def nearest_center_of_others(embeddings: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """int64 (B,): for every face the number of the nearest center that is not its own.

    >>> nearest_center_of_others(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([[0.0, 0], [9, 9], [1, 1]]))
    tensor([2])
    """
    return torch.cdist(embeddings, centers).scatter(1, labels[:, None], torch.inf).argmin(dim=1)

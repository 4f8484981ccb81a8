"""The checks of the attention notebook's exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ferlab.classroom.exercises.tools import Mistake, answer_of, known_mistake, number_of, solved


def check_weighted_distance(function: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str:
    """Judge a learner's `function(embeddings, centers, weights)`, all (B, D): the weighted squared distances (B,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    generator = torch.Generator().manual_seed(3)
    for batch, size in ((6, 5), (4, 4)):
        embeddings, centers = torch.randn(2, batch, size, generator=generator, dtype=torch.float64)
        weights = 2 * torch.rand(batch, size, generator=generator, dtype=torch.float64)
        value, complaint = answer_of(function, embeddings.clone(), centers.clone(), weights.clone())
        if complaint:
            return complaint
        if not isinstance(value, Tensor):
            return f"The answer should be a tensor, but is of type {type(value).__name__}."
        right = (weights * (embeddings - centers).square()).sum(dim=1)
        if value.shape == embeddings.shape:
            return "One number a dimension is one step short: sum over the dimensions, `.sum(dim=1)`."
        if value.shape != right.shape:
            return f"The answer has shape {tuple(value.shape)}; asked for is one distance a face, ({batch},)."
        value = value.detach().double()
        if not torch.allclose(value, right):
            at = int((value - right).abs().argmax())
            return known_mistake(value, _distance_mistakes(embeddings, centers, weights)) or (
                f"For one face you get {value[at]:.4f}, but the distance is {right[at]:.4f}."
            )
    return solved("Right.")


def _distance_mistakes(embeddings: Tensor, centers: Tensor, weights: Tensor) -> list[Mistake]:
    squares = (embeddings - centers).square()
    weighted = weights * squares
    return [
        (squares.sum(dim=1), "These are the distances without the weights."),
        (
            (weights * (embeddings - centers)).square().sum(dim=1),
            "Almost: the weights are squared too. Multiply after squaring.",
        ),
        (weighted.mean(dim=1), "Almost: this is the mean over the dimensions; take the sum."),
        (weighted.sum(dim=1).sqrt(), "Almost: leave the root out, the distance is the squared one."),
        (
            weighted.sum(dim=1) / weights.sum(dim=1),
            "Almost: nothing is divided by the sum of the weights. A face whose weights are all large has larger "
            "distances.",
        ),
        (
            (weights * (embeddings.square() - centers.square())).sum(dim=1),
            "First subtract, then square: (f - C)², not f² - C².",
        ),
        (weighted.sum(dim=0), "Sum over the dimensions, not the faces."),
    ]


def check_same_place(
    function: Callable[[np.ndarray, np.ndarray], float], attention: np.ndarray, cost: np.ndarray
) -> str:
    """Judge a learner's `function(attention, cost)`: the share of faces whose most-attended place costs most.

    Args:
        function: takes two float arrays (N, H, W), answers with one number.
        attention: (N, H, W), where a network looks.
        cost: (N, H, W), what covering each place costs.

    Returns:
        What is right and what it says of the given faces, or what seems to have gone wrong.
    """
    random = np.random.default_rng(5)
    first, second = random.random((60, 3, 5)), random.random((60, 3, 5))
    second[:20] = first[:20]
    value, complaint = number_of(function, first.copy(), second.copy())
    if complaint:
        return complaint
    right = _same_place(first, second)
    if not np.isclose(value, right):
        return known_mistake(value, _place_mistakes(first, second, right)) or (
            f"For made-up maps you get {value:.3f}, but it should be {right:.3f}. Try it on two faces by hand."
        )
    shuffled = np.mean([_same_place(attention[random.permutation(len(attention))], cost) for _ in range(20)])
    chance = 1 / attention[0].size
    return solved(
        f"Right. For {_same_place(attention, cost):.0%} of the faces the most-attended place is the one that costs "
        f"most; by blind chance it would be {chance:.0%}, and with the maps dealt out among the faces at random it is "
        f"{shuffled:.0%}. Only what exceeds the last number is about the single face."
    )


def _same_place(first: np.ndarray, second: np.ndarray) -> float:
    """Share of faces whose two maps (N, H, W) are largest at the same place."""
    return float((_rows(first).argmax(axis=1) == _rows(second).argmax(axis=1)).mean())


def _rows(maps: np.ndarray) -> np.ndarray:
    """Each map (N, H, W) as one row, (N, H · W)."""
    return maps.reshape(len(maps), -1)


def _place_mistakes(first: np.ndarray, second: np.ndarray, right: float) -> list[Mistake]:
    along_one_side = "Your argmax runs along one side of the maps. Make each map one row of H · W entries first."
    return [
        (right * len(first), "This is a number of faces. Take the mean, so that it is a share between 0 and 1."),
        (100 * right, "This looks like percent. Return a share between 0 and 1."),
        (1 - right, "This is the share of faces for which the places differ."),
        (
            float(first.argmax() == second.argmax()),
            "Your argmax runs over all faces at once. Make each face's map one row: `.reshape(len(...), -1)`.",
        ),
        *[((first.argmax(axis=axis) == second.argmax(axis=axis)).mean(), along_one_side) for axis in range(3)],
        (
            (_rows(first).max(axis=1) == _rows(second).max(axis=1)).mean(),
            "Compare the places (argmax), not the values there (max).",
        ),
        (_same_place(first, -second), "This takes the place whose covering costs least: argmax for both."),
    ]

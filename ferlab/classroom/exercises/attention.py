"""Checks for the exercises of the attention notebook: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ferlab.classroom.exercises.tools import answer_of, number_of, solved


def check_weighted_distance(function: Callable) -> str:
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
        if not isinstance(value, torch.Tensor):
            return f"The answer should be a tensor, but is of type {type(value).__name__}."
        squares = (embeddings - centers).square()
        right = (weights * squares).sum(dim=1)
        if value.shape != right.shape:
            if value.shape == squares.shape:
                return "One number a dimension is one step short: sum over the dimensions, `.sum(dim=1)`."
            return f"The answer has shape {tuple(value.shape)}; asked for is one distance a face, ({batch},)."
        value = value.detach().double()
        if not torch.allclose(value, right):
            for wrong, said in (
                (squares.sum(dim=1), "These are the distances without the weights."),
                (
                    (weights * (embeddings - centers)).square().sum(dim=1),
                    "Almost: the weights are squared too. Multiply after squaring.",
                ),
                ((weights * squares).mean(dim=1), "Almost: this is the mean over the dimensions; take the sum."),
                ((weights * squares).sum(dim=1).sqrt(), "Almost: leave the root out, the distance is the squared one."),
                (
                    (weights * squares).sum(dim=1) / weights.sum(dim=1),
                    "Almost: nothing is divided by the sum of the weights. A face whose weights are all large has "
                    "larger distances.",
                ),
                (
                    (weights * (embeddings.square() - centers.square())).sum(dim=1),
                    "First subtract, then square: (f - C)², not f² - C².",
                ),
                ((weights * squares).sum(dim=0) if batch == size else None, "Sum over the dimensions, not the faces."),
            ):
                if wrong is not None and torch.allclose(value, wrong):
                    return said
            at = int((value - right).abs().argmax())
            return f"For one face you get {value[at]:.4f}, but the distance is {right[at]:.4f}."
    return solved("Right.")


def check_same_place(function: Callable, attention: np.ndarray, cost: np.ndarray) -> str:
    """Judge a learner's `function(attention, cost)`: the share of faces whose most-attended place costs most.

    Args:
        function: takes two float arrays (N, H, W), answers with one number.
        attention: (N, H, W), where a network looks.
        cost: (N, H, W), what covering each place costs.

    Returns:
        What is right and what it says of the given faces, or what seems to have gone wrong.
    """
    random = np.random.default_rng(5)
    tried = random.random((60, 3, 5)), random.random((60, 3, 5))
    tried[1][:20] = tried[0][:20]
    value, complaint = number_of(function, tried[0].copy(), tried[1].copy())
    if complaint:
        return complaint
    right = _same_place(*tried)
    if not np.isclose(value, right):
        if np.isclose(value, right * len(tried[0])):
            return "This is a number of faces. Take the mean, so that it is a share between 0 and 1."
        if np.isclose(value, 100 * right):
            return "This looks like percent. Return a share between 0 and 1."
        if np.isclose(value, 1 - right):
            return "This is the share of faces for which the places differ."
        if np.isclose(value, float(tried[0].argmax() == tried[1].argmax())):
            return "Your argmax runs over all faces at once. Make each face's map one row: `.reshape(len(...), -1)`."
        if any(np.isclose(value, (tried[0].argmax(axis=a) == tried[1].argmax(axis=a)).mean()) for a in (0, 1, 2)):
            return "Your argmax runs along one side of the maps. Make each map one row of H · W entries first."
        if np.isclose(value, (tried[0].reshape(60, -1).max(axis=1) == tried[1].reshape(60, -1).max(axis=1)).mean()):
            return "Compare the places (argmax), not the values there (max)."
        if np.isclose(value, _same_place(tried[0], -tried[1])):
            return "This takes the place whose covering costs least: argmax for both."
        return f"For made-up maps you get {value:.3f}, but it should be {right:.3f}. Try it on two faces by hand."
    shuffled = np.mean([_same_place(attention[random.permutation(len(attention))], cost) for _ in range(20)])
    chance = 1 / attention[0].size
    return solved(
        f"Right. For {_same_place(attention, cost):.0%} of the faces the most-attended place is the one that costs "
        f"most; by blind chance it would be {chance:.0%}, and with the maps dealt out among the faces at random it is "
        f"{shuffled:.0%}. Only what exceeds the last number is about the single face."
    )


def _same_place(first: np.ndarray, second: np.ndarray) -> float:
    first, second = (of.reshape(len(of), -1).argmax(axis=1) for of in (first, second))
    return float((first == second).mean())

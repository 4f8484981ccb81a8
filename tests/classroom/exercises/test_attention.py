"""The checks of the attention notebook's exercises: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.classroom.exercises import check_same_place, check_weighted_distance


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=1), "Right"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=1).float(), "Right"),
        (lambda f, c, a: ((f - c) ** 2).sum(dim=1), "without the weights"),
        (lambda f, c, a: ((a * (f - c)) ** 2).sum(dim=1), "after squaring"),
        (lambda f, c, a: (a * (f - c) ** 2).mean(dim=1), "mean over the dimensions"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=1) ** 0.5, "leave the root out"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=1) / a.sum(dim=1), "divided by the sum"),
        (lambda f, c, a: (a * (f**2 - c**2)).sum(dim=1), "First subtract"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=0), "one distance a face"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=0 if len(f) == f.shape[1] else 1), "not the faces"),
        (lambda f, c, a: a * (f - c) ** 2, "sum over the dimensions"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(), "has shape ()"),
        (lambda f, c, a: a.sum(dim=1), "but the distance is"),
        (lambda f, c, a: (a * (f - c) ** 2).sum(dim=1).numpy(), "of type ndarray"),
        (lambda f, c, a: None, "returns None"),
        (lambda f, c, a: f @ c, "RuntimeError"),
    ],
)
def test_weighted_distance(function, said):
    assert said in check_weighted_distance(function)


def places(maps):
    return maps.reshape(len(maps), -1).argmax(axis=1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda a, b: (places(a) == places(b)).mean(), "Right. For 100% of the faces"),
        (lambda a, b: (places(a) == places(b)).sum(), "number of faces"),
        (lambda a, b: 100 * (places(a) == places(b)).mean(), "percent"),
        (lambda a, b: (places(a) != places(b)).mean(), "the places differ"),
        (lambda a, b: a.argmax() == b.argmax(), "over all faces at once"),
        (lambda a, b: (a.argmax(axis=1) == b.argmax(axis=1)).mean(), "along one side"),
        (lambda a, b: (places(a) == places(-b)).mean(), "costs least"),
        (lambda a, b: (a.reshape(len(a), -1).max(1) == b.reshape(len(b), -1).max(1)).mean(), "not the values"),
        (lambda a, b: 0.5, "it should be"),
        (lambda a, b: a.argmax(axis=1) == b.argmax(axis=1), "one number, but returned ndarray"),
        (lambda a, b: None, "returns None"),
        (lambda a, b: a["mouth"], "IndexError"),
    ],
)
def test_same_place(function, said):
    maps = np.random.default_rng(0).random((30, 4, 4))
    assert said in check_same_place(function, maps, 2 * maps)


def test_what_same_place_says_of_a_habit():
    maps = np.random.default_rng(0).random((30, 4, 4)) * 0.1
    maps[:, 2, 1] = 1
    said = check_same_place(lambda a, b: (places(a) == places(b)).mean(), maps, maps)
    assert "blind chance it would be 6%" in said and "at random it is 100%" in said

"""Checks of the exercises on embedding spaces: right answers pass, typical mistakes get their own sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ferlab.classroom.exercises import check_common_neighbors, check_torn_apart
from ferlab.classroom.exercises.spaces import relative_spread
from ferlab.evaluation import neighbor_overlap
from ferlab.widgets import EmbeddingExplorer


@pytest.fixture
def explorer():
    # Forty points: in the first space two tight clouds; in the second the first cloud is spread over everything.
    rng = np.random.default_rng(0)
    middles = np.repeat(np.eye(3)[:2], 20, axis=0)
    first = middles + 0.05 * rng.normal(size=(40, 3))
    second = first.copy()
    second[:20] = rng.normal(size=(20, 3))
    labels = np.repeat([0, 1], 20)
    table = {
        name: pd.DataFrame({"label": labels, "embedding": list(space), "x": space[:, 0], "y": space[:, 1]})
        for name, space in (("first", first), ("second", second))
    }
    return EmbeddingExplorer(table)


def test_torn_apart(explorer):
    assert "have selected 0 faces" in check_torn_apart(explorer)
    explorer.selection = range(40)
    assert "not lie close together in first" in check_torn_apart(explorer)
    explorer.selection = range(20, 40)
    assert "is asked for" in check_torn_apart(explorer)
    explorer.selection = range(20)
    assert check_torn_apart(explorer).startswith("✓ Found: 20 faces")
    explorer.methods = ["first"]
    assert "two methods" in check_torn_apart(explorer)


def test_torn_apart_by_ad_corre_asks_for_the_control(explorer):
    points = explorer.points
    table = {
        name: pd.DataFrame({"label": points.labels, "embedding": list(points.space(at, 1)), "index": points.indices})
        for name, at in {"ce": "first", "ad-corre": "second", "ce-heads": "first"}.items()
    }
    own = EmbeddingExplorer(table)
    own.methods, own.selection = ["ce", "ad-corre"], range(20)
    said = check_torn_apart(own)
    assert said.startswith("✓ Found: 20 faces") and "CE, k heads (control)" in said and "1.00 times" in said


def test_relative_spread_of_all_is_one():
    space = np.random.default_rng(0).normal(size=(30, 4))
    assert relative_spread(space, np.arange(30)) == pytest.approx(1)
    assert relative_spread(7 * space - 3, np.arange(5)) == pytest.approx(relative_spread(space, np.arange(5)))


def nearest(space, neighbors, itself=False, sign=-1):
    similarity = space @ space.T
    if not itself:
        np.fill_diagonal(similarity, sign * np.inf)
    return np.argsort(sign * similarity, axis=1)[:, :neighbors]


def common(first, second, neighbors, **how):
    lists = zip(nearest(first, neighbors, **how), nearest(second, neighbors, **how), strict=True)
    return np.mean([len(np.intersect1d(a, b)) for a, b in lists])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda a, b, k=10: common(a, b, k) / k, "✓ Right."),
        (lambda a, b, k=10: neighbor_overlap(a, b, k).mean(), "write it with NumPy"),
        (lambda a, b, k=10: 1 - common(a, b, k) / k, "do not have in common"),
        (lambda a, b, k=10: None, "returns None"),
        (lambda a, b, k=10: 1 / 0, "ZeroDivisionError"),
        (lambda a, b, k=10: "much", "one number"),
        (lambda a, b, k=10: common(a, b, k, itself=True) / k, "its own nearest"),
        (lambda a, b, k=10: common(a, b, k), "mean number"),
        (lambda a, b, k=10: common(a, b, k, sign=1) / k, "farthest"),
        (lambda a, b, k=10: common(a, b, 10) / 10, "use the argument"),
        (lambda a, b, k=10: common(a, b, k) / (2 * k - common(a, b, k)), "both lists hold together"),
        (lambda a, b, k=10: 0.123, "by hand"),
    ],
)
def test_common_neighbors(function, says):
    assert says in check_common_neighbors(function)

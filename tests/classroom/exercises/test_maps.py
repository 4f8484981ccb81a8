"""The checks of the exercises on maps: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness

from ferlab.classroom.exercises import check_continuity, check_lost_neighbor
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.widgets import EmbeddingExplorer


def ranks(distances, first=1):
    distances = distances.copy()
    np.fill_diagonal(distances, np.inf)
    return distances.argsort(axis=1).argsort(axis=1) + first


def scale(points, k):
    return 2 / (len(points) * k * (2 * len(points) - 3 * k - 1))


def continuity(in_space, on_map, k, weigh=lambda true, shown, k: shown - k):
    true, shown = ranks(in_space), ranks(on_map)
    lost = (true <= k) & (shown > k)
    return 1 - scale(in_space, k) * weigh(true, shown, k)[lost].sum()


def cost(in_space, on_map, k):
    return 1 - continuity(in_space, on_map, k)


def test_the_measure_is_that_of_scikit_learn_the_other_way_round():
    points = np.random.default_rng(0).normal(size=(40, 5))
    turned = trustworthiness(points[:, :2], points, n_neighbors=4)
    spaces = [np.linalg.norm(p[:, None] - p, axis=2) for p in (points, points[:, :2])]
    assert continuity(*spaces, 4) == pytest.approx(turned)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (continuity, "Right"),
        (lambda s, m, k: None, "returns None"),
        (lambda s, m, k: "most", "one number, but returned str"),
        (lambda s, m, k: ranks(s), "one number, but returned ndarray"),
        (lambda s, m, k: s[k, len(s)], "IndexError"),
        (lambda s, m, k: continuity(m, s, k), "This is trustworthiness"),
        (cost, "Subtract it from 1"),
        (lambda s, m, k: cost(s, m, k) / scale(s, k), "Scale it as trustworthiness does"),
        (lambda s, m, k: 1 - cost(s, m, k) / scale(s, k) / len(s) / k, "same factor"),
        (lambda s, m, k: continuity(s, m, k, lambda true, shown, k: true - k), "ranks in the space"),
        (lambda s, m, k: continuity(s, m, k, lambda true, shown, k: shown), "subtract k from each"),
        (lambda s, m, k: ((ranks(s) <= k) & (ranks(m) <= k)).sum() / k / len(s), "share of neighbors"),
        (lambda s, m, k: 0.987, "For 90 points and k = 5"),
        (lambda s, m, k: continuity(s, m, 5), "For 90 points and k = 12"),
    ],
)
def test_continuity(function, said):
    assert said in check_continuity(function)


@pytest.fixture
def explorer():
    """A row of points, the last of which the map puts at the wrong end."""
    angle = np.linspace(0, 1.5, 60)
    place = np.arange(60.0)
    place[-1] = -5
    table = pd.DataFrame(
        {
            "label": ["fear", "anger"] * 30, "x": place, "y": 0.0,
            "embedding": list(np.stack([np.cos(angle), np.sin(angle)], axis=1)),
        }
    )  # fmt: skip
    return EmbeddingExplorer({"ce": table})


def test_lost_neighbor(explorer):
    assert check_lost_neighbor(explorer).startswith(NOT_BEGUN)
    explorer.selection = [3, 4, 5]
    assert "3 faces are selected" in check_lost_neighbor(explorer)
    explorer.focus = 30
    said = check_lost_neighbor(explorer, rank=40)
    assert said.startswith("Face 30: in the space of Cross-entropy its neighbor no.") and "beyond no. 40" in said
    explorer.selection = [57]
    said = check_lost_neighbor(explorer, rank=40)
    assert said.startswith("✓ Found. Face 57") and "is face 59 (anger)" in said
    assert "on the map that one is no. 59" in said


def test_lost_neighbor_without_embeddings():
    table = pd.DataFrame({"label": ["a", "b"] * 10, "x": np.arange(20.0), "y": 0.0})
    explorer = EmbeddingExplorer({"own": table})
    explorer.selection = [2]
    assert "without embeddings" in check_lost_neighbor(explorer)

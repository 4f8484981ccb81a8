"""The checks of the exercises on maps: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ferlab.widgets import EmbeddingExplorer, check_neighbors_kept, check_torn_neighbor


def nearest(distances, k, diagonal=np.inf):
    distances = distances.copy()
    np.fill_diagonal(distances, diagonal)
    return np.argsort(distances, axis=1)[:, :k]


def kept(in_space, on_map, k, diagonal=np.inf):
    pairs = zip(nearest(in_space, k, diagonal), nearest(on_map, k, diagonal), strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (kept, "Right"),
        (lambda s, m, k: None, "returns None"),
        (lambda s, m, k: "most", "one number, but returned str"),
        (lambda s, m, k: nearest(s, k), "one number, but returned ndarray"),
        (lambda s, m, k: s[k, len(s)], "IndexError"),
        (lambda s, m, k: kept(s, m, k, diagonal=0), "the point itself. Put infinity"),
        (lambda s, m, k: kept(s, m, k + 1, diagonal=0), "its own neighbor"),
        (lambda s, m, k: kept(s, m, k - 1), "k - 1 neighbors"),
        (lambda s, m, k: k * kept(s, m, k), "Divide by k."),
        (lambda s, m, k: k * kept(s, m, k) / len(s), "not by the number of points"),
        (lambda s, m, k: k * kept(s, m, k) * len(s), "Divide by k and by"),
        (lambda s, m, k: (nearest(s, k) == nearest(m, k)).mean(), "compare sets"),
        (lambda s, m, k: 1 - kept(s, m, k), "share that is lost"),
        (lambda s, m, k: kept(-s, -m, k), "farthest"),
        (lambda s, m, k: 0.987, "For 90 points and k = 5"),
        (lambda s, m, k: kept(s, m, 5), "For 90 points and k = 12"),
    ],
)
def test_neighbors_kept(function, said):
    assert said in check_neighbors_kept(function)


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


def test_torn_neighbor(explorer):
    assert "No face is chosen" in check_torn_neighbor(explorer)
    explorer.selection = [3, 4, 5]
    assert "3 faces are selected" in check_torn_neighbor(explorer)
    explorer.focus = 30
    said = check_torn_neighbor(explorer, rank=40)
    assert said.startswith("Face 30: in the space of Cross-entropy its neighbor no.") and "beyond no. 40" in said
    explorer.selection = [57]
    said = check_torn_neighbor(explorer, rank=40)
    assert said.startswith("Found. Face 57") and "its neighbor no. 3 is face 59" in said or "no. 4 is face 59" in said
    assert "on the map that one is no. 59" in said


def test_torn_neighbor_without_embeddings():
    table = pd.DataFrame({"label": ["a", "b"] * 10, "x": np.arange(20.0), "y": 0.0})
    explorer = EmbeddingExplorer({"own": table})
    explorer.selection = [2]
    assert "without embeddings" in check_torn_neighbor(explorer)

"""Checks of the exercises on embedding spaces: right answers pass, typical mistakes get their own sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_dosed_run, write_fake_run

from ferlab.classroom.exercises import (
    check_common_neighbors,
    check_selection,
    check_torn_apart,
    check_within_between,
)
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.evaluation import neighbor_overlap, within_between_ratio
from ferlab.widgets import EmbeddingExplorer

# ---- a selection on the border of two classes ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces():
    return fake_faces(140)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, mapped=100)


def test_selection_says_what_to_change(run_dir, faces):
    explorer = EmbeddingExplorer(run_dir, faces)
    labels = faces.labels[explorer.points.indices]

    def chosen(**numbers):
        take = [explorer.points.indices[labels == k][: numbers.get(name, 0)] for k, name in enumerate(faces.classes)]
        explorer.selection = np.concatenate(take)
        return check_selection(explorer, ("surprise", "fear"), at_least=10)

    assert chosen().startswith(NOT_BEGUN) and "Nothing is selected" in chosen()
    assert "selected 5 faces; take at least 10" in chosen(surprise=3, fear=2)
    assert "Most of the others are anger" in chosen(surprise=5, fear=2, anger=6, neutral=1)
    assert "Only 1 of your 11 faces are fear" in chosen(surprise=10, fear=1)


def test_selection_asks_for_the_border():
    rng = np.random.default_rng(0)
    at = rng.uniform(-1, 1, (600, 2))
    table = pd.DataFrame({"label": np.where(at[:, 0] < 0, "surprise", "fear"), "x": at[:, 0], "y": at[:, 1]})
    explorer = EmbeddingExplorer({"ce": table.assign(predicted=table["label"])})
    explorer.selection = np.arange(600)
    answer = check_selection(explorer, ("surprise", "fear"))
    assert answer.startswith("Only 1") and "where surprise and fear touch, on the map of Cross-entropy" in answer
    explorer.selection = np.flatnonzero(np.abs(at[:, 0]) < 0.06)
    answer = check_selection(explorer, ("surprise", "fear"))
    assert answer.startswith("✓ Well found: ") and "Cross-entropy 100%" in answer


# ---- within / between ----------------------------------------------------------------------------------------------


def ratio(embeddings, labels, power=1.0, keep_own=False, turned=False, by_class=False):
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in np.unique(labels)])
    lengths = np.linalg.norm(embeddings - means[labels], axis=1) ** power
    within = np.mean([lengths[labels == c].mean() for c in np.unique(labels)]) if by_class else lengths.mean()
    distances = np.linalg.norm(means[:, None] - means[None], axis=2) ** power
    between = distances.mean() if keep_own else distances[~np.eye(len(means), dtype=bool)].mean()
    return between / within if turned else within / between


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (ratio, "✓ Right: "),
        (within_between_ratio, "✓ Right: "),
        (lambda e, y: None, "returns None"),
        (lambda e, y: "high", "one number, but returned str"),
        (lambda e, y: 1 / 0, "stopped with ZeroDivisionError"),
        (lambda e, y: ratio(e, y, turned=True), "Turn the fraction round"),
        (lambda e, y: ratio(e, y, power=2.0), "squared"),
        (lambda e, y: ratio(e, y) ** 2, "squared"),
        (lambda e, y: np.sqrt(ratio(e, y, power=2.0)), "take the root after"),
        (lambda e, y: ratio(e, y, keep_own=True), "itself"),
        (lambda e, y: 0.123, "Cross-entropy you get 0.123"),
    ],
)
def test_within_between(run_dir, function, message):
    assert message in check_within_between(function, run_dir)


def test_within_between_knows_a_mean_over_classes_where_they_are_not_equally_frequent(tmp_path):
    uneven = fake_faces(140)
    uneven.labels[::3] = 0
    run = write_fake_run(tmp_path / "uneven", uneven)
    assert "all faces at once" in check_within_between(lambda e, y: ratio(e, y, by_class=True), run)
    assert check_within_between(ratio, run).startswith("✓ Right")


# ---- a group that another loss tears apart -------------------------------------------------------------------------


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
    assert check_torn_apart(explorer).startswith(NOT_BEGUN)
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


def test_torn_apart_at_the_strength_on_the_map(tmp_path):
    faces = fake_faces(84)
    run = write_dosed_run(tmp_path / "dosed", faces, ("ce", "tcl-nearest@0.5", "tcl-nearest@2"), epochs=1)
    own = EmbeddingExplorer(run, faces, ["ce", "tcl-nearest"], validation=faces)
    rng = np.random.default_rng(0)
    group = np.zeros((84, 4))
    group[:20] = 5
    tight = group + 0.05 * rng.normal(size=group.shape)
    torn = np.where(group > 0, rng.normal(size=group.shape), tight)
    own.points.spaces.update({"ce": [tight], "tcl-nearest@0.5": [tight], "tcl-nearest@2": [torn]})
    own.selection = own.points.indices[:20]
    own.strength = 0.5
    assert "is asked for" in check_torn_apart(own)
    own.strength = 2
    assert check_torn_apart(own).startswith("✓ Found: 20 faces")


# ---- neighbors in common -------------------------------------------------------------------------------------------


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

"""New points in a fitted map: against a refit, and by what must hold."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ferlab.errors import FerlabError
from ferlab.projection import FittedMap, aligned_layouts, place, placing_error
from ferlab.projection.aligned import similarity
from ferlab.projection.graph import link_strengths, nearest_rows


def rings(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four noisy loops in 16 dimensions: embeddings (N, 16), labels (N,). A class is no ball here, so that its middle
    is a bad guess."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    angle = rng.uniform(0, 2 * np.pi, n)
    frames = np.linalg.qr(rng.normal(size=(4, 16, 3)))[0]
    loop = np.stack([np.cos(angle), np.sin(angle), np.full(n, 1.2)], axis=1)
    return np.einsum("ndc,nc->nd", frames[labels], loop) + 0.05 * rng.normal(size=(n, 16)), labels


@pytest.fixture(scope="module")
def error():
    """Of real pictures: handwritten digits, which come with scikit-learn."""
    from sklearn.datasets import load_digits

    return placing_error(load_digits().data[:1000], held_out=0.15, seed=2)


def test_points_lie_where_a_refit_puts_them(error):
    assert len(error.placed) == len(error.nearest) == 150 and len(error.refit) == 850
    # As near as the points that both maps hold are to themselves, and nearer than the naive way.
    assert np.median(error.placed) < 1.25 * np.median(error.refit)
    assert error.placed.mean() < error.nearest.mean()
    assert np.median(error.placed) < 0.5, "in units of the map's radius; two points drawn blindly are some 1.4 apart"
    table = error.table()
    assert table.loc["place()", "median"] == np.median(error.placed)
    assert list(table.columns) == ["median", "mean", "90 %"]


def test_new_points_go_to_their_class():
    space, labels = rings()
    layout = aligned_layouts({"ce": space[:300]})["ce"]
    positions = place(space[:300], layout, space[300:])
    distances = np.linalg.norm(positions[:, None] - layout[None], axis=2)
    assert (labels[:300][distances.argmin(axis=1)] == labels[300:]).mean() > 0.98


def test_weights_are_the_links_of_the_neighbor_graph():
    """A point of the map, placed anew, has the other points as neighbors with the strengths it has in the graph."""
    space = rings(60)[0].astype(np.float32)
    unit = space / np.linalg.norm(space, axis=1, keepdims=True)
    indices, distances = nearest_rows(unit, 15)
    layout = np.random.default_rng(0).normal(size=(60, 2))
    without_first = FittedMap(space[1:], layout[1:], 15)
    np.testing.assert_array_equal(without_first.nearest(space[:1])[0] + 1, indices[0, 1:])
    strengths = link_strengths(distances)[0, 1:]
    expected = strengths @ layout[indices[0, 1:]] / strengths.sum()
    np.testing.assert_allclose(without_first.place(space[:1])[0], expected, atol=1e-4)


def test_length_does_not_matter_and_many_are_as_one():
    space, _ = rings(120)
    layout = aligned_layouts({"ce": space[:100]})["ce"]
    together = place(space[:100], layout, space[100:])
    np.testing.assert_allclose(place(space[:100], layout, 7 * space[100:]), together, atol=1e-4)
    one_by_one = np.concatenate([place(space[:100], layout, row[None]) for row in space[100:]])
    np.testing.assert_allclose(one_by_one, together, atol=1e-5)


def test_a_small_step_in_the_space_is_a_small_step_on_the_map():
    space, labels = rings()
    layout = aligned_layouts({"ce": space})["ce"]
    a, b = space[labels == 0][:2]
    path = place(space, layout, np.linspace(a, b, 400))
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 0.25 and np.median(steps) < 0.02


def test_few_and_identical_references():
    layout = np.array([[0.0, 0], [1, 0], [0, 1]])
    assert np.isfinite(place(np.eye(3), layout, np.ones((1, 3)))).all(), "fewer references than neighbors"
    same = np.ones((20, 4))
    spread = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(place(same, spread, same[:1], 21)[0], spread.mean(axis=0), atol=1e-6)
    assert np.isfinite(place(np.eye(3), layout, np.zeros((1, 3)))).all()


def test_one_point_takes_a_few_milliseconds():
    rng = np.random.default_rng(0)
    fitted = FittedMap(rng.normal(size=(3000, 448)), rng.normal(size=(3000, 2)))
    point = rng.normal(size=(1, 448))
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        fitted.place(point)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.01


def test_similarity_moves_other_points_along():
    rng = np.random.default_rng(0)
    points, other = rng.normal(size=(30, 2)), rng.normal(size=(5, 2))
    turn = 2.5 * np.array([[0.6, 0.8], [0.8, -0.6]])  # turned, mirrored, larger
    found, shift = similarity(points @ turn + [3, -1], points)
    np.testing.assert_allclose(other @ found + shift, other @ turn + [3, -1], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": np.zeros((9, 2))}, "one row .x, y. for each of the 10"),
        ({"reference_embeddings": np.zeros(10)}, "must be a matrix"),
        ({"new_embeddings": np.zeros((1, 5))}, "5 dimensions, those of the map 4"),
        ({"new_embeddings": np.full((1, 4), np.nan)}, "NaN"),
        ({"n_neighbors": 1}, "at least 2"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    rng = np.random.default_rng(0)
    good = {
        "reference_embeddings": rng.normal(size=(10, 4)),
        "layout": rng.normal(size=(10, 2)),
        "new_embeddings": rng.normal(size=(1, 4)),
    }
    with pytest.raises(FerlabError, match=message):
        place(**(good | change))


@pytest.mark.parametrize("share", [0, 1, 0.001])
def test_holding_out_none_or_all_is_refused(share):
    with pytest.raises(FerlabError, match="leaves none"):
        placing_error(rings(40)[0], held_out=share)

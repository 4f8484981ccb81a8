from __future__ import annotations

import numpy as np
import pytest

from ferlab.errors import FerlabError
from ferlab.projection import aligned_layouts, epoch_layouts, procrustes


def blobs(n=90, dimensions=12, classes=3, spread=0.25, seed=0):
    """Points around one random center a class: (N, D), labels (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return rng.normal(size=(classes, dimensions))[labels] + spread * rng.normal(size=(n, dimensions)), labels


@pytest.fixture(scope="module")
def spaces():
    a, labels = blobs()
    b, _ = blobs(dimensions=30, seed=1)
    return {"ce": a, "copy": a.copy(), "ad-corre": b}, labels


@pytest.fixture(scope="module")
def layouts(spaces):
    return aligned_layouts(spaces[0], seed=3)


def test_shapes_order_and_scale(layouts):
    assert list(layouts) == ["ce", "copy", "ad-corre"]
    for layout in layouts.values():
        assert layout.shape == (90, 2) and layout.dtype == np.float32 and np.isfinite(layout).all()
    assert np.allclose(layouts["ce"].mean(axis=0), 0, atol=1e-5)
    assert np.sqrt((layouts["ce"] ** 2).sum(axis=1).mean()) == pytest.approx(1, abs=1e-5)


def test_same_seed_same_numbers_other_seed_others(spaces, layouts):
    again = aligned_layouts(spaces[0], seed=3)
    for name in layouts:
        np.testing.assert_array_equal(layouts[name], again[name])
    other = aligned_layouts({"ce": spaces[0]["ce"]}, seed=4)
    assert not np.array_equal(other["ce"], layouts["ce"])


def test_the_input_is_left_alone(spaces):
    before = {name: space.copy() for name, space in spaces[0].items()}
    aligned_layouts({"ce": spaces[0]["ce"]})
    np.testing.assert_array_equal(before["ce"], spaces[0]["ce"])


def test_identical_spaces_lie_on_each_other(layouts):
    np.testing.assert_allclose(layouts["ce"], layouts["copy"], atol=1e-4)


def test_nothing_is_left_to_align(layouts):
    moved, _ = procrustes(layouts["ce"], layouts["ad-corre"])
    np.testing.assert_allclose(moved, layouts["ad-corre"], atol=1e-4)


@pytest.mark.parametrize("case", ["blobs", "identical points", "few"])
def test_neighbor_graph_is_that_of_umap(case):
    from umap.umap_ import fuzzy_simplicial_set

    from ferlab.projection.aligned import _neighbors, neighbor_graph

    space, _ = blobs(n=12 if case == "few" else 80)
    if case == "identical points":
        space[:30] = space[0]
    unit = (space / np.linalg.norm(space, axis=1, keepdims=True)).astype(np.float32)
    indices, distances = _neighbors(unit, min(15, len(unit) - 1))
    k = indices.shape[1]
    expected, _, _ = fuzzy_simplicial_set(
        unit, k, np.random.RandomState(0), "cosine", knn_indices=indices, knn_dists=distances
    )
    np.testing.assert_allclose(neighbor_graph(indices, distances).toarray(), expected.toarray(), atol=2e-4)


def test_separated_classes_stay_separated(spaces, layouts):
    labels = spaces[1]
    for layout in layouts.values():
        distances = np.linalg.norm(layout[:, None] - layout[None], axis=2)
        np.fill_diagonal(distances, np.inf)
        assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.95


def test_lengths_do_not_matter(spaces):
    """Cosine distance: scaling every row by its own factor leaves the map."""
    space = spaces[0]["ce"]
    factors = 2.0 ** np.random.default_rng(5).integers(-3, 4, size=(len(space), 1))  # powers of two are exact
    np.testing.assert_array_equal(aligned_layouts({"x": space})["x"], aligned_layouts({"x": space * factors})["x"])


def test_identical_and_zero_points_are_allowed():
    space, _ = blobs(n=40)
    space[:20] = space[0]
    space[20] = 0
    assert np.isfinite(aligned_layouts({"x": space})["x"]).all()


def test_few_points_use_fewer_neighbors():
    space, _ = blobs(n=12)
    assert aligned_layouts({"x": space}, n_neighbors=15)["x"].shape == (12, 2)


@pytest.mark.parametrize("angle", [0.3, 2.0])
@pytest.mark.parametrize("reflect", [1, -1])
def test_procrustes_undoes_a_similarity(angle, reflect):
    points = np.random.default_rng(0).normal(size=(25, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, reflect])
    moved, disparity = procrustes(points, 4 * points @ turn + [3, -8])
    np.testing.assert_allclose(moved, points, atol=1e-9)
    assert disparity == pytest.approx(0, abs=1e-12)


def test_procrustes_of_unrelated_points_leaves_disparity():
    rng = np.random.default_rng(0)
    assert procrustes(rng.normal(size=(200, 2)), rng.normal(size=(200, 2)))[1] > 0.5


def _with_nan():
    space, _ = blobs(n=30)
    space[3, 2] = np.nan
    return {"ce": space}


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        ({}, "no embedding space"),
        ({"ce": np.zeros((30, 4, 2))}, r"ce must be a matrix"),
        (_with_nan(), "ce hold NaN"),
        ({"ce": np.ones((5, 4))}, "at least 10 points, but there are 5"),
        ({"ce": np.ones((20, 4)), "ad-corre": np.ones((21, 4))}, "ad-corre has 21 points and ce has 20"),
    ],
)
def test_bad_input_is_one_sentence(embeddings, message):
    with pytest.raises(FerlabError, match=message):
        aligned_layouts(embeddings)


@pytest.mark.parametrize("settings", [{"n_neighbors": 1}, {"min_dist": -0.1}, {"min_dist": 2.0}])
def test_bad_settings(settings):
    with pytest.raises(FerlabError):
        aligned_layouts({"ce": blobs(n=30)[0]}, **settings)


# ---- over the epochs ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def growing():
    """Classes that come apart over six epochs, in two spaces."""
    far, labels = blobs(spread=0.1)
    noise = np.random.default_rng(5).normal(size=far.shape)
    epochs = [far * t + 0.4 * noise for t in np.linspace(0.3, 1.5, 6)]
    return {"ce": epochs, "ad-corre": [np.concatenate([space, space**2], axis=1) for space in epochs[:4]]}, labels


def test_epochs_end_at_the_aligned_maps_and_points_travel_smoothly(growing):
    spaces, _ = growing
    maps = epoch_layouts(spaces, seed=2)
    assert {name: len(own) for name, own in maps.items()} == {"ce": 6, "ad-corre": 4}
    ends = aligned_layouts({name: own[-1] for name, own in spaces.items()}, seed=2)
    for name, own in maps.items():
        np.testing.assert_array_equal(own[-1], ends[name])
        assert all(layout.shape == (90, 2) and layout.dtype == np.float32 for layout in own)

    def step(layouts):
        return np.mean([np.linalg.norm(b - a, axis=1).mean() for a, b in zip(layouts, layouts[1:], strict=False)])

    apart = [aligned_layouts({"ce": space}, seed=2)["ce"] for space in spaces["ce"]]
    apart = [procrustes(apart[-1], layout)[0] for layout in apart]
    assert step(maps["ce"]) < 0.8 * step(apart), "smoother than maps that begin elsewhere every time"


def test_epochs_that_do_not_fit_together_are_refused(growing):
    spaces, _ = growing
    with pytest.raises(FerlabError, match="ad-corre has no epochs"):
        epoch_layouts({**spaces, "ad-corre": []})
    with pytest.raises(FerlabError, match="ad-corre has 90 points and ce has 89"):
        epoch_layouts({"ce": [spaces["ce"][0], spaces["ce"][1][:-1]], "ad-corre": spaces["ad-corre"]})
    with pytest.raises(FerlabError, match="no embedding space"):
        epoch_layouts({})

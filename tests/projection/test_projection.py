"""Aligned maps, maps over epochs, principal components, and what measures them."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.errors import FerlabError
from ferlab.projection import (
    DISTANCES,
    aligned_layouts,
    epoch_layouts,
    map_quality,
    pair_distances,
    pca_epoch_layouts,
    pca_layouts,
    procrustes,
)
from ferlab.projection.graph import comparable_rows, nearest_rows, neighbor_graph


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

    space, _ = blobs(n=12 if case == "few" else 80)
    if case == "identical points":
        space[:30] = space[0]
    unit = (space / np.linalg.norm(space, axis=1, keepdims=True)).astype(np.float32)
    indices, distances = nearest_rows(unit, min(15, len(unit) - 1))
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


def test_a_random_start_keeps_neighbors_in_another_arrangement(spaces, layouts):
    space = spaces[0]["ce"]
    scattered = aligned_layouts({"ce": space}, seed=3, start="random")["ce"]
    np.testing.assert_array_equal(scattered, aligned_layouts({"ce": space}, seed=3, start="random")["ce"])
    assert not np.array_equal(scattered, layouts["ce"])
    assert map_quality(space, scattered).trustworthiness > 0.8


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


@pytest.mark.parametrize(
    "settings", [{"n_neighbors": 1}, {"min_dist": -0.1}, {"min_dist": 2.0}, {"metric": "l1"}, {"start": "pca"}]
)
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


def test_early_epochs_are_not_shrunk(growing):
    """The best scale would be small where two maps do not agree."""
    unordered = np.random.default_rng(8).normal(size=(90, 12))
    maps = epoch_layouts({"ce": [unordered, growing[0]["ce"][-1]]}, seed=2)["ce"]
    first, last = (np.sqrt(((layout - layout.mean(axis=0)) ** 2).sum(axis=1).mean()) for layout in maps)
    assert first == pytest.approx(last, rel=1e-4)


# ---- other metrics, principal components, quality --------------------------------------------------------------------


@pytest.mark.parametrize("metric", DISTANCES)
def test_neighbors_by_every_metric_are_those_of_scikit_learn(metric):
    from sklearn.neighbors import NearestNeighbors

    space = blobs(n=70)[0] * np.random.default_rng(3).uniform(0.2, 3, size=(70, 1)) + 1.5
    indices, distances = nearest_rows(comparable_rows(space, metric), 8, metric)
    wanted_distances, wanted = NearestNeighbors(n_neighbors=8, metric=metric, algorithm="brute").fit(space).kneighbors()
    # scikit-learn leaves the point itself out when it is asked about its own points.
    np.testing.assert_array_equal(indices[:, 1:], wanted[:, :7])
    np.testing.assert_allclose(distances[:, 1:], wanted_distances[:, :7], rtol=1e-3, atol=1e-5)
    assert (indices[:, 0] == np.arange(70)).all()


def test_the_metric_changes_the_map(spaces):
    space = spaces[0]["ce"] * np.random.default_rng(3).uniform(0.2, 3, size=(90, 1))
    maps = [aligned_layouts({"x": space}, metric=metric)["x"] for metric in DISTANCES]
    assert not np.array_equal(maps[0], maps[1]) and not np.array_equal(maps[0], maps[2])


def test_spaces_are_announced(spaces):
    told = []
    aligned_layouts(spaces[0], on_space=told.append)
    assert told == ["ce", "copy", "ad-corre"]


def test_principal_components_are_those_of_scikit_learn(spaces):
    from sklearn.decomposition import PCA

    maps = pca_layouts(spaces[0])
    for name, space in spaces[0].items():
        unit = space / np.linalg.norm(space, axis=1, keepdims=True)
        _, disparity = procrustes(PCA(2).fit_transform(unit), maps[name])
        assert disparity < 1e-6
    np.testing.assert_allclose(maps["ce"], maps["copy"], atol=1e-6)
    assert np.sqrt((maps["ce"] ** 2).sum(axis=1).mean()) == pytest.approx(1, abs=1e-5)


def test_principal_components_over_epochs_use_one_plane(growing):
    spaces, _ = growing
    maps = pca_epoch_layouts(spaces)
    assert {name: len(own) for name, own in maps.items()} == {"ce": 6, "ad-corre": 4}
    last = pca_layouts({"ce": spaces["ce"][-1]})["ce"]
    np.testing.assert_allclose(maps["ce"][-1], last, atol=1e-6)
    same = pca_epoch_layouts({"ce": [spaces["ce"][-1], spaces["ce"][-1]]})["ce"]
    np.testing.assert_array_equal(same[0], same[1])


def test_one_dimension_has_a_second_component_of_zero():
    layout = pca_layouts({"x": np.array([[1.0], [-1.0], [2.0]])})["x"]
    assert layout.shape == (3, 2) and np.isfinite(layout).all()
    with pytest.raises(FerlabError, match="at least 2 points"):
        pca_layouts({"x": np.ones((1, 4))})


def test_quality_tells_a_true_map_from_a_shuffled_one():
    flat = np.random.default_rng(0).normal(size=(120, 2))
    true = map_quality(flat, flat, "euclidean")
    assert true.trustworthiness == pytest.approx(1) and true.distance_correlation == pytest.approx(1)
    shuffled = map_quality(flat, np.random.default_rng(1).permutation(flat), "euclidean")
    assert shuffled.trustworthiness < 0.6 and abs(shuffled.distance_correlation) < 0.1
    with pytest.raises(FerlabError, match="got 120 and 119"):
        map_quality(flat, flat[1:])


@pytest.mark.parametrize("metric", DISTANCES)
def test_pair_distances_are_those_of_scipy(metric):
    from scipy.spatial.distance import cdist

    space = np.random.default_rng(0).normal(size=(9, 5)) + 1
    np.testing.assert_allclose(pair_distances(space, metric), cdist(space, space, metric), atol=1e-5)

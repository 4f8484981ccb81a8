"""Planes and correlations: what the losses see, checked against the losses and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.errors import FerlabError
from ferlab.losses import AdCorreLoss, TripletCenterLoss
from ferlab.projection import (
    aligned_layouts,
    class_mean_epoch_planes,
    class_mean_plane,
    class_means,
    correlation_order,
    face_correlations,
    head_correlations,
    open_hinges,
    pair_histograms,
    split_heads,
    triplet_plane,
)
from ferlab.projection.planes import hinge_curve, on_roots, root_ticks

seeds = st.integers(0, 10_000)


def blobs(seed=0, n=60, dimensions=8, classes=4):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return rng.normal(size=(classes, dimensions))[labels] + 0.4 * rng.normal(size=(n, dimensions)), labels


def turned(seed, dimensions):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dimensions, dimensions)))[0]


# ---- TCL's plane ---------------------------------------------------------------------------------------------


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_triplet_plane_is_that_of_plain_loops(seed):
    space, labels = blobs(seed)
    centers = np.random.default_rng(seed + 1).normal(size=(4, 8))
    plane = triplet_plane(space, labels, centers)
    for i in range(len(space)):
        distances = [((space[i] - center) ** 2).sum() / 8 for center in centers]
        own = distances.pop(labels[i])
        np.testing.assert_allclose(plane[i], [own, min(distances)], rtol=1e-4, atol=1e-6)


@given(seeds, st.floats(0.1, 5))
@settings(deadline=None, max_examples=25)
def test_triplet_plane_knows_no_direction_and_grows_with_the_square(seed, factor):
    space, labels = blobs(seed)
    plane = triplet_plane(space, labels)
    moved = factor * space @ turned(seed, 8) + 7
    np.testing.assert_allclose(triplet_plane(moved, labels), factor**2 * plane, rtol=1e-3, atol=1e-4)


def test_the_line_is_the_hinge_of_the_loss():
    space, labels = blobs(n=200)
    loss = TripletCenterLoss.for_method(4, 8, margin=1.0)
    loss.set_centers(torch.tensor(space, dtype=torch.float32), torch.tensor(labels))
    asked = loss.measures(torch.tensor(space, dtype=torch.float32), torch.tensor(labels))
    share = open_hinges(triplet_plane(space, labels), margin=1.0)
    assert 0 < share < 1 and share == pytest.approx(asked["open_hinges"])


@given(st.floats(0.1, 20), st.floats(0.01, 400), st.floats(0.01, 400))
@settings(deadline=None, max_examples=40)
def test_the_curve_on_roots_is_the_straight_line_of_the_squares(margin, own, other):
    reach = max(own, other, 1.3 * margin)
    x, y = hinge_curve(margin, reach).T
    np.testing.assert_allclose(y**2 - x**2, margin, rtol=1e-6, err_msg="y = x + m, of the squares")
    assert (x[0], y[-1]) == pytest.approx((0, reach**0.5)) and (np.diff(y) > 0).all()
    if abs(other - own - margin) > 1e-3 * reach and own < reach - margin:
        (place,) = on_roots(np.array([[own, other]]))
        assert (place[1] > np.interp(place[0], x, y)) == (other > own + margin), "the same side as in squares"


def test_numbers_at_the_axes_are_few_squares_of_even_steps():
    for reach in np.geomspace(2.6, 3000, 40).tolist():
        ticks = root_ticks(reach)
        steps = np.diff(np.sqrt(ticks))
        assert 3 <= len(ticks) <= 9 and ticks[0] == 0 and ticks[-1] <= reach
        np.testing.assert_allclose(steps, steps[0])
    assert root_ticks(40.0)[:4] == [0, 1, 4, 9] and hinge_curve(3.0, 2.0).shape == (0, 2)


@pytest.mark.parametrize(
    ("labels", "centers", "said"),
    [
        (np.zeros(60, int), None, "at least two"),
        (np.arange(60) % 4, np.zeros((4, 3)), "one row of 8 numbers"),
        (np.arange(60) % 4, np.ones((2, 8)), "no center"),
        (np.arange(50) % 4, None, "labels"),
    ],
)
def test_triplet_plane_says_what_is_wrong(labels, centers, said):
    with pytest.raises(FerlabError, match=said):
        triplet_plane(blobs()[0], labels, centers)


def test_a_class_without_faces_has_no_center():
    space, labels = blobs()
    labels = np.where(labels == 1, 5, labels)
    assert np.isnan(class_means(space, labels)[[1, 4]]).all()
    assert np.isfinite(triplet_plane(space, labels)).all() and np.isfinite(class_mean_plane(space, labels)).all()


# ---- the class-mean plane ------------------------------------------------------------------------------------


@given(seeds, st.floats(0.1, 50))
@settings(deadline=None, max_examples=25)
def test_spaces_of_one_shape_have_one_class_mean_plane(seed, factor):
    space, labels = blobs(seed)
    planes = class_mean_epoch_planes({"a": [space], "b": [factor * space @ turned(seed, 8) - 3]}, labels)
    np.testing.assert_allclose(planes["a"][0], planes["b"][0], atol=2e-3)


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_the_class_mean_plane_stretches_nothing(seed):
    space, labels = blobs(seed)
    plane, means = class_mean_plane(space, labels), class_means(space, labels)
    first, second = np.triu_indices(4, k=1)
    unit = np.linalg.norm(means[first] - means[second], axis=1).mean()
    on_plane = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    in_space = np.linalg.norm(space[:, None] - space[None], axis=2) / unit
    assert (on_plane <= in_space + 1e-4).all()


def test_tighter_classes_look_tighter():
    space, labels = blobs()
    means = class_means(space, labels)
    tight = means[labels] + 0.3 * (space - means[labels])
    planes = class_mean_epoch_planes({"wide": [space], "tight": [tight]}, labels)
    spread = {
        name: np.mean([maps[0][labels == k].std(axis=0).mean() for k in range(4)]) for name, maps in planes.items()
    }
    assert spread["tight"] == pytest.approx(0.3 * spread["wide"], rel=0.01)


def test_coinciding_means_have_no_plane():
    with pytest.raises(FerlabError, match="coincide"):
        class_mean_plane(np.tile(np.eye(2), (2, 1)), np.array([0, 0, 1, 1]))


# ---- correlations --------------------------------------------------------------------------------------------


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_face_correlations_are_those_of_numpy_whatever_shift_and_scale(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(9, 3, 6))
    expected = np.mean([np.corrcoef(vectors[:, head]) for head in range(3)], axis=0)
    moved = rng.uniform(0.1, 9, size=(9, 3, 1)) * vectors + rng.normal(size=(9, 3, 1))
    np.testing.assert_allclose(face_correlations(moved), expected, atol=1e-7)


def test_means_are_those_that_ad_corre_measures():
    space, labels = blobs(dimensions=12)
    vectors = split_heads(space, 3)
    asked = AdCorreLoss(4).measures(torch.tensor(vectors), torch.tensor(labels))
    found = pair_histograms(face_correlations(vectors), labels)
    assert found.same_mean == pytest.approx(asked["correlation_within"])
    assert found.other_mean == pytest.approx(asked["correlation_between"])
    heads = head_correlations(vectors)[~np.eye(3, dtype=bool)]
    assert heads.mean() == pytest.approx(asked["correlation_of_heads"])
    for density in (found.same, found.other):
        assert (density * np.diff(found.edges)).sum() == pytest.approx(1)


@given(seeds, st.integers(1, 60))
@settings(deadline=None, max_examples=25)
def test_order_is_by_class_and_limited(seed, at_most):
    labels = np.random.default_rng(seed).integers(0, 5, 40)
    order = correlation_order(labels, 5, at_most)
    assert len(set(order.tolist())) == len(order) <= max(at_most, 5)
    assert (np.diff(labels[order]) >= 0).all()


def test_a_vector_without_variance_correlates_with_nothing():
    assert face_correlations(np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]]))[0].tolist() == [0, 0]


# ---- densMAP -------------------------------------------------------------------------------------------------


def test_densmap_draws_the_tighter_class_smaller():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    space = 5 * np.eye(2, 10)[labels] + np.where(labels == 0, 0.05, 1.0)[:, None] * rng.normal(size=(200, 10))
    spreads = {}
    for densmap in (False, True):
        layout = aligned_layouts({"ce": space}, densmap=densmap)["ce"]
        sizes = [np.linalg.norm(layout[labels == k] - np.median(layout[labels == k], 0), axis=1).mean() for k in (0, 1)]
        spreads[densmap] = sizes[0] / sizes[1]
    assert spreads[True] < 0.7 * spreads[False]


def test_densmap_of_points_without_densities_is_umap():
    space = np.ones((20, 3))
    assert np.isfinite(aligned_layouts({"ce": space}, densmap=True)["ce"]).all()

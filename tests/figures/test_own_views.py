"""The losses' own pictures: one scale for all spaces, and what they claim in words is in the numbers."""

from __future__ import annotations

import matplotlib.pyplot
import numpy as np
import pytest
import torch

from ferlab.data import CLASSES
from ferlab.errors import FerlabError
from ferlab.figures import class_mean_planes, correlation_views, triplet_planes
from ferlab.losses import TripletCenterLoss
from ferlab.projection import triplet_plane


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


LABELS = np.repeat(np.arange(7), 20)


def space(spread: float, heads: int = 1, size: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = 4 * rng.normal(size=(7, heads * size))
    return (centers[LABELS] + spread * rng.normal(size=(len(LABELS), heads * size))).astype(np.float32)


def test_planes_have_one_scale_and_say_how_many_hinges_are_open():
    spaces = {"ce": space(4.0), "tcl-nearest": space(0.5)}
    axes = triplet_planes(spaces, LABELS, CLASSES)
    first, second = axes.flat
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()
    for ax, embeddings in zip(axes.flat, spaces.values(), strict=True):
        loss = TripletCenterLoss.for_method(7, 12, margin=2.0)
        faces, labels = torch.from_numpy(embeddings), torch.from_numpy(LABELS)
        loss.start_from(faces, labels)
        share = loss.measures(faces, labels)["open_hinges"]
        assert f"hinge open: {share:.0%}" in " ".join(text.get_text() for text in ax.texts)


def test_a_small_space_can_be_read_beside_one_of_strength_sixteen_and_the_line_is_a_curve():
    spaces = {"ce": space(4.0), "tcl-nearest": 7 * space(4.0)}  # squared distances 49 times as large
    for ax, (_, embeddings) in zip(triplet_planes(spaces, LABELS, CLASSES).flat, spaces.items(), strict=True):
        (offsets,) = [dots.get_offsets() for dots in ax.collections if len(dots.get_offsets()) == len(LABELS)]
        plane = triplet_plane(embeddings, LABELS)
        np.testing.assert_allclose(np.sort(offsets[:, 1]), np.sort(plane[:, 1]), rtol=1e-5, err_msg="data are squares")
        to_axes = ax.transData + ax.transAxes.inverted()
        assert np.median(to_axes.transform(plane)[:, 1]) > 0.08, "off the corner: on straight axes it is 0.02"
        (x, y) = to_axes.transform(ax.lines[0].get_xydata()).T
        np.testing.assert_allclose(np.diff(ax.lines[0].get_xydata(), axis=1), 2.0, rtol=1e-6)
        slopes = np.diff(y) / np.diff(x)
        assert slopes[0] < 0.2 and slopes[-1] > 0.7 and (np.diff(slopes) > -1e-6).all(), "flat at first, then diagonal"
        assert "squared" in ax.get_xlabel() and [text.get_text() for text in ax.get_xticklabels()][0] == "0"


def test_class_means_have_one_scale():
    first, second = class_mean_planes({"ce": space(4.0), "tcl-nearest": space(0.5)}, LABELS, CLASSES).flat
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()


def test_correlations_name_the_means_of_their_pairs():
    embeddings = space(2.0, heads=7)
    axes = correlation_views({"ad-corre": embeddings}, LABELS, CLASSES)
    heads = embeddings.reshape(len(LABELS), 7, -1)
    found = np.stack([np.corrcoef(heads[:, head]) for head in range(7)]).mean(axis=0)
    same = LABELS[:, None] == LABELS
    within = found[same & ~np.eye(len(LABELS), dtype=bool)].mean()
    words = " ".join(text.get_text() for ax in axes.flat if ax.get_legend() for text in ax.get_legend().get_texts())
    assert f"one class, mean {within:+.2f}" in words and f"two classes, mean {found[~same].mean():+.2f}" in words


def test_no_spaces_are_one_sentence():
    for draw in (triplet_planes, class_mean_planes, correlation_views):
        with pytest.raises(FerlabError):
            draw({}, LABELS, CLASSES)

"""Embeddings of two and three numbers as they are: what is drawn is what the network says."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot
import numpy as np
import pytest
from fake_run import fake_faces, write_fake_run
from matplotlib.colors import to_hex

from ferlab.data import CLASSES
from ferlab.errors import FerlabError
from ferlab.figures import class_colors, embedding_planes, low_spaces
from ferlab.figures.two_dimensions import LowSpace
from ferlab.runs import read_run


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def space(size: int = 2, scale: float = 1.0) -> LowSpace:
    rng = np.random.default_rng(0)
    labels = np.arange(140) % 7
    angles = 2 * np.pi * np.arange(7) / 7
    homes = np.stack([np.cos(angles), np.sin(angles), np.linspace(-1, 1, 7)], axis=1)[:, :size]
    train, test = (scale * (homes[labels] + 0.1 * rng.normal(size=(140, size))) for _ in range(2))
    return LowSpace(train, labels, test, labels, homes / scale, np.zeros(7))


def test_faces_means_and_directions_are_drawn_where_they_lie():
    drawn = space()
    axes = embedding_planes({"ce": drawn}, CLASSES)
    assert axes.shape == (2, 1)
    for ax, points, labels in zip(
        axes[:, 0], (drawn.train, drawn.test), (drawn.train_labels, drawn.test_labels), strict=True
    ):
        faces, means = ax.collections[:7], ax.collections[7:]
        for k in range(7):
            own = points[labels == k]
            np.testing.assert_allclose(faces[k].get_offsets(), own)
            np.testing.assert_allclose(means[k].get_offsets()[0], drawn.train[drawn.train_labels == k].mean(axis=0))
        for color, line, weights in zip(class_colors(CLASSES), ax.lines, drawn.weight, strict=True):
            ray = np.diff(line.get_xydata(), axis=0)[0]
            assert ray @ weights / np.linalg.norm(ray) / np.linalg.norm(weights) == pytest.approx(1)
            assert to_hex(line.get_color()) == color


def test_the_ground_is_what_the_classifier_names():
    drawn = dataclasses.replace(space(), bias=np.eye(7)[3])  # happiness has more of the plane
    ax = embedding_planes({"ce": drawn}, CLASSES)[0, 0]
    ground = ax.images[0]
    left, right, bottom, top = ground.get_extent()
    named = np.asarray(ground.get_array())
    rows, columns = named.shape
    for i, j in [(0, 0), (rows // 2, columns // 3), (rows - 1, 5)]:
        place = np.array([left + (j + 0.5) / columns * (right - left), bottom + (i + 0.5) / rows * (top - bottom)])
        assert named[i, j] == (drawn.weight @ place + drawn.bias).argmax()


def test_directions_meet_where_the_logits_are_equal():
    at = np.array([3.0, -2.0])
    weight = np.random.default_rng(1).normal(size=(7, 2))
    drawn = dataclasses.replace(space(), weight=weight + [5, 1], bias=-weight @ at + 4)
    meeting, directions = drawn.directions()
    np.testing.assert_allclose(meeting, at)
    np.testing.assert_allclose(directions, weight - weight.mean(axis=0))


def test_training_and_test_faces_share_a_scale_and_every_space_has_its_own():
    axes = embedding_planes({"ce": space(), "tcl-nearest": space(scale=0.1)}, CLASSES)
    assert axes[0, 0].get_xlim() == axes[1, 0].get_xlim() and axes[0, 1].get_ylim() == axes[1, 1].get_ylim()
    assert np.ptp(axes[0, 0].get_xlim()) == pytest.approx(10 * np.ptp(axes[0, 1].get_xlim()))
    assert "a scale of its own" in axes[0, 0].figure.get_supxlabel().replace("\n", " ")


def test_a_stray_face_does_not_shrink_the_rest_and_is_counted():
    drawn = space()
    drawn.test[5] = 1000
    axes = embedding_planes({"ce": drawn}, CLASSES)
    assert axes[0, 0].get_xlim()[1] < 10
    assert [text.get_text() for text in axes[1, 0].texts] == ["1 beyond"] and not axes[0, 0].texts


def test_three_dimensions_are_drawn_in_three():
    ax = embedding_planes({"ce": space(3)}, CLASSES)[1, 0]
    assert ax.name == "3d" and len(ax.lines) == 7


def test_what_cannot_be_drawn_is_one_sentence(tmp_path):
    with pytest.raises(FerlabError, match="have no"):
        embedding_planes({}, CLASSES)
    with pytest.raises(FerlabError, match="have 2 and 3"):
        embedding_planes({"ce": space(2), "tcl-nearest": space(3)}, CLASSES)
    faces = fake_faces(70)
    run = read_run(write_fake_run(tmp_path / "run", faces))
    with pytest.raises(FerlabError, match="--embedding-size 2"):
        low_spaces(run, faces)

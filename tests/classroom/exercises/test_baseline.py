"""The checks of the baseline notebook's exercises: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ferlab.classroom.exercises import check_nearest_center, check_right_but_scattered
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.evaluation import nearest_center_accuracy


def nearest_center(embeddings, labels, leave_out=True, pick=np.argmin):
    right = []
    for i, (face, label) in enumerate(zip(embeddings, labels, strict=True)):
        kept = np.arange(len(labels)) != i if leave_out else np.full(len(labels), True)
        means = np.stack([embeddings[kept & (labels == c)].mean(axis=0) for c in np.unique(labels)])
        right.append(pick(np.linalg.norm(means - face, axis=1)) == label)
    return np.mean(right)


def nearest_face(embeddings, labels):
    apart = cdist(embeddings, embeddings)
    np.fill_diagonal(apart, np.inf)
    return (labels[apart.argmin(axis=1)] == labels).mean()


FACES = np.random.default_rng(1).normal(size=(60, 8)), np.arange(60) % 5


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (nearest_center, "Right"),
        (lambda f, y: nearest_center(f, y, leave_out=False), "Take it out"),
        (lambda f, y: len(y) * nearest_center(f, y), "number of faces"),
        (lambda f, y: 100 * nearest_center(f, y), "percent"),
        (lambda f, y: 1 - nearest_center(f, y), "share that is wrong"),
        (nearest_face, "nearest face"),
        (lambda f, y: nearest_center(f, y, leave_out=False, pick=np.argmax), "argmin"),
        (lambda f, y: 0.123, "it should be"),
        (lambda f, y: float("nan"), "you get nan"),
        (lambda f, y: nearest_center(f, y) if y.max() == 2 else 0.123, "of 4 classes"),
        (lambda f, y: None, "returns None"),
        (lambda f, y: y, "one number, but returned ndarray"),
        (lambda f, y: f[1000], "IndexError"),
    ],
)
def test_nearest_center(function, said):
    assert said in check_nearest_center(function, *FACES)


def test_nearest_center_of_the_given_faces():
    right = nearest_center_accuracy(*FACES)
    assert check_nearest_center(nearest_center_accuracy, *FACES) == f"✓ Right. For these 60 faces it is {right:.3f}."
    small = lambda f, y: nearest_center_accuracy(f, y) if len(y) < 60 else 0.5  # noqa: E731
    assert "made-up classes, but not for these 60 faces: you get 0.500" in check_nearest_center(small, *FACES)
    only_small = lambda f, y: nearest_center_accuracy(f, y) if len(y) < 60 else f[60]  # noqa: E731
    assert "IndexError" in check_nearest_center(only_small, *FACES)


ANGLES = 2 * np.pi * np.arange(3) / 3
CLASSIFIER = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
LABELS = np.arange(12) % 3
START = 3 * CLASSIFIER[LABELS] + 0.3 * np.random.default_rng(0).normal(size=(12, 2))


def check(moved):
    return check_right_but_scattered(moved, START, LABELS, CLASSIFIER)


def test_right_but_scattered():
    assert check(START).startswith(NOT_BEGUN)
    assert "moved alike" in check(2 * START)
    assert "at least 0.8" in check(START * np.linspace(1, 3, 12)[:, None])
    sideways = np.stack([-CLASSIFIER[:, 1], CLASSIFIER[:, 0]], axis=1)[LABELS]
    sign = np.where(np.arange(12) < 6, 1, -1)[:, None]
    assert check(CLASSIFIER[LABELS] + 1.6 * sign * sideways).startswith("✓ There")
    assert check((CLASSIFIER[LABELS] + 1.6 * sign * sideways).tolist()).startswith("✓ There")
    assert "12 of 12 points are no longer" in check(CLASSIFIER[LABELS] + 2 * sign * sideways)
    assert "Point 0 of class 0" in check(CLASSIFIER[LABELS] + 2 * sign * sideways)
    assert "no longer classified right" in check(np.zeros_like(START)), "a tie is not right"


def test_right_but_scattered_with_no_points_at_all():
    assert "has shape ()" in check(3.0)
    assert "has shape (4, 2)" in check(START[:4])
    assert "no numbers" in check(START * np.nan)
    assert "has shape ()" in check(None)
    assert "of type str" in check("points")
    assert "of type ellipsis" in check(...)

"""The check of the exercise on doubles: right answers pass, typical mistakes get their own sentence."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.classroom.exercises import check_shared_images


def keys(images):
    return [image.tobytes() for image in images]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda train, test: sum(key in set(keys(train)) for key in keys(test)), "Right."),
        (lambda train, test: np.isin(keys(test), keys(train)).sum(), "Right."),
        (lambda train, test: None, "returns None"),
        (lambda train, test: train @ "x", "stopped with"),
        (lambda train, test: np.isin(keys(test), keys(train)).mean(), "the share"),
        (lambda train, test: len(set(keys(train)) & set(keys(test))), "counts twice"),
        (lambda train, test: sum(keys(train).count(key) for key in keys(test)), "however often"),
        (lambda train, test: sum(key in set(keys(test)) for key in keys(train)), "training images that stand in test"),
        (lambda train, test: sum((np.abs(train.astype(int) - a).max(axis=(1, 2, 3)) < 2).any() for a in test), "pixel"),
        (
            lambda train, test: np.isin(test.sum(axis=(1, 2, 3)), train.sum(axis=(1, 2, 3))).sum(),
            "not their sum or mean",
        ),
        (lambda train, test: np.isin(keys(test[:, 0]), keys(train[:, 0])).sum(), "last row"),
        (lambda train, test: sum(image in train for image in test), "look for single pixels"),
        (lambda train, test: np.isin(test, train).sum(), "look for single pixels"),
        (lambda train, test: (~np.isin(keys(test), keys(train))).sum(), "do *not* stand"),
        (lambda train, test: sum((a == b).all() for a, b in zip(train, test, strict=False)), "Compare all pixels"),
    ],
)
def test_shared_images(function, says):
    assert says in check_shared_images(function)

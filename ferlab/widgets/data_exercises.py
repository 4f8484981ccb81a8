"""A check for the exercise on a data set's doubles: it says what is missing, and never raises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.widgets.exercises import number_of


def check_shared_images(function: Callable) -> str:
    """Judge a learner's `function(train_images, test_images)` for the number of test images that stand in train.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, size=(size, 48, 48, 1), dtype=np.uint8) for size in (60, 40))
    test[:5] = train[10:15]
    test[5] = train[10]  # twice in test: both count
    train[20] = train[11]  # twice in train: its face in test counts once
    train[21:23] = train[12]  # so that counting training images gives another number
    test[6] = test[7]  # a double within test alone
    test[8] = train[30]
    test[8, 0, 0, 0] ^= 1  # one pixel differs by one
    value, complaint = number_of(function, train, test)
    if complaint:
        return complaint
    if value == 6:
        return "Right."
    if value == 6 / len(test):
        return "This is the share; asked for is the number."
    if value == 5:
        return "Almost: an image that stands twice in the test split counts twice, since it is tested twice."
    if value == 8:
        return "This counts training images that stand in test; asked for are test images that stand in train."
    if value == 9:
        return "Almost: a test image counts once, however often it stands in train."
    if value == 7:
        return "Almost: one test image differs from a training image in a single pixel; these two are not identical."
    return f"On a test case you get {value:g}, but 6 of its test images stand in train. Compare all pixels of images."

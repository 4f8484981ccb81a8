"""A check for the exercise on a data set's doubles: it says what is missing, and never raises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.classroom.exercises.tools import number_of, solved


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
    test[9:14] = rng.permuted(train[31:36].reshape(5, -1), axis=1).reshape(5, 48, 48, 1)  # the same pixels elsewhere
    test[14:21] = train[36:43]
    test[14:21, -1] ^= 255  # the same but for the last row
    value, complaint = number_of(function, train, test)
    if complaint:
        return complaint
    if value == 6:
        return solved("Right.")
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
    if value in (11, 12):
        return "Images with the same pixels in another order count as equal: compare pixels, not their sum or mean."
    if value in (13, 14):
        return "Images that differ in their last row only count as equal here: compare all pixels."
    if value == len(test) - 6:
        return "These are the test images that do *not* stand in train."
    if value in (len(test), test.size):
        return (
            "Every image seems to be found: `in` and `np.isin` look for single pixels in an array. Give them something "
            "that stands for a whole image, such as its `tobytes()`."
        )
    return f"On a test case you get {value:g}, but 6 of its test images stand in train. Compare all pixels of images."

"""The check of the exercise on a data set's doubles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.classroom.exercises.tools import Mistake, known_mistake, number_of, solved


def check_shared_images(function: Callable[[np.ndarray, np.ndarray], int]) -> str:
    """Judge a learner's `function(train_images, test_images)` for the number of test images that stand in train.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    train, test = _splits_with_doubles()
    value, complaint = number_of(function, train.copy(), test.copy())
    if complaint:
        return complaint
    if value == 6:
        return solved("Right.")
    # Counts and shares of counts: nothing is close here, a value is the same or another one.
    return known_mistake(value, _mistakes(test), rtol=0, atol=0) or (
        f"On a test case you get {value:g}, but 6 of its test images stand in train. Compare all pixels of images."
    )


def _splits_with_doubles() -> tuple[np.ndarray, np.ndarray]:
    """Images of train and test, uint8 (N, 48, 48, 1): six of test stand in train, and every mistake counts another."""
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
    return train, test


def _mistakes(test: np.ndarray) -> list[Mistake]:
    other_order = "Images with the same pixels in another order count as equal: compare pixels, not their sum or mean."
    last_row = "Images that differ in their last row only count as equal here: compare all pixels."
    single_pixels = (
        "Every image seems to be found: `in` and `np.isin` look for single pixels in an array. Give them something "
        "that stands for a whole image, such as its `tobytes()`."
    )
    return [
        (6 / len(test), "This is the share; asked for is the number."),
        (5, "Almost: an image that stands twice in the test split counts twice, since it is tested twice."),
        (8, "This counts training images that stand in test; asked for are test images that stand in train."),
        (9, "Almost: a test image counts once, however often it stands in train."),
        (
            7,
            "Almost: one test image differs from a training image in a single pixel; these two are not identical.",
        ),
        # One more or less: whether the image with a changed pixel is found as well.
        *[(count, other_order) for count in (11, 12)],
        *[(count, last_row) for count in (13, 14)],
        (len(test) - 6, "These are the test images that do *not* stand in train."),
        *[(count, single_pixels) for count in (len(test), test.size)],
    ]

"""A student's own look at an example that was computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def by_hand_value(answer: Any, by_hand: ArrayLike) -> None:
    """Print whether an answer is what one gets by hand; it says so in words and never raises.

    Args:
        answer: a tensor, an array or a number.
        by_hand: what it should be.

    Example:
        >>> by_hand_value(0.5, 0.5)
        ✓ As by hand: 0.5
        >>> by_hand_value(None, 0.5)
        Nothing yet; by hand it is 0.5
    """
    shown = str(np.round(np.asarray(by_hand, dtype=np.float64), 4).tolist())
    if answer is None:
        print(f"Nothing yet; by hand it is {shown}")
        return
    try:
        got = np.asarray(answer.detach() if hasattr(answer, "detach") else answer, dtype=np.float64)
        same = got.shape == np.shape(by_hand) and np.allclose(got, by_hand, atol=1e-4)
        print(f"✓ As by hand: {shown}" if same else f"You get {np.round(got, 4).tolist()}; by hand it is {shown}")
    except Exception as error:  # a student's answer may be anything
        print(f"Your answer cannot be compared ({type(error).__name__}); by hand it is {shown}")

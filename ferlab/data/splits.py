"""Which images are held out, and which stand in two places: told by their content, so that the answer never changes."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError

SPLITS = ("train", "validation", "test")
HASH_BYTES = 8
HELD_OUT = 0.1  # share of the training images that stands in for a missing validation split


def check_split(split: str) -> None:
    """That ``split`` is one of the three.

    Raises:
        FerlabError: it is not.
    """
    if split not in SPLITS:
        raise FerlabError(f"There is no split {split!r}; choose one of: {', '.join(SPLITS)}.")


def content_hash(content: bytes) -> int:
    """A number of 64 bits, the same for the same content.

    >>> content_hash(b"a face") == content_hash(b"a face") != content_hash(b"another")
    True
    """
    return int.from_bytes(blake2b(content, digest_size=HASH_BYTES).digest(), "big")


def held_out(labels: np.ndarray, hashes: np.ndarray, share: float = HELD_OUT) -> np.ndarray:
    """Mask (N,) of about a share of every class, those of the smallest hash.

    Identical images, also of two classes, are on the same side. One image of every class remains at least.

    Args:
        labels: int (N,).
        hashes: uint64 (N,), of the images' content.
        share: 0 to 1.

    Example:
        >>> held_out(np.array([0, 0, 1, 1, 1]), np.array([7, 2, 9, 1, 1], dtype=np.uint64))
        array([False,  True, False,  True,  True])
    """
    mask = np.zeros(len(labels), dtype=bool)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    sizes = np.bincount(group)
    for label in np.unique(labels):
        # Identical images count for the class of the first one. np.unique sorts: by hash.
        groups = np.flatnonzero(labels[first] == label)
        if len(groups) < 2:
            continue  # nothing would be left to train on
        wanted = max(1, round(share * sizes[groups].sum()))
        before = np.cumsum(sizes[groups]) - sizes[groups]
        mask |= np.isin(group, groups[:-1][before[:-1] < wanted])
    return mask


def duplicate_of_train(hashes: np.ndarray, train_hashes: np.ndarray, within: bool) -> np.ndarray:
    """Mask of the images that the training split holds too; ``within`` it: those that repeat an earlier image."""
    if within:
        return pd.Series(hashes).duplicated(keep="first").to_numpy()
    return np.isin(hashes, train_hashes)

"""The canonical class order, RAF-DB's, used by every data set, table and figure."""

from __future__ import annotations

CLASSES: tuple[str, ...] = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
CONTEMPT = "contempt"  # AffectNet's eighth class, after the seven

# What the data sets call the classes, lower-case, onto the canonical names.
_ALIASES = {
    "surprised": "surprise", "surprise": "surprise",
    "fear": "fear", "fearful": "fear", "afraid": "fear",
    "disgust": "disgust", "disgusted": "disgust",
    "happiness": "happiness", "happy": "happiness",
    "sadness": "sadness", "sad": "sadness",
    "anger": "anger", "angry": "anger",
    "neutral": "neutral",
    "contempt": "contempt",
}  # fmt: skip


def canonical_class(name: str) -> str | None:
    """The canonical name of a class, or None for an unknown one.

    >>> canonical_class("Happy"), canonical_class("table")
    ('happiness', None)
    """
    return _ALIASES.get(name.strip().lower())

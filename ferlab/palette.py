"""One color a class, the same everywhere: figures, report, widgets. Those of the methods: :mod:`ferlab.methods`.

The class colors were found by a search in OKLab under three constraints: a hue that fits the word (anger red,
happiness amber, disgust green, sadness and surprise blue, fear violet, neutral gray), contrast of at least 2:1
to white and 2.7:1 to near-black, and the largest possible smallest distance between two classes for normal,
deuteranopic, protanopic and tritanopic sight (simulation of Machado, Oliveira & Fernandes, *A
Physiologically-based Model for Simulation of Color Vision Deficiency*, IEEE TVCG 2009). The smallest distance
of two of the seven is 0.12; 0.03 for Okabe-Ito colors. Color is never the only carrier of a meaning: maps
also write the class names, curves also differ in line style.
"""

from __future__ import annotations

from itertools import cycle

from ferlab.texts import MISSING

CLASS_COLORS: dict[str, str] = {
    "surprise": "#348ad6",
    "fear": "#bca9f7",
    "disgust": "#10ca99",
    "happiness": "#d98a06",
    "sadness": "#504ac9",
    "anger": "#b12b00",
    "neutral": "#887e79",
    "contempt": "#86467a",
}

GRAY = "#8f8f8f"
SPARE_COLORS = ("#4a90c4", "#c98a2b", "#2ea88a", "#b0486b", "#7566c9", GRAY, "#a06a3b", "#5c8a3a")

# Of what is no class like the others: faces without a label, and those that a clustering left out.
NO_CLASS, NO_CLASS_COLOR = "no class", "#b0b0b0"
UNLABELLED_COLORS: dict[str, str] = {NO_CLASS: NO_CLASS_COLOR, MISSING: "#9aa3ad"}

CORRECT_COLORS: dict[str, str] = {"correct": "#348ad6", "wrong": "#d98a06"}


def class_color(name: str) -> str:
    """The color of a class; classes of the user's own get one of eight spare colors, the same each time.

    >>> class_color("anger")
    '#b12b00'
    """
    return CLASS_COLORS.get(name) or UNLABELLED_COLORS.get(name) or SPARE_COLORS[sum(name.encode()) % len(SPARE_COLORS)]


def class_colors(classes: tuple[str, ...] | list[str]) -> list[str]:
    """Colors of several classes, in their order; spare colors are dealt in turn, so that they differ.

    >>> class_colors(["cat", "dog", "(missing)"])
    ['#4a90c4', '#c98a2b', '#9aa3ad']
    """
    unlabelled = any(name in UNLABELLED_COLORS for name in classes)
    spare = cycle(color for color in SPARE_COLORS if not (unlabelled and color == GRAY))
    return [CLASS_COLORS.get(name) or UNLABELLED_COLORS.get(name) or next(spare) for name in classes]

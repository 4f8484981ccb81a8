"""One color a class and one a method, the same everywhere: figures, report, widgets.

The class colors were found by a search in OKLab under three constraints: a hue that fits the word (anger red,
happiness amber, disgust green, sadness and surprise blue, fear violet, neutral gray), contrast of at least 2:1
to white and 2.7:1 to near-black, and the largest possible smallest distance between two classes for normal,
deuteranopic, protanopic and tritanopic sight (simulation of Machado, Oliveira & Fernandes, *A
Physiologically-based Model for Simulation of Color Vision Deficiency*, IEEE TVCG 2009). The smallest distance
of two of the seven is 0.12; 0.03 for Okabe-Ito colors. Color is never the only carrier of a meaning: maps
also write the class names, curves also differ in line style.
"""

from __future__ import annotations

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

METHOD_LABELS: dict[str, str] = {
    "ce": "Cross-entropy",
    "tcl-nearest": "CE + TCL (nearest)",
    "tcl-fully-synthesized": "CE + TCL (fully synthesized)",
    "tcl-semi-synthesized": "CE + TCL (semi-synthesized)",
    "tcl-predicted": "CE + TCL (predicted)",
    "ad-corre": "CE + Ad-Corre",
    "ce-heads": "CE, k heads (control)",
}

METHOD_COLORS: dict[str, str] = {
    "ce": "#7d848c",
    "tcl-nearest": "#1685cf",
    "tcl-fully-synthesized": "#5a56c7",
    "tcl-semi-synthesized": "#12a594",
    "tcl-predicted": "#a35fc0",
    "ad-corre": "#d9660a",
    "ce-heads": "#a38560",
}

# Line styles as matplotlib takes them; the dashed one is the control.
METHOD_STYLES: dict[str, str | tuple] = {
    "ce": "-",
    "tcl-nearest": "-",
    "tcl-fully-synthesized": "-.",
    "tcl-semi-synthesized": ":",
    "tcl-predicted": (0, (5, 1, 1, 1, 1, 1)),
    "ad-corre": "-",
    "ce-heads": "--",
}

# What a method's name may end in where its network has selective attention: label and line style.
_ATTENTION: dict[str, tuple[str, str]] = {
    "pixel": ("pixel attention", "--"),
    "element": ("element attention", ":"),
    "attention": ("both attentions", "-."),
}

_SPARE = ("#4a90c4", "#c98a2b", "#2ea88a", "#b0486b", "#7566c9", "#8f8f8f", "#a06a3b", "#5c8a3a")

CORRECT_COLORS: dict[str, str] = {"correct": "#348ad6", "wrong": "#d98a06"}


def class_color(name: str) -> str:
    """The color of a class; classes of the user's own get one of eight spare colors, the same each time.

    >>> class_color("anger")
    '#b12b00'
    """
    return CLASS_COLORS.get(name) or _SPARE[sum(name.encode()) % len(_SPARE)]


def class_colors(classes: tuple[str, ...] | list[str]) -> list[str]:
    """Colors of several classes, in their order; spare colors are dealt in turn, so that they differ."""
    spare = iter(_SPARE * (len(classes) // len(_SPARE) + 1))
    return [CLASS_COLORS.get(name) or next(spare) for name in classes]


def method_label(name: str) -> str:
    """The name of a method for people; an unknown one keeps its own.

    >>> method_label("tcl-nearest"), method_label("ce+pixel"), method_label("my-loss")
    ('CE + TCL (nearest)', 'Cross-entropy, pixel attention', 'my-loss')
    """
    base, _, part = name.partition("+")
    if base in METHOD_LABELS and part in _ATTENTION:
        return f"{METHOD_LABELS[base]}, {_ATTENTION[part][0]}"
    return METHOD_LABELS.get(name, name)


def method_color(name: str) -> str:
    """The color of a method; one with attention or an unknown one gets a spare color.

    >>> method_color("ce"), method_color("ce+pixel"), method_color("ce+element")
    ('#7d848c', '#4a90c4', '#c98a2b')
    """
    base, _, part = name.partition("+")
    if base in METHOD_COLORS and part in _ATTENTION:  # dealt in turn, so that they differ
        place = len(_ATTENTION) * list(METHOD_COLORS).index(base) + list(_ATTENTION).index(part)
        return _SPARE[place % len(_SPARE)]
    return METHOD_COLORS.get(name) or _SPARE[sum(name.encode()) % len(_SPARE)]


def method_style(name: str) -> str | tuple:
    """The line style of a method, as matplotlib takes it; an unknown one has a solid line.

    >>> method_style("ce-heads"), method_style("ce+element")
    ('--', ':')
    """
    base, _, part = name.partition("+")
    if base in METHOD_STYLES and part in _ATTENTION:
        return _ATTENTION[part][1]
    return METHOD_STYLES.get(name, "-")

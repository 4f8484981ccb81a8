"""What the page of FaceLab is told, and the still picture for places that show no widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ferlab.methods import method_label
from ferlab.palette import class_colors
from ferlab.projection.names import densest
from ferlab.rendering import DESCRIPTIONS, EXPRESSIONS
from ferlab.widgets.face_lab.controls import EVERYDAY_LIGHT, GROUPS, LIGHT, NEUTRAL_POSE, POSE, checked_units
from ferlab.widgets.face_lab.spaces import FaceSpaces, Seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WAYPOINTS = 8
MOST_NAMED = 4  # action units that the caption names


def setup(spaces: FaceSpaces) -> dict[str, Any]:
    """What never changes: names, colors, ranges, presets."""
    middle, reach = extent(spaces)
    colors = class_colors(list(spaces.classes))
    foreign = spaces.dataset not in ("", "synthetic")
    return {
        "methods": [{"name": name, "label": method_label(name)} for name in spaces.methods],
        "attentive": spaces.with_attention(),
        "classes": [{"name": name, "color": color} for name, color in zip(spaces.classes, colors, strict=True)],
        "groups": [[title, [[unit, DESCRIPTIONS[unit]] for unit in units]] for title, units in GROUPS.items()],
        "pose": [[name, *values] for name, values in POSE.items()],
        "light": [[name, *values] for name, values in LIGHT.items()],
        "neutral": {"pose": NEUTRAL_POSE, "light": EVERYDAY_LIGHT},
        "presets": {
            name: [[text, checked_units(units)] for text, units in variants.items()]
            for name, variants in EXPRESSIONS.items()
        },
        "middle": middle.tolist(),
        "reach": reach.tolist(),
        "names": {name: _class_places(layout, spaces) for name, layout in spaces.layouts.items()},
        "size": spaces.size,
        "most": MOST_WAYPOINTS,
        "remark": f"The networks were trained on {spaces.dataset}: a rendered face is foreign to them."
        if foreign
        else "",
    }


def extent(spaces: FaceSpaces) -> tuple[np.ndarray, np.ndarray]:
    """Middle (2,) of all maps, and how far they reach from there along x and y, (2,)."""
    everywhere = np.concatenate(list(spaces.layouts.values()))
    low, high = everywhere.min(axis=0), everywhere.max(axis=0)
    # Maps may be flatter than a square, not much.
    reach = np.maximum(1.08 * (high - low) / 2, 0.7 * (high - low).max() / 2) + 1e-6
    return (low + high) / 2, reach


def _class_places(layout: np.ndarray, spaces: FaceSpaces) -> list[list[float] | None]:
    """Where the name of each class stands on a map; None for a class without faces."""
    own = [spaces.labels == k for k in range(len(spaces.classes))]
    return [densest(layout[of_class]).tolist() if of_class.any() else None for of_class in own]


def answers(seen: Mapping[str, Seen], index: int) -> dict[str, dict[str, Any]]:
    """Method -> what its network says of one of several faces."""
    return {
        name: {
            "at": of.positions[index].tolist(),
            "probabilities": of.probabilities[index].tolist(),
            "attention": None if of.attention is None else of.attention[index].tolist(),
        }
        for name, of in seen.items()
    }


def caption(units: Mapping[str, float], photo: str | None) -> str:
    """A few words for what is shown.

    >>> caption({"AU1": 0.5, "AU2": 0.0}, None), caption({}, None), caption({}, "me.jpg")
    ('AU1 0.50', 'Neutral face', 'Photo: me.jpg')
    """
    if photo is not None:
        return f"Photo: {photo}"
    moved = [f"{unit} {value:.2f}" for unit, value in units.items() if value > 0]
    if not moved:
        return "Neutral face"
    return ", ".join(moved) if len(moved) <= MOST_NAMED else f"{len(moved)} action units"


def face_lab_figure(
    spaces: FaceSpaces,
    picture: np.ndarray | None,
    title: str,
    *,
    positions: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    trace: Mapping[str, np.ndarray],
) -> Figure:
    """The face and its place on every map.

    Args:
        spaces: the maps.
        picture: uint8 (side, side, 3); None leaves its place empty.
        title: above it.
        positions: method -> (2,).
        probabilities: method -> (K,).
        trace: method -> (T, 2), the way of the last walk.
    """
    # matplotlib takes long to import, and nobody needs it before a picture is wanted.
    import matplotlib.pyplot as plt

    from ferlab.figures import embedding_map
    from ferlab.figures.style import figure_style

    count = len(spaces.methods)
    middle, reach = extent(spaces)
    colors = class_colors(list(spaces.classes))
    with figure_style(spaces.classes) as names:
        drawing, (face, *maps) = plt.subplots(
            1, 1 + count, figsize=(2.6 + 3.6 * count, 4), layout="constrained", width_ratios=[2.4, *[3.6] * count]
        )
        face.axis("off")
        if picture is not None:
            face.imshow(picture)
        face.set_title(title, fontsize=10)
        for name, ax in zip(spaces.methods, maps, strict=True):
            best = int(probabilities[name].argmax())
            said = f"{method_label(name)}:\n{names[best]} {probabilities[name][best]:.0%}"
            embedding_map(spaces.layouts[name], spaces.labels, spaces.classes, ax, said)
            ax.set_xlim(middle[0] - reach[0], middle[0] + reach[0])
            ax.set_ylim(middle[1] - reach[1], middle[1] + reach[1])
            ax.plot(*trace[name].T, color="black", marker="o", ms=3, lw=1.2)
            ax.plot(*positions[name], "o", ms=11, mfc=colors[best], mec="black", mew=2.2, zorder=9)
    return drawing

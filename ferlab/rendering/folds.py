"""Skin folds: height maps of the wrinkles that action units and age draw on the face.

The mesh is too coarse for forehead lines, nose wrinkles or nasolabial folds, and these carry much of what tells
disgust, anger, fear and sadness apart. Each fold is a set of strokes in the template's frontal coordinates (x >= 0,
mirrored; mm), so it moves with the skin. A map is a height field: negative in the crease, slightly positive beside
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

STEP = 0.5e-3  # metres a cell
X_CELLS, Y_CELLS = 168, 480
Y_TOP = 0.105  # the y of row 0

# name -> strokes: (points [(x, y), ...] in mm, width in mm, depth 0..1)
STROKES: dict[str, list[tuple[list[tuple[float, float]], float, float]]] = {
    # raised brows: waves across the forehead, near the middle (AU1) and to the sides (AU2)
    "forehead_inner": [
        ([(0, 40), (14, 41.5), (27, 40)], 1.3, 1.0),
        ([(0, 47.5), (15, 49), (29, 47)], 1.4, 1.0),
        ([(0, 55.5), (14, 57), (26, 55)], 1.3, 0.8),
        ([(4, 63.5), (13, 64), (20, 63)], 1.1, 0.5),
    ],
    "forehead_outer": [
        ([(16, 41), (30, 42), (43, 37.5)], 1.3, 0.8),
        ([(17, 48.5), (32, 49), (46, 44)], 1.4, 1.0),
        ([(20, 56), (33, 56), (44, 52)], 1.3, 0.8),
    ],
    # drawn brows: vertical furrows between them, the fold over the nose root
    "glabella": [
        ([(4.2, 17), (4.8, 25), (6.8, 33)], 1.4, 1.0),
        ([(10.5, 24), (11, 30), (13.5, 35)], 1.4, 0.45),
        ([(0, 10.5), (5, 11.5), (9, 10)], 1.2, 0.6),
        ([(9, 13), (15, 12.5), (21, 13.5)], 1.8, 0.5),
    ],
    # oblique brows of grief: the horseshoe above the inner brows
    "grief": [([(0, 38), (9, 37.5), (17, 33)], 1.4, 0.9), ([(3.6, 20), (4, 27), (3.2, 33)], 1.2, 0.55)],
    # sneer: bunny lines down the sides of the nose, cross lines on its bridge
    "nose": [
        ([(2, 3), (8, 1.5), (13, -5)], 1.3, 0.9),
        ([(2, -4), (8, -5.5), (14, -12)], 1.3, 1.0),
        ([(4, -11), (9, -13), (15, -19)], 1.3, 0.9),
        ([(6, -18), (11, -21), (16, -25)], 1.2, 0.6),
        ([(0, 9.5), (6, 9), (10, 7)], 1.4, 1.0),
        ([(0, 3.5), (4, 3.2), (7, 2)], 1.1, 0.7),
    ],
    # nasolabial fold: from the nostril wing down beside the mouth corner, and its upper end when the lip is
    # raised
    "nasolabial": [([(19.5, -37), (25, -47), (31, -58), (34, -70), (33, -80)], 2.2, 1.0)],
    "nasolabial_upper": [([(14.5, -27), (20.5, -34), (25.5, -44), (29.5, -54)], 2.2, 1.0)],
    "crow": [
        ([(52, 4), (59, 8), (66, 13)], 1.2, 0.8),
        ([(53, -1), (60, -1), (68, 2)], 1.2, 1.0),
        ([(51, -6), (58, -9.5), (65, -11)], 1.2, 0.8),
    ],
    "under_eye": [
        ([(17.5, -7), (24, -13), (34, -15.5), (45, -12)], 1.5, 1.0),
        ([(19, -12), (26, -18), (36, -21), (46, -18.5)], 1.7, 0.6),
    ],
    "lid": [([(17, 5), (24, 10.5), (33, 12), (43, 9.5), (51, 3)], 1.2, 1.0)],
    "mouth_corner": [([(24.5, -70), (28, -76), (29.5, -85), (28, -93)], 1.8, 1.0)],
    "dimple": [([(28.5, -66), (30.2, -73), (29, -79)], 2.0, 1.0)],
    "chin": [
        ([(0, -93), (9, -92.5), (16, -96)], 2.2, 1.0),
        ([(3, -102), (6, -105)], 2.0, 0.6),
        ([(9, -101), (12, -106)], 2.0, 0.6),
        ([(1, -109), (5, -111)], 2.0, 0.5),
        ([(8, -110), (12, -112)], 1.9, 0.5),
        ([(14, -101), (16, -106)], 1.8, 0.4),
    ],
    "stretch": [([(31, -73), (36, -80), (37, -90)], 2.0, 0.8), ([(38, -72), (43, -81), (43, -92)], 2.0, 0.6)],
}
FOLDS = tuple(STROKES)

# AU -> {fold: gain}
FOLDS_OF_UNITS: dict[str, dict[str, float]] = {
    "AU1": {"forehead_inner": 0.45},
    "AU2": {"forehead_outer": 0.8, "forehead_inner": 0.25},
    "AU4": {"glabella": 1.2},
    "AU5": {"lid": 0.9},
    "AU6": {"crow": 0.8, "under_eye": 0.7, "nasolabial": 0.5},
    "AU7": {"under_eye": 0.6},
    "AU9": {"nose": 0.93, "nasolabial_upper": 1.3, "glabella": 0.4},
    "AU10": {"nasolabial_upper": 1.14, "nasolabial": 0.35},
    "AU12": {"nasolabial": 0.9, "dimple": 0.45},
    "AU14": {"dimple": 1.0},
    "AU15": {"mouth_corner": 1.0, "nasolabial": 0.35},
    "AU17": {"chin": 1.0, "mouth_corner": 0.25},
    "AU20": {"stretch": 0.8, "nasolabial": 0.45},
    "AU24": {"chin": 0.2},
    "AU27": {"nasolabial": 0.3},
    "AU25": {"nasolabial": 0.46},
}
DEPTH = 1.25  # of all folds that action units draw


def _stroke(points: list[tuple[float, float]], width: float, depth: float) -> np.ndarray:
    """Height of one stroke (Y_CELLS, X_CELLS): a crease that tapers at both ends, with low ridges along it."""
    points_array = np.asarray(points, dtype=np.float64)
    # a smooth curve through the points
    knots = np.linspace(0, 1, len(points_array))
    fine = np.linspace(0, 1, 25)
    if len(points_array) > 2:
        curve = np.stack(
            [np.polyval(np.polyfit(knots, points_array[:, k], min(3, len(points_array) - 1)), fine) for k in range(2)],
            axis=1,
        )
    else:
        curve = np.stack([np.interp(fine, knots, points_array[:, k]) for k in range(2)], axis=1)
    x = (np.arange(X_CELLS) + 0.5)[None, :] * STEP * 1e3
    y = Y_TOP * 1e3 - (np.arange(Y_CELLS) + 0.5)[:, None] * STEP * 1e3
    height = np.zeros((Y_CELLS, X_CELLS))
    rows = slice(
        max(0, int((Y_TOP * 1e3 - curve[:, 1].max() - 9) / (STEP * 1e3))),
        min(Y_CELLS, int((Y_TOP * 1e3 - curve[:, 1].min() + 9) / (STEP * 1e3))),
    )
    distance = np.full((rows.stop - rows.start, X_CELLS), 1e9)
    along = np.zeros_like(distance)
    for i in range(len(curve) - 1):
        start, direction = curve[i], curve[i + 1] - curve[i]
        t = np.clip(
            ((x - start[0]) * direction[0] + (y[rows] - start[1]) * direction[1]) / (direction @ direction),
            0,
            1,
        )
        d = np.hypot(x - start[0] - t * direction[0], y[rows] - start[1] - t * direction[1])
        nearer = d < distance
        distance = np.where(nearer, d, distance)
        along = np.where(nearer, (i + t) / (len(curve) - 1), along)
    starts_at_middle = points[0][0] <= 0.5
    taper = np.sin(np.pi * (0.5 + 0.5 * along if starts_at_middle else 0.06 + 0.88 * along)) ** 0.7
    crease = np.exp(-((distance / width) ** 2))
    ridge = np.exp(-(((distance - 2.2 * width) / (1.2 * width)) ** 2))
    height[rows] = depth * taper * (0.35 * ridge - crease)
    return height


@lru_cache(maxsize=1)
def fold_maps() -> np.ndarray:
    """Height maps, float32 (folds, Y_CELLS * X_CELLS), in units of the deepest crease."""
    maps = np.zeros((len(FOLDS), Y_CELLS, X_CELLS), dtype=np.float32)
    for k, strokes in enumerate(STROKES.values()):
        for stroke in strokes:
            maps[k] += _stroke(*stroke).astype(np.float32)
    return maps.reshape(len(FOLDS), -1)


def fold_weights(sides: Mapping[str, tuple[float, float]], age: float) -> np.ndarray:
    """How deep each fold is.

    Args:
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.
        age: 0..1, as in :class:`ferlab.rendering.Identity`.

    Returns:
        Strengths, float32 (2, folds), on the left and the right side.
    """
    weights = np.zeros((2, len(FOLDS)), dtype=np.float32)
    for unit, intensities in sides.items():
        for fold, gain in FOLDS_OF_UNITS.get(unit, {}).items():
            for side in range(2):
                weights[side, FOLDS.index(fold)] += gain * intensities[side]
    inner, brow = sides.get("AU1", (0.0, 0.0)), sides.get("AU4", (0.0, 0.0))
    for side in range(2):
        # brows raised at their inner ends while drawn together: grief, not the plain furrow
        both = min(inner[side], 2.0 * brow[side])
        weights[side, FOLDS.index("grief")] += 0.9 * both
        weights[side, FOLDS.index("glabella")] *= 1.0 - 0.35 * min(both, 1.0)
        weights[side, FOLDS.index("forehead_inner")] *= 1.0 - 0.3 * min(brow[side], 1.0)
    # young skin folds softly, old skin deeply and also at rest
    years = max(0.0, (age - 0.62) / 0.38)
    weights *= DEPTH * (0.75 + 0.5 * years - 0.35 * max(0.0, (0.6 - age) / 0.27))
    rest = {
        "forehead_inner": 0.22,
        "forehead_outer": 0.22,
        "nasolabial": 0.5,
        "crow": 0.4,
        "under_eye": 0.45,
        "mouth_corner": 0.15,
        "glabella": 0.10,
    }
    for fold, gain in rest.items():
        weights[:, FOLDS.index(fold)] += gain * years
    weights[:, FOLDS.index("lid")] += 0.5
    weights[:, FOLDS.index("nasolabial")] += 0.08
    return np.clip(weights, 0.0, 1.6)


def compose(weights: np.ndarray) -> np.ndarray:
    """All folds in one map, with the sides joined smoothly at the midline.

    Args:
        weights: float32 (2, folds), from :func:`fold_weights`.

    Returns:
        Heights, float32 (2, Y_CELLS, X_CELLS), of the left and the right side, in units of the deepest crease.
    """
    height = (weights @ fold_maps()).reshape(2, Y_CELLS, X_CELLS)
    middle = 0.5 * (height[0] + height[1])
    share = np.clip(np.arange(X_CELLS) * STEP / 0.006, 0.0, 1.0).astype(np.float32)
    return middle + (height - middle) * share

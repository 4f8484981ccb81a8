"""Pixel colors: skin with painted brows, lips, beard and folds; eyes; teeth; hair. All light is linear
RGB.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ferlab.rendering.folds import STEP, X_CELLS, Y_CELLS, Y_TOP
from ferlab.rendering.raster import shadow

# materials beyond the rig's own
CAVITY, FRAME = 5, 6


class Paint(NamedTuple):
    """What the painter of the face needs to know; colors are linear RGB (3,) float32, the rest numbers.
    brow_inner, brow_outer, brow_draw: (2,) mm the skin under the left and right brow slides up at its ends
    and inwards."""

    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brow: np.ndarray
    iris: np.ndarray
    cloth: np.ndarray
    frame: np.ndarray
    hairline: np.ndarray
    hair_alpha: float
    bald_crown: float
    brow_thickness: float
    brow_darkness: float
    brow_arch: float
    brow_height: float
    mustache: float
    goatee: float
    beard: float
    stubble: float
    makeup: float
    freckles: float
    years: float
    blush: float
    brow_inner: np.ndarray
    brow_outer: np.ndarray
    brow_draw: np.ndarray
    glare: float
    gaze_x: float
    gaze_y: float
    collar: float
    seed: int


class Lamp(NamedTuple):
    """The light in the kernel's terms: key and half-way directions (3,), colors (3,), shadow softness."""

    direction: np.ndarray
    half: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    fill: np.ndarray
    softness: float


@njit(cache=True, fastmath=True, error_model="numpy")
def _hash(i: int, j: int, seed: int) -> float:
    h = (i * 374761393 + j * 668265263 + seed * 974634777) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@njit(cache=True, fastmath=True, error_model="numpy")
def noise(x: float, y: float, seed: int) -> float:
    """Smooth value noise, 0..1, one feature a unit."""
    i, j = int(math.floor(x)), int(math.floor(y))
    u, v = x - i, y - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    low = _hash(i, j, seed) * (1 - u) + _hash(i + 1, j, seed) * u
    high = _hash(i, j + 1, seed) * (1 - u) + _hash(i + 1, j + 1, seed) * u
    return low * (1 - v) + high * v


@njit(cache=True, fastmath=True, error_model="numpy")
def smooth(low: float, high: float, value: float) -> float:
    t = min(1.0, max(0.0, (value - low) / (high - low)))
    return t * t * (3 - 2 * t)


@njit(cache=True, fastmath=True, error_model="numpy")
def roll_off(linear: float) -> float:
    """Highlights roll off softly instead of clipping; still linear RGB."""
    return linear * (1.0 + linear / 3.2) / (1.0 + 0.55 * linear)


@njit(cache=True, fastmath=True, error_model="numpy")
def bump(x: float, y: float, radius_x: float, radius_y: float) -> float:
    return math.exp(-(x * x) / (radius_x * radius_x) - (y * y) / (radius_y * radius_y))


@njit(cache=True, fastmath=True, error_model="numpy")
def above_hairline(x: float, y: float, z: float, line: np.ndarray, bald_crown: float) -> float:
    """Signed distance (metres, roughly) of a template point above the hairline."""
    angle = abs(math.atan2(x, z + 0.070))
    place = angle / math.pi * 63.0
    k = min(62, int(place))
    height = line[k] + (line[k + 1] - line[k]) * (place - k)
    slope = (line[k + 1] - line[k]) / (math.pi / 63.0 * 0.09)
    distance = (y - height) / math.sqrt(1 + slope * slope)
    if bald_crown > 0:
        distance = min(distance, (0.058 - 0.55 * max(0.0, z + 0.06) - y) + 0.0)
    return distance


@njit(cache=True, fastmath=True, error_model="numpy")
def brow_density(ax: float, y: float, side: int, paint: Paint) -> float:
    """Density 0..1 of the eyebrow at the template's frontal coordinates (metres)."""
    t = (ax * 1e3 - 9.5 + paint.brow_draw[side] * max(0.0, 1 - (ax * 1e3 - 9.5) / 30.0)) / 42.0
    if t < -0.08 or t > 1.06 or y < 0.008 or y > 0.046:
        return 0.0
    arch = 3.6 + 1.6 * paint.brow_arch
    tt = min(1.0, max(0.0, t))
    peak = 0.62
    rise = tt / peak if tt < peak else 1 - 0.95 * (tt - peak) / (1 - peak)
    rise = rise * rise * (3 - 2 * rise) if tt < peak else math.sin(rise * 1.5708)
    center = 21.4 + 1.4 * paint.brow_height + arch * rise - 0.8 * max(0.0, tt - 0.85) / 0.15
    center += paint.brow_inner[side] * (1 - tt) ** 2 + paint.brow_outer[side] * tt * tt
    half = (
        (1.9 + 2.2 * paint.brow_thickness)
        * (1.0 - 0.72 * smooth(0.55, 1.05, tt))
        * (0.82 + 0.18 * smooth(0.0, 0.2, tt))
    )
    # hairs stand up at the inner end and lie along the brow further out
    lean = 0.9 - 1.6 * tt
    strand = noise((ax * 1e3 - lean * (y * 1e3 - center)) * 1.3, y * 1e3 * 0.30, paint.seed)
    edge = 0.6 + 0.8 * strand
    distance = abs(y * 1e3 - center) / half
    ends = smooth(-0.07, 0.05, t) * (1 - smooth(0.93, 1.06, t))
    return ends * (1 - smooth(0.55 * edge, 1.25 * edge, distance)) * (0.72 + 0.28 * strand)


@njit(cache=True, fastmath=True, error_model="numpy")
def lip_mask(ax: float, y: float) -> float:
    """1 on the red of the lips, soft at its border (template's frontal coordinates)."""
    x = ax * 1e3
    if x > 25.5:
        return 0.0
    s = x / 24.5
    cupid = -0.9 * math.exp(-((x / 2.6) ** 2)) + 0.7 * math.exp(-(((x - 5.5) / 4.0) ** 2))
    top = -73.2 + 10.0 * (1 - s**1.7 if s < 1 else 0.0) * (1 - 0.06 * s) + cupid * (1 - min(1.0, s))
    low = -73.6 - 12.6 * (math.sqrt(max(0.0, 1 - s * s)) if s < 1 else 0.0)
    v = y * 1e3
    return smooth(0.0, 1.3, top - v) * smooth(0.0, 1.5, v - low) * (1 - smooth(23.0, 25.5, x))


@njit(cache=True, fastmath=True, error_model="numpy")
def beard_density(x: float, y: float, z: float, paint: Paint) -> tuple[float, float]:
    """(beard, stubble) densities 0..1 at a template point, before noise."""
    ax = abs(x)
    angle = math.atan2(ax, z + 0.070)
    # cheek line: from the sideburn down to the mouth corner
    line = -0.012 - 0.046 * smooth(1.15, 0.50, angle)
    cheek = smooth(0.012, -0.014, y - line)
    below = smooth(-0.136, -0.112, y + 0.25 * max(0.0, 0.02 - z))
    rear = 1 - smooth(1.24, 1.38, angle)
    jaw = cheek * below * rear
    # the moustache: between nose and lip, thinning out beyond the mouth corners
    lower_edge = -0.0628 - 0.0065 * smooth(0.006, 0.026, ax)
    upper_edge = -0.0535 - 0.0115 * smooth(0.010, 0.030, ax)
    mustache = smooth(-0.0015, 0.0012, y - lower_edge) * smooth(0.0030, -0.0030, y - upper_edge)
    mustache *= (1 - smooth(0.022, 0.033, ax)) * (0.6 + 0.4 * smooth(0.0, 0.004, ax))
    beside = bump(ax - 0.031, y + 0.073, 0.0065, 0.018)
    chin = smooth(-0.084, -0.094, y) * (1 - smooth(0.017, 0.032, ax)) * below
    soul = bump(ax, y + 0.0895, 0.005, 0.004)
    goatee = max(chin, 0.8 * soul, beside * smooth(-0.056, -0.066, y))
    # the jaw leaves the lips and a strip under the lower lip free
    free = bump(ax, y + 0.077, 0.030, 0.013)
    jaw = max(jaw * (1 - min(1.0, 1.3 * free)), jaw * goatee)
    beard = max(
        paint.beard * max(jaw, goatee, mustache),
        paint.mustache * mustache,
        paint.goatee * max(goatee, mustache),
    )
    stubble = paint.stubble * max(jaw, 0.85 * mustache, goatee)
    return min(1.0, beard), stubble


@njit(cache=True, fastmath=True, error_model="numpy")
def shade_face(
    index: np.ndarray,
    coordinates: np.ndarray,
    occlusion: np.ndarray,
    triangles: np.ndarray,
    material: np.ndarray,
    cavity: np.ndarray,
    template: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    rim: np.ndarray,
    rotation: np.ndarray,
    eyes: np.ndarray,
    folds: np.ndarray,
    light_depth: np.ndarray,
    to_light: np.ndarray,
    paint: Paint,
    lamp: Lamp,
) -> np.ndarray:
    """Toned linear RGB (size, size, 3) of the head pass.

    index, coordinates: from `rasterize`. occlusion: from `ambient_occlusion`. template, points, normals: (V,
    3) the painter's coordinates, the turned vertices and their normals. rim: (V,) 1 at the edge of the lids.
    eyes: (2, 3) eyeball centers in the template. folds: (2, Y, X) from `compose`. light_depth, to_light: the
    shadow map and its matrix."""
    size = index.shape[0]
    out = np.zeros((size, size, 3), np.float32)
    color = np.zeros(3)
    n = np.zeros(3)
    wrap_base = 0.12 + 0.22 * lamp.softness
    for py in range(size):
        for px in range(size):
            t = index[py, px]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb = coordinates[py, px, 0], coordinates[py, px, 1]
            wc = 1.0 - wa - wb
            x = wa * template[a, 0] + wb * template[b, 0] + wc * template[c, 0]
            y = wa * template[a, 1] + wb * template[b, 1] + wc * template[c, 1]
            z = wa * template[a, 2] + wb * template[b, 2] + wc * template[c, 2]
            for k in range(3):
                n[k] = wa * normals[a, k] + wb * normals[b, k] + wc * normals[c, k]
            vx = wa * points[a, 0] + wb * points[b, 0] + wc * points[c, 0]
            vy = wa * points[a, 1] + wb * points[b, 1] + wc * points[c, 1]
            vz = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
            kind = material[t]
            open_sky = occlusion[py, px]
            ax = abs(x)
            side = 0 if x > 0 else 1
            crease, deep = 0.0, 1.0
            shine, gloss = 0.10, 14.0
            translucent = 1.0
            emission = 0.0
            if kind == 0 and cavity[t]:
                kind = 5
            if kind == 0:
                # folds bend the normal and darken the crease
                fx, fy = ax / STEP - 0.5, (Y_TOP - y) / STEP - 0.5
                ix, iy = int(fx), int(fy)
                if fy > 1 and iy < Y_CELLS - 2 and ix < X_CELLS - 2 and z > -0.04:
                    ix = max(ix, 1)
                    tx, ty = min(1.0, max(0.0, fx - ix)), fy - iy
                    h = (folds[side, iy, ix] * (1 - tx) + folds[side, iy, ix + 1] * tx) * (1 - ty) + (
                        folds[side, iy + 1, ix] * (1 - tx) + folds[side, iy + 1, ix + 1] * tx
                    ) * ty
                    gx = 0.5 * (folds[side, iy, ix + 1] - folds[side, iy, ix - 1]) * (1.0 if x > 0 else -1.0)
                    gy = -0.5 * (folds[side, iy + 1, ix] - folds[side, iy - 1, ix])
                    crease = max(0.0, -h)
                    strength = 1.9
                    for k in range(3):
                        n[k] -= strength * (gx * rotation[k, 0] + gy * rotation[k, 1])
                length = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
                for k in range(3):
                    n[k] /= length
                # blood near the surface: cheeks, nose, ears; bluish under the eyes
                red = (0.55 + 0.6 * paint.blush) * bump(ax - 0.040, y + 0.040, 0.020, 0.018)
                red += (
                    0.45 * bump(ax, y + 0.042, 0.014, 0.012)
                    + 0.5 * smooth(0.079, 0.090, ax)
                    + 0.2 * bump(ax, y + 0.11, 0.02, 0.012)
                )
                mottle = noise(x * 210 + 31, y * 210, paint.seed) - 0.5
                broad = noise(x * 60 + 7, y * 60, paint.seed + 5) - 0.5
                tone = 1.0 + 0.045 * broad + 0.03 * mottle
                dark_eye = 0.16 * bump(ax - 0.031, y + 0.015, 0.016, 0.008) + 0.10 * bump(
                    ax - 0.018, y + 0.004, 0.006, 0.010
                )
                dark_eye *= 1 + 0.8 * paint.years
                color[0] = paint.skin[0] * tone * (1 - 0.02 * red - 0.6 * dark_eye)
                color[1] = paint.skin[1] * tone * (1 - 0.17 * red - 0.9 * dark_eye)
                color[2] = paint.skin[2] * tone * (1 - 0.14 * red - 0.8 * dark_eye)
                if paint.freckles > 0:
                    spot = smooth(0.70, 0.84, noise(x * 620, y * 620, paint.seed + 9)) * paint.freckles
                    spot *= bump(ax - 0.02, y + 0.03, 0.045, 0.028)
                    for k in range(3):
                        color[k] *= 1 - spot * (0.22 + 0.12 * k)
                # crease: less light, and redder
                for k in range(3):
                    color[k] *= 1 - min(0.72, crease * (0.46 + 0.05 * k))
                shade = 1.0
                # lids: makeup, the fold and the lash line
                if y > -0.016 and y < 0.020 and ax > 0.010 and ax < 0.057:
                    ring = wa * rim[a] + wb * rim[b] + wc * rim[c]
                    if y > 0.001 and paint.makeup > 0:
                        lid = bump(ax - 0.033, y - 0.008, 0.015, 0.006) * 0.5 * paint.makeup
                        color[0] *= 1 - lid * 0.8
                        color[1] *= 1 - lid
                        color[2] *= 1 - lid * 0.85
                    line = smooth(0.36, 0.90, ring) if y > -0.001 else 0.55 * smooth(0.6, 1.0, ring)
                    line *= 0.80 + 0.20 * paint.makeup
                    shade *= 1 - 0.88 * line
                # lips
                if y < -0.055 and y > -0.095 and ax < 0.027:
                    lip = lip_mask(ax, y)
                    if lip > 0:
                        line = noise(x * 900, y * 90, paint.seed + 3) - 0.5
                        for k in range(3):
                            color[k] += lip * (paint.lips[k] * (1 + 0.10 * line) - color[k])
                        shine += lip * (0.10 + 0.15 * paint.makeup)
                        gloss += 14 * lip
                # brows
                density = brow_density(ax, y, side, paint)
                if density > 0:
                    density *= paint.brow_darkness
                    for k in range(3):
                        color[k] += density * (paint.brow[k] - color[k])
                    shine *= 1 - density
                # beard
                if paint.stubble + paint.beard + paint.mustache + paint.goatee > 0 and y < 0.01 and z > -0.08:
                    beard, stubble = beard_density(x, y, z, paint)
                    if beard + stubble > 0.002:
                        lip = lip_mask(ax, y)
                        strand = noise(x * 1000 + 3 * noise(x * 150, y * 150, 3), y * 330, paint.seed + 1)
                        clump = noise(x * 300, y * 140, paint.seed + 2)
                        amount = smooth(0.10, 0.75, beard * (0.55 + 0.45 * strand + 0.25 * clump)) * 0.93
                        amount = max(amount, 0.48 * stubble * (0.75 + 0.3 * strand)) * (1 - lip)
                        tint = 0.75 + 0.6 * strand * clump
                        for k in range(3):
                            color[k] += amount * (paint.hair[k] * tint - color[k])
                        shine *= 1 - 0.8 * amount
                # short hair painted on the scalp, which also softens the shell's edge
                if paint.hair_alpha > 0 and y > -0.09:
                    above = above_hairline(x, y, z, paint.hairline, paint.bald_crown)
                    if above > -0.012 and ax < 0.083:
                        strand = noise(x * 700 + 5 * z, y * 260 + z * 300, paint.seed + 4)
                        amount = paint.hair_alpha * smooth(-0.007, 0.006, above + 0.006 * (strand - 0.5))
                        for k in range(3):
                            color[k] += amount * (paint.hair[k] * (0.7 + 0.5 * strand) - color[k])
                        shine *= 1 - amount
                # clothes
                collar = paint.collar - 0.028 * max(0.0, z + 0.05) / 0.08 + 0.05 * smooth(0.05, 0.12, ax)
                cloth = smooth(0.002, -0.002, y - collar)
                if cloth > 0:
                    for k in range(3):
                        color[k] += cloth * (paint.cloth[k] - color[k])
                    shine *= 1 - cloth
                    translucent = 1 - cloth
                for k in range(3):
                    color[k] *= shade
                shine *= 0.9 + 0.7 * bump(ax, y + 0.035, 0.010, 0.02) + 0.35 * bump(ax, y - 0.05, 0.03, 0.02)
                shine *= max(0.0, 1 - 0.7 * crease) * shade
            elif kind == 1:
                # the eyeball: a sphere in the template, the iris where the gaze points
                which = 0 if x > 0 else 1
                dx, dy, dz = (
                    (x - eyes[which, 0]) / 0.0156,
                    (y - eyes[which, 1]) / 0.0156,
                    (z - eyes[which, 2]) / 0.0156,
                )
                length = math.sqrt(dx * dx + dy * dy + dz * dz) + 1e-9
                dx, dy, dz = dx / length, dy / length, dz / length
                for k in range(3):
                    n[k] = rotation[k, 0] * dx + rotation[k, 1] * dy + rotation[k, 2] * dz
                r = math.sqrt((dx - paint.gaze_x) ** 2 + (dy - paint.gaze_y) ** 2)
                if dz < 0.2:
                    r = 2.0
                vein = smooth(0.55, 1.0, abs(dx - paint.gaze_x))
                color[0], color[1], color[2] = (
                    0.66 * paint.glare,
                    (0.62 - 0.13 * vein) * paint.glare,
                    (0.60 - 0.15 * vein) * paint.glare,
                )
                if r < 0.46:
                    ray = noise(math.atan2(dy - paint.gaze_y, dx - paint.gaze_x) * 9, r * 6, paint.seed + 8)
                    inside = 1 - smooth(0.385, 0.425, r)
                    limbal = 0.35 + 0.65 * (1 - smooth(0.28, 0.40, r))
                    pupil = 1 - smooth(0.145, 0.175, r)
                    for k in range(3):
                        iris = paint.iris[k] * (0.75 + 0.6 * ray) * limbal
                        iris = iris * (1 - pupil) + 0.006 * pupil
                        color[k] += inside * (iris - color[k])
                # the upper lid throws a shadow on the ball
                open_sky = max(0.30, min(1.0, open_sky * 1.05)) * (1 - 0.35 * smooth(0.10, 0.55, dy))
                translucent = 0.6
                shine, gloss = 0.05, 60.0
                # catchlight, mirrored from the key light and a little from above
                gleam = max(0.0, n[0] * lamp.half[0] + n[1] * lamp.half[1] + n[2] * lamp.half[2])
                emission = 0.75 * smooth(0.9930, 0.9975, gleam) if r < 0.45 else 0.0
            elif kind == 2:
                length = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
                for k in range(3):
                    n[k] /= length
                upper = y > -0.0690 if z < 0.0 else y > -0.0707
                root = smooth(-0.0585, -0.0570, y) if upper else smooth(-0.0800, -0.0815, y)
                color[0], color[1], color[2] = 0.90 * paint.glare, 0.86 * paint.glare, 0.76 * paint.glare
                gap = 0.0
                for k in range(5):
                    place = (
                        (0.0, 0.0085, 0.0155, 0.0225, 0.028)[k] if upper else (0.0, 0.0055, 0.0115, 0.0180, 0.025)[k]
                    )
                    gap = max(gap, 1 - smooth(0.0002, 0.0009, abs(ax - place)))
                for k in range(3):
                    color[k] *= 1 - 0.16 * gap
                color[0] += root * (0.50 - color[0])
                color[1] += root * (0.16 - color[1])
                color[2] += root * (0.16 - color[2])
                deep = smooth(-0.006, 0.018, z) * (1 - 0.5 * smooth(0.017, 0.027, ax))
                open_sky = max(open_sky, 0.92) * (0.22 + 0.78 * deep)
                shine, gloss, translucent = 0.14, 40.0, 1.0
            elif kind == 3:
                color[0], color[1], color[2] = 0.40, 0.12, 0.12
                open_sky *= 0.55 * smooth(-0.045, 0.010, z) + 0.08
                shine, gloss = 0.08, 25.0
            elif kind == 5:
                if y > -0.03:  # the eye socket's rim
                    color[0], color[1], color[2] = (
                        paint.skin[0] * 0.55,
                        paint.skin[1] * 0.40,
                        paint.skin[2] * 0.38,
                    )
                    shine = 0.05
                else:
                    deep = smooth(0.000, 0.026, z)
                    color[0], color[1], color[2] = (
                        0.16 * deep + 0.010,
                        0.035 * deep + 0.004,
                        0.035 * deep + 0.004,
                    )
                    shine = 0.03 * deep
            else:
                for k in range(3):
                    color[k] = paint.frame[k]
                shine, gloss, translucent = 0.5, 30.0, 0.0
            # light
            facing = n[0] * lamp.direction[0] + n[1] * lamp.direction[1] + n[2] * lamp.direction[2]
            lit = 0.0
            if facing > -0.5:
                lit = shadow(vx, vy, vz, light_depth, to_light, 0.6 + 2.2 * lamp.softness)
            if kind == 2:
                lit = max(lit, 0.75) * (0.35 + 0.65 * deep)
            sky = 0.5 + 0.5 * n[1]
            gleam = max(0.0, n[0] * lamp.half[0] + n[1] * lamp.half[1] + n[2] * lamp.half[2])
            spec = shine * gleam**gloss * lit * smooth(-0.05, 0.25, facing)
            frontal = max(0.0, 0.25 + 0.75 * (-0.5 * n[0] * lamp.direction[0] / (abs(lamp.direction[0]) + 0.2) + n[2]))
            graze = (1 - max(0.0, n[2])) ** 4
            for k in range(3):
                # light bleeds past the terminator, red furthest
                wrap = wrap_base + translucent * (0.16 if k == 0 else (0.05 if k == 1 else 0.02))
                diffuse = max(0.0, (facing + wrap) / (1 + wrap))
                soft = lit if lit > 0.999 or k > 0 else lit ** (1.0 - 0.25 * translucent)
                bounce = open_sky ** (0.8 if k == 0 else 1.05)
                ambient = (lamp.ground[k] + (lamp.sky[k] - lamp.ground[k]) * sky) * bounce
                value = color[k] * (
                    lamp.key[k] * diffuse * soft * (0.55 + 0.45 * open_sky) + ambient + lamp.fill[k] * frontal * bounce
                )
                value += (spec + emission * (0.35 + 0.65 * lit)) * lamp.key[k] + 0.05 * shine * graze * lamp.sky[k]
                out[py, px, k] = roll_off(value)
    return out


@njit(cache=True, fastmath=True, error_model="numpy")
def shade_hair(
    index: np.ndarray,
    coordinates: np.ndarray,
    depth: np.ndarray,
    head_depth: np.ndarray,
    triangles: np.ndarray,
    kinds: np.ndarray,
    template: np.ndarray,
    parameters: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    rotation: np.ndarray,
    light_depth: np.ndarray,
    to_light: np.ndarray,
    paint: Paint,
    lamp: Lamp,
    base: np.ndarray,
    cover: int,
    curl: float,
) -> tuple[np.ndarray, np.ndarray]:
    """(toned linear RGB, alpha) of the hair pass.

    kinds: (T,) 0 shell, else extra geometry; cover: 0 hair, 1 knit, 2 cloth.
    """
    size = index.shape[0]
    out = np.zeros((size, size, 3), np.float32)
    alpha = np.zeros((size, size), np.float32)
    n, strand_direction = np.zeros(3), np.zeros(3)
    for py in range(size):
        for px in range(size):
            t = index[py, px]
            if t < 0 or depth[py, px] < head_depth[py, px] - 0.0015:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb = coordinates[py, px, 0], coordinates[py, px, 1]
            wc = 1.0 - wa - wb
            x = wa * template[a, 0] + wb * template[b, 0] + wc * template[c, 0]
            y = wa * template[a, 1] + wb * template[b, 1] + wc * template[c, 1]
            z = wa * template[a, 2] + wb * template[b, 2] + wc * template[c, 2]
            for k in range(3):
                n[k] = wa * normals[a, k] + wb * normals[b, k] + wc * normals[c, k]
            length = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
            for k in range(3):
                n[k] /= length
            kind = kinds[t]
            if n[2] < 0:
                if kind == 0 and n[2] < -0.12:  # the inside of the shell
                    continue
                for k in range(3):
                    n[k] = -n[k]
            vx = wa * points[a, 0] + wb * points[b, 0] + wc * points[c, 0]
            vy = wa * points[a, 1] + wb * points[b, 1] + wc * points[c, 1]
            vz = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
            edge = 1.0
            if kind == 0:
                # strands run from the crown outwards: azimuth about the crown's axis tells them apart
                cx, cy, cz = x, y - 0.02, z + 0.075
                up = 0.88 * cy - 0.475 * cz
                forward = 0.475 * cy + 0.88 * cz
                across = math.atan2(cx, forward) * 9.0
                along = up * 30.0
                edge = above_hairline(x, y, z, paint.hairline, paint.bald_crown)
                dx, dy, dz = 0.0 - n[0] * 0, 0.88, -0.475
            else:
                p0 = wa * parameters[a, 0] + wb * parameters[b, 0] + wc * parameters[c, 0]
                p1 = wa * parameters[a, 1] + wb * parameters[b, 1] + wc * parameters[c, 1]
                p2 = wa * parameters[a, 2] + wb * parameters[b, 2] + wc * parameters[c, 2]
                across = p2 * 9.0
                along = y * 30.0
                edge = p0 * 0.085 + 0.004
                if kind == 1:
                    edge = min(edge, p1 + 0.004)
                dx, dy, dz = 0.0, 1.0, 0.0
            if cover == 0:
                warp = curl * (noise(across * 1.1, along * 1.0, paint.seed + 11) - 0.5)
                fine = noise(across * 9.0 + 8 * warp, along * 0.5 + 6 * warp, paint.seed + 12)
                lock = noise(across * 2.4 + 5 * warp, along * (0.25 + 0.9 * curl), paint.seed + 13)
                cover_alpha = smooth(-0.003, 0.0055, edge + 0.0075 * (fine - 0.5) + 0.007 * (lock - 0.5))
                tint = 0.50 + 0.55 * lock + 0.35 * (fine - 0.3)
                sheen, power = 0.22, 22.0
            elif cover == 1:
                rib = 0.5 + 0.5 * math.sin(across * 13.0)
                lock, fine = rib, rib
                cover_alpha = smooth(-0.0005, 0.0010, edge)
                tint = 0.78 + 0.26 * rib
                if edge < 0.022:
                    tint *= 0.93 if edge < 0.0205 else 0.70
                sheen, power = 0.02, 10.0
            else:
                lock = noise(across * 0.9, along * 0.28, paint.seed + 14)
                fine = noise(across * 2.0 + 2 * lock, along * 0.5, paint.seed + 15)
                cover_alpha = smooth(-0.0005, 0.0010, edge)
                tint = 0.70 + 0.34 * lock + 0.16 * fine
                sheen, power = 0.03, 8.0
            if cover_alpha <= 0.003:
                continue
            # strand tangent: the crown's direction flattened onto the surface
            for k in range(3):
                strand_direction[k] = rotation[k, 0] * dx + rotation[k, 1] * dy + rotation[k, 2] * dz
            dot = strand_direction[0] * n[0] + strand_direction[1] * n[1] + strand_direction[2] * n[2]
            length = 1e-6
            for k in range(3):
                strand_direction[k] -= dot * n[k]
                length += strand_direction[k] ** 2
            length = math.sqrt(length)
            along_half = 0.0
            for k in range(3):
                along_half += strand_direction[k] / length * lamp.half[k]
            shift = 0.25 * (fine - 0.5)
            ring = max(0.0, 1 - (along_half + shift) ** 2) ** (0.5 * power)
            facing = n[0] * lamp.direction[0] + n[1] * lamp.direction[1] + n[2] * lamp.direction[2]
            lit = 1.0
            if facing > -0.4:
                lit = 0.35 + 0.65 * shadow(vx, vy, vz, light_depth, to_light, 1.2 + 2.0 * lamp.softness)
            diffuse = max(0.0, (facing + 0.35) / 1.35)
            sky = 0.5 + 0.5 * n[1]
            rim_light = (1 - max(0.0, n[2])) ** 3
            # roots lie in the shade of the locks above
            root = 0.62 + 0.38 * smooth(0.0, 0.014, edge) if cover == 0 else 0.85 + 0.15 * smooth(0.0, 0.01, edge)
            for k in range(3):
                body = base[k] * tint * root
                ambient = lamp.ground[k] + (lamp.sky[k] - lamp.ground[k]) * sky
                value = body * (lamp.key[k] * diffuse * lit + 0.9 * ambient + lamp.fill[k] * max(0.0, n[2]))
                value += (
                    sheen
                    * ring
                    * lamp.key[k]
                    * lit
                    * (0.03 + 0.8 * base[k])
                    * smooth(-0.1, 0.3, facing)
                    * (0.4 + 0.9 * lock)
                )
                value += 0.25 * rim_light * base[k] * lamp.sky[k]
                out[py, px, k] = roll_off(value)
            alpha[py, px] = cover_alpha
    return out, alpha

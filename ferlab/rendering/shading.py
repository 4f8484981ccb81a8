"""Colors of pixels: skin with painted brows, lips, beard and folds; eyes; teeth; hair. All light is linear RGB.

The kernels, with all that they call, are in this one file because Numba's cache watches no other: it would go on using
old code after a change elsewhere. So it does after a change of a constant imported here; then delete `__pycache__`.

Fast maths lets the compiler reorder sums, so moving a line can change the last bit of a color, and once in a while a
byte of a picture, which should come back from its seed as it was: compare pictures after every change.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ferlab.rendering.folds import STEP, X_CELLS, Y_CELLS, Y_TOP
from ferlab.rendering.rig import EYE, SKIN, TEETH, TONGUE

# materials beyond the rig's own
CAVITY, FRAME = 5, 6
EYEBALL = 0.0156  # radius in metres

# Colors and vectors are tuples because an array that is handed to a helper has its references counted at every pixel,
# which made the face half as slow again. np.float32 in the records below, float64 inside the kernels.
Triple = tuple[float, float, float]

compiled = njit(cache=True, fastmath=True, error_model="numpy")
# The steps of a kernel. As calls, each copies all of Paint, and the face takes a third longer.
inlined = njit(fastmath=True, error_model="numpy", inline="always")


class Paint(NamedTuple):
    """What the painter of a face needs to know. Colors are linear RGB in np.float32.

    Attributes:
        skin, lips, hair, brow, iris, cloth, frame: colors.
        hair_alpha: 0..1, how dense the hair is that is painted on the scalp; 0 none.
        bald_crown: 1 leaves the crown of the head bare, 0 does not.
        brow_thickness, brow_darkness: 0..1.
        brow_arch, brow_height: -1..1.
        mustache, goatee, beard, stubble: densities 0..1.
        makeup, freckles: 0..1.
        years: 0..1, how far skin has aged.
        blush: how strongly blood shows through the skin.
        brow_inner, brow_outer, brow_draw: mm that the skin under the left and the right brow slides up at its inner and
            its outer end, and towards the middle; np.float32.
        glare: how bright the white of eyes and teeth is in this exposure.
        gaze_x, gaze_y: sine of the angle of the gaze, to the right of the picture and up.
        collar: metres, height of the collar at the template.
        seed: of the noise of skin and hair.
    """

    skin: Triple
    lips: Triple
    hair: Triple
    brow: Triple
    iris: Triple
    cloth: Triple
    frame: Triple
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
    brow_inner: tuple[float, float]
    brow_outer: tuple[float, float]
    brow_draw: tuple[float, float]
    glare: float
    gaze_x: float
    gaze_y: float
    collar: float
    seed: int


class Lamp(NamedTuple):
    """The light in the kernels' terms, in np.float32.

    Attributes:
        direction: unit vector towards the key light.
        half: unit vector half-way between the key light and the camera.
        key, sky, ground, fill: linear RGB of the key light, of the room above and below, and of the light from the
            camera.
        softness: 0..1, of the shadow's edge.
    """

    direction: Triple
    half: Triple
    key: Triple
    sky: Triple
    ground: Triple
    fill: Triple
    softness: float


class Surface(NamedTuple):
    """How a point of the head answers light, apart from its color and normal.

    Attributes:
        shine: strength of the mirrored key light.
        gloss: exponent of the highlight; larger is narrower.
        translucent: 0..1, how far light bleeds past the terminator.
        emission: added on top, in units of the key light: the catchlight of the eyes.
        open_sky: 0..1, share of the ambient light that arrives.
        deep: 0..1, share of the key light that reaches into the mouth; of teeth alone.
    """

    shine: float
    gloss: float
    translucent: float
    emission: float
    open_sky: float
    deep: float


class Strands(NamedTuple):
    """What hair, wool or cloth looks like at a pixel.

    Attributes:
        alpha: 0..1, how much it covers.
        tint: factor of its color.
        lock: 0..1, noise of locks or folds.
        fine: 0..1, noise of single strands.
        sheen: strength of the highlight across the strands.
        power: its exponent; larger is narrower.
    """

    alpha: float
    tint: float
    lock: float
    fine: float
    sheen: float
    power: float


@compiled
def _hash(i: int, j: int, seed: int) -> float:
    h = (i * 374761393 + j * 668265263 + seed * 974634777) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@compiled
def noise(x: float, y: float, seed: int) -> float:
    """Smooth value noise, 0..1, one feature a unit."""
    i, j = int(math.floor(x)), int(math.floor(y))
    u, v = x - i, y - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    low = _hash(i, j, seed) * (1 - u) + _hash(i + 1, j, seed) * u
    high = _hash(i, j + 1, seed) * (1 - u) + _hash(i + 1, j + 1, seed) * u
    return low * (1 - v) + high * v


@compiled
def smooth(low: float, high: float, value: float) -> float:
    """0 at low, 1 at high (which may be the smaller), with a soft start and end between."""
    t = min(1.0, max(0.0, (value - low) / (high - low)))
    return t * t * (3 - 2 * t)


@compiled
def roll_off(linear: float) -> float:
    """Highlights roll off softly instead of clipping; still linear RGB."""
    return linear * (1.0 + linear / 3.2) / (1.0 + 0.55 * linear)


@compiled
def bump(x: float, y: float, radius_x: float, radius_y: float) -> float:
    """1 at the origin, falling off like a bell; a radius is where an axis reaches 1 / e."""
    return math.exp(-(x * x) / (radius_x * radius_x) - (y * y) / (radius_y * radius_y))


@inlined
def at_pixel(values: np.ndarray, a: int, b: int, c: int, wa: float, wb: float) -> Triple:
    """Vectors (V, 3) of the vertices a, b, c, mixed by the barycentric coordinates of a pixel."""
    wc = 1.0 - wa - wb
    return (
        wa * values[a, 0] + wb * values[b, 0] + wc * values[c, 0],
        wa * values[a, 1] + wb * values[b, 1] + wc * values[c, 1],
        wa * values[a, 2] + wb * values[b, 2] + wc * values[c, 2],
    )


@inlined
def dot(first: Triple, second: Triple) -> float:
    """The scalar product of two vectors."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


@inlined
def unit(vector: Triple) -> Triple:
    """The vector at length 1."""
    length = math.sqrt(dot(vector, vector)) + 1e-9
    return vector[0] / length, vector[1] / length, vector[2] / length


@inlined
def turn(rotation: np.ndarray, vector: Triple) -> Triple:
    """The vector turned by a matrix (3, 3)."""
    return (
        rotation[0, 0] * vector[0] + rotation[0, 1] * vector[1] + rotation[0, 2] * vector[2],
        rotation[1, 0] * vector[0] + rotation[1, 1] * vector[1] + rotation[1, 2] * vector[2],
        rotation[2, 0] * vector[0] + rotation[2, 1] * vector[1] + rotation[2, 2] * vector[2],
    )


@inlined
def dim(color: Triple, red: float, green: float, blue: float) -> Triple:
    """The color with each channel at its share of light."""
    return color[0] * red, color[1] * green, color[2] * blue


@inlined
def lay_over(color: Triple, pigment: Triple, tint: float, share: float) -> Triple:
    """The color under a share 0..1 of a pigment, which tint makes lighter or darker."""
    return (
        color[0] + share * (pigment[0] * tint - color[0]),
        color[1] + share * (pigment[1] * tint - color[1]),
        color[2] + share * (pigment[2] * tint - color[2]),
    )


@compiled
def above_hairline(x: float, y: float, z: float, line: np.ndarray, bald_crown: float) -> float:
    """How far a point lies above the hairline.

    Args:
        x, y, z: metres, a point of the template.
        line: float32 (64,), metres, from :func:`ferlab.rendering.hair.hairline`.
        bald_crown: 1 leaves the crown of the head bare, 0 does not.

    Returns:
        Metres, roughly; negative below.
    """
    angle = abs(math.atan2(x, z + 0.070))
    place = angle / math.pi * 63.0
    k = min(62, int(place))
    height = line[k] + (line[k + 1] - line[k]) * (place - k)
    slope = (line[k + 1] - line[k]) / (math.pi / 63.0 * 0.09)
    distance = (y - height) / math.sqrt(1 + slope * slope)
    if bald_crown > 0:
        distance = min(distance, (0.058 - 0.55 * max(0.0, z + 0.06) - y) + 0.0)
    return distance


@compiled
def brow_density(ax: float, y: float, side: int, paint: Paint) -> float:
    """Density 0..1 of the eyebrow.

    Args:
        ax, y: metres, frontal coordinates of a template point; ax is its distance from the middle.
        side: 0 the person's left brow, 1 the right one.
        paint: colors of the person.
    """
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


@compiled
def lip_mask(ax: float, y: float) -> float:
    """1 on the red of the lips, soft at its border; ax, y as for :func:`brow_density`."""
    x = ax * 1e3
    if x > 25.5:
        return 0.0
    s = x / 24.5
    cupid = -0.9 * math.exp(-((x / 2.6) ** 2)) + 0.7 * math.exp(-(((x - 5.5) / 4.0) ** 2))
    top = -73.2 + 10.0 * (1 - s**1.7 if s < 1 else 0.0) * (1 - 0.06 * s) + cupid * (1 - min(1.0, s))
    low = -73.6 - 12.6 * (math.sqrt(max(0.0, 1 - s * s)) if s < 1 else 0.0)
    v = y * 1e3
    return smooth(0.0, 1.3, top - v) * smooth(0.0, 1.5, v - low) * (1 - smooth(23.0, 25.5, x))


@compiled
def beard_density(x: float, y: float, z: float, paint: Paint) -> tuple[float, float]:
    """Densities 0..1 of beard and of stubble at a template point (metres), before noise."""
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


@compiled
def shadow(px: float, py: float, pz: float, light_depth: np.ndarray, to_light: np.ndarray, spread: float) -> float:
    """Share 0..1 of the key light that reaches a point.

    Args:
        px, py, pz: metres, the turned point.
        light_depth, to_light: float32 (S, S) and (3, 4), the shadow map and its matrix.
        spread: radius of the soft edge, in pixels of the shadow map.
    """
    size = light_depth.shape[0]
    lx = to_light[0, 0] * px + to_light[0, 1] * py + to_light[0, 2] * pz + to_light[0, 3]
    ly = to_light[1, 0] * px + to_light[1, 1] * py + to_light[1, 2] * pz + to_light[1, 3]
    lz = to_light[2, 0] * px + to_light[2, 1] * py + to_light[2, 2] * pz + to_light[2, 3]
    lit = 0.0
    for k in range(9):
        dx = (k % 3 - 1) * spread
        dy = (k // 3 - 1) * spread
        fx, fy = lx + dx - 0.5, ly + dy - 0.5
        ix, iy = int(math.floor(fx)), int(math.floor(fy))
        if ix < 0 or iy < 0 or ix >= size - 1 or iy >= size - 1:
            lit += 1.0
            continue
        tx, ty = fx - ix, fy - iy
        # soft comparison: the step is blurred over 6 mm
        value = 0.0
        for j in range(4):
            gap = light_depth[iy + j // 2, ix + j % 2] - lz - 0.005
            weight = (tx if j % 2 == 1 else 1 - tx) * (ty if j // 2 == 1 else 1 - ty)
            value += weight * (1.0 if gap <= 0 else (0.0 if gap >= 0.006 else 1 - gap / 0.006))
        lit += value
    return lit / 9.0


@inlined
def bend_by_folds(
    x: float, y: float, z: float, n: Triple, folds: np.ndarray, rotation: np.ndarray
) -> tuple[Triple, float]:
    """Tilt the normal of the skin along its folds.

    Args:
        x, y, z: metres, a point of the template.
        n: the normal there.
        folds: float32 (2, Y, X), from :func:`ferlab.rendering.folds.compose`.
        rotation: float32 (3, 3), of the head.

    Returns:
        The tilted normal, not of unit length, and the depth of the crease; 0 outside the maps.
    """
    side = 0 if x > 0 else 1
    fx, fy = abs(x) / STEP - 0.5, (Y_TOP - y) / STEP - 0.5
    ix, iy = int(fx), int(fy)
    crease = 0.0
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
        n = (
            n[0] - strength * (gx * rotation[0, 0] + gy * rotation[0, 1]),
            n[1] - strength * (gx * rotation[1, 0] + gy * rotation[1, 1]),
            n[2] - strength * (gx * rotation[2, 0] + gy * rotation[2, 1]),
        )
    return n, crease


@inlined
def bare_skin(x: float, y: float, paint: Paint) -> Triple:
    """Color of the skin at a template point: its tone, the blood near the surface, dark rings, freckles."""
    ax = abs(x)
    # blood near the surface: cheeks, nose, ears; bluish under the eyes
    red = (0.55 + 0.6 * paint.blush) * bump(ax - 0.040, y + 0.040, 0.020, 0.018)
    red += (
        0.45 * bump(ax, y + 0.042, 0.014, 0.012)
        + 0.5 * smooth(0.079, 0.090, ax)
        + 0.2 * bump(ax, y + 0.11, 0.02, 0.012)
    )
    mottle = noise(x * 210 + 31, y * 210, paint.seed) - 0.5
    broad = noise(x * 60 + 7, y * 60, paint.seed + 5) - 0.5
    pore = noise(x * 760 + 11, y * 760, paint.seed + 6) - 0.5
    tone = 1.0 + 0.055 * broad + 0.04 * mottle + 0.07 * pore
    dark_eye = 0.16 * bump(ax - 0.031, y + 0.015, 0.016, 0.008) + 0.10 * bump(ax - 0.018, y + 0.004, 0.006, 0.010)
    dark_eye *= 1 + 0.8 * paint.years
    color = (
        paint.skin[0] * tone * (1 - 0.02 * red - 0.6 * dark_eye),
        paint.skin[1] * tone * (1 - 0.17 * red - 0.9 * dark_eye),
        paint.skin[2] * tone * (1 - 0.14 * red - 0.8 * dark_eye),
    )
    if paint.freckles > 0:
        spot = smooth(0.70, 0.84, noise(x * 620, y * 620, paint.seed + 9)) * paint.freckles
        spot *= bump(ax - 0.02, y + 0.03, 0.045, 0.028)
        color = dim(color, 1 - spot * 0.22, 1 - spot * (0.22 + 0.12), 1 - spot * (0.22 + 0.12 * 2))
    return color


@inlined
def paint_lids(ax: float, y: float, ring: float, color: Triple, paint: Paint) -> tuple[Triple, float]:
    """The color under the lids' makeup, and the share of the light that the lash line leaves.

    Args:
        ax, y: metres, frontal coordinates of a template point; ax is its distance from the middle.
        ring: 1 at the rim of the lids, falling to 0 over the next vertices.
        color: linear RGB so far.
        paint: colors of the person.
    """
    shade = 1.0
    if y > -0.016 and y < 0.020 and ax > 0.010 and ax < 0.057:
        if y > 0.001 and paint.makeup > 0:
            lid = bump(ax - 0.033, y - 0.008, 0.015, 0.006) * 0.5 * paint.makeup
            color = dim(color, 1 - lid * 0.8, 1 - lid, 1 - lid * 0.85)
        line = smooth(0.36, 0.90, ring) if y > -0.001 else 0.55 * smooth(0.6, 1.0, ring)
        line *= 0.80 + 0.20 * paint.makeup
        shade = 1 - 0.88 * line
    return color, shade


@inlined
def paint_lips(x: float, y: float, color: Triple, paint: Paint) -> tuple[Triple, float]:
    """The color under the red of the lips, and its share 0..1."""
    ax = abs(x)
    lip = 0.0
    if y < -0.055 and y > -0.095 and ax < 0.027:
        lip = lip_mask(ax, y)
        if lip > 0:
            line = noise(x * 900, y * 90, paint.seed + 3) - 0.5
            color = lay_over(color, paint.lips, 1 + 0.10 * line, lip)
    return color, lip


@inlined
def paint_beard(x: float, y: float, z: float, color: Triple, paint: Paint) -> tuple[Triple, float]:
    """The color under beard and stubble, and their share 0..1."""
    amount = 0.0
    if paint.stubble + paint.beard + paint.mustache + paint.goatee > 0 and y < 0.01 and z > -0.08:
        beard, stubble = beard_density(x, y, z, paint)
        if beard + stubble > 0.002:
            lip = lip_mask(abs(x), y)
            strand = noise(x * 1000 + 3 * noise(x * 150, y * 150, 3), y * 330, paint.seed + 1)
            clump = noise(x * 300, y * 140, paint.seed + 2)
            amount = smooth(0.10, 0.75, beard * (0.55 + 0.45 * strand + 0.25 * clump)) * 0.93
            amount = max(amount, 0.48 * stubble * (0.75 + 0.3 * strand)) * (1 - lip)
            color = lay_over(color, paint.hair, 0.75 + 0.6 * strand * clump, amount)
    return color, amount


@inlined
def paint_short_hair(
    x: float, y: float, z: float, color: Triple, paint: Paint, hairline: np.ndarray
) -> tuple[Triple, float]:
    """The color under short hair on the scalp, which also softens the shell's edge, and its share 0..1."""
    amount = 0.0
    if paint.hair_alpha > 0 and y > -0.09:
        above = above_hairline(x, y, z, hairline, paint.bald_crown)
        if above > -0.012 and abs(x) < 0.083:
            strand = noise(x * 700 + 5 * z, y * 260 + z * 300, paint.seed + 4)
            amount = paint.hair_alpha * smooth(-0.007, 0.006, above + 0.006 * (strand - 0.5))
            color = lay_over(color, paint.hair, 0.7 + 0.5 * strand, amount)
    return color, amount


@inlined
def paint_skin(
    x: float, y: float, z: float, ring: float, crease: float, open_sky: float, paint: Paint, hairline: np.ndarray
) -> tuple[Triple, Surface]:
    """Color of the skin at a template point with all that is painted on it, and how it answers light.

    Args:
        x, y, z: metres, a point of the template.
        ring: as for :func:`paint_lids`.
        crease: depth of the crease there, of :func:`bend_by_folds`.
        open_sky: 0..1, share of the ambient light that arrives.
        paint: colors of the person.
        hairline: float32 (64,), metres, from :func:`ferlab.rendering.hair.hairline`.
    """
    ax = abs(x)
    # crease: less light, and redder
    color = dim(
        bare_skin(x, y, paint),
        1 - min(0.72, crease * 0.46),
        1 - min(0.72, crease * (0.46 + 0.05)),
        1 - min(0.72, crease * (0.46 + 0.05 * 2)),
    )
    color, shade = paint_lids(ax, y, ring, color, paint)
    color, lip = paint_lips(x, y, color, paint)
    # what a skin mirrors does not grow with the exposure that its darkness asks for
    shine = (0.10 + lip * (0.10 + 0.15 * paint.makeup)) * paint.glare
    brow = brow_density(ax, y, 0 if x > 0 else 1, paint)
    if brow > 0:
        brow *= paint.brow_darkness
        color = lay_over(color, paint.brow, 1.0, brow)
    shine *= 1 - brow
    color, beard = paint_beard(x, y, z, color, paint)
    shine *= 1 - 0.8 * beard
    color, hair = paint_short_hair(x, y, z, color, paint, hairline)
    shine *= 1 - hair
    collar = paint.collar - 0.028 * max(0.0, z + 0.05) / 0.08 + 0.05 * smooth(0.05, 0.12, ax)
    cloth = smooth(0.002, -0.002, y - collar)
    if cloth > 0:
        color = lay_over(color, paint.cloth, 1.0, cloth)
    shine *= 1 - cloth
    color = dim(color, shade, shade, shade)
    shine *= 0.9 + 0.7 * bump(ax, y + 0.035, 0.010, 0.02) + 0.35 * bump(ax, y - 0.05, 0.03, 0.02)
    shine *= max(0.0, 1 - 0.7 * crease) * shade
    return color, Surface(
        shine=shine, gloss=14.0 + 14 * lip, translucent=1 - cloth, emission=0.0, open_sky=open_sky, deep=1.0
    )


@inlined
def iris_tone(pigment: float, ray: float, limbal: float, pupil: float) -> float:
    """One channel of the iris, dark at its rim (limbal) and in the pupil."""
    return pigment * (0.75 + 0.6 * ray) * limbal * (1 - pupil) + 0.006 * pupil


@inlined
def paint_eye(around: Triple, n: Triple, open_sky: float, paint: Paint, lamp: Lamp) -> tuple[Triple, Surface]:
    """Color of the eyeball, with the iris where the gaze points, and how it answers light.

    Args:
        around: unit vector from the eyeball's center in the template.
        n: the same, turned with the head.
        open_sky: 0..1, share of the ambient light that arrives.
        paint: colors of the person.
        lamp: the light.
    """
    dx, dy, dz = around
    r = math.sqrt((dx - paint.gaze_x) ** 2 + (dy - paint.gaze_y) ** 2)
    if dz < 0.2:
        r = 2.0
    vein = smooth(0.55, 1.0, abs(dx - paint.gaze_x))
    color = 0.66 * paint.glare, (0.62 - 0.13 * vein) * paint.glare, (0.60 - 0.15 * vein) * paint.glare
    if r < 0.46:
        ray = noise(math.atan2(dy - paint.gaze_y, dx - paint.gaze_x) * 9, r * 6, paint.seed + 8)
        limbal = 0.35 + 0.65 * (1 - smooth(0.28, 0.40, r))
        pupil = 1 - smooth(0.145, 0.175, r)
        iris = (
            iris_tone(paint.iris[0], ray, limbal, pupil),
            iris_tone(paint.iris[1], ray, limbal, pupil),
            iris_tone(paint.iris[2], ray, limbal, pupil),
        )
        color = lay_over(color, iris, 1.0, 1 - smooth(0.385, 0.425, r))
    # the upper lid throws a shadow on the ball
    open_sky = max(0.30, min(1.0, open_sky * 1.05)) * (1 - 0.35 * smooth(0.10, 0.55, dy))
    # catchlight, mirrored from the key light and a little from above
    gleam = max(0.0, dot(n, lamp.half))
    emission = 0.85 * paint.glare * smooth(0.9890, 0.9965, gleam) if r < 0.45 else 0.0
    return color, Surface(shine=0.05, gloss=60.0, translucent=0.6, emission=emission, open_sky=open_sky, deep=1.0)


@inlined
def paint_teeth(ax: float, y: float, z: float, open_sky: float, paint: Paint) -> tuple[Triple, Surface]:
    """Color of teeth and gums at a template point, and how they answer light."""
    upper = y > -0.0690 if z < 0.0 else y > -0.0707
    root = smooth(-0.0585, -0.0570, y) if upper else smooth(-0.0800, -0.0815, y)
    gap = 0.0
    for k in range(5):
        place = (0.0, 0.0085, 0.0155, 0.0225, 0.028)[k] if upper else (0.0, 0.0055, 0.0115, 0.0180, 0.025)[k]
        gap = max(gap, 1 - smooth(0.0002, 0.0009, abs(ax - place)))
    between = 1 - 0.30 * gap
    color = dim((0.90 * paint.glare, 0.86 * paint.glare, 0.76 * paint.glare), between, between, between)
    color = lay_over(color, (0.50, 0.16, 0.16), 1.0, root)
    deep = smooth(-0.006, 0.018, z) * (1 - 0.5 * smooth(0.017, 0.027, ax))
    open_sky = max(open_sky, 0.92) * (0.22 + 0.78 * deep)
    return color, Surface(shine=0.14, gloss=40.0, translucent=1.0, emission=0.0, open_sky=open_sky, deep=deep)


@inlined
def paint_tongue(z: float, open_sky: float) -> tuple[Triple, Surface]:
    """Color of the tongue at a template point, and how it answers light."""
    open_sky *= 0.55 * smooth(-0.045, 0.010, z) + 0.08
    return (0.40, 0.12, 0.12), Surface(
        shine=0.08, gloss=25.0, translucent=1.0, emission=0.0, open_sky=open_sky, deep=1.0
    )


@inlined
def paint_cavity(y: float, z: float, open_sky: float, paint: Paint) -> tuple[Triple, Surface]:
    """Color inside mouth and eye sockets at a template point, and how it answers light."""
    deep = smooth(0.000, 0.026, z)
    color = 0.16 * deep + 0.010, 0.035 * deep + 0.004, 0.035 * deep + 0.004
    shine = 0.03 * deep
    if y > -0.03:  # the eye socket's rim
        color = paint.skin[0] * 0.55, paint.skin[1] * 0.40, paint.skin[2] * 0.38
        shine = 0.05
    return color, Surface(shine=shine, gloss=14.0, translucent=1.0, emission=0.0, open_sky=open_sky, deep=1.0)


@inlined
def paint_frame(open_sky: float, paint: Paint) -> tuple[Triple, Surface]:
    """Color of the glasses' frame, and how it answers light."""
    # a factor of 1.0 makes the channels float64, which those of all other materials are
    color = dim(paint.frame, 1.0, 1.0, 1.0)
    return color, Surface(shine=0.5, gloss=30.0, translucent=0.0, emission=0.0, open_sky=open_sky, deep=1.0)


@inlined
def light_face(
    color: Triple,
    n: Triple,
    facing: float,
    lit: float,
    surface: Surface,
    lamp: Lamp,
    out: np.ndarray,
    py: int,
    px: int,
) -> None:
    """Write the toned light that a surface sends back into a pixel of out (size, size, 3).

    Args:
        color: linear RGB of the surface.
        n: its unit normal.
        facing: cosine between normal and key light.
        lit: 0..1, share of the key light that no shadow holds back.
        surface: how the surface answers light.
        lamp: the light.
        out: float32 (size, size, 3).
        py, px: row and column of the pixel.
    """
    wrap_base = 0.12 + 0.22 * lamp.softness
    sky = 0.5 + 0.5 * n[1]
    gleam = max(0.0, dot(n, lamp.half))
    spec = surface.shine * gleam**surface.gloss * lit * smooth(-0.05, 0.25, facing)
    frontal = max(0.0, 0.25 + 0.75 * (-0.5 * n[0] * lamp.direction[0] / (abs(lamp.direction[0]) + 0.2) + n[2]))
    graze = (1 - max(0.0, n[2])) ** 4
    for k in range(3):
        # light bleeds past the terminator, red furthest
        wrap = wrap_base + surface.translucent * (0.16 if k == 0 else (0.05 if k == 1 else 0.02))
        diffuse = max(0.0, (facing + wrap) / (1 + wrap))
        soft = lit if lit > 0.999 or k > 0 else lit ** (1.0 - 0.25 * surface.translucent)
        bounce = surface.open_sky ** (0.8 if k == 0 else 1.05)
        ambient = (lamp.ground[k] + (lamp.sky[k] - lamp.ground[k]) * sky) * bounce
        value = color[k] * (
            lamp.key[k] * diffuse * soft * (0.55 + 0.45 * surface.open_sky) + ambient + lamp.fill[k] * frontal * bounce
        )
        value += (spec + surface.emission * (0.35 + 0.65 * lit)) * lamp.key[
            k
        ] + 0.05 * surface.shine * graze * lamp.sky[k]
        out[py, px, k] = roll_off(value)


# Half of each kernel is its arguments and what they mean; the rest is one walk over the pixels.
@compiled
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
    hairline: np.ndarray,
    light_depth: np.ndarray,
    to_light: np.ndarray,
    paint: Paint,
    lamp: Lamp,
) -> np.ndarray:
    """Draw the head pass.

    Args:
        index, coordinates: of the head, from :func:`ferlab.rendering.raster.rasterize`.
        occlusion: float32 (size, size), from :func:`ferlab.rendering.raster.ambient_occlusion`.
        triangles: int32 (T, 3).
        material: int32 (T,), a material of the rig or FRAME.
        cavity: bool (T,), inside of mouth and eye sockets.
        template, points, normals: float32 (V, 3), the painter's coordinates, the turned vertices (metres) and their
            unit normals.
        rim: float32 (V,), 1 at the edge of the lids.
        rotation: float32 (3, 3), of the head.
        eyes: float32 (2, 3), the eyeballs' centers in the template, left and right.
        folds: float32 (2, Y, X), from :func:`ferlab.rendering.folds.compose`.
        hairline: float32 (64,), metres, from :func:`ferlab.rendering.hair.hairline`.
        light_depth, to_light: float32 (S, S) and (3, 4), the shadow map and its matrix.
        paint: colors of the person.
        lamp: the light.

    Returns:
        Toned linear RGB, float32 (size, size, 3).
    """
    size = index.shape[0]
    out = np.zeros((size, size, 3), np.float32)
    for py in range(size):
        for px in range(size):
            t = index[py, px]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb = coordinates[py, px, 0], coordinates[py, px, 1]
            x, y, z = at_pixel(template, a, b, c, wa, wb)
            vx, vy, vz = at_pixel(points, a, b, c, wa, wb)
            n = at_pixel(normals, a, b, c, wa, wb)
            # float64 in every branch, or the surfaces would differ in type
            open_sky = np.float64(occlusion[py, px])
            kind = material[t]
            if kind == SKIN and cavity[t]:
                kind = CAVITY
            if kind == SKIN:
                n, crease = bend_by_folds(x, y, z, n, folds, rotation)
                n = unit(n)
                ring = wa * rim[a] + wb * rim[b] + (1.0 - wa - wb) * rim[c]
                color, surface = paint_skin(x, y, z, ring, crease, open_sky, paint, hairline)
            elif kind == EYE:
                eye = 0 if x > 0 else 1
                around = unit(
                    ((x - eyes[eye, 0]) / EYEBALL, (y - eyes[eye, 1]) / EYEBALL, (z - eyes[eye, 2]) / EYEBALL)
                )
                n = turn(rotation, around)
                color, surface = paint_eye(around, n, open_sky, paint, lamp)
            elif kind == TEETH:
                n = unit(n)
                color, surface = paint_teeth(abs(x), y, z, open_sky, paint)
            elif kind == TONGUE:
                color, surface = paint_tongue(z, open_sky)
            elif kind == CAVITY:
                color, surface = paint_cavity(y, z, open_sky, paint)
            else:
                color, surface = paint_frame(open_sky, paint)
            facing = dot(n, lamp.direction)
            lit = 0.0
            if facing > -0.5:
                lit = shadow(vx, vy, vz, light_depth, to_light, 0.6 + 2.2 * lamp.softness)
            if kind == TEETH:
                lit = max(lit, 0.75) * (0.35 + 0.65 * surface.deep)
            light_face(color, n, facing, lit, surface, lamp, out, py, px)
    return out


@inlined
def on_shell(x: float, y: float, z: float, hairline: np.ndarray, bald_crown: float) -> Triple:
    """Where a point of the shell lies in the hair.

    Args:
        x, y, z: metres, a point of the template.
        hairline: float32 (64,), metres, from :func:`ferlab.rendering.hair.hairline`.
        bald_crown: 1 leaves the crown of the head bare, 0 does not.

    Returns:
        Place across the strands and along them, in units of the noise, and metres from the edge of the hair.
    """
    # strands run from the crown outwards: azimuth about the crown's axis tells them apart
    cx, cy, cz = x, y - 0.02, z + 0.075
    up = 0.88 * cy - 0.475 * cz
    forward = 0.475 * cy + 0.88 * cz
    return math.atan2(cx, forward) * 9.0, up * 30.0, above_hairline(x, y, z, hairline, bald_crown)


@inlined
def on_extra(y: float, place: Triple, is_curtain: bool) -> Triple:
    """Where a point of a curtain or bun lies in the hair, as :func:`on_shell` tells it.

    Args:
        y: metres, its height in the template.
        place: its parameters, see :class:`ferlab.rendering.hair.HairMesh`.
        is_curtain: hanging hair, which also ends at the bottom.
    """
    edge = place[0] * 0.085 + 0.004
    if is_curtain:
        edge = min(edge, place[1] + 0.004)
    return place[2] * 9.0, y * 30.0, edge


@inlined
def strands(across: float, along: float, edge: float, cover: int, curl: float, seed: int) -> Strands:
    """What hair, hat or scarf looks like at a place.

    Args:
        across, along, edge: the place, of :func:`on_shell`.
        cover: 0 hair, 1 knit, 2 cloth.
        curl: 0 straight .. 1 frizzy.
        seed: of the noise.
    """
    if cover == 0:
        warp = curl * (noise(across * 1.1, along * 1.0, seed + 11) - 0.5)
        fine = noise(across * 9.0 + 8 * warp, along * 0.5 + 6 * warp, seed + 12)
        lock = noise(across * 2.4 + 5 * warp, along * (0.25 + 0.9 * curl), seed + 13)
        alpha = smooth(-0.003, 0.0055, edge + 0.0075 * (fine - 0.5) + 0.007 * (lock - 0.5))
        tint = 0.50 + 0.55 * lock + 0.35 * (fine - 0.3)
        sheen, power = 0.22, 22.0
    elif cover == 1:
        rib = 0.5 + 0.5 * math.sin(across * 13.0)
        lock, fine = rib, rib
        alpha = smooth(-0.0005, 0.0010, edge)
        tint = 0.78 + 0.26 * rib
        if edge < 0.022:
            tint *= 0.93 if edge < 0.0205 else 0.70
        sheen, power = 0.02, 10.0
    else:
        lock = noise(across * 0.9, along * 0.28, seed + 14)
        fine = noise(across * 2.0 + 2 * lock, along * 0.5, seed + 15)
        alpha = smooth(-0.0005, 0.0010, edge)
        tint = 0.70 + 0.34 * lock + 0.16 * fine
        sheen, power = 0.03, 8.0
    return Strands(alpha=alpha, tint=tint, lock=lock, fine=fine, sheen=sheen, power=power)


@inlined
def highlight(direction: Triple, n: Triple, look: Strands, lamp: Lamp) -> float:
    """0..1, the highlight that runs as a ring across the strands.

    Args:
        direction: of the strands before they lie on the surface.
        n: unit normal of the surface.
        look: the hair there.
        lamp: the light.
    """
    away = dot(direction, n)
    sx, sy, sz = direction[0] - away * n[0], direction[1] - away * n[1], direction[2] - away * n[2]
    length = math.sqrt(1e-6 + sx * sx + sy * sy + sz * sz)
    along_half = sx / length * lamp.half[0] + sy / length * lamp.half[1] + sz / length * lamp.half[2]
    shift = 0.25 * (look.fine - 0.5)
    return max(0.0, 1 - (along_half + shift) ** 2) ** (0.5 * look.power)


@inlined
def light_hair(
    base: Triple,
    n: Triple,
    facing: float,
    lit: float,
    ring: float,
    root: float,
    look: Strands,
    lamp: Lamp,
    out: np.ndarray,
    py: int,
    px: int,
) -> None:
    """Write the toned light that hair sends back into a pixel of out (size, size, 3).

    Args:
        base: linear RGB of the hair.
        n: unit normal of the surface.
        facing: cosine between normal and key light.
        lit: 0..1, share of the key light that no shadow holds back.
        ring: of :func:`highlight`.
        root: 0..1, share of the light that passes the locks above.
        look: the hair there.
        lamp: the light.
        out: float32 (size, size, 3).
        py, px: row and column of the pixel.
    """
    diffuse = max(0.0, (facing + 0.35) / 1.35)
    sky = 0.5 + 0.5 * n[1]
    rim_light = (1 - max(0.0, n[2])) ** 3
    for k in range(3):
        body = base[k] * look.tint * root
        ambient = lamp.ground[k] + (lamp.sky[k] - lamp.ground[k]) * sky
        value = body * (lamp.key[k] * diffuse * lit + 0.9 * ambient + lamp.fill[k] * max(0.0, n[2]))
        value += (
            look.sheen
            * ring
            * lamp.key[k]
            * lit
            * (0.03 + 0.8 * base[k])
            * smooth(-0.1, 0.3, facing)
            * (0.4 + 0.9 * look.lock)
        )
        value += 0.25 * rim_light * base[k] * lamp.sky[k]
        out[py, px, k] = roll_off(value)


@compiled
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
    hairline: np.ndarray,
    light_depth: np.ndarray,
    to_light: np.ndarray,
    paint: Paint,
    lamp: Lamp,
    base: Triple,
    cover: int,
    curl: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the hair pass.

    Args:
        index, coordinates, depth: of the hair, from :func:`ferlab.rendering.raster.rasterize`.
        head_depth: float32 (size, size), of the head; hair behind it is hidden.
        triangles: int32 (T, 3).
        kinds: int32 (T,), 0 shell, 1 curtain, 2 bun.
        template, points, normals: float32 (V, 3), the painter's coordinates, the turned vertices (metres) and their
            unit normals.
        parameters: float32 (V, 3), where on a curtain or bun a vertex lies, see
            :class:`ferlab.rendering.hair.HairMesh`.
        rotation: float32 (3, 3), of the head.
        hairline: float32 (64,), metres, from :func:`ferlab.rendering.hair.hairline`.
        light_depth, to_light: float32 (S, S) and (3, 4), the shadow map and its matrix.
        paint: colors of the person.
        lamp: the light.
        base: linear RGB of hair, hat or scarf, np.float32.
        cover: 0 hair, 1 knit, 2 cloth.
        curl: 0 straight .. 1 frizzy.

    Returns:
        Toned linear RGB (size, size, 3) and its alpha (size, size), float32.
    """
    size = index.shape[0]
    out = np.zeros((size, size, 3), np.float32)
    alpha = np.zeros((size, size), np.float32)
    for py in range(size):
        for px in range(size):
            t = index[py, px]
            if t < 0 or depth[py, px] < head_depth[py, px] - 0.0015:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb = coordinates[py, px, 0], coordinates[py, px, 1]
            x, y, z = at_pixel(template, a, b, c, wa, wb)
            n = unit(at_pixel(normals, a, b, c, wa, wb))
            kind = kinds[t]
            if n[2] < 0:
                if kind == 0 and n[2] < -0.12:  # the inside of the shell
                    continue
                n = -n[0], -n[1], -n[2]
            if kind == 0:
                across, along, edge = on_shell(x, y, z, hairline, paint.bald_crown)
                direction = 0.0, 0.88, -0.475
            else:
                across, along, edge = on_extra(y, at_pixel(parameters, a, b, c, wa, wb), kind == 1)
                direction = 0.0, 1.0, 0.0
            look = strands(across, along, edge, cover, curl, paint.seed)
            if look.alpha <= 0.003:
                continue
            ring = highlight(turn(rotation, direction), n, look, lamp)
            facing = dot(n, lamp.direction)
            lit = 1.0
            if facing > -0.4:
                vx, vy, vz = at_pixel(points, a, b, c, wa, wb)
                lit = 0.35 + 0.65 * shadow(vx, vy, vz, light_depth, to_light, 1.2 + 2.0 * lamp.softness)
            # roots lie in the shade of the locks above
            root = 0.62 + 0.38 * smooth(0.0, 0.014, edge) if cover == 0 else 0.85 + 0.15 * smooth(0.0, 0.01, edge)
            light_hair(base, n, facing, lit, ring, root, look, lamp, out, py, px)
            alpha[py, px] = look.alpha
    return out, alpha

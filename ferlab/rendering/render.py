"""From (identity, action units, pose, light) to an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ferlab.errors import FerlabError
from ferlab.rendering.background import background as draw_background
from ferlab.rendering.expressions import facial_actions, sided
from ferlab.rendering.folds import compose, fold_weights
from ferlab.rendering.glasses import frame_mesh
from ferlab.rendering.hair import STYLES, hair_mesh, hairline
from ferlab.rendering.identity import Identity, neutral_shape
from ferlab.rendering.light import Light
from ferlab.rendering.pose import PIVOT, Pose, project
from ferlab.rendering.raster import ambient_occlusion, rasterize, vertex_normals
from ferlab.rendering.rig import LASHES, SKIN, TEETH, TONGUE, Rig, load_rig
from ferlab.rendering.shading import FRAME, Lamp, Paint, shade_face, shade_hair

SHADOW_SIZE = 112
SHADOW_SPAN = 0.34  # metres the shadow map covers
FRAME_HEIGHT = 1.74  # picture height over the distance from eyes to chin
EYE_LINE = 0.125  # how far above the picture's center the eyes sit, as a share of its height
MIN_SIZE, MAX_SIZE = 16, 1024


@dataclass(frozen=True)
class Scene:
    """What is around the face. background: seed of the blurred scene behind it. blur: camera blur in
    64-pixel-picture pixels. noise: sensor noise, sRGB standard deviation. occluder: "none", "band" (something
    dark and out of focus enters from one side) or "dim" (a shadow over part of the face), placed by the
    background's seed."""

    background: int = 0
    blur: float = 0.0
    noise: float = 0.0
    occluder: str = "none"


def _added(parts: Iterable[np.ndarray]) -> np.ndarray:
    total: Any = sum(parts)
    return total


def _linear(color: ArrayLike) -> np.ndarray:
    values = np.asarray(color, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


@dataclass(frozen=True)
class _Topology:
    """What follows from the rig alone: triangles without lashes, their cavity flag, the rim of the lids,
    landmarks.
    """

    triangles: np.ndarray
    material: np.ndarray
    cavity: np.ndarray
    bias: np.ndarray
    rim: np.ndarray
    eyes: np.ndarray
    chin: int
    ear_top: np.ndarray
    nose_root: np.ndarray
    skull: np.ndarray


@lru_cache(maxsize=1)
def _topology() -> _Topology:
    rig = load_rig()
    kept = rig.material != LASHES
    triangles, material = rig.triangles[kept], rig.material[kept].astype(np.int32)
    cavity = rig.cavity[triangles].all(axis=1) & (material == SKIN)
    bias = np.where(
        np.isin(material, (2, 3)) | (cavity & (rig.template[triangles, 1].mean(axis=1) < -0.03)), 0.004, 0.0
    )
    skin = triangles[(material == SKIN) & ~cavity]
    touched = np.zeros(len(rig.template), bool)
    touched[triangles[cavity]] = True
    rim = np.zeros(len(rig.template), np.float32)
    edge = np.zeros(len(rig.template), bool)
    edge[skin] = True
    rim[edge & touched & (np.abs(rig.template[:, 1]) < 0.03)] = 1.0
    eyes = np.stack([rig.template[rig.left_eye].mean(axis=0), rig.template[rig.right_eye].mean(axis=0)])
    template = rig.template
    middle = np.where((np.abs(template[:, 0]) < 0.004) & (template[:, 2] > -0.01) & edge, template[:, 1], 9.0)
    chin = int(np.argmin(np.abs(middle + 0.117)))
    ear_top = np.array(
        [int(np.argmin(np.linalg.norm(template - np.array([sign * 0.076, 0.008, -0.055]), axis=1))) for sign in (1, -1)]
    )
    nose_root = np.array([int(np.argmin(np.linalg.norm(template - np.array([0.0, 0.0, 0.03]), axis=1)))])
    return _Topology(
        triangles,
        material,
        cavity,
        bias.astype(np.float32),
        rim,
        eyes.astype(np.float32),
        chin,
        ear_top,
        nose_root,
        (rig.template[:, 1] > 0.0) & (rig.ear < 0.05) & edge,
    )


@lru_cache(maxsize=64)
def _paint(identity: Identity) -> dict:
    """The parts of Paint that follow from the identity."""
    skin = _linear(identity.skin_color())
    redness = identity.lip_redness
    lips = skin * np.array([0.93, 0.56 - 0.22 * redness, 0.60 - 0.22 * redness])
    if identity.makeup > 0:
        stick = _linear([0.72, 0.16, 0.22]) * (0.55 + 0.45 * float(skin.mean() / 0.45))
        lips = lips + (stick - lips) * 0.6 * identity.makeup
    hair = _linear(identity.hair_color)
    style = STYLES[identity.hair_style]
    brow = hair * 0.75 + skin * np.array([0.10, 0.07, 0.05])
    brow = np.minimum(brow, skin * 0.45)
    frame_rng = np.random.default_rng(identity.seed)
    frames = np.array([(0.02, 0.02, 0.022), (0.10, 0.055, 0.03), (0.16, 0.16, 0.17), (0.05, 0.03, 0.06)])
    alpha = 0.0
    if style is not None and style.cover == "hair":
        alpha = 0.90 if identity.hair_style != "horseshoe" else 0.75
    return {
        "skin": skin,
        "lips": lips.astype(np.float32),
        "hair": hair,
        "brow": brow.astype(np.float32),
        "iris": _linear(identity.eye_color),
        "cloth": _linear(identity.cover_color if identity.hair_style == "headscarf" else identity.cloth_color),
        "frame": frames[frame_rng.integers(4)].astype(np.float32),
        "hairline": hairline(identity.hair_style, identity.hairline),
        "hair_alpha": alpha,
        "bald_crown": float(bool(style and style.bald_crown)),
        "brow_thickness": identity.brow_thickness,
        "brow_darkness": identity.brow_darkness,
        "brow_arch": identity.brow_arch,
        "brow_height": identity.brow_height,
        "mustache": identity.beard_density * (identity.beard == "moustache"),
        "goatee": identity.beard_density * (identity.beard == "goatee"),
        "beard": identity.beard_density * (identity.beard == "full"),
        "stubble": identity.beard_density * (identity.beard == "stubble")
        + 0.35 * identity.beard_density * (identity.beard in ("moustache", "goatee", "full")),
        "makeup": identity.makeup,
        "freckles": identity.freckles,
        "years": max(0.0, (identity.age - 0.66) / 0.34),
        "blush": 0.25 + 0.75 * max(0.0, 0.6 - identity.skin_tone),
        "collar": -0.126 if identity.hair_style == "headscarf" else -0.168,
        "seed": identity.seed % (1 << 20),
    }


def brow_slide(sides: Mapping[str, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Millimetres (2,) that the brows' skin slides over the bone: inner end up, outer end up, towards the
    middle.
    """
    one, two, four = (np.array(sides.get(unit, (0.0, 0.0))) for unit in ("AU1", "AU2", "AU4"))
    oblique = np.clip(one - two, 0, 1)
    return (
        (2.6 * oblique - 3.0 * four * (1 - 0.7 * one)).astype(np.float32),
        (-2.2 * oblique + 1.8 * four * (1 - one.clip(0, 1)) + 0.8 * two).astype(np.float32),
        (2.6 * four).astype(np.float32),
    )


@lru_cache(maxsize=64)
def _worn_glasses(identity: Identity) -> tuple[np.ndarray, np.ndarray]:
    """The frame fitted to the relaxed face."""
    rig, topology, neutral = load_rig(), _topology(), neutral_shape(identity)
    centers = np.stack([neutral[rig.left_eye].mean(axis=0), neutral[rig.right_eye].mean(axis=0)])
    return frame_mesh(
        identity.glasses, centers, float(neutral[topology.nose_root, 2].mean()), neutral[topology.ear_top]
    )


def parted(sides: Mapping[str, tuple[float, float]]) -> float:
    """How strongly any unit parts the lips, 0..1."""
    return max(max(sides.get(unit, (0.0, 0.0))) for unit in ("AU25", "AU26", "AU27", "AU16", "AU10"))


def expression_shape(identity: Identity, sides: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Vertices (V, 3) of the face with the units' (left, right) intensities, before the head turns."""
    rig = load_rig()
    coefficients = facial_actions(sides, rig.expression_names)
    # the rig's lips stand slightly apart at rest; they meet unless the jaw drops or a unit parts them
    coefficients[rig.expression_index("jawOpen")] -= 0.055 * max(0.0, 1.0 - 2.5 * parted(sides))
    active = np.flatnonzero(coefficients)
    vertices = neutral_shape(identity).copy()
    if len(active):
        vertices += np.tensordot(coefficients[active], rig.expressions[active], 1)
    return vertices


def _light_view(light: Light) -> np.ndarray:
    """(3, 4) matrix from turned metres to shadow-map pixels and depth towards the light."""
    toward = light.direction()
    right = np.cross([0.0, 1.0, 0.0], toward)
    right /= np.linalg.norm(right)
    up = np.cross(toward, right)
    scale = SHADOW_SIZE / SHADOW_SPAN
    center = np.array([0.0, -0.03, -0.05])
    rows = np.stack([right * scale, -up * scale, toward])
    offset = -rows @ center + np.array([SHADOW_SIZE / 2, SHADOW_SIZE / 2, 0.0])
    return np.concatenate([rows, offset[:, None]], axis=1).astype(np.float32)


def render(
    identity: Identity,
    action_units: Mapping[str, float] | None = None,
    pose: Pose | None = None,
    light: Light | None = None,
    size: int = 64,
    *,
    asymmetry: Mapping[str, float] | float = 0.0,
    scene: Scene | None = None,
    supersample: int | None = None,
) -> np.ndarray:
    """Draw a face: uint8 (size, size, 3), sRGB.

    action_units: intensity 0..1 of each unit, e.g. {"AU6": 0.7, "AU12": 1.0}; none is the neutral face.
    asymmetry: -1..1, positive weakens the person's right side (of all units, or of each by name).
    supersample: samples an edge of a pixel (2 or 3 by default). The same arguments give the same pixels.

    Raises FerlabError for an unknown action unit, hair style or size out of 16..1024.

    >>> image = render(Identity(), {"AU1": 0.8, "AU2": 0.8, "AU5": 1.0, "AU26": 0.9}, Pose(yaw=15), size=64)
    """
    pose, light, scene = pose or Pose(), light or Light(), scene or Scene()
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise FerlabError(f"The picture size is {size}: choose a number of pixels between {MIN_SIZE} and {MAX_SIZE}.")
    if identity.hair_style not in STYLES:
        raise FerlabError(f"Unknown hair style {identity.hair_style!r}: choose among {', '.join(STYLES)}.")
    sides = sided(action_units or {}, asymmetry)
    factor = supersample or (3 if size < 100 else 2)
    inner = size * factor
    rig, topology = load_rig(), _topology()

    shape = expression_shape(identity, sides)
    neutral = neutral_shape(identity)
    reach = -float(neutral[topology.chin, 1])  # eyes to chin
    frame = FRAME_HEIGHT * reach
    rotation = pose.rotation()
    weights = fold_weights(sides, identity.age)
    folds = compose(weights)

    points, template = [shape], [rig.template]
    triangles, material, cavity, bias = (
        [topology.triangles],
        [topology.material],
        [topology.cavity],
        [topology.bias],
    )
    rim = [topology.rim]
    style = STYLES[identity.hair_style]
    if style is not None and style.curtain:  # covered ears lie flat
        limit = float(np.abs(neutral[topology.ear_top, 0]).min()) + 0.001
        ears = rig.ear > 0.02
        shape[ears, 0] = np.clip(shape[ears, 0], -limit, limit)
    if identity.glasses != "none":
        frame_points, frame_triangles = _worn_glasses(identity)
        triangles.append(frame_triangles + len(shape))
        points.append(frame_points)
        template.append(np.zeros_like(frame_points))
        material.append(np.full(len(frame_triangles), FRAME, np.int32))
        cavity.append(np.zeros(len(frame_triangles), bool))
        bias.append(np.zeros(len(frame_triangles), np.float32))
        rim.append(np.zeros(len(frame_points), np.float32))
    head_triangles = np.concatenate(triangles)
    head_template = np.concatenate(template)
    turned = (np.concatenate(points) - PIVOT) @ rotation.T + PIVOT
    turned = np.ascontiguousarray(turned, dtype=np.float32)
    normals = vertex_normals(turned, head_triangles)
    screen = project(turned, pose, inner, frame, -EYE_LINE * frame)
    # a closed mouth hides the teeth; at display sizes a glint of them would show in its corners, so they go
    # further back there (not at the size of the shipped set, whose pictures come back from their seed pixel
    # by pixel)
    shut = (0.04 if size < 100 else 0.30) * max(0.0, 1.0 - 4.0 * parted(sides))
    kinds_here = np.concatenate(material)
    pushed = np.concatenate(bias) + np.where((kinds_here == TEETH) | (kinds_here == TONGUE), shut, 0.0)
    index, coordinates, depth = rasterize(screen, head_triangles, inner, pushed.astype(np.float32))

    hair = hair_mesh(identity.hair_style)
    to_light = _light_view(light)
    casters, caster_triangles = turned, head_triangles
    if hair is not None:
        lift = (shape - PIVOT) @ rotation.T + PIVOT + normals[: len(shape)] * hair.thickness[:, None]
        extra = _fit_to_head(hair.extra_points, neutral, rig)
        extra_turned = (extra - PIVOT) @ rotation.T + PIVOT
        hair_points = np.ascontiguousarray(np.concatenate([lift, extra_turned]), dtype=np.float32)
        hair_triangles = np.concatenate([hair.shell_triangles, hair.extra_triangles + len(shape)]).astype(np.int32)
        kinds = np.concatenate([np.zeros(len(hair.shell_triangles), np.int32), hair.extra_kind.astype(np.int32)])
        casters = np.concatenate([turned, hair_points])
        caster_triangles = np.concatenate([head_triangles, hair_triangles + len(turned)])
    light_screen = casters @ to_light[:, :3].T + to_light[:, 3]
    _, _, light_depth = rasterize(
        np.ascontiguousarray(light_screen, dtype=np.float32),
        caster_triangles,
        SHADOW_SIZE,
        np.zeros(len(caster_triangles), np.float32),
    )

    occlusion = ambient_occlusion(depth, inner * pose.zoom / frame)
    half = light.direction() + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    room = np.array([1.0, 1.0, 1.0], np.float32)
    painted = _paint(identity)
    # a camera exposes for the face: darker skin gets a little more light, fair skin a little less
    metered = float(np.clip((0.30 / (painted["skin"] @ np.array([0.2126, 0.7152, 0.0722]))) ** 0.32, 0.80, 1.5))
    exposure = 2.0**light.exposure * 1.10 * metered
    key = light.color() * light.key * (1.0 - 0.35 * light.softness) * exposure
    lamp = Lamp(
        light.direction(),
        half.astype(np.float32),
        key.astype(np.float32),
        (room * np.array([0.96, 1.0, 1.05]) * light.ambient * exposure).astype(np.float32),
        (room * np.array([1.05, 0.96, 0.86]) * 0.45 * light.ambient * exposure).astype(np.float32),
        (room * light.fill * exposure).astype(np.float32),
        float(light.softness),
    )
    down = 0.5 * sum(sides.get("AU64", (0.0, 0.0)))
    gaze_x, gaze_y = np.sin(np.deg2rad([pose.gaze_x, pose.gaze_y - 22.0 * down]))
    inner_up, outer_up, drawn = brow_slide(sides)
    paint = Paint(
        **{
            **painted,
            "brow_inner": inner_up,
            "brow_outer": outer_up,
            "brow_draw": drawn,
            "gaze_x": float(gaze_x),
            "gaze_y": float(gaze_y),
            "glare": min(1.0, metered**-0.9),
        }
    )
    picture = shade_face(
        index,
        coordinates,
        occlusion,
        head_triangles,
        np.concatenate(material),
        np.concatenate(cavity),
        head_template,
        turned,
        normals,
        np.concatenate(rim),
        rotation,
        topology.eyes,
        folds,
        light_depth,
        to_light,
        paint,
        lamp,
    )
    face_covers = index >= 0
    back = _linear(draw_background(scene.background, size, light.azimuth)) * np.float32(2.0 ** (0.6 * light.exposure))
    back = back.repeat(factor, axis=0).repeat(factor, axis=1)
    if hair is not None:
        hair_normals = vertex_normals(hair_points, hair_triangles)
        hair_screen = project(hair_points, pose, inner, frame, -EYE_LINE * frame)
        hair_index, hair_coordinates, hair_depth = rasterize(
            hair_screen, hair_triangles, inner, np.zeros(len(hair_triangles), np.float32)
        )
        hair_template = np.concatenate([rig.template, hair.extra_points])
        parameters = np.zeros_like(hair_template)
        parameters[len(shape) :] = hair.extra_parameters
        base = paint.hair if style.cover == "hair" else _linear(identity.cover_color)
        cover = ("hair", "knit", "cloth").index(style.cover)
        curl = {"afro": 1.0, "curly": 0.8}.get(identity.hair_style, 0.12)
        hair_color, hair_alpha = shade_hair(
            hair_index,
            hair_coordinates,
            hair_depth,
            depth,
            hair_triangles,
            kinds,
            hair_template,
            parameters,
            hair_points,
            hair_normals,
            rotation,
            light_depth,
            to_light,
            paint,
            lamp,
            base,
            cover,
            curl,
        )
    canvas = np.where(face_covers[..., None], picture, back)
    if hair is not None:
        canvas += hair_alpha[..., None] * (hair_color - canvas)
    # one axis after the other: NumPy is slow at short axes side by side
    rows = _added(canvas[k::factor] for k in range(factor))
    canvas = _added(rows[:, k::factor] for k in range(factor)) / factor**2
    _occlude(canvas, scene)
    return _develop(canvas, scene, size)


def _occlude(canvas: np.ndarray, scene: Scene) -> None:
    """Put the scene's occluder over a linear picture, in place."""
    if scene.occluder == "none":
        return
    size = len(canvas)
    rng = np.random.default_rng([scene.background, 11])
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size
    side = rng.choice([-1.0, 1.0])
    if scene.occluder == "band":  # something dark and out of focus in the foreground
        slope, start = rng.uniform(-0.35, 0.35), rng.uniform(0.30, 0.42)
        alpha = np.clip((side * (x - 0.5) + slope * (y - 0.5) - start) / 0.05 + 0.5, 0, 1) * 0.97
        color = np.array([0.03, 0.03, 0.035]) * rng.uniform(0.5, 4.0)
    elif scene.occluder == "dim":  # the shadow of something outside the picture
        slope, start = rng.uniform(-0.8, 0.8), rng.uniform(-0.1, 0.25)
        alpha = np.clip((side * (x - 0.5) + slope * (y - 0.5) - start) / 0.06 + 0.5, 0, 1) * rng.uniform(0.35, 0.6)
        color = canvas * np.array([0.12, 0.14, 0.20])
    else:
        raise FerlabError(f"Unknown occluder {scene.occluder!r}: choose among none, band, dim.")
    canvas += alpha[..., None] * (color - canvas)


def _fit_to_head(points: np.ndarray, neutral: np.ndarray, rig: Rig) -> np.ndarray:
    """Move template points with the head: per-axis scale and shift of the skull."""
    if not len(points):
        return points
    skull = _topology().skull
    low, high = rig.template[skull].min(axis=0), rig.template[skull].max(axis=0)
    low_here, high_here = neutral[skull].min(axis=0), neutral[skull].max(axis=0)
    scale = (high_here - low_here) / (high - low)
    return ((points - low) * scale + low_here).astype(np.float32)


def _develop(linear: np.ndarray, scene: Scene, size: int) -> np.ndarray:
    """Linear RGB to sRGB bytes, with the camera's blur and noise."""
    if scene.blur > 0:
        sigma = scene.blur * size / 64.0
        radius = max(1, int(np.ceil(2.5 * sigma)))
        kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        for axis in (0, 1):
            padded = np.pad(linear, [(radius, radius) if a == axis else (0, 0) for a in range(3)], mode="edge")
            linear = sum(weight * np.take(padded, np.arange(k, k + size), axis=axis) for k, weight in enumerate(kernel))
    linear = np.clip(linear, 0.0, 1.0)
    picture = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    if scene.noise > 0:
        picture = picture + np.random.default_rng([scene.background, 5]).normal(0, scene.noise, picture.shape)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)

"""The passes of the renderer, from the turned head to the bytes of the picture, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ferlab.errors import FerlabError
from ferlab.rendering.background import background
from ferlab.rendering.folds import compose, fold_weights
from ferlab.rendering.hair import STYLES, hair_mesh, hairline
from ferlab.rendering.head import Head, eyes_to_chin, parted, topology, turned
from ferlab.rendering.identity import Identity, neutral_shape
from ferlab.rendering.light import Light
from ferlab.rendering.paint import linear, triple
from ferlab.rendering.pose import Pose, project
from ferlab.rendering.raster import ambient_occlusion, rasterize, vertex_normals
from ferlab.rendering.rig import TEETH, TONGUE, load_rig
from ferlab.rendering.scene import Scene
from ferlab.rendering.shading import Lamp, Paint, shade_face, shade_hair

SHADOW_SIZE = 112
SHADOW_SPAN = 0.34  # metres the shadow map covers
FRAME_HEIGHT = 1.74  # picture height over the distance from eyes to chin
EYE_LINE = 0.125  # how far above the picture's center the eyes sit, as a share of its height


@dataclass(frozen=True)
class View:
    """How the camera sees the head.

    Attributes:
        pose: where the head points and how it sits in the crop.
        size: an edge of the canvas, in samples.
        frame: metres that the canvas spans at the head's center.
    """

    pose: Pose
    size: int
    frame: float

    def project(self, points: np.ndarray) -> np.ndarray:
        """Turned points (P, 3) in metres to (P, 3): sample x, sample y (down), depth in metres."""
        return project(points, self.pose, self.size, self.frame, -EYE_LINE * self.frame)


@dataclass(frozen=True)
class Hair:
    """Hair, hat or scarf on a turned head.

    Attributes:
        points: float32 (P, 3), metres, turned: one vertex for each of the head's, lifted, then the extra ones.
        triangles: int32 (T, 3).
        kinds: int32 (T,), 0 shell, 1 curtain, 2 bun.
        template: float32 (P, 3), metres, where the painter finds each vertex.
        parameters: float32 (P, 3), where on a curtain or bun a vertex lies; 0 on the shell.
    """

    points: np.ndarray
    triangles: np.ndarray
    kinds: np.ndarray
    template: np.ndarray
    parameters: np.ndarray


@dataclass(frozen=True)
class Raster:
    """What the camera sees at each sample, as :func:`ferlab.rendering.raster.rasterize` finds it.

    Attributes:
        index: int32 (size, size), the nearest triangle; -1 where there is none.
        coordinates: float32 (size, size, 2), its first two barycentric coordinates.
        depth: float32 (size, size), metres; larger is nearer.
    """

    index: np.ndarray
    coordinates: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Shadows:
    """What stands in the key light.

    Attributes:
        depth: float32 (S, S), metres towards the light.
        matrix: float32 (3, 4), from turned metres to pixels of the map and depth.
    """

    depth: np.ndarray
    matrix: np.ndarray


def head_view(identity: Identity, pose: Pose, size: int) -> View:
    """The view that frames a person's face, on a canvas of size samples."""
    return View(pose, size, FRAME_HEIGHT * eyes_to_chin(identity))


def fit_to_head(points: np.ndarray, identity: Identity) -> np.ndarray:
    """Move template points (P, 3), in metres, with the head: per-axis scale and shift of the skull."""
    if not len(points):
        return points
    skull, template, neutral = topology().skull, load_rig().template, neutral_shape(identity)
    low, high = template[skull].min(axis=0), template[skull].max(axis=0)
    low_here, high_here = neutral[skull].min(axis=0), neutral[skull].max(axis=0)
    scale = (high_here - low_here) / (high - low)
    return ((points - low) * scale + low_here).astype(np.float32)


def worn_hair(identity: Identity, head: Head, rotation: np.ndarray) -> Hair | None:
    """Put a person's hair on their head.

    Args:
        identity: who.
        head: their head.
        rotation: float32 (3, 3), its turn.

    Returns:
        The hair; None of a bald head.
    """
    mesh = hair_mesh(identity.hair_style)
    if mesh is None:
        return None
    count = len(head.shape)
    lifted = turned(head.shape, rotation) + head.normals[:count] * mesh.thickness[:, None]
    extra = turned(fit_to_head(mesh.extra_points, identity), rotation)
    template = np.concatenate([load_rig().template, mesh.extra_points])
    parameters = np.zeros_like(template)
    parameters[count:] = mesh.extra_parameters
    return Hair(
        points=np.ascontiguousarray(np.concatenate([lifted, extra]), dtype=np.float32),
        triangles=np.concatenate([mesh.shell_triangles, mesh.extra_triangles + count]).astype(np.int32),
        kinds=np.concatenate([np.zeros(len(mesh.shell_triangles), np.int32), mesh.extra_kind.astype(np.int32)]),
        template=template,
        parameters=parameters,
    )


def rasterize_head(head: Head, view: View, sides: Mapping[str, tuple[float, float]], picture_size: int) -> Raster:
    """Find the head's nearest triangle at every sample.

    Args:
        head: the head.
        view: the camera.
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.
        picture_size: an edge of the finished picture, in pixels.
    """
    # A closed mouth hides the teeth; at display sizes a glint of them would show in its corners, so they go further
    # back there. Not at the size of the shipped set, whose pictures come back from their seed pixel by pixel.
    shut = (0.04 if picture_size < 100 else 0.30) * max(0.0, 1.0 - 4.0 * parted(sides))
    inside = (head.material == TEETH) | (head.material == TONGUE)
    bias = head.bias + np.where(inside, shut, 0.0)
    return Raster(*rasterize(view.project(head.points), head.triangles, view.size, bias.astype(np.float32)))


def rasterize_hair(hair: Hair, view: View) -> Raster:
    """Find the hair's nearest triangle at every sample."""
    no_bias = np.zeros(len(hair.triangles), np.float32)
    return Raster(*rasterize(view.project(hair.points), hair.triangles, view.size, no_bias))


def light_view(light: Light) -> np.ndarray:
    """How the key light sees the head.

    Args:
        light: where it comes from.

    Returns:
        Matrix, float32 (3, 4), from turned metres to pixels of the shadow map and metres towards the light.
    """
    toward = light.direction()
    right = np.cross([0.0, 1.0, 0.0], toward)
    right /= np.linalg.norm(right)
    up = np.cross(toward, right)
    scale = SHADOW_SIZE / SHADOW_SPAN
    center = np.array([0.0, -0.03, -0.05])
    rows = np.stack([right * scale, -up * scale, toward])
    offset = -rows @ center + np.array([SHADOW_SIZE / 2, SHADOW_SIZE / 2, 0.0])
    return np.concatenate([rows, offset[:, None]], axis=1).astype(np.float32)


def cast_shadows(light: Light, head: Head, hair: Hair | None) -> Shadows:
    """Draw head and hair as the key light sees them."""
    points, triangles = head.points, head.triangles
    if hair is not None:
        points = np.concatenate([head.points, hair.points])
        triangles = np.concatenate([head.triangles, hair.triangles + len(head.points)])
    matrix = light_view(light)
    screen = np.ascontiguousarray(points @ matrix[:, :3].T + matrix[:, 3], dtype=np.float32)
    _, _, depth = rasterize(screen, triangles, SHADOW_SIZE, np.zeros(len(triangles), np.float32))
    return Shadows(depth, matrix)


def paint_head(
    identity: Identity,
    sides: Mapping[str, tuple[float, float]],
    head: Head,
    samples: Raster,
    view: View,
    shadows: Shadows,
    paint: Paint,
    lamp: Lamp,
) -> np.ndarray:
    """Draw the head.

    Args:
        identity: who.
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.
        head: their head.
        samples: of the head, from :func:`rasterize_head`.
        view: the camera.
        shadows: what stands in the key light.
        paint: colors of the person.
        lamp: the light.

    Returns:
        Toned linear RGB, float32 (size, size, 3); black beside the head.
    """
    return shade_face(
        samples.index,
        samples.coordinates,
        ambient_occlusion(samples.depth, view.size * view.pose.zoom / view.frame),
        head.triangles,
        head.material,
        head.cavity,
        head.template,
        head.points,
        head.normals,
        head.rim,
        view.pose.rotation(),
        topology().eyes,
        compose(fold_weights(sides, identity.age)),
        hairline(identity.hair_style, identity.hairline),
        shadows.depth,
        shadows.matrix,
        paint,
        lamp,
    )


def paint_hair(
    identity: Identity,
    hair: Hair,
    head_depth: np.ndarray,
    view: View,
    shadows: Shadows,
    paint: Paint,
    lamp: Lamp,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw hair, hat or scarf where the head does not hide it.

    Args:
        identity: who.
        hair: their hair.
        head_depth: float32 (size, size), metres, of the head.
        view: the camera.
        shadows: what stands in the key light.
        paint: colors of the person.
        lamp: the light.

    Returns:
        Toned linear RGB (size, size, 3) and its alpha (size, size), float32.
    """
    samples = rasterize_hair(hair, view)
    cover = STYLES[identity.hair_style].cover
    return shade_hair(
        samples.index,
        samples.coordinates,
        samples.depth,
        head_depth,
        hair.triangles,
        hair.kinds,
        hair.template,
        hair.parameters,
        hair.points,
        vertex_normals(hair.points, hair.triangles),
        view.pose.rotation(),
        hairline(identity.hair_style, identity.hairline),
        shadows.depth,
        shadows.matrix,
        paint,
        lamp,
        paint.hair if cover == "hair" else triple(linear(identity.cover_color) * np.float32(paint.glare)),
        ("hair", "knit", "cloth").index(cover),
        {"afro": 1.0, "curly": 0.8}.get(identity.hair_style, 0.12),
    )


def paint_background(scene: Scene, light: Light, size: int, factor: int) -> np.ndarray:
    """Draw the blurred scene behind the head in its light.

    Args:
        scene: with the background's seed.
        light: brightens one side.
        size: height and width of the picture in pixels.
        factor: samples an edge of a pixel.

    Returns:
        Linear RGB, float32 (size * factor, size * factor, 3).
    """
    picture = linear(background(scene.background, size, light.azimuth)) * np.float32(2.0 ** (0.6 * light.exposure))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def average_samples(canvas: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor x factor samples: (size * factor, size * factor, 3) to (size, size, 3)."""
    # one axis after the other: NumPy is slow at short axes side by side
    rows = reduce(np.add, [canvas[k::factor] for k in range(factor)])
    return reduce(np.add, [rows[:, k::factor] for k in range(factor)]) / factor**2


def occlude(canvas: np.ndarray, scene: Scene) -> None:
    """Put the scene's occluder over a picture, in place.

    Args:
        canvas: linear RGB (size, size, 3).
        scene: names the occluder, and places it by the background's seed.

    Raises:
        FerlabError: an unknown occluder.
    """
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


def develop(canvas: np.ndarray, scene: Scene) -> np.ndarray:
    """A linear picture (size, size, 3) to sRGB, uint8 of the same shape, with the camera's blur and noise."""
    size = len(canvas)
    if scene.blur > 0:
        sigma = scene.blur * size / 64.0
        radius = max(1, int(np.ceil(2.5 * sigma)))
        kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        for axis in (0, 1):
            padded = np.pad(canvas, [(radius, radius) if a == axis else (0, 0) for a in range(3)], mode="edge")
            canvas = sum(weight * np.take(padded, np.arange(k, k + size), axis=axis) for k, weight in enumerate(kernel))
    canvas = np.clip(canvas, 0.0, 1.0)
    picture = np.where(canvas <= 0.0031308, 12.92 * canvas, 1.055 * canvas ** (1 / 2.4) - 0.055)
    if scene.noise > 0:
        picture = picture + np.random.default_rng([scene.background, 5]).normal(0, scene.noise, picture.shape)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)

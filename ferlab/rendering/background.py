"""Blurred backgrounds as a photograph's: walls, rooms, windows, foliage and lamps out of focus."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

CANVAS = 48  # drawn small: everything is out of focus


def _blend(canvas: np.ndarray, mask: np.ndarray, color: np.ndarray) -> None:
    canvas += mask[..., None] * (color - canvas)


def background(seed: int, size: int, light_azimuth: float = 0.0) -> np.ndarray:
    """A scene out of focus, fixed by its seed; brighter on the side the light comes from.

    Args:
        seed: of the scene.
        size: height and width in pixels.
        light_azimuth: degrees, as in :class:`ferlab.rendering.Light`.

    Returns:
        sRGB 0..1, float32 (size, size, 3).
    """
    rng = np.random.default_rng([seed, 77])
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] / (CANVAS - 1.0)
    kind = rng.choice(["wall", "room", "window", "foliage", "lamps", "studio"], p=[0.24, 0.24, 0.14, 0.14, 0.12, 0.12])
    hue = rng.uniform(0, 1)
    tints = np.array(
        [
            (0.60, 0.57, 0.52),
            (0.50, 0.54, 0.58),
            (0.63, 0.58, 0.50),
            (0.42, 0.46, 0.44),
            (0.55, 0.50, 0.48),
            (0.36, 0.39, 0.45),
            (0.72, 0.71, 0.69),
        ]
    )
    base = tints[rng.integers(len(tints))] * rng.uniform(0.55, 1.15)
    canvas = np.broadcast_to(base, (CANVAS, CANVAS, 3)).copy()
    blur = rng.uniform(1.6, 3.4)
    if kind in ("wall", "studio"):
        center_x, center_y = rng.uniform(0.1, 0.9), rng.uniform(0.0, 0.7)
        glow = np.exp(-((x - center_x) ** 2 + (y - center_y) ** 2) / rng.uniform(0.15, 0.6))
        canvas *= (0.72 + 0.5 * glow)[..., None]
        if kind == "studio":
            canvas = canvas * 0.75 + 0.25 * np.array(
                [0.5 + 0.2 * np.sin(6.3 * hue), 0.5, 0.5 + 0.2 * np.cos(6.3 * hue)]
            )
        elif rng.random() < 0.5:  # a corner or a door frame
            edge = rng.uniform(0.0, 1.0)
            _blend(canvas, (x > edge) * 0.35, base * rng.uniform(0.5, 0.8))
    elif kind == "room":
        horizon = rng.uniform(0.55, 0.9)
        _blend(canvas, (y > horizon) * 0.8, base * rng.uniform(0.35, 0.7) * np.array([1.08, 1.0, 0.9]))
        for _ in range(rng.integers(3, 7)):  # shelves, pictures, doors
            left, top = rng.uniform(-0.2, 0.95), rng.uniform(-0.2, 0.7)
            wide, high = rng.uniform(0.12, 0.45), rng.uniform(0.15, 0.7)
            box = (x > left) & (x < left + wide) & (y > top) & (y < top + high)
            color = np.clip(base * rng.uniform(0.35, 1.5) + rng.normal(0, 0.06, 3), 0, 0.95)
            _blend(canvas, box * rng.uniform(0.5, 0.95), color)
    elif kind == "window":
        left, wide = rng.uniform(-0.2, 0.75), rng.uniform(0.3, 0.6)
        box = (x > left) & (x < left + wide) & (y < rng.uniform(0.55, 0.95))
        sky = np.array([0.86, 0.90, 0.95]) * rng.uniform(0.85, 1.04)
        canvas *= 0.8
        _blend(canvas, box * 0.95, sky)
        bar = box & ((np.abs(x - left - wide / 2) < 0.025) | (np.abs(y - rng.uniform(0.15, 0.4)) < 0.025))
        _blend(canvas, bar * 0.7, base * 0.7)
    elif kind == "foliage":
        green = np.array([0.30, 0.38, 0.22]) * rng.uniform(0.7, 1.3)
        sky = np.array([0.78, 0.85, 0.90])
        canvas[:] = green
        _blend(canvas, np.clip((rng.uniform(0.0, 0.5) - y) * 6, 0, 1), sky)
        for _ in range(45):
            mask = np.exp(-(((x - rng.uniform()) ** 2 + (y - rng.uniform()) ** 2) / rng.uniform(0.002, 0.02)))
            _blend(canvas, mask * 0.6, np.clip(green * rng.uniform(0.4, 1.9) + rng.normal(0, 0.03, 3), 0, 1))
    else:  # lamps: discs of confusion over the dark
        canvas *= rng.uniform(0.25, 0.5)
        warm = np.array([1.0, 0.82, 0.58])
        for _ in range(rng.integers(8, 20)):
            radius = rng.uniform(0.035, 0.10)
            distance = np.hypot(x - rng.uniform(), y - rng.uniform())
            disc = np.clip((radius - distance) * CANVAS * 0.8 + 0.5, 0, 1)
            color = np.clip(warm * rng.uniform(0.5, 1.0) + rng.normal(0, 0.08, 3), 0, 1)
            _blend(canvas, disc * rng.uniform(0.25, 0.6), color)
        blur = rng.uniform(0.6, 1.2)
    side = (x - 0.5) * np.sin(np.deg2rad(light_azimuth))
    canvas *= (1.0 + 0.25 * side)[..., None]
    image = Image.fromarray((np.clip(canvas, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32) / 255.0

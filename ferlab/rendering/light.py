"""Light: one key light with a soft shadow, a fill light and the sky and ground of the room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """How the face is lit.

    Attributes:
        azimuth: degrees of the key light, 0 in front, positive from the right of the picture.
        elevation: degrees of the key light, positive from above.
        key, ambient, fill: strengths of the key light, of the room, and of the light from the camera; 1 is full.
        warmth: -1 bluish .. 1 orange key light.
        softness: 0 hard edge of the shadow .. 1 overcast.
        exposure: stops.
    """

    azimuth: float = 30.0
    elevation: float = 35.0
    key: float = 0.8
    ambient: float = 0.6
    fill: float = 0.25
    warmth: float = 0.1
    softness: float = 0.4
    exposure: float = 0.0

    def direction(self) -> np.ndarray:
        """Unit vector, float32 (3,), from the face towards the key light."""
        azimuth, elevation = np.deg2rad([self.azimuth, self.elevation])
        return np.array(
            [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)],
            dtype=np.float32,
        )

    def color(self) -> np.ndarray:
        """Linear RGB, float32 (3,), of the key light at strength 1."""
        warm, cold = np.array([1.12, 0.97, 0.80]), np.array([0.88, 1.0, 1.16])
        share = 0.5 + 0.5 * float(np.clip(self.warmth, -1, 1))
        return (cold + (warm - cold) * share).astype(np.float32)


ELEVATION = 26.0  # degrees of everyday key light; from further above, sockets fall into shade and look stern


def random_light(rng: np.random.Generator) -> Light:
    """Everyday light: mostly from the front and above, sometimes from the side, indoors or out."""
    side = rng.random() < 0.3
    return Light(
        azimuth=float(rng.uniform(-75, 75) if side else rng.normal(0, 30)),
        elevation=float(np.clip(rng.normal(ELEVATION, 16), -8, 65)),
        key=float(rng.uniform(0.48, 0.92)),
        ambient=float(rng.uniform(0.36, 0.96)),
        fill=float(rng.uniform(0.05, 0.4)),
        warmth=float(np.clip(rng.normal(0.1, 0.4), -1, 1)),
        softness=float(rng.uniform(0.1, 0.9)),
        exposure=float(np.clip(rng.normal(0, 0.28), -0.7, 0.6)),
    )

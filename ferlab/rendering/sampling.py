"""Everyday variation of the prototypes: how strongly, how evenly, from where and in which light a face shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferlab.errors import FerlabError
from ferlab.rendering.expressions import ACTION_UNITS, EXPRESSIONS
from ferlab.rendering.light import Light, random_light
from ferlab.rendering.pose import Pose
from ferlab.rendering.scene import Scene

# units that may twitch along on any face, without naming another expression at these strengths
EXTRA_UNITS = (
    "AU1",
    "AU2",
    "AU4",
    "AU6",
    "AU7",
    "AU12",
    "AU14",
    "AU15",
    "AU17",
    "AU18",
    "AU20",
    "AU23",
    "AU24",
    "AU25",
    "AU43",
)
EXTRA_PEAK = 0.22
# a fifth of the faces of every class talks, so that a dropped jaw or parted lips name no class
TALKING = 0.2
SPEECH = (
    {"AU26": 0.55, "AU25": 0.5},
    {"AU25": 0.9, "AU16": 0.25},
    {"AU26": 0.8, "AU25": 0.25},
    {"AU22": 0.5, "AU18": 0.3, "AU25": 0.4},
    {"AU20": 0.3, "AU25": 0.6, "AU26": 0.25},
)
# units that a sound overrules: pressed and tightened lips open
CLOSING = ("AU17", "AU23", "AU24")


@dataclass(frozen=True)
class Take:
    """One picture's recipe apart from the person: pass its parts to :func:`ferlab.rendering.render`.

    Attributes:
        expression: a key of EXPRESSIONS.
        variant: a key of that expression's prototypes.
        intensity: 0..1, of the whole prototype.
        action_units: intensity 0..1.1 of each unit.
        asymmetry: -1..1 of each unit, positive weakens the right side.
        pose, light, scene: of head, lamps and surroundings.
    """

    expression: str
    variant: str
    intensity: float
    action_units: dict[str, float]
    asymmetry: dict[str, float]
    pose: Pose
    light: Light
    scene: Scene


def talk(rng: np.random.Generator, units: dict[str, float]) -> None:
    """Let a face form a sound: its lips part, in place.

    Args:
        rng: where chance comes from.
        units: intensity 0..1.1 of each unit.
    """
    for name in CLOSING:
        if name in units:
            units[name] *= 0.4
    for name, peak in SPEECH[rng.integers(len(SPEECH))].items():
        units[name] = max(units.get(name, 0.0), float(peak * rng.uniform(0.3, 1.0)))


def random_action_units(
    rng: np.random.Generator, expression: str, variant: str, intensity: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Draw the units of a prototype, each with 20 % variation, a stray one or two, and sometimes speech.

    Args:
        rng: where chance comes from.
        expression: a key of EXPRESSIONS.
        variant: a key of that expression's prototypes.
        intensity: 0..1, of the whole prototype.

    Returns:
        Intensity 0..1.1 and asymmetry -0.5..0.5 of each unit.
    """
    units = {
        name: float(np.clip(peak * intensity * rng.uniform(0.8, 1.2), 0, 1.1))
        for name, peak in EXPRESSIONS[expression][variant].items()
    }
    # a living face is never exactly relaxed, a neutral one neither
    for _ in range(rng.poisson(1.0) + 2 * (expression == "neutral")):
        name = str(rng.choice(EXTRA_UNITS))
        units[name] = float(np.clip(units.get(name, 0.0) + rng.uniform(0.0, EXTRA_PEAK), 0, 1.1))
    if rng.random() < TALKING:
        talk(rng, units)
    asymmetry = {name: float(np.clip(rng.normal(0, 0.12), -0.5, 0.5)) for name in units}
    return units, asymmetry


def random_pose(rng: np.random.Generator) -> Pose:
    """Mostly near-frontal with a tail to 30 degrees of yaw; the eyes lead back to the camera, more or less."""
    yaw = float(np.clip(rng.normal(0, 12), -32, 32))
    pitch = float(np.clip(rng.normal(-1, 6), -18, 16))
    return Pose(
        yaw=yaw,
        pitch=pitch,
        roll=float(np.clip(rng.normal(0, 4.5), -13, 13)),
        gaze_x=float(np.clip(-0.65 * yaw + rng.normal(0, 5), -24, 24)),
        gaze_y=float(np.clip(-0.6 * pitch + rng.normal(0, 3), -12, 12)),
        zoom=float(rng.uniform(0.90, 1.10)),
        shift_x=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05) - 0.0012 * yaw),
        shift_y=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
    )


def random_scene(rng: np.random.Generator) -> Scene:
    """A background, the camera's blur and noise, and sometimes something in front of the face."""
    occluder = str(rng.choice(["none", "band", "dim"], p=[0.88, 0.06, 0.06]))
    return Scene(
        background=int(rng.integers(1 << 30)),
        blur=float(rng.uniform(0.0, 0.6) ** 1.3),
        noise=float(rng.uniform(0.0, 0.012)),
        occluder=occluder,
    )


def random_take(rng: np.random.Generator, expression: str, low: float = 0.2, high: float = 1.0) -> Take:
    """Draw everything but the person for one expression.

    Args:
        rng: where chance comes from.
        expression: a key of EXPRESSIONS.
        low, high: bounds of the intensity, which is uniform between them; a neutral face has 0.

    Raises:
        FerlabError: an unknown expression.
    """
    if expression not in EXPRESSIONS:
        raise FerlabError(f"Unknown expression {expression!r}: choose among {', '.join(EXPRESSIONS)}.")
    variant = str(rng.choice(list(EXPRESSIONS[expression])))
    intensity = float(rng.uniform(low, high)) if expression != "neutral" else 0.0
    units, asymmetry = random_action_units(rng, expression, variant, intensity)
    return Take(
        expression,
        variant,
        intensity,
        units,
        asymmetry,
        random_pose(rng),
        random_light(rng),
        random_scene(rng),
    )


def unit_columns(units: dict[str, float]) -> dict[str, float]:
    """Every action unit's intensity, 0 where absent."""
    return {name: units.get(name, 0.0) for name in ACTION_UNITS}

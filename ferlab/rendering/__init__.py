"""Faces controlled by FACS action units, drawn with NumPy and Numba from a compact rig.

Example:
    >>> import numpy as np
    >>> from ferlab.rendering import Light, Pose, random_identity, render
    >>> person = random_identity(np.random.default_rng(3))
    >>> smile = {"AU6": 0.7, "AU12": 1.0}
    >>> render(person, smile, pose=Pose(yaw=10), light=Light(azimuth=-20), size=64).shape
    (64, 64, 3)
"""

from __future__ import annotations

from ferlab.rendering.expressions import ACTION_UNITS, DESCRIPTIONS, EXPRESSIONS
from ferlab.rendering.identity import Identity, random_identity
from ferlab.rendering.light import Light, random_light
from ferlab.rendering.pose import Pose
from ferlab.rendering.render import render
from ferlab.rendering.sampling import Take, random_pose, random_take
from ferlab.rendering.scene import Scene

__all__ = [
    "ACTION_UNITS",
    "DESCRIPTIONS",
    "EXPRESSIONS",
    "Identity",
    "Light",
    "Pose",
    "Scene",
    "Take",
    "random_identity",
    "random_light",
    "random_pose",
    "random_take",
    "render",
]

"""Head pose and the portrait camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CAMERA_DISTANCE = 0.75  # metres to the head's center: a portrait lens
PIVOT = np.array([0.0, -0.035, -0.045], dtype=np.float32)  # the head turns about this point


@dataclass(frozen=True)
class Pose:
    """Where the head points and how it sits in the crop.

    Attributes:
        yaw: degrees, positive turns the face to the right of the picture.
        pitch: degrees, positive up.
        roll: degrees, positive clockwise.
        gaze_x, gaze_y: degrees the eyes look to the right of the picture and up, on top of the head's turn.
        zoom: 1 frames forehead to chin; larger is closer.
        shift_x, shift_y: share of the picture, right and down.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def rotation(self) -> np.ndarray:
        """Matrix, float32 (3, 3), that turns the head: roll after pitch after yaw."""
        yaw, pitch, roll = np.deg2rad([self.yaw, -self.pitch, -self.roll])
        cy, sy, cp, sp, cr, sr = (
            np.cos(yaw),
            np.sin(yaw),
            np.cos(pitch),
            np.sin(pitch),
            np.cos(roll),
            np.sin(roll),
        )
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return (about_z @ about_x @ about_y).astype(np.float32)


def project(points: np.ndarray, pose: Pose, size: int, frame: float, center_y: float) -> np.ndarray:
    """Where points lie in the picture.

    Args:
        points: float32 (P, 3), metres, turned.
        pose: crop and zoom.
        size: height and width of the picture in pixels.
        frame: metres the picture's height spans at the head's center.
        center_y: metres, the height shown at the picture's center.

    Returns:
        float32 (P, 3): pixel x, pixel y (down), depth in metres (larger is nearer).
    """
    scale = size * pose.zoom / frame
    nearer = CAMERA_DISTANCE / (CAMERA_DISTANCE - points[:, 2] + PIVOT[2])
    screen = np.empty_like(points)
    screen[:, 0] = (0.5 + pose.shift_x) * size + points[:, 0] * scale * nearer
    screen[:, 1] = (0.5 + pose.shift_y) * size - (points[:, 1] - center_y) * scale * nearer
    screen[:, 2] = points[:, 2]
    return screen

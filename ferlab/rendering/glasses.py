"""Frames of glasses as thin tubes fitted to a face."""

from __future__ import annotations

import numpy as np

# name -> (half width, half height, squareness exponent, tube radius) in mm
FRAMES = {"thin": (23.5, 17.0, 2.6, 0.65), "thick": (24.5, 18.0, 3.4, 1.5), "round": (22.0, 21.0, 2.0, 0.8)}


def _tube(path: np.ndarray, radius: float, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """A tube of square section along a path (P, 3), in metres: vertices (4 P, 3) and triangles."""
    offsets = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * radius
    ahead = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    if not closed:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    normal = np.cross(ahead, np.array([0.12, 0.05, 1.0]))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    binormal = np.cross(ahead, normal)
    points = np.concatenate(
        [path[:, None] + normal[:, None] * o[0] + binormal[:, None] * o[1] for o in offsets], axis=1
    )
    count = len(path)
    triangles = []
    for i in range(count if closed else count - 1):
        j = (i + 1) % count
        for k in range(4):
            m = (k + 1) % 4
            triangles += [(4 * i + k, 4 * i + m, 4 * j + k), (4 * i + m, 4 * j + m, 4 * j + k)]
    return points.reshape(-1, 3), np.array(triangles)


def frame_mesh(style: str, eyes: np.ndarray, front: float, ears: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A frame that fits a face.

    Args:
        style: a key of FRAMES.
        eyes: (2, 3), metres, the eyeballs' centers, left and right of the person.
        front: metres, depth of the plane of the lenses.
        ears: (2, 3), metres, where the arms rest.

    Returns:
        Vertices, float32 (P, 3) in metres, and triangles, int32 (T, 3).
    """
    half_width, half_height, power, radius = (1e-3 * np.array(FRAMES[style])).tolist()
    power *= 1e3
    points: list[np.ndarray] = []
    triangles: list[np.ndarray] = []

    def add(path: np.ndarray, closed: bool, thickness: float) -> None:
        p, t = _tube(path, thickness, closed)
        triangles.append(t + sum(len(q) for q in points))
        points.append(p)

    turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    cosine, sine = np.cos(turn), np.sin(turn)
    rims = []
    for side in range(2):
        sign = 1.0 if side == 0 else -1.0
        x = np.sign(cosine) * np.abs(cosine) ** (2 / power) * half_width
        y = np.sign(sine) * np.abs(sine) ** (2 / power) * half_height
        center_x = eyes[side, 0] + sign * 0.0015
        depth = front - 0.22 * np.abs(center_x + x - 0.0) + 0.10 * (y + 0.0)
        rims.append(np.stack([center_x + x, eyes[side, 1] - 0.004 + y, depth + 0.006], axis=1))
        add(rims[-1], True, radius)
    inner_left, inner_right = eyes[0, 0] + 0.0015 - half_width, eyes[1, 0] - 0.0015 + half_width
    span = np.linspace(0, 1, 7)
    bridge_x = inner_right + (inner_left - inner_right) * span
    bridge_y = 0.002 + 0.004 * np.sin(np.pi * span)
    add(np.stack([bridge_x, bridge_y, front + 0.006 + 0.003 * np.sin(np.pi * span)], axis=1), False, radius)
    for side in range(2):
        outer = rims[side][np.argmax(np.abs(rims[side][:, 0]))]
        hinge = outer + np.array([0.0, 0.006, 0.0])
        path = hinge + (ears[side] - hinge) * np.linspace(0, 1, 6)[:, None]
        add(path, False, radius * 0.9)
    return np.concatenate(points).astype(np.float32), np.concatenate(triangles).astype(np.int32)

"""Triangle rasterization with a z-buffer, vertex normals and ambient occlusion, compiled by Numba."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True)
def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals of a mesh.

    Args:
        points: float32 (P, 3).
        triangles: int32 (T, 3).

    Returns:
        float32 (P, 3).
    """
    normals = np.zeros_like(points)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    for k in range(points.shape[0]):
        length = math.sqrt(normals[k, 0] ** 2 + normals[k, 1] ** 2 + normals[k, 2] ** 2) + 1e-20
        normals[k] /= length
    return normals


@njit(cache=True, fastmath=True, error_model="numpy")
def rasterize(
    screen: np.ndarray, triangles: np.ndarray, size: int, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the nearest triangle at every pixel.

    Args:
        screen: float32 (P, 3), pixel x, pixel y, depth in metres (larger is nearer).
        triangles: int32 (T, 3).
        size: height and width in pixels.
        bias: float32 (T,), metres a triangle is pushed back in the test, for parts that would poke through the skin.

    Returns:
        Number of the triangle, int32 (size, size), -1 where there is none; its first two barycentric coordinates,
        float32 (size, size, 2); depth in metres, float32 (size, size).
    """
    index = np.full((size, size), -1, np.int32)
    coordinates = np.zeros((size, size, 2), np.float32)
    depth = np.full((size, size), -1e9, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0],
            screen[a, 1],
            screen[b, 0],
            screen[b, 1],
            screen[c, 0],
            screen[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        x0 = max(0, int(math.ceil(min(ax, bx, cx) - 0.5)))
        x1 = min(size - 1, int(math.floor(max(ax, bx, cx) - 0.5)))
        y0 = max(0, int(math.ceil(min(ay, by, cy) - 0.5)))
        y1 = min(size - 1, int(math.floor(max(ay, by, cy) - 0.5)))
        if x1 < x0 or y1 < y0:
            continue
        inverse = 1.0 / area
        za, zb, zc = screen[a, 2], screen[b, 2], screen[c, 2]
        back = bias[t]
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
                wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
                wc = 1.0 - wa - wb
                if wa < -1e-6 or wb < -1e-6 or wc < -1e-6:
                    continue
                z = wa * za + wb * zb + wc * zc - back
                if z > depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = t
                    coordinates[y, x, 0] = wa
                    coordinates[y, x, 1] = wb
    return index, coordinates, depth


@njit(cache=True, fastmath=True, error_model="numpy")
def ambient_occlusion(depth: np.ndarray, pixels_per_metre: float) -> np.ndarray:
    """How much ambient light reaches each pixel past its neighbors in the depth buffer.

    Args:
        depth: float32 (size, size), metres, from :func:`rasterize`.
        pixels_per_metre: scale of the picture.

    Returns:
        Share 0..1 of the light, float32 (size, size).
    """
    size = depth.shape[0]
    light = np.ones((size, size), np.float32)
    for y in range(size):
        for x in range(size):
            z = depth[y, x]
            if z < -1e8:
                continue
            blocked = 0.0
            for ring in range(2):
                reach = 0.004 if ring == 0 else 0.012
                step = max(1.0, reach * pixels_per_metre)
                for k in range(8):
                    turn = k * 0.7853981 + ring * 0.39
                    sx = int(x + step * math.cos(turn) + 0.5)
                    sy = int(y + step * math.sin(turn) + 0.5)
                    if sx < 0 or sy < 0 or sx >= size or sy >= size:
                        continue
                    rise = depth[sy, sx] - z - 0.0006
                    if rise > 0.0 and rise < 0.06:
                        blocked += min(1.0, rise / reach) * (1.0 if rise < 0.025 else (0.06 - rise) / 0.035)
            light[y, x] = 1.0 - 0.85 * min(1.0, blocked / 10.0)
    return light

"""What a part of the picture is worth to a network: cover it, and look again."""

from __future__ import annotations

import numpy as np

from ferlab.errors import FerlabError
from ferlab.evaluation.predict import predict
from ferlab.models import ExpressionNetwork


def cover(images: np.ndarray, rows: np.ndarray | int, columns: np.ndarray | int, grid: int = 4) -> np.ndarray:
    """Copies of the images, one cell of a `grid` by `grid` grid painted over in the image's mean color.

    Args:
        images: uint8 (N, H, W, C).
        rows, columns: of each image's cell, int (N,), counted from the top left; one number is for all images.
        grid: cells along each side.

    Returns:
        uint8 (N, H, W, C).

    Raises:
        FerlabError: sides that the grid does not divide, or a cell outside of it.

    Example:
        >>> image = np.zeros((1, 4, 4, 1), dtype=np.uint8)
        >>> image[0, 0, 0] = 160
        >>> cover(image, 0, 0, grid=2)[0, :, :, 0].tolist()
        [[10, 10, 0, 0], [10, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    count, height, width = images.shape[:3]
    if height % grid or width % grid:
        raise FerlabError(f"A grid of {grid} by {grid} does not divide images of {height} by {width} pixels.")
    cells = np.array([np.broadcast_to(rows, count), np.broadcast_to(columns, count)])
    if cells.min(initial=0) < 0 or cells.max(initial=0) >= grid:
        raise FerlabError(f"The cells of the grid are counted from 0 to {grid - 1}.")
    in_row, in_column = (
        np.arange(side) // (side // grid) == cell[:, None] for side, cell in zip((height, width), cells, strict=True)
    )
    covered = in_row[:, :, None] & in_column[:, None, :]
    mean = images.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
    return np.where(covered[..., None], mean, images)


def occlusion_costs(network: ExpressionNetwork, images: np.ndarray, labels: np.ndarray, grid: int = 4) -> np.ndarray:
    """How much of the true class's probability is lost when a cell is covered, for every cell of every face.

    After Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2.

    Args:
        network: in evaluation mode or not; it is measured in evaluation mode.
        images: uint8 (N, H, W, C).
        labels: int (N,).
        grid: cells along each side; the network runs `grid` * `grid` + 1 times over the images.

    Returns:
        float32 (N, grid, grid), -1..1; below 0 where covering helped.

    Raises:
        FerlabError: sides that the grid does not divide.
    """
    faces = np.arange(len(labels))
    costs = np.empty((len(labels), grid, grid), dtype=np.float32)
    whole = predict(network, images).probabilities[faces, labels]
    for row in range(grid):
        for column in range(grid):
            seen = predict(network, cover(images, row, column, grid)).probabilities
            costs[:, row, column] = whole - seen[faces, labels]
    return costs

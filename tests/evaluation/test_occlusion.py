"""Covering a part of the picture changes that part alone, and costs what the network loses by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ferlab.errors import FerlabError
from ferlab.evaluation import cover, occlusion_costs, predict
from ferlab.models import NetworkOutput


class LooksAtOneCell(torch.nn.Module):
    """Class 1 the brighter rows 0..3 and columns 4..7 are; blind for the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.05))

    def forward(self, images):
        bright = self.factor * (images[:, 0, 0:4, 4:8].float().mean(dim=(1, 2)) - 100)
        return NetworkOutput(bright[:, None], torch.stack([-bright, bright], dim=1))


def random_images(number: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, 16, 16, 3), dtype=np.uint8)


def test_a_cell_is_covered_in_the_mean_color_and_the_rest_stays():
    images = random_images()
    rows, columns = np.array([0, 1, 2, 3, 3]), np.array([3, 2, 1, 0, 3])
    covered = cover(images, rows, columns)
    assert covered.dtype == np.uint8 and covered.shape == images.shape
    for image, before, row, column in zip(covered, images, rows, columns, strict=True):
        cell = (slice(4 * row, 4 * row + 4), slice(4 * column, 4 * column + 4))
        assert (image[cell] == before.mean(axis=(0, 1)).round()).all()
        image[cell] = before[cell]
        np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(cover(images, 1, 0, grid=2), cover(images, np.ones(5, int), np.zeros(5, int), grid=2))


def test_costs_are_those_of_the_cell_that_is_looked_at():
    images, labels = random_images(), np.array([0, 1, 1, 0, 1])
    images[:, 0:4, 4:8] = np.array([0, 255, 250, 20, 240], dtype=np.uint8)[:, None, None, None]
    network = LooksAtOneCell().train()
    costs = occlusion_costs(network, images, labels)
    assert costs.shape == (5, 4, 4) and costs.dtype == np.float32 and network.training
    assert (costs[:, 0, 1] > 0.01).all()
    costs[:, 0, 1] = 0
    assert not costs.any()
    faces = np.arange(5)
    before, after = (predict(network, seen).probabilities[faces, labels] for seen in (images, cover(images, 0, 1)))
    np.testing.assert_allclose(occlusion_costs(network, images, labels)[:, 0, 1], before - after)


def test_wrong_cells_are_one_sentence():
    with pytest.raises(FerlabError, match="does not divide images of 16 by 16"):
        cover(random_images(), 0, 0, grid=5)
    for row, column in ((4, 0), (0, -1)):
        with pytest.raises(FerlabError, match="from 0 to 3"):
            cover(random_images(), row, column)

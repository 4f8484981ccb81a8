"""Augmentation of whole batches: one call a batch, with its own random numbers for every face."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ferlab.settings import Augmentation


@dataclass(frozen=True)
class Changes:
    """What happens to each face of a batch.

    Attributes:
        moves: (B, 2, 3), affine maps from output to input coordinates, both in -1..1.
        gain, offset: (B,), contrast and brightness.
    """

    moves: Tensor
    gain: Tensor
    offset: Tensor

    def __getitem__(self, part: slice) -> Changes:
        """The changes of some of the faces, for a process that trains on a share of the batch."""
        return Changes(self.moves[part], self.gain[part], self.offset[part])


def draw_changes(batch: int, settings: Augmentation, generator: torch.Generator) -> Changes:
    """Random changes for ``batch`` faces, all from ``generator`` (on the CPU), so that a run repeats."""

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * limit

    angle = uniform(math.radians(settings.rotation))
    size = 1 + uniform(settings.scale)
    mirror = torch.where(torch.rand(batch, generator=generator) < settings.flip, -1.0, 1.0)
    rows = [
        torch.stack([mirror * size * angle.cos(), -size * angle.sin(), 2 * uniform(settings.shift)], dim=1),
        torch.stack([mirror * size * angle.sin(), size * angle.cos(), 2 * uniform(settings.shift)], dim=1),
    ]
    return Changes(torch.stack(rows, dim=1), 1 + uniform(settings.contrast), uniform(settings.brightness))


def apply_changes(images: Tensor, changes: Changes) -> Tensor:
    """Changed copies of uint8 ``images`` (B, C, H, W), as float32 grey levels of about 0..255."""
    grid = F.affine_grid(changes.moves.to(images.device), list(images.shape), align_corners=False)
    moved = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    gain, offset = (values.to(images.device).view(-1, 1, 1, 1) for values in (changes.gain, changes.offset))
    return (moved - 127.5) * gain + (127.5 + offset)


def augment(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Randomly changed copies of uint8 ``images`` (B, C, H, W), as float32 grey levels of about 0..255."""
    return apply_changes(images, draw_changes(len(images), settings, generator))

"""Augmentation of whole batches: one call a batch, with its own random numbers for every face."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How far a face may be moved; 0 switches a change off.

    Attributes:
        flip: probability of mirroring left and right.
        rotation: largest turn, degrees.
        scale: largest relative change of size.
        shift: largest shift, as a share of the image's side.
        contrast: largest relative change of contrast.
        brightness: largest change of brightness, in grey levels of 255.
    """

    flip: float = 0.5
    rotation: float = 10.0
    scale: float = 0.1
    shift: float = 0.06
    contrast: float = 0.25
    brightness: float = 25.0


def augment(images: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Changed copies of uint8 ``images`` (B, C, H, W), as float32 grey levels of about 0..255.

    All random numbers come from ``generator`` (on the CPU), so that a run repeats.
    """
    batch, device = len(images), images.device

    def uniform(limit: float) -> Tensor:
        return ((torch.rand(batch, generator=generator) * 2 - 1) * limit).to(device)

    angle = uniform(math.radians(settings.rotation))
    size = 1 + uniform(settings.scale)
    mirror = torch.where(torch.rand(batch, generator=generator).to(device) < settings.flip, -1.0, 1.0)
    # affine_grid maps output to input coordinates, both in -1..1.
    rows = [
        torch.stack([mirror * size * angle.cos(), -size * angle.sin(), 2 * uniform(settings.shift)], dim=1),
        torch.stack([mirror * size * angle.sin(), size * angle.cos(), 2 * uniform(settings.shift)], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    moved = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    gain, offset = 1 + uniform(settings.contrast), uniform(settings.brightness)
    gain, offset = gain.view(-1, 1, 1, 1), offset.view(-1, 1, 1, 1)
    return (moved - 127.5) * gain + (127.5 + offset)

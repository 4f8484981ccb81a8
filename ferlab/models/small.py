"""A small residual network that trains on a CPU in minutes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al., CVPR 2016, fig. 2); the first may halve the resolution."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity(),
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Feature map (B, out_channels, H / stride, W / stride), rounded up."""
        out = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(out)) + self.shortcut(x), inplace=True)


class SmallResNet(nn.Module):
    """Image (B, C, H, W) to feature map (B, widths[-1], H/16, W/16); H and W even, 32 to 96 pixels suit it.

    Resolution falls by four before the first block (2x2 pixels to channels, then a strided convolution): at 64 pixels
    most of the time would otherwise go into edges.

    Args:
        in_channels: C, 1 or 3.
        widths: channels of the three stages.
    """

    def __init__(self, in_channels: int = 3, widths: tuple[int, int, int] = (32, 64, 192)) -> None:
        super().__init__()
        self.num_features = widths[-1]
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * in_channels, widths[0], 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.Sequential(
            ResidualBlock(widths[0], widths[0]),
            ResidualBlock(widths[0], widths[1], stride=2),
            ResidualBlock(widths[1], widths[2], stride=2),
        )

    def forward(self, images: Tensor) -> Tensor:
        """The feature map of ``images`` (B, C, H, W).

        Raises:
            ValueError: an odd height or width.
        """
        if images.shape[2] % 2 or images.shape[3] % 2:
            raise ValueError(f"images must have an even height and width, but have shape {tuple(images.shape)}.")
        features: Tensor = self.stages(self.stem(images))
        return features

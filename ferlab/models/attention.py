"""Selective attention: where the pooling looks, and which dimensions of the embedding count."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class Attended(NamedTuple):
    """What :class:`SelectiveAttention` gives for a batch.

    Attributes:
        features: pooled features (B, F).
        pixel: (B, 1, H, W) coefficients in 0..1, or None when that part is off.
        element: (B, D) coefficients in 0..2, or None when that part is off.
    """

    features: Tensor
    pixel: Tensor | None
    element: Tensor | None


class SelectiveAttention(nn.Module):
    """Pooling of the last feature map under attention.

    After the TCL paper (arXiv:2302.04108) and, for the element weights, Farzaneh & Qi, *Facial Expression Recognition
    in the Wild via Deep Attentive Center Loss*, WACV 2021, section 3.2.

    Pixel-wise coefficients gate where the pooling looks: a weighted mean over the map. Element-wise coefficients weigh
    the embedding's dimensions, in the classifier's input and in the Triplet-Center Loss's distance. Both start neutral
    (an even gate, weights of 1), so a network with attention starts as the one without.

    Args:
        in_channels: F, of the feature map.
        embedding_size: D, the number of element weights.
        pixel, element: switch either part off, for the ablation.

    Example:
        >>> import torch
        >>> attention = SelectiveAttention(in_channels=192, embedding_size=128)
        >>> attended = attention(torch.randn(4, 192, 8, 8))
        >>> attended.features.shape, attended.pixel.shape, attended.element.shape
        (torch.Size([4, 192]), torch.Size([4, 1, 8, 8]), torch.Size([4, 128]))
    """

    def __init__(self, in_channels: int, embedding_size: int, pixel: bool = True, element: bool = True) -> None:
        super().__init__()
        hidden = max(in_channels // 4, 8)
        self.pixel: nn.Module | None = None
        self.element: nn.Module | None = None
        if pixel:
            self.pixel = nn.Sequential(
                nn.Conv2d(in_channels, hidden, 1, bias=False),
                nn.BatchNorm2d(hidden),
                nn.ReLU(inplace=True),
                _zero(nn.Conv2d(hidden, 1, 1)),
                nn.Sigmoid(),
            )
        if element:
            self.element = nn.Sequential(
                nn.Linear(in_channels, hidden),
                nn.ReLU(inplace=True),
                _zero(nn.Linear(hidden, embedding_size)),
                nn.Sigmoid(),
            )

    def forward(self, feature_map: Tensor) -> Attended:
        """Pool ``feature_map`` (B, F, H, W).

        Raises:
            ValueError: not four dimensions.
        """
        if feature_map.ndim != 4:
            raise ValueError(f"feature_map must have shape (B, F, H, W), but has {tuple(feature_map.shape)}.")
        pixel = self.pixel(feature_map) if self.pixel is not None else None
        if pixel is None:
            features = feature_map.mean(dim=(2, 3))
        else:
            # The gates of a face may all be near 0; their share of the sum is what counts.
            gates = pixel / pixel.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
            features = (feature_map * gates).sum(dim=(2, 3))
        element = 2 * self.element(features) if self.element is not None else None
        return Attended(features, pixel, element)


def _zero(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Zero weights and bias: the sigmoid behind it starts at 1/2 everywhere."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer

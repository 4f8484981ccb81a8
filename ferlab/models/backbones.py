"""Backbones by name: the small network of ferlab, or any convolutional one of timm."""

from __future__ import annotations

import difflib

from torch import nn

from ferlab.errors import FerlabError
from ferlab.models.small import SmallResNet


def create_backbone(name: str, in_channels: int, pretrained: bool = False) -> nn.Module:
    """A network from images (B, C, H, W) to a feature map (B, F, H', W'), with ``num_features`` = F.

    Args:
        name: ``"small"``, or a name of timm such as ``"resnet18"`` or ``"legacy_xception"``.
        in_channels: C, of the images.
        pretrained: with timm's pretrained weights, downloaded at the first use.

    Raises:
        FerlabError: unknown name, no feature map, or weights that cannot be had.
    """
    if name == "small":
        if pretrained:
            raise FerlabError(
                "The small network has no pretrained weights: leave pretrained out, or name a timm backbone."
            )
        return SmallResNet(in_channels)
    import timm

    if not timm.is_model(name):
        similar = ", ".join(difflib.get_close_matches(name, timm.list_models(), n=5)) or "resnet18, legacy_xception"
        raise FerlabError(f"There is no backbone {name!r}; choose small or a name of timm, such as: {similar}.")
    try:
        backbone: nn.Module = timm.create_model(
            name, pretrained=pretrained, in_chans=in_channels, num_classes=0, global_pool=""
        )
    except (OSError, RuntimeError, ValueError) as error:
        if not pretrained:
            raise
        raise FerlabError(
            f"The pretrained weights of {name} could not be loaded ({type(error).__name__}): connect to the internet "
            "once so that they can be downloaded, copy another machine's Hugging Face cache, or use pretrained=False."
        ) from error
    return backbone

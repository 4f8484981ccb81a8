"""Backbones by name: the small network of ferlab, or any of timm whose features lie on a grid."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ferlab.errors import FerlabError
from ferlab.models.small import SmallResNet


def create_backbone(name: str, in_channels: int, pretrained: bool = False, input_size: int = 0) -> nn.Module:
    """A network from images (B, C, H, W) to a feature map (B, F, H', W'), with ``num_features`` = F.

    Args:
        name: ``"small"``, or a name of timm such as ``"resnet18"`` or ``"legacy_xception"``.
        in_channels: C, of the images.
        pretrained: with timm's pretrained weights, downloaded at the first use.
        input_size: side of the images that it will see, to refuse now what it could not read then; 0 where that is
            not known yet.

    Raises:
        FerlabError: unknown name, no feature map, weights that cannot be had, or images of a size that it cannot read.
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
    backbone = _first_with_a_map(name, in_channels, pretrained)
    if input_size:
        with torch.no_grad():
            backbone.try_out(torch.zeros(1, in_channels, input_size, input_size))
    return backbone


class TimmBackbone(nn.Module):
    """A network of timm, read so that it gives a feature map.

    Args:
        network: the network, without its classifier.
        name: what timm calls it.
        read: from the network and images to its last features.
        prefix: how many tokens stand before those of the grid.
        trial_shape: (1, C, H, W) of an image that it can read; a trial run with it tells the map's width.

    Attributes:
        num_features: F, channels of the map.

    Raises:
        ValueError: its last features are no map.
    """

    def __init__(
        self,
        network: nn.Module,
        name: str,
        read: Callable[[nn.Module, Tensor], Any],
        prefix: int,
        trial_shape: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        self.network = network
        self.name, self.read, self.prefix = name, read, prefix
        self.trial_shape = trial_shape
        self.channels_last: bool | None = None  # of the features, once the trial has shown it
        with torch.enable_grad():  # also where a network is only built to be read
            found = self.try_out(torch.zeros(trial_shape))
        if found.shape[2:].numel() == 1:
            raise ValueError("its features are pooled")
        self.num_features = found.shape[1]
        self._leave_unused_out(found)
        self.register_load_state_dict_pre_hook(_take_names_without_wrapper)  # type: ignore[no-untyped-call]

    def forward(self, images: Tensor) -> Tensor:
        """The feature map of ``images`` (B, C, H, W).

        Raises:
            FerlabError: images of a size that the network cannot read.
        """
        try:
            features = self.read(self.network, images)
            if self.channels_last is None:
                self.channels_last = _has_channels_last(features, images)
            return _as_map(features, images, self.prefix, self.channels_last)
        except torch.OutOfMemoryError:
            raise
        except (AssertionError, RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError) as error:
            if not self._is_about_the_size(images):
                raise
            raise FerlabError(self._other_size(images)) from error

    def try_out(self, images: Tensor) -> Tensor:
        """The map of ``images`` as a network gives it that is not in training, so that the trial leaves no trace."""
        was_training = self.network.training
        self.network.eval()
        try:
            found: Tensor = self(images)
            return found
        finally:
            self.network.train(was_training)

    def _is_about_the_size(self, images: Tensor) -> bool:
        """Whether the image of the trial is read, and only these are not."""
        if tuple(images.shape[1:]) == self.trial_shape[1:] or "num_features" not in vars(self):
            return False
        try:
            with torch.no_grad():
                self.try_out(images.new_zeros(self.trial_shape))
        except (AssertionError, RuntimeError, ValueError, TypeError):
            return False
        return True

    def _other_size(self, images: Tensor) -> str:
        height, width = _usual_size(self.network)
        given = f"{images.shape[2]} x {images.shape[3]}"
        return (
            f"The backbone {self.name} cannot read images of {given} pixels; it was made for {height} x {width}: give "
            f"input_size={height} (--input-size {height}), to which faces are scaled then, or choose another backbone."
        )

    def _leave_unused_out(self, found: Tensor) -> None:
        """Parameters that do not reach the map, such as a classifier's last norm, ask for no gradient.

        Several processes would wait for it in vain.
        """
        found.sum().backward()
        for parameter in self.network.parameters():
            parameter.requires_grad_(parameter.grad is not None)
            parameter.grad = None
        for name, part in list(self.network.named_children()):
            # Such as the hidden layers behind VGG's map: nine tenths of its weights.
            if any(True for _ in part.parameters()) and not any(p.requires_grad for p in part.parameters()):
                self._replace(name, part, found)

    def _replace(self, name: str, part: nn.Module, expected: Tensor) -> None:
        """Take a part away, unless the map needs it after all."""
        setattr(self.network, name, nn.Identity())
        try:
            with torch.no_grad():
                same = torch.equal(self.try_out(expected.new_zeros(self.trial_shape)), expected)
        except Exception:  # whatever a network of timm says of a missing part
            same = False
        if not same:
            setattr(self.network, name, part)


class _Way(NamedTuple):
    """One way to a map: how the network is built, and how it is read then."""

    options: dict[str, Any]
    read: Callable[[nn.Module, Tensor], Any]
    takes_tokens: bool = False


def _whole(network: nn.Module, images: Tensor) -> Any:
    return network(images)


def _features(network: nn.Module, images: Tensor) -> Any:
    return network.forward_features(images)  # type: ignore[operator]


def _last_stage(network: nn.Module, images: Tensor) -> Any:
    return network.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)[-1]  # type: ignore[operator]


def _last_stage_without_norm(network: nn.Module, images: Tensor) -> Any:
    return network.forward_intermediates(images, indices=1, intermediates_only=True)[-1]  # type: ignore[operator]


# In the order in which they are tried. Leaving out the pooling keeps all that a network does to its map before it; not
# every network can. Where the features are tokens, most networks know themselves how these lie on the grid.
_WAYS = (
    _Way({"global_pool": ""}, _whole),
    _Way({}, _features),
    _Way({}, _last_stage),
    _Way({}, _last_stage_without_norm),
    _Way({}, _features, takes_tokens=True),
)


def _first_with_a_map(name: str, in_channels: int, pretrained: bool) -> TimmBackbone:
    """The network of that name, read in the first way that gives a map."""
    networks: dict[str, nn.Module | None] = {}  # None for options that it cannot be built with
    not_built: Exception | None = None
    why = ""
    for way in _WAYS:
        key = repr(way.options)
        if key not in networks:
            try:
                networks[key] = _build(name, in_channels, pretrained, way.options)
            except Exception as error:  # a network of timm may refuse an option in any way
                networks[key], not_built = None, error
        network = networks[key]
        if network is None:
            continue
        prefix = int(getattr(network, "num_prefix_tokens", 0)) if way.takes_tokens else -1
        for side in _trial_sides(network):
            try:
                return TimmBackbone(network, name, way.read, prefix, (1, in_channels, *side))
            except Exception as error:  # and so may its parts
                why = why or (str(error).splitlines() or [type(error).__name__])[0]
    if any(networks.values()):
        raise FerlabError(
            f"The backbone {name} gives no feature map of images with {in_channels} channels ({why}); choose a network "
            "whose features lie on a grid, such as resnet18 or vit_tiny_patch16_224."
        )
    if pretrained:
        raise FerlabError(
            f"The pretrained weights of {name} could not be loaded ({type(not_built).__name__}): connect to the "
            "internet once so that they can be downloaded, copy another machine's Hugging Face cache, or use "
            "pretrained=False."
        ) from not_built
    raise FerlabError(
        f"The backbone {name} cannot be built for images of {in_channels} channels ({type(not_built).__name__}: "
        f"{not_built}); choose another one, such as resnet18."
    ) from not_built


def _build(name: str, in_channels: int, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(name, pretrained=pretrained, in_chans=in_channels, num_classes=0, **options)
    return network


def _usual_size(network: nn.Module) -> tuple[int, int]:
    """(H, W) of the images that timm has the network for."""
    settings: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    _, height, width = settings.get("input_size") or (3, 224, 224)
    return height, width


def _trial_sides(network: nn.Module) -> list[tuple[int, int]]:
    """(H, W) of the images to try a network with: small ones, where it is not tied to the size it was made for."""
    settings: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    usual = _usual_size(network)
    return [usual] if settings.get("fixed_input_size") or max(usual) <= 256 else [(224, 224), usual]


def _has_channels_last(features: Any, images: Tensor) -> bool:
    """Whether the second and third dimension of features, not the last two, are to each other as the images' sides."""
    if not isinstance(features, Tensor) or features.ndim != 4:
        return False
    _, second, third, fourth = features.shape
    wanted = images.shape[2] / images.shape[3]
    return abs(second / third - wanted) < abs(third / fourth - wanted)


def _as_map(features: Any, images: Tensor, prefix: int, channels_last: bool) -> Tensor:
    """Features as a map (B, F, H', W').

    Args:
        features: (B, F, H', W'), (B, H', W', F), or (B, N, F), a token for each place, row by row.
        images: (B, C, H, W), that they come from.
        prefix: tokens before those of the grid; -1 where tokens are not taken.
        channels_last: whether four dimensions are (B, H', W', F).

    Raises:
        ValueError: they are something else.
    """
    height, width = images.shape[2:]
    if isinstance(features, Tensor) and features.ndim == 4:
        return features.permute(0, 3, 1, 2) if channels_last else features
    if isinstance(features, Tensor) and features.ndim == 3 and prefix >= 0:
        places = features.shape[1] - prefix
        rows = round(math.sqrt(places * height / width))
        if rows and places % rows == 0 and abs(rows - places // rows * height / width) < 1:
            grid: Tensor = features[:, prefix:].transpose(1, 2).unflatten(2, (rows, places // rows))
            return grid
    shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
    raise ValueError(f"its features are no map, but {shape}")


def _take_names_without_wrapper(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Weights saved before the networks of timm were wrapped have no ``network.`` in their names."""
    if not any(key.startswith(f"{prefix}network.") for key in state):
        for key in [key for key in state if key.startswith(prefix)]:
            state[f"{prefix}network.{key.removeprefix(prefix)}"] = state.pop(key)

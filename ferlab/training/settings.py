"""Every option of the training loop, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ferlab.data.transforms import Augmentation
from ferlab.errors import FerlabError

CHOICES = {
    "batches": ("shuffled", "class-balanced", "per-class"),
    "optimizer": ("sgd", "adamw"),
    "schedule": ("one-cycle", "cosine"),
    "class_weights": ("none", "balanced"),
    "precision": ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true"),
}


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained; a run saves it in ``config.json``.

    Attributes:
        backbone: ``"small"``, or a name of timm such as ``"resnet18"`` or ``"legacy_xception"``.
        pretrained: start with timm's pretrained weights, which are downloaded once.
        input_size: side in pixels to which faces are scaled for the network; 0 leaves them as they are.
        epochs: passes over the training images.
        batch_size: images a step, over all processes; a smaller rest at the end of an epoch is left out.
        batches: ``"shuffled"``, ``"class-balanced"`` or ``"per-class"``, see :mod:`ferlab.samplers.batches`.
        optimizer: ``"sgd"`` (with Nesterov momentum) or ``"adamw"``.
        learning_rate: the highest of the schedule; None for the method's own.
        schedule: ``"one-cycle"`` (rises over 30 % of the steps, then falls; Smith & Topin 2019) or ``"cosine"`` (rises
            over ``warm_up`` epochs, then falls along a cosine).
        warm_up: epochs of linear rise, for ``"cosine"``.
        momentum: of SGD; AdamW's first beta. With ``"one-cycle"`` it plays no part: momentum then falls from .95 to .85
            while the rate rises, and back.
        weight_decay: of the network, the loss's own parameters (class centers) are not decayed; None for the method's
            own.
        gradient_clip: largest norm of the gradient, class centers included; 0 for none.
        class_weights: ``"none"``, or ``"balanced"``: cross-entropy weighs a class by N / (K * its images).
        label_smoothing: of cross-entropy, 0..1.
        patience: stop after so many epochs without a better balanced accuracy on validation, and return the best
            epoch's network, both among the epochs with the metric loss; 0 trains all epochs and returns the last one's.
        accelerator: ``"auto"``, ``"cpu"``, ``"gpu"`` or another of Lightning Fabric's.
        devices: processes of this machine, one a device.
        nodes: machines.
        precision: ``"auto"`` takes bf16 where the hardware computes in it; or ``"32-true"``, ``"bf16-mixed"``,
            ``"16-mixed"``, ``"64-true"``.
        seed: initial weights, data order and augmentation.
        augmentation: how far faces are moved.
    """

    backbone: str = "small"
    pretrained: bool = False
    input_size: int = 0
    epochs: int = 8
    batch_size: int = 128
    batches: str = "shuffled"
    optimizer: str = "sgd"
    learning_rate: float | None = None
    schedule: str = "one-cycle"
    warm_up: float = 1.0
    momentum: float = 0.9
    weight_decay: float | None = None
    gradient_clip: float = 0.0
    class_weights: str = "none"
    label_smoothing: float = 0.0
    patience: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "auto"
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise FerlabError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name in ("epochs", "batch_size", "devices", "nodes"):
            if getattr(self, name) < 1:
                raise FerlabError(f"The number of {name} must be at least 1, but is {getattr(self, name)}.")
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise FerlabError(f"learning_rate must be above 0, but is {self.learning_rate}.")
        for name in ("warm_up", "weight_decay", "gradient_clip", "patience", "input_size"):
            if (value := getattr(self, name)) is not None and not value >= 0:
                raise FerlabError(f"{name} must be at least 0, but is {value}.")
        for name in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise FerlabError(f"{name} must be at least 0 and below 1, but is {getattr(self, name)}.")

    def completed(self, learning_rate: float, weight_decay: float) -> TrainSettings:
        """These settings with a method's values for what they leave open."""
        own = {"learning_rate": learning_rate, "weight_decay": weight_decay}
        return replace(self, **{name: value for name, value in own.items() if getattr(self, name) is None})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainSettings:
        """The settings that ``asdict`` of dataclasses gives, for example into ``config.json``.

        Raises:
            FerlabError: names or values that no setting has.

        Example:
            >>> from dataclasses import asdict
            >>> settings = TrainSettings(epochs=3)
            >>> TrainSettings.from_dict(asdict(settings)) == settings
            True
        """
        try:
            return cls(**{**values, "augmentation": Augmentation(**values["augmentation"])})
        except (TypeError, KeyError) as error:
            raise FerlabError(f"These are not the settings of a training of this version: {error}.") from error

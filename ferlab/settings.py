"""Every setting of a training, a comparison and a search; their fields say what they mean on the command line.

Nothing here needs PyTorch, so that ``ferlab --help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ferlab.errors import FerlabError

DEFAULT_METHODS = ("ce", "tcl-nearest", "ce-heads", "ad-corre")
DATASETS_HELP = (
    "synthetic (built in), fer2013, rafdb, affectnet (seven classes), affectnet-8, folder (<class>/<image>), "
    "or one that was registered."
)
CHOICES = {
    "batches": ("shuffled", "class-balanced", "per-class"),
    "optimizer": ("muon", "sgd", "adamw"),
    "schedule": ("one-cycle", "cosine"),
    "class_weights": ("none", "balanced"),
    "precision": ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true"),
}
# The least and the most of a number; what lies outside cannot be meant, and would fill memory or time without a word.
LIMITS = {
    "epochs": (1, 100_000),
    "batch_size": (1, 1_000_000),
    "devices": (1, 1_000),
    "nodes": (1, 10_000),
    "input_size": (0, 2_048),
    "patience": (0, 100_000),
    "warm_up": (0, 100_000),
    "weight_decay": (0, 1e6),
    "gradient_clip": (0, 1e9),
    "seeds": (1, 10_000),
    "trials": (1, 100_000),
    "jobs": (1, 1_000),
    "embedding_size": (2, 65_536),
}
SMALLEST_INPUT = 8  # pixels: a face of fewer has no features
HELP = "help"


def option(default: Any, help: str) -> Any:
    """A dataclass field that is an option of the command line too.

    Args:
        default: its value where nothing is given.
        help: one line for ``--help``.

    Example:
        >>> from dataclasses import dataclass, fields
        >>> @dataclass
        ... class Settings:
        ...     seeds: int = option(1, "Number of seeds.")
        >>> Settings().seeds, fields(Settings)[0].metadata["help"]
        (1, 'Number of seeds.')
    """
    return field(default=default, metadata={HELP: help})


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
        optimizer: ``"muon"`` (SGD whose steps turn all directions of a convolution's kernel alike,
            :mod:`ferlab.training.muon`), ``"sgd"`` (with Nesterov momentum) or ``"adamw"``.
        learning_rate: the highest of the schedule; None for the method's own.
        schedule: ``"one-cycle"`` (rises over 30 % of the steps, then falls; Smith & Topin 2019) or ``"cosine"`` (rises
            over ``warm_up`` epochs, then falls along a cosine).
        warm_up: epochs of linear rise, for ``"cosine"``.
        momentum: of SGD and Muon; AdamW's first beta. With ``"one-cycle"`` it plays no part: momentum then falls from
            .95 to .85 while the rate rises, and back.
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

    backbone: str = option("small", "small, or a name of timm: resnet18, legacy_xception.")
    pretrained: bool = option(False, "Start with timm's weights (a download).")
    input_size: int = option(0, "Pixels to scale faces to, such as 224; 0: as they are.")
    epochs: int = 7
    batch_size: int = option(64, "Images a step, over all devices.")
    batches: str = option("shuffled", "shuffled, class-balanced or per-class.")
    optimizer: str = option("muon", "muon, sgd or adamw.")
    learning_rate: float | None = option(None, "The highest; by default the method's own.")
    schedule: str = option("one-cycle", "one-cycle or cosine.")
    warm_up: float = option(1.0, "Epochs of rising rate, for cosine.")
    momentum: float = 0.9
    weight_decay: float | None = option(None, "By default the method's own.")
    gradient_clip: float = option(0.0, "Largest gradient norm; 0 for none.")
    class_weights: str = option("none", "none or balanced.")
    label_smoothing: float = option(0.0, "Of cross-entropy.")
    patience: int = option(0, "Epochs without progress before stopping; 0: never.")
    accelerator: str = option("auto", "auto, cpu, gpu, mps.")
    devices: int = option(1, "Processes here, one a device.")
    nodes: int = option(1, "Machines.")
    precision: str = option("auto", "auto, 32-true, bf16-mixed, 16-mixed.")
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise FerlabError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}.")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise FerlabError(f"learning_rate must be above 0 and finite, but is {self.learning_rate}.")
        check_limits(self)
        if 0 < self.input_size < SMALLEST_INPUT:
            raise FerlabError(
                f"input_size must be 0 (faces as they are) or at least {SMALLEST_INPUT} pixels, but is "
                f"{self.input_size}."
            )
        for name in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise FerlabError(f"{name} must be at least 0 and below 1, but is {getattr(self, name)}.")

    def completed(self, learning_rate: float, weight_decay: float) -> TrainSettings:
        """These settings with a method's values for what they leave open."""
        own: dict[str, Any] = {"learning_rate": learning_rate, "weight_decay": weight_decay}
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


def check_limits(settings: Any) -> None:
    """A FerlabError for a number in ``settings``, a dataclass of this module, that :data:`LIMITS` does not allow."""
    for name, (least, most) in LIMITS.items():
        value = getattr(settings, name, None)
        if value is None or least <= value <= most:
            continue
        what = f"The number of {name}" if least == 1 and name.endswith("s") else name
        bound = f"at least {least}" if not value >= least else f"at most {most:,}"
        raise FerlabError(f"{what} must be {bound}, but is {value}.")


@dataclass(frozen=True)
class Plan:
    """What a comparison and a search have in common: faces, methods, training, and where to write.

    Attributes:
        out: folder to write.
        dataset, root: which data set, and where it lies (not needed for the built-in faces).
        methods: names of methods (:mod:`ferlab.methods`), or ``("all",)``.
        tuned: train every method with the values that a search of its own chose, not with the one recipe of all.
        embedding_size: how many numbers every method's embedding has (with heads: each of its embeddings), None for the
            table's; with 2 or 3 the embedding is drawn as it is, without a map.
        epochs: None for the default (fewer with ``quick``).
        quick: a small part of the data (of the built-in faces: strong and nearly frontal ones, which are learned
            fastest) and few epochs, for tests and first impressions.
        resume: go on with an unfinished run in ``out``: what is finished is kept, an unfinished training continues from
            its last checkpoint, and the numbers are those of a run without interruption.
        jobs: trainings side by side, each in a process of its own (fewer when the memory is short). Numbers can differ
            from those of one after the other by rounding, since each has fewer processor threads.
        cluster: ``"local"``, or ``"slurm"`` to send every training to that cluster as a job.
        labels: what a data set's labels mean where a copy counts in another way: ``"0=neutral,1=happiness,.."``.
        megapixels: of the largest image that is read; None for the reader's own limit.
        train: settings of the training loop; its ``epochs`` and ``seed`` are set by the run.
    """

    out: Path = option(Path(), "Folder to write.")
    dataset: str = option("synthetic", DATASETS_HELP)
    root: Path | None = option(None, "Folder of the data set.")
    methods: tuple[str, ...] = option(DEFAULT_METHODS, "Comma-separated names, or all.")
    tuned: bool = option(False, "Each method with the values of a search of its own.")
    embedding_size: int | None = option(None, "Numbers in an embedding; 2 is drawn as it is.")
    epochs: int | None = option(None, "Passes over the training images.")
    quick: bool = option(False, "A small part of the faces and few epochs: a first impression.")
    resume: bool = option(False, "Go on with an unfinished run in OUT.")
    jobs: int = option(1, "Trainings side by side.")
    cluster: str = option("local", "local, or slurm to send them there.")
    labels: str | None = option(None, "What a copy's labels mean: 0=neutral,1=happiness,..")
    megapixels: float | None = option(None, "Of the largest image that is read, by default 64.")
    train: TrainSettings = field(default_factory=TrainSettings)


@dataclass(frozen=True)
class CompareSettings(Plan):
    """What ``ferlab compare`` runs: a :class:`Plan`, with seeds.

    Attributes:
        strengths: every method with a metric loss is trained with each of them, written ``method@strength``; at 0 its
            control takes its place, which is the same. Empty: with its own.
        seeds: number of seeds, 0, 1, ...
        overwrite: replace an earlier run in ``out``.
        no_figures: write no figure files, which take much of a small comparison's time; the report stays, and
            ``ferlab.report.save_figures`` writes them later.
    """

    strengths: tuple[float, ...] = option((), "Comma-separated doses of the metric losses, such as 0,1,4,16.")

    seeds: int = option(1, "Number of seeds.")
    overwrite: bool = option(False, "Replace an earlier run in OUT.")
    no_figures: bool = option(False, "Leave the figure files out; the report stays.")


@dataclass(frozen=True)
class TuneSettings(Plan):
    """What ``ferlab tune`` searches: a :class:`Plan`, with trials.

    With ``resume``, ``trials`` may have grown. With ``jobs`` methods are searched side by side; one method's trials
    come one after the other, since each is proposed after the scores of the earlier ones. Learning rate and weight
    decay in ``train`` are searched and must be left open.

    Attributes:
        trials: trainings of every method; the first is the methods table as it stands.
    """

    methods: tuple[str, ...] = option(("all",), "Comma-separated names, or all.")
    trials: int = option(10, "Trainings of every method.")

"""One method of the comparison: its network, its loss and its training, and how it is called and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ferlab.errors import FerlabError
from ferlab.losses import JointLoss, MetricLoss

# As matplotlib takes them: "-", "--", "-.", ":", or an offset and lengths of dashes and gaps.
LineStyle = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Range:
    """Values to search, evenly on a logarithmic scale or on a plain one."""

    low: float
    high: float
    log: bool = True


TRAINING = {"learning_rate": Range(0.02, 0.4), "weight_decay": Range(1e-4, 5e-3)}


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        label: the name for people.
        color: of its curves and points, ``#rrggbb``.
        line_style: of its curves; color is never the only carrier of a meaning.
        loss: the metric loss beside cross-entropy, or None.
        options: arguments of ``loss.for_method``, in units that mean the same at every D.
        heads: 1, or Ad-Corre's k.
        embedding_size: D of one embedding.
        metric_weight: factor of the metric loss, in its unit (``MetricLoss.unit``; of TCL: squared distance
            divided by D).
        reference_weight: what a strength of 1 stands for, such as the paper's balance of the terms.
        attention: parts of the selective attention in the network: ``"pixel"``, ``"element"``.
        warm_up: share of the epochs before the metric loss is switched on; centers then start at the class means.
        learning_rate, weight_decay: of the training, where :class:`~ferlab.training.TrainSettings` leave theirs open.
        control: the method with the same network and cross-entropy alone, which this one is fairly compared with;
            None for such a control itself.
        search: the values that ``ferlab tune`` tries: of a field here, or of an option.
        tuned: the values of a search of its own, which ``--tuned`` takes in place of those here; none where no search
            was recorded.
        trial: which trial of the recorded search (docs/tuning/synthetic.csv) chose them.
    """

    label: str
    color: str
    line_style: LineStyle = "-"
    loss: type[MetricLoss] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    heads: int = 1
    embedding_size: int = 128
    metric_weight: float = 1.0
    reference_weight: float = 1.0
    attention: tuple[str, ...] = ()
    warm_up: float = 0.25
    learning_rate: float = 0.07
    weight_decay: float = 0.0017
    control: str | None = "ce"
    search: Mapping[str, Range] = field(default_factory=lambda: dict(TRAINING))
    tuned: Mapping[str, float] = field(default_factory=dict)
    trial: int | None = None

    @property
    def strength(self) -> float:
        """How many times its reference weight the metric loss counts; 0 where there is none."""
        return 0.0 if self.loss is None else self.metric_weight / self.reference_weight

    def value_of(self, name: str) -> float:
        """A searched value: a field, or an option of the loss."""
        return float(self.options[name] if name in self.options else getattr(self, name))

    def changed(self, values: Mapping[str, Any]) -> Method:
        """This method with other values of fields or options, by name.

        >>> Method("mine", "#000000", options={"margin": 1.0}).changed({"margin": 2.0, "warm_up": 0.5}).options
        {'margin': 2.0}
        """
        options = {name: values.get(name, value) for name, value in self.options.items()}
        fields = {name: value for name, value in values.items() if name not in self.options}
        return Method(**{**vars(self), **fields, "options": options})

    def recorded(self) -> dict[str, Any]:
        """What of it decides a training's numbers, for a run's ``config.json``."""
        return {
            "loss": None if self.loss is None else self.loss.__name__,
            "options": {name: _plain(value) for name, value in self.options.items()},
            "heads": self.heads,
            "embedding_size": self.embedding_size,
            "metric_weight": self.metric_weight,
            "attention": list(self.attention),
            "warm_up": self.warm_up,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
        }


def _plain(value: Any) -> Any:
    """A value that JSON can hold; of a sampler its name with its arguments."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int | float | str) else repr(value)


def build_loss(
    method: Method, num_classes: int, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> JointLoss:
    """Cross-entropy and the method's metric loss.

    Args:
        method: says which metric loss, if any, and what it counts.
        num_classes: K, how many classes there are.
        class_weights: (K,) for cross-entropy, or None.
        label_smoothing: for cross-entropy, 0..1.

    Raises:
        FerlabError: options that the loss does not take.
    """
    metric = None
    if method.loss is not None:
        # A loss without heads sees the heads of a network as one embedding.
        size = method.embedding_size if method.loss.takes_heads else method.embedding_size * method.heads
        try:
            metric = method.loss.for_method(num_classes, size, **method.options)
        except (TypeError, ValueError) as error:
            raise FerlabError(f"The loss of {method.label} cannot be built: {error}") from error
    return JointLoss(
        num_classes,
        metric,
        metric_weight=method.metric_weight * (1.0 if metric is None else metric.unit),
        class_weights=class_weights,
        label_smoothing=label_smoothing,
    )

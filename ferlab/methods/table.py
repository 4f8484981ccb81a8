"""The methods compared: a table of data, read by one training loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from pytorch_metric_learning.losses import BaseMetricLossFunction
from torch import Tensor

from ferlab.errors import FerlabError
from ferlab.losses import AdCorreLoss, JointLoss, TripletCenterLoss
from ferlab.samplers import (
    FullySynthesizedNegative,
    NearestNegative,
    NegativeCenterSampler,
    PredictedNegative,
    SemiSynthesizedNegative,
)


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        heads: 1, or Ad-Corre's k.
        embedding_size: D of one embedding.
        loss: the metric loss beside cross-entropy: ``None``, ``"tcl"`` or ``"ad-corre"``.
        negatives: negative-center sampler of ``"tcl"``.
        metric_weight: factor of the metric loss. For ``"tcl"`` it multiplies the squared distance divided by D.
        margin: of ``"tcl"``, in squared distance divided by D, so that it means the same at every D.
        attention: parts of the selective attention in the network: ``"pixel"``, ``"element"``.
        terms: those of ``"ad-corre"`` that count, for ablations: ``"FD"``, ``"MD"``, ``"ED"``.
        warm_up: share of the epochs before the metric loss is switched on; centers then start at the class means.
        learning_rate, weight_decay: of this method's training, where :class:`~ferlab.training.TrainSettings` leave
            theirs open.
    """

    heads: int = 1
    embedding_size: int = 128
    loss: str | None = None
    negatives: NegativeCenterSampler | None = None
    metric_weight: float = 1.0
    margin: float = 0.5
    attention: tuple[str, ...] = ()
    terms: tuple[str, ...] = ("FD", "MD", "ED")
    warm_up: float = 0.0
    learning_rate: float = 0.1
    weight_decay: float = 5e-4


def _tcl(negatives: NegativeCenterSampler, **values: float) -> Method:
    return Method(loss="tcl", negatives=negatives, **values)


# The numbers are the best on validation of six trainings a method on the built-in faces: the trial named beside each in
# docs/tuning/synthetic.csv, which `ferlab tune --trials 6 --jobs 2` wrote. Trial 0 of each is the table before.
METHODS: dict[str, Method] = {
    "ce": Method(learning_rate=0.07, weight_decay=0.0017),  # trial 1
    "tcl-nearest": _tcl(  # trial 3
        NearestNegative(), metric_weight=0.69, margin=0.46, warm_up=0.8, learning_rate=0.1, weight_decay=0.0016
    ),
    "tcl-fully-synthesized": _tcl(  # trial 2
        FullySynthesizedNegative(),
        metric_weight=1.7,
        margin=0.37,
        warm_up=0.38,
        learning_rate=0.074,
        weight_decay=0.00011,
    ),  # fmt: skip
    "tcl-semi-synthesized": _tcl(  # trial 2
        SemiSynthesizedNegative(candidates=2),
        metric_weight=1.7,
        margin=0.37,
        warm_up=0.38,
        learning_rate=0.074,
        weight_decay=0.00011,
    ),  # fmt: skip
    "tcl-predicted": _tcl(  # trial 1
        PredictedNegative(), metric_weight=0.25, margin=0.25, warm_up=0.13, learning_rate=0.07, weight_decay=0.0017
    ),
    # Seven heads of 64.
    "ce-heads": Method(heads=7, embedding_size=64, learning_rate=0.1, weight_decay=0.0016),  # trial 3
    "ad-corre": Method(  # trial 1
        heads=7,
        embedding_size=64,
        loss="ad-corre",
        metric_weight=0.02,
        warm_up=0.27,
        learning_rate=0.07,
        weight_decay=0.0017,
    ),  # fmt: skip
}
ALL_METHODS = tuple(METHODS)  # what "all" means
DEFAULT_METHODS = ("ce", "tcl-nearest", "ce-heads", "ad-corre")
# What may follow the name of any of them: the parts of the selective attention in its network.
ATTENTION = {"+pixel": ("pixel",), "+element": ("element",), "+attention": ("pixel", "element")}
METHODS |= {
    f"{name}{suffix}": dataclasses.replace(method, attention=parts)
    for suffix, parts in ATTENTION.items()
    for name, method in METHODS.items()
}


def reference_of(name: str, methods: Collection[str]) -> str | None:
    """The method that ``name`` is fairly compared with, or None for a reference.

    That is cross-entropy on the same network: ``ce-heads`` for ``ad-corre`` and ``ce`` for the others, with the same
    attention for a method with attention; where it is not among ``methods``, plain ``ce``.

    >>> reference_of("ad-corre", ["ce", "ce-heads", "ad-corre"]), reference_of("ad-corre", ["ce", "ad-corre"])
    ('ce-heads', 'ce')
    >>> reference_of("tcl-nearest+attention", ["ce", "ce+attention"]), reference_of("ce", ["ce", "ad-corre"])
    ('ce+attention', None)
    """
    base, plus, attention = name.partition("+")
    if base in ("ce", "ce-heads"):
        return None
    same_network = ("ce-heads" if base == "ad-corre" else "ce") + plus + attention
    return next((reference for reference in (same_network, "ce") if reference in methods), None)


def get_method(name: str) -> Method:
    """The method of that name; a FerlabError names the known ones."""
    if name not in METHODS:
        raise FerlabError(
            f"There is no method {name!r}; choose from: {', '.join(ALL_METHODS)}, or all; with attention "
            f"in the network, {' or '.join(ATTENTION)} stands behind the name."
        )
    return METHODS[name]


def build_loss(
    method: Method, num_classes: int, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> JointLoss:
    """Cross-entropy (with ``class_weights`` (K,) and label smoothing, if wanted) and the method's metric loss."""
    metric: BaseMetricLossFunction | None = None
    weight = method.metric_weight
    if method.loss == "tcl":
        size = method.embedding_size
        metric = TripletCenterLoss(num_classes, size, margin=method.margin * size, negatives=method.negatives)
        weight = method.metric_weight / size
    elif method.loss == "ad-corre":
        if not method.terms or not set(method.terms) <= {"FD", "MD", "ED"}:
            raise FerlabError(f"terms are some of FD, MD and ED, not {method.terms}.")
        feature, mean, embedding = (float(term in method.terms) for term in ("FD", "MD", "ED"))
        metric = AdCorreLoss(num_classes, feature_weight=feature, mean_weight=mean, embedding_weight=embedding)
    return JointLoss(
        num_classes,
        metric,
        name=method.loss or "metric",
        metric_weight=weight,
        class_weights=class_weights,
        label_smoothing=label_smoothing,
    )

"""What the losses ask of an embedding space, measured in every space alike, on training and on test faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ferlab.data.dataset import FaceDataset
from ferlab.evaluation import (
    Predictions,
    classification_scores,
    collapse_scores,
    geometry_scores,
    predict,
)
from ferlab.losses import AdCorreLoss, CenterLoss, MetricLoss, TripletCenterLoss
from ferlab.methods import get_method, is_known
from ferlab.models import ExpressionNetwork
from ferlab.vectors import random_part

# The yardsticks that every space is measured with, whatever it was trained with: one loss of each kind, with the
# weights and margins that a strength of 1 has.
YARDSTICKS: dict[str, type[MetricLoss]] = {
    "tcl-nearest": TripletCenterLoss,
    "center": CenterLoss,
    "ad-corre": AdCorreLoss,
}


@dataclass(frozen=True)
class Asked:
    """One thing that a loss asks for.

    Attributes:
        key: its name in ``scores.json``, below ``measures`` and the split.
        words: what it is, for people.
        loss: the loss that asks for it; None for cross-entropy, which every method has.
        wants_more: whether the loss pulls it up; else down.
    """

    key: str
    words: str
    loss: type[MetricLoss] | None
    wants_more: bool


def asked_by(method: str) -> tuple[Asked, ...]:
    """What the metric loss of a method asks for; what cross-entropy asks for where it has none.

    >>> [asked.key for asked in asked_by("tcl-nearest@2")], [asked.key for asked in asked_by("ce")]
    (['open_hinges', 'mean_margin'], ['own_probability'])
    """
    loss = get_method(method).loss if is_known(method) else None
    if loss is None:
        return (Asked("own_probability", "probability of the own class", None, wants_more=True),)
    return tuple(
        Asked(key, words, loss, wants_more=key in loss.wants_more) for key, words in loss.measure_labels.items()
    )


def measure_space(
    network: ExpressionNetwork,
    train_set: FaceDataset,
    test_set: FaceDataset,
    test: Predictions,
    method: str,
    test_geometry: Mapping[str, float] | None = None,
) -> dict[str, dict[str, float]]:
    """All measures of one network's space: ``train`` and ``test`` -> name -> value.

    Those of :func:`~ferlab.evaluation.classification_scores`, of :func:`~ferlab.evaluation.geometry_scores` and of
    :func:`~ferlab.evaluation.collapse_scores`; ``own_probability``, what cross-entropy asks for; and what center loss,
    TCL (with the nearest center as its negative) and Ad-Corre ask for, whatever the network was trained with. The
    losses' centers lie on the class means of the training faces, in every space alike, so that all spaces are measured
    with one ruler.

    Args:
        network: in evaluation mode.
        train_set: as many of its faces are measured as there are test faces, the same ones every time, since some
            measures depend on how many there are.
        test_set, test: what the network says of it.
        method: its own loss is asked too, where it is another than those three.
        test_geometry: the geometry of the test faces, where it is known already: it takes seconds.
    """
    part = train_set.subset(random_part(len(train_set), len(test_set)))
    seen = {"train": (part.labels, predict(network, part.images)), "test": (test_set.labels, test)}
    classifier = network.classifier.weight.detach().cpu().numpy()
    losses = _losses(network, method)
    for loss in losses:
        embeddings, own_labels, _ = _tensors(network, loss, *seen["train"])
        loss.start_from(embeddings, own_labels)
    known = {"test": test_geometry}
    found: dict[str, dict[str, float]] = {}
    for split, (labels, predictions) in seen.items():
        own: dict[str, float] = {
            **classification_scores(labels, predictions),
            **(known.get(split) or geometry_scores(predictions.embeddings, labels)),
            **collapse_scores(predictions.embeddings, labels, classifier),
            "own_probability": float(predictions.probabilities[np.arange(len(labels)), labels].mean()),
        }
        for loss in losses:
            own |= loss.measures(*_tensors(network, loss, labels, predictions))
        found[split] = own
    return found


def _losses(network: ExpressionNetwork, method: str) -> list[MetricLoss]:
    """One of each kind, for the network's embeddings."""
    wanted: dict[type[MetricLoss], dict[str, Any]] = {}
    for name, loss in YARDSTICKS.items():
        row = get_method(f"{name}@1")
        wanted[loss] = dict(row.options)
    own = get_method(method) if is_known(method) else None
    if own is not None and own.loss is not None and own.loss not in wanted:
        wanted[own.loss] = dict(own.options)
    heads, size = _shape(network)
    with torch.random.fork_rng(devices=[]):  # their first centers are drawn, and soon put elsewhere
        return [
            loss.for_method(
                network.classifier.out_features, size if loss.takes_heads else heads * size, **options
            ).eval()
            for loss, options in wanted.items()
        ]


def _shape(network: ExpressionNetwork) -> tuple[int, int]:
    """k and D."""
    return network.head.heads, network.head.output_size // network.head.heads


def _tensors(
    network: ExpressionNetwork, loss: MetricLoss, labels: np.ndarray, predictions: Predictions
) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings as the loss takes them, labels and logits (up to a shift that differs from face to face)."""
    embeddings = torch.from_numpy(predictions.embeddings)
    if loss.takes_heads:
        embeddings = embeddings.unflatten(1, _shape(network))
    logits = torch.from_numpy(predictions.probabilities).clamp_min(torch.finfo(torch.float32).tiny).log()
    return embeddings, torch.from_numpy(labels), logits

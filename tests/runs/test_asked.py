"""What losses ask for, measured in spaces whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import tiny_faces

from ferlab.evaluation import predict
from ferlab.evaluation.collapse import COLLAPSE_LABELS
from ferlab.losses import AdCorreLoss, TripletCenterLoss
from ferlab.methods import METHODS
from ferlab.models import ExpressionNetwork
from ferlab.runs.asked import YARDSTICKS, asked_by, measure_space
from ferlab.vectors import random_part


def network_of(method: str) -> ExpressionNetwork:
    row = METHODS[method]
    return ExpressionNetwork(7, row.embedding_size, row.heads, seed=3).eval()


def measured(method: str, network: ExpressionNetwork | None = None) -> dict[str, dict[str, float]]:
    network = network or network_of(method)
    train_set, test_set = tiny_faces(), tiny_faces("test", 12)
    return measure_space(network, train_set, test_set, predict(network, test_set.images), method)


def test_every_space_is_asked_the_same_whatever_it_was_trained_with():
    found = {method: measured(method) for method in ("ce", "tcl-nearest", "ad-corre")}
    assert found["ce"] == found["tcl-nearest"]  # the same network, so the same numbers
    names = set(found["ce"]["train"])
    assert names == set(found["ce"]["test"])
    assert set(found["ad-corre"]["test"]) - names == {"correlation_of_heads"}  # one head has no other
    wanted = {asked.key for name in ("ce", *YARDSTICKS) for asked in asked_by(name)} | COLLAPSE_LABELS.keys()
    assert wanted <= set(found["ad-corre"]["test"])
    assert found["ce"]["train"]["silhouette"] != found["ce"]["test"]["silhouette"]


def test_the_numbers_are_those_of_the_losses_with_centers_on_the_means_of_the_training_faces():
    network, faces, test_set = network_of("ad-corre"), tiny_faces(), tiny_faces("test", 12)
    faces = faces.subset(random_part(len(faces), len(test_set)))
    found = measured("ad-corre", network)["test"]
    train, test = (predict(network, split.images) for split in (faces, test_set))
    means = np.stack([train.embeddings[faces.labels == c].mean(axis=0) for c in range(7)])
    squared = np.square(test.embeddings[:, None] - means).sum(axis=2) / means.shape[1]
    own = squared[np.arange(len(test_set)), test_set.labels]
    squared[np.arange(len(test_set)), test_set.labels] = np.inf
    margins = own - squared.min(axis=1)
    assert found["mean_margin"] == pytest.approx(margins.mean(), rel=1e-4)
    assert found["open_hinges"] == pytest.approx((margins + 2 > 0).mean())
    vectors = test.embeddings.reshape(len(test_set), 7, -1)
    correlations = np.stack([np.corrcoef(vectors[:, head]) for head in range(7)])
    same = test_set.labels[:, None] == test_set.labels
    pairs = ~np.eye(len(test_set), dtype=bool)
    assert found["correlation_within"] == pytest.approx(correlations[:, same & pairs].mean(), rel=1e-4)
    assert found["correlation_between"] == pytest.approx(correlations[:, ~same].mean(), rel=1e-4)
    right = test.probabilities[np.arange(len(test_set)), test_set.labels]
    assert found["own_probability"] == pytest.approx(right.mean())


def test_what_is_asked_has_a_direction():
    assert [(asked.key, asked.wants_more) for asked in asked_by("ad-corre@2")] == [
        ("correlation_within", True),
        ("correlation_between", False),
        ("correlation_of_heads", False),
    ]
    assert [asked.wants_more for asked in asked_by("tcl-predicted")] == [False, False]
    assert asked_by("ce-heads") == asked_by("my-loss") == asked_by("ce")
    for loss in (AdCorreLoss, TripletCenterLoss):
        assert loss.wants_more <= set(loss.measure_labels)


def test_measuring_leaves_the_random_numbers_and_the_network_alone():
    network = network_of("ce")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    measured("ce", network)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("size", [2, 3])
def test_a_space_of_few_dimensions_can_be_measured(size):
    """Ad-Corre's yardstick too, though there every correlation of two numbers is +1 or -1."""
    found = measured("tcl-nearest", ExpressionNetwork(7, size, seed=3).eval())
    for values in found.values():
        assert np.isfinite(list(values.values())).all()
        assert 0 <= values["effective_rank"] <= size + 1e-6

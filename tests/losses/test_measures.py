"""What the losses ask for, measured: against plain loops over the definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from ferlab.losses import AdCorreLoss, CenterLoss, JointLoss, MetricLoss, PmlLoss, TripletCenterLoss
from ferlab.samplers import FullySynthesizedNegative, NearestNegative, PredictedNegative, SemiSynthesizedNegative

LABELS = torch.arange(23) % 5


@pytest.fixture
def embeddings() -> torch.Tensor:
    return torch.randn(23, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(
    "negatives",
    [NearestNegative(), FullySynthesizedNegative(), SemiSynthesizedNegative(candidates=2), PredictedNegative()],
    ids=lambda sampler: type(sampler).__name__,
)
def test_open_hinges_and_margins_of_tcl(embeddings, negatives):
    tcl = TripletCenterLoss(5, 6, margin=3.0, negatives=negatives)
    logits = torch.randn(23, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tcl.start_from(embeddings, LABELS)
    margins = []
    for i in range(23):
        one, label, scores = embeddings[i : i + 1], LABELS[i : i + 1], logits[i : i + 1]
        chosen = tcl.select_negatives(one, label, scores)
        centers = tcl.centers.detach().double()
        negative = centers[chosen[0]] if chosen.ndim == 1 else centers.gather(0, chosen)[0]
        margins.append(float((one[0] - centers[label[0]]).square().sum() - (one[0] - negative).square().sum()))
    found = tcl.measures(embeddings, LABELS, logits)
    assert found["open_hinges"] == pytest.approx(np.mean([margin + 3.0 > 0 for margin in margins]))
    assert found["mean_margin"] == pytest.approx(np.mean(margins) / 6, rel=1e-5)
    assert found.keys() == tcl.measure_labels.keys()


def test_many_faces_are_measured_as_few(embeddings):
    tcl = TripletCenterLoss(5, 6, margin=3.0)
    tcl.start_from(embeddings, LABELS)
    many = tcl.measures(embeddings.repeat(200, 1), LABELS.repeat(200))
    assert many == pytest.approx(tcl.measures(embeddings, LABELS))


def test_own_distance_of_center_loss(embeddings):
    center = CenterLoss(5, 6)
    center.start_from(embeddings, LABELS)
    means = torch.stack([embeddings[c == LABELS].mean(dim=0) for c in range(5)])
    expected = (embeddings - means[LABELS]).square().sum(dim=1).mean() / 6
    assert center.measures(embeddings, LABELS)["own_distance"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("heads", [1, 3])
def test_correlations_of_ad_corre(heads):
    vectors = torch.randn(23, heads, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    vectors[4, 0] = 2.5  # without variance: correlation 0 with every other
    correlation = np.zeros((heads, 23, 23))
    for head in range(heads):
        for i, j in product(range(23), repeat=2):
            a, b = vectors[i, head].numpy(), vectors[j, head].numpy()
            correlation[head, i, j] = 0 if a.std() == 0 or b.std() == 0 else np.corrcoef(a, b)[0, 1]
    same = (LABELS[:, None] == LABELS).numpy()
    other_face = ~np.eye(23, dtype=bool)
    found = AdCorreLoss(5).measures(vectors, LABELS)
    assert found["correlation_within"] == pytest.approx(correlation[:, same & other_face].mean())
    assert found["correlation_between"] == pytest.approx(correlation[:, ~same].mean())
    if heads == 1:
        assert "correlation_of_heads" not in found
        return
    pairs = [
        0 if vectors[i, a].std() == 0 or vectors[i, b].std() == 0 else np.corrcoef(vectors[i, a], vectors[i, b])[0, 1]
        for i in range(23)
        for a, b in product(range(heads), repeat=2)
        if a != b
    ]
    assert found["correlation_of_heads"] == pytest.approx(np.mean(pairs))


def test_a_trained_loss_gets_what_it_asks_for():
    """Steps down the gradient of a loss move its measures the way their words say."""
    start = torch.randn(40, 3, 8, generator=torch.Generator().manual_seed(4))
    labels = torch.arange(40) % 4
    for loss, shape, wanted in (
        (TripletCenterLoss(4, 24, margin=24.0), (40, 24), {"open_hinges": -1, "mean_margin": -1}),
        (AdCorreLoss(4), (40, 3, 8), {"correlation_within": 1, "correlation_between": -1, "correlation_of_heads": -1}),
    ):
        embeddings = start.reshape(shape).clone().requires_grad_()
        loss.start_from(embeddings.detach(), labels)
        before = loss.measures(embeddings.detach(), labels)
        optimizer = torch.optim.Adam([embeddings], lr=0.05)
        for _ in range(60):
            optimizer.zero_grad()
            loss(embeddings, labels).backward()
            optimizer.step()
        after = loss.measures(embeddings.detach(), labels)
        for name, direction in wanted.items():
            assert direction * (after[name] - before[name]) > 0.05, (name, before[name], after[name])


def test_a_loss_of_ones_own_joins_by_what_it_says():
    class Shrink(MetricLoss):
        part_labels = {"length": "mean squared length"}

        def forward(self, embeddings, labels):
            value = embeddings.square().mean()
            self.parts = {"length": value.detach()}
            return value

    joint = JointLoss(4, Shrink(), metric_weight=0.5)
    output = joint(torch.zeros(8, 4), torch.arange(8) % 4, torch.full((8, 3), 2.0), torch.ones(8, 3))
    assert float(output.parts["length"]) == 4.0
    torch.testing.assert_close(output.total, output.parts["ce"] + 2.0)
    assert joint.part_weights() == {"ce": 1.0, "length": 0.5}
    assert joint.part_labels() == {"ce": "cross-entropy", "length": "mean squared length"}
    assert Shrink().measures(torch.zeros(2, 3), torch.arange(2)) == {}


def test_a_plain_loss_of_the_library_is_told_how_to_join():
    from pytorch_metric_learning.losses import SupConLoss

    with pytest.raises(ValueError, match="wrap it in PmlLoss"):
        JointLoss(7, SupConLoss())
    assert JointLoss(7, PmlLoss(SupConLoss())).part_weights() == {"ce": 1.0, "SupConLoss": 1.0}

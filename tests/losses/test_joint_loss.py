"""Cross-entropy and a metric loss in one objective."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ferlab.losses import AdCorreLoss, CenterLoss, JointLoss, TripletCenterLoss
from ferlab.samplers import PredictedNegative


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 7, generator=rng)
    return logits, torch.arange(12) % 7, torch.randn(12, 16, generator=rng)


def test_total_is_the_weighted_sum_of_the_parts(batch):
    logits, labels, embeddings = batch
    tcl = TripletCenterLoss(7, 16, margin=3.0)
    total, parts = JointLoss(7, tcl, ce_weight=0.7, metric_weight=0.2)(logits, labels, embeddings)
    assert list(parts) == ["ce", "tcl"]
    torch.testing.assert_close(parts["ce"], F.cross_entropy(logits, labels))
    torch.testing.assert_close(parts["tcl"], tcl(embeddings, labels).detach())
    torch.testing.assert_close(total, 0.7 * parts["ce"] + 0.2 * parts["tcl"])
    assert not any(value.requires_grad for value in parts.values())


def test_ad_corre_reports_its_three_terms(batch):
    logits, labels, _ = batch
    vectors = torch.randn(12, 3, 8)
    ad_corre = AdCorreLoss(7, feature_weight=0.5, mean_weight=0.25)
    total, parts = JointLoss(7, ad_corre, metric_weight=2.0)(logits, labels, vectors)
    assert list(parts) == ["ce", "FD", "MD", "ED"]
    torch.testing.assert_close(total, parts["ce"] + 2 * (0.5 * parts["FD"] + 0.25 * parts["MD"] + parts["ED"]))
    # The logits feed the running confusion matrix.
    assert torch.equal(ad_corre.confusion.codes[:12], labels * 7 + logits.argmax(dim=1))


def test_center_loss_joins_too(batch):
    logits, labels, embeddings = batch
    center = CenterLoss(7, 16)
    total, parts = JointLoss(7, center, metric_weight=0.1)(logits, labels, embeddings)
    torch.testing.assert_close(total, parts["ce"] + 0.1 * center(embeddings, labels).detach(), check_stride=False)
    assert list(parts) == ["ce", "center"]


@pytest.mark.parametrize("metric", [None, TripletCenterLoss(7, 16)])
def test_cross_entropy_alone(batch, metric):
    logits, labels, embeddings = batch
    total, parts = JointLoss(7, metric)(logits, labels, embeddings if metric is None else None)
    assert list(parts) == ["ce"]
    torch.testing.assert_close(total, F.cross_entropy(logits, labels))


def test_metric_loss_sees_the_logits_without_gradient(batch):
    logits, labels, embeddings = batch

    def gradients(metric_weight: float) -> tuple[torch.Tensor, torch.Tensor]:
        scores, vectors = logits.clone().requires_grad_(), embeddings.clone().requires_grad_()
        tcl = TripletCenterLoss(7, 16, margin=50.0, negatives=PredictedNegative())
        tcl.centers.data.copy_(embeddings[:7])
        JointLoss(7, tcl, metric_weight=metric_weight)(scores, labels, vectors).total.backward()
        assert tcl.centers.grad.abs().sum() > 0
        return scores.grad, vectors.grad

    light, heavy = gradients(0.1), gradients(10.0)
    assert torch.equal(light[0], heavy[0])
    torch.testing.assert_close(100 * light[1], heavy[1])


def test_a_learnt_sampler_cannot_reach_the_logits(batch):
    logits, labels, embeddings = batch
    seen = []

    class Spy:
        def select(self, batch):
            seen.append(batch)
            return (batch.labels + 1) % 7

    JointLoss(7, TripletCenterLoss(7, 16, negatives=Spy()))(logits.requires_grad_(), labels, embeddings)
    assert not seen[0].logits.requires_grad


def test_element_weights_reach_the_metric_loss(batch):
    logits, labels, embeddings = batch
    weights = torch.rand(12, 16, requires_grad=True)
    tcl = TripletCenterLoss(7, 16, margin=50.0)
    total, parts = JointLoss(7, tcl)(logits, labels, embeddings, weights)
    torch.testing.assert_close(parts["tcl"], tcl(embeddings, labels, None, weights).detach())
    total.backward()
    assert weights.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_class_weights_and_label_smoothing(batch, dtype):
    logits, labels, _ = batch
    class_weights = torch.arange(7) + 0.5
    joint = JointLoss(7, class_weights=class_weights, label_smoothing=0.2)
    log_probability = logits.to(dtype).log_softmax(dim=1)
    value = weight = 0.0
    for row, label in enumerate(labels.tolist()):
        target = torch.full((7,), 0.2 / 7, dtype=dtype)
        target[label] += 0.8
        value -= (target * class_weights * log_probability[row]).sum()
        weight += class_weights[label]
    torch.testing.assert_close(joint(logits.to(dtype), labels).total, (value / weight).to(dtype))
    assert "class_weights" in joint.state_dict()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_autocast(batch, dtype):
    logits, labels, embeddings = (tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in batch)
    joint = JointLoss(7, TripletCenterLoss(7, 16), class_weights=torch.ones(7))
    wide = joint(logits.float(), labels, embeddings.float()).total
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            total, parts = joint(logits, labels, embeddings)
        assert all(value.dtype == torch.float32 for value in (total, *parts.values()))
        torch.testing.assert_close(total, wide)


def test_state_dict_holds_centers_and_confusion():
    assert "metric_loss.centers" in JointLoss(7, TripletCenterLoss(7, 16)).state_dict()
    assert "metric_loss.confusion.codes" in JointLoss(7, AdCorreLoss(7)).state_dict()
    assert [name for name, _ in JointLoss(7, TripletCenterLoss(7, 16)).named_parameters()] == ["metric_loss.centers"]


@pytest.mark.parametrize(
    ("argument", "change"),
    [
        ("logits", {"logits": torch.zeros(12, 6)}),
        ("logits", {"logits": torch.full((12, 7), torch.nan)}),
        ("labels", {"labels": torch.full((12,), 7)}),
        ("labels", {"labels": torch.zeros(11, dtype=torch.long)}),
        ("embeddings", {"embeddings": torch.zeros(12)}),
        ("embeddings", {"embeddings": torch.full((12, 2, 4), torch.inf)}),
    ],
)
def test_wrong_arguments_are_named_and_change_nothing(argument, change):
    good = {"logits": torch.zeros(12, 7), "labels": torch.arange(12) % 7, "embeddings": torch.randn(12, 2, 4)}
    ad_corre = AdCorreLoss(7)
    with pytest.raises(ValueError, match=f"{argument} must"):
        JointLoss(7, ad_corre)(**(good | change))
    assert (ad_corre.confusion.codes == -1).all()


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match=r"class_weights must have shape \(7,\)"):
        JointLoss(7, class_weights=torch.ones(6))
    with pytest.raises(ValueError, match="label_smoothing"):
        JointLoss(7, label_smoothing=1.5)

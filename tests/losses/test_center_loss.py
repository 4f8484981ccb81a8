"""Center loss."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.reducers import ClassWeightedReducer, DoNothingReducer, ThresholdReducer

from ferlab.losses import CenterLoss


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    embeddings = torch.randn(9, 5, generator=rng, dtype=torch.float64)
    weights = torch.rand(9, 5, generator=rng, dtype=torch.float64)
    return embeddings, torch.arange(9) % 4, weights


def by_loops(embeddings, labels, centers, weights=None) -> torch.Tensor:
    values = []
    for i, label in enumerate(labels.tolist()):
        value = 0.0
        for d in range(embeddings.shape[1]):
            weight = 1.0 if weights is None else weights[i, d].item()
            value += weight * (embeddings[i, d].item() - centers[label, d].item()) ** 2 / 2
        values.append(value)
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_half_the_squared_distance_to_the_own_center(batch, weighted, dtype, tolerance):
    embeddings, labels, weights = (tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in batch)
    weights = weights if weighted else None
    loss = CenterLoss(4, 5).to(dtype)
    expected = by_loops(embeddings, labels, loss.centers, weights)
    assert loss(embeddings, labels, None, weights).item() == pytest.approx(expected.mean().item(), rel=tolerance)


@pytest.mark.parametrize("distance", [None, LpDistance(), LpDistance(normalize_embeddings=False, p=3, power=3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradcheck(batch, distance, weighted):
    embeddings, labels, weights = batch
    loss = CenterLoss(4, 5, distance=distance).double()

    def value(embeddings, centers, weights):
        del loss.centers
        loss.centers = centers
        return loss(embeddings, labels, None, weights if weighted else None)

    centers = loss.centers.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, (embeddings.requires_grad_(), centers, weights.requires_grad_(weighted)))


def test_reducers(batch):
    embeddings, labels, _ = batch
    loss = CenterLoss(4, 5, reducer=DoNothingReducer()).double()
    per_sample = loss(embeddings, labels)["loss"]["losses"].detach()
    torch.testing.assert_close(per_sample, by_loops(embeddings, labels, loss.centers))
    threshold = per_sample.median().item()
    class_weights = torch.tensor([1.0, 2.0, 0.0, 4.0], dtype=torch.float64)
    for reducer, expected in [
        (ThresholdReducer(high=threshold), per_sample[per_sample < threshold].mean()),
        (ClassWeightedReducer(class_weights), (class_weights[labels] * per_sample).mean()),
    ]:
        loss.reducer = reducer
        torch.testing.assert_close(loss(embeddings, labels).detach(), expected)


def test_set_centers_minimises_the_loss(batch):
    embeddings, labels, _ = batch
    loss = CenterLoss(4, 5).double()
    loss.set_centers(embeddings, labels)
    loss(embeddings, labels).backward()
    torch.testing.assert_close(loss.centers.grad, torch.zeros_like(loss.centers), atol=1e-12, rtol=0)


def test_called_like_the_other_losses(batch):
    embeddings, labels, _ = batch
    loss = CenterLoss(4, 5).double()
    value = loss(embeddings, labels)
    assert torch.equal(loss(embeddings, labels, logits=torch.zeros(9, 4)), value)
    assert torch.equal(loss(embeddings, labels, None), value)
    assert torch.equal(loss(embeddings, labels, None, None, None), value)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(batch, dtype):
    embeddings, labels, _ = batch
    halves = (1000 * embeddings).to(dtype).requires_grad_()
    loss = CenterLoss(4, 5)
    value = loss(halves, labels)
    assert value.dtype == torch.float32
    expected = by_loops(halves.detach().double(), labels, loss.centers).mean().item()
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value.backward()
    assert halves.grad.isfinite().all()


def test_wrong_arguments_are_named(batch):
    embeddings, labels, weights = batch
    loss = CenterLoss(4, 5)
    for argument, arguments in {
        "embeddings": (embeddings[:, :3], labels),
        "labels": (embeddings, labels + 1),
        "logits": (embeddings, labels, torch.zeros(9, 3)),
        "element_weights": (embeddings, labels, None, weights[:, :1]),
    }.items():
        with pytest.raises(ValueError, match=f"{argument} must"):
            loss(*arguments)
    with pytest.raises(ValueError, match="distance"):
        CenterLoss(4, 5, distance=CosineSimilarity())

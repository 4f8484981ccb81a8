"""Triplet-Center Loss: reference values, gradients, the parts of pytorch-metric-learning, and its errors."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity, DotProductSimilarity, LpDistance, SNRDistance
from pytorch_metric_learning.reducers import ClassWeightedReducer, DoNothingReducer, MeanReducer, ThresholdReducer
from pytorch_metric_learning.regularizers import LpRegularizer

from ferlab.losses import TripletCenterLoss
from ferlab.samplers import FullySynthesizedNegative, NearestNegative, PredictedNegative, SemiSynthesizedNegative

REFERENCE = Path(__file__).parents[1] / "reference"
ARRAYS = np.load(REFERENCE / "tcl_reference.npz")
CASES = json.loads((REFERENCE / "tcl_reference.json").read_text())
SAMPLERS = {
    "nearest": NearestNegative,
    "fully_synthesized": FullySynthesizedNegative,
    "semi_synthesized": SemiSynthesizedNegative,
    "predicted": PredictedNegative,
}
DISTANCES = {
    "squared": None,
    "euclidean": LpDistance(normalize_embeddings=False),
    "normalised squared": LpDistance(power=2),
    "manhattan": LpDistance(normalize_embeddings=False, p=1),
    "cubic": LpDistance(normalize_embeddings=False, p=3, power=3),
    "cosine": CosineSimilarity(),
    "dot": DotProductSimilarity(normalize_embeddings=False),
}


def reference_tensors(case: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    names = ["embeddings", "labels", "centers", "logits", "element_weights"]
    tensors = {name: torch.from_numpy(ARRAYS[f"{case}_{name}"]) for name in names}
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def loss_with_centers(centers: torch.Tensor, **settings) -> TripletCenterLoss:
    loss = TripletCenterLoss(*centers.shape, **settings).to(centers.dtype)
    loss.centers.data.copy_(centers)
    return loss


def small_batch(batch: int = 6, dim: int = 5, classes: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=rng, dtype=torch.float64)  # noqa: E731
    return {
        "embeddings": draw(batch, dim),
        "labels": torch.arange(batch) % classes,
        "centers": draw(classes, dim),
        "logits": draw(batch, classes),
        "element_weights": draw(batch, dim).sigmoid(),
    }


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case{case['case']}")
def test_reference_values(case, name, weighted, dtype, tolerance):
    data = reference_tensors(case["case"], dtype)
    weights = data["element_weights"] if weighted else None
    arguments = (data["embeddings"], data["labels"], data["logits"], weights)
    loss = loss_with_centers(data["centers"], margin=case["margin"], negatives=SAMPLERS[name]())
    value = loss(*arguments)
    assert value.dtype == dtype and value.ndim == 0
    expected = case["loss"][name + ("+element_weights" if weighted else "")]
    assert value.item() == pytest.approx(expected, rel=tolerance)
    if weighted:
        return
    per_sample = loss_with_centers(
        data["centers"], margin=case["margin"], negatives=SAMPLERS[name](), reducer=DoNothingReducer()
    )(*arguments)["loss"]["losses"]
    np.testing.assert_allclose(
        per_sample.detach(), ARRAYS[f"{case['case']}_{name}_per_sample"], rtol=tolerance, atol=100 * tolerance
    )
    chosen = loss.select_negatives(data["embeddings"], data["labels"], data["logits"])
    negatives = data["centers"][chosen] if chosen.ndim == 1 else data["centers"].gather(0, chosen)
    np.testing.assert_allclose(negatives, ARRAYS[f"{case['case']}_{name}_negatives"], rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_gradcheck(name, distance, weighted):
    data = small_batch()
    # A margin that keeps every hinge active, so that every term has a gradient.
    loss = TripletCenterLoss(4, 5, margin=20.0, negatives=SAMPLERS[name](), distance=DISTANCES[distance]).double()

    def value(embeddings, centers, weights):
        # functional_call would hide the parameter; the loss reads its centers from this attribute.
        del loss.centers
        loss.centers = centers
        return loss(embeddings, data["labels"], data["logits"], weights if weighted else None)

    inputs = [data["embeddings"], data["centers"], data["element_weights"]]
    inputs = [tensor.requires_grad_() for tensor in (inputs if weighted else inputs[:2])]
    call = value if weighted else lambda embeddings, centers: value(embeddings, centers, None)
    assert call(*inputs).item() > 0
    assert torch.autograd.gradcheck(call, inputs)
    gradients = torch.autograd.grad(call(*inputs), inputs)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_gradient_reaches_exactly_the_chosen_center_entries():
    data = small_batch(batch=3)
    loss = loss_with_centers(data["centers"], margin=50.0, negatives=FullySynthesizedNegative())
    loss(data["embeddings"], data["labels"]).backward()
    chosen = loss.select_negatives(data["embeddings"], data["labels"])
    touched = torch.zeros_like(loss.centers, dtype=torch.bool)
    touched[data["labels"]] = True
    for dim in range(5):
        touched[chosen[:, dim], dim] = True
    assert not touched.all()
    assert torch.equal(loss.centers.grad != 0, touched)


def test_satisfied_margin_gives_zero_loss_and_no_gradient():
    loss = loss_with_centers(torch.tensor([[0.0, 0.0], [10.0, 0.0]]), margin=1.0)
    embeddings = torch.zeros(1, 2, requires_grad=True)
    value = loss(embeddings, torch.tensor([0]))
    value.backward()
    assert value.item() == 0 and embeddings.grad.eq(0).all() and loss.centers.grad.eq(0).all()


@pytest.mark.parametrize("name", DISTANCES)
def test_distances_agree_with_the_library(name):
    data = small_batch(batch=12, dim=7)
    embeddings, labels, centers = data["embeddings"], data["labels"], data["centers"]
    settings = {} if DISTANCES[name] is None else {"distance": DISTANCES[name]}
    loss = loss_with_centers(centers, margin=0.3, reducer=DoNothingReducer(), **settings)
    values = loss(embeddings, labels)["loss"]["losses"]
    distances = loss.distance(embeddings, centers)
    sign = -1 if loss.distance.is_inverted else 1
    for row, label in enumerate(labels.tolist()):
        measured = sign * distances[row]
        nearest = min(measured[c] for c in range(4) if c != label)
        expected = max(0.0, (measured[label] + 0.3 - nearest).item())
        assert values[row].item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", DISTANCES)
def test_element_weights_of_one_change_nothing(name):
    data = small_batch()
    settings = {} if DISTANCES[name] is None else {"distance": DISTANCES[name]}
    loss = loss_with_centers(data["centers"], margin=5.0, **settings)
    ones = torch.ones_like(data["embeddings"])
    plain, weighted = loss(data["embeddings"], data["labels"]), loss(data["embeddings"], data["labels"], None, ones)
    torch.testing.assert_close(weighted, plain)


def test_element_weights_multiply_squared_differences():
    loss = loss_with_centers(torch.tensor([[0.0, 0.0], [3.0, 1.0]]), margin=20.0)
    weights = torch.tensor([[2.0, 0.5]])
    # own 2*1 + .5*4 = 4; negative 2*4 + .5*1 = 8.5
    assert loss(torch.tensor([[1.0, 2.0]]), torch.tensor([0]), None, weights).item() == pytest.approx(4 + 20 - 8.5)


def test_cosine_with_element_weights_is_the_cosine_of_scaled_vectors():
    data = small_batch()
    loss = loss_with_centers(data["centers"], margin=3.0, distance=CosineSimilarity())
    value = loss(data["embeddings"], data["labels"], None, data["element_weights"])
    chosen = loss.select_negatives(data["embeddings"], data["labels"])
    root = data["element_weights"].sqrt()
    similarity = lambda centers: torch.cosine_similarity(root * data["embeddings"], root * centers)  # noqa: E731
    to_own, to_negative = similarity(data["centers"][data["labels"]]), similarity(data["centers"][chosen])
    torch.testing.assert_close(value, (to_negative + 3.0 - to_own).relu().mean())


@pytest.mark.parametrize("distance", DISTANCES)
def test_embedding_on_its_center_has_finite_gradients(distance):
    centers = torch.eye(3)
    loss = loss_with_centers(centers, margin=50.0, **({"distance": DISTANCES[distance]} if DISTANCES[distance] else {}))
    embeddings = centers.clone().requires_grad_()
    weights = torch.zeros(3, 3, requires_grad=True)
    for given in (None, weights):
        loss(embeddings, torch.arange(3), None, given).backward()
    assert embeddings.grad.isfinite().all() and loss.centers.grad.isfinite().all() and weights.grad.isfinite().all()


@pytest.mark.parametrize("distance", [SNRDistance(), LpDistance(p=float("inf"))])
def test_unknown_distances_are_refused(distance):
    with pytest.raises(ValueError, match="distance"):
        TripletCenterLoss(7, 16, distance=distance)


def test_reducers():
    data = small_batch(batch=12)
    # A margin at which about half of the hinges are active.
    call = lambda reducer: loss_with_centers(data["centers"], margin=1.0, reducer=reducer)(  # noqa: E731
        data["embeddings"], data["labels"]
    )
    per_sample = call(DoNothingReducer())["loss"]["losses"]
    active = per_sample > 0
    assert 0 < active.sum() < 12
    class_weights = torch.tensor([1.0, 0.0, 3.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(call(None), per_sample.mean())
    torch.testing.assert_close(call(MeanReducer()), per_sample.mean())
    torch.testing.assert_close(call(ThresholdReducer(low=0)), per_sample[active].mean())
    weighted = (class_weights[data["labels"]] * per_sample).mean()
    torch.testing.assert_close(call(ClassWeightedReducer(class_weights)), weighted)


def test_embedding_regularizer_is_added():
    data = small_batch()
    plain = loss_with_centers(data["centers"])(data["embeddings"], data["labels"])
    regularised = loss_with_centers(data["centers"], embedding_regularizer=LpRegularizer(), embedding_reg_weight=2)
    expected = plain + 2 * data["embeddings"].norm(dim=1).mean()
    torch.testing.assert_close(regularised(data["embeddings"], data["labels"]), expected)


def test_set_centers_takes_class_means_and_leaves_absent_classes():
    loss = TripletCenterLoss(4, 3)
    before = loss.centers.detach().clone()
    embeddings, labels = torch.randn(50, 3), torch.arange(50) % 3
    loss.set_centers(embeddings.double(), labels.int())
    for c in range(3):
        torch.testing.assert_close(loss.centers[c], embeddings[labels == c].mean(dim=0))
    assert torch.equal(loss.centers[3], before[3])
    assert loss.centers.requires_grad and loss.centers.is_leaf


def test_centers_learn_with_a_rate_of_their_own():
    data = small_batch()
    loss = loss_with_centers(data["centers"], margin=20.0)
    embeddings = torch.nn.Parameter(data["embeddings"].clone())
    groups = [{"params": [embeddings]}, {"params": loss.parameters(), "lr": 0.5}]
    optimizer = torch.optim.SGD(groups, lr=0.0)
    loss(embeddings, data["labels"]).backward()
    gradient = loss.centers.grad.clone()
    optimizer.step()
    torch.testing.assert_close(loss.centers.detach(), data["centers"] - 0.5 * gradient)
    assert torch.equal(embeddings.detach(), data["embeddings"])


def test_moving_average_centers_follow_the_class_means_after_the_loss():
    data = small_batch()
    data["labels"] %= 3  # class 3 is absent
    plain = loss_with_centers(data["centers"], margin=20.0)
    moving = loss_with_centers(data["centers"], margin=20.0, center_momentum=0.9)
    embeddings = data["embeddings"].requires_grad_()
    expected = torch.autograd.grad(plain(embeddings, data["labels"]), embeddings)[0]
    value = moving(embeddings, data["labels"])
    means = torch.stack([embeddings[data["labels"] == c].mean(dim=0) for c in range(3)])
    by_hand = torch.cat([0.9 * data["centers"][:3] + 0.1 * means, data["centers"][3:]])
    torch.testing.assert_close(moving.centers.data, by_hand.detach())
    # Value and gradient are those at the centers before they moved, also when they move again before backward.
    torch.testing.assert_close(value, plain(embeddings, data["labels"]))
    moving(embeddings, data["labels"])
    torch.testing.assert_close(torch.autograd.grad(value, embeddings)[0], expected)
    assert not moving.centers.requires_grad


def test_moving_average_centers_rest_in_evaluation_and_under_an_optimizer():
    data = small_batch()
    moving = loss_with_centers(data["centers"], margin=20.0, center_momentum=0.5).eval()
    embeddings = torch.nn.Parameter(data["embeddings"])
    optimizer = torch.optim.SGD([{"params": [embeddings]}, {"params": moving.parameters()}], lr=0.1, weight_decay=0.1)
    moving(embeddings, data["labels"]).backward()
    optimizer.step()
    assert torch.equal(moving.centers.data, data["centers"])


@pytest.mark.parametrize("momentum", [-0.1, 1.1])
def test_center_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(ValueError, match="center_momentum"):
        TripletCenterLoss(7, 16, center_momentum=momentum)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", SAMPLERS)
def test_half_precision_embeddings_are_summed_in_float32(name, dtype):
    data = reference_tensors(2, torch.float32)
    # Rounded first, so that only the arithmetic differs. At 100 times the size, squares overflow float16.
    halves = (100 * data["embeddings"]).to(dtype).requires_grad_()
    loss = loss_with_centers(data["centers"], margin=6e5, negatives=SAMPLERS[name]())
    value = loss(halves, data["labels"], data["logits"].to(dtype), data["element_weights"].to(dtype))
    wide = loss(
        halves.detach().double(), data["labels"], data["logits"].to(dtype), data["element_weights"].to(dtype).double()
    )
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(wide.item(), rel=1e-5)
    value.backward()
    assert halves.grad.dtype == dtype and halves.grad.isfinite().all()


@pytest.mark.parametrize("name", DISTANCES)
def test_autocast_leaves_choice_and_value_alone(name):
    # With this many centers, products rounded to bfloat16 would choose other negatives.
    rng = torch.Generator().manual_seed(0)
    embeddings, centers = torch.randn(200, 32, generator=rng), torch.randn(50, 32, generator=rng)
    settings = {} if DISTANCES[name] is None else {"distance": DISTANCES[name]}
    loss = loss_with_centers(centers, margin=30.0, **settings)
    outside = loss(embeddings, torch.arange(200) % 50)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(embeddings, torch.arange(200) % 50)
    assert torch.equal(inside, outside)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
@pytest.mark.parametrize("name", SAMPLERS)
def test_any_integer_labels(name, dtype):
    data = small_batch(batch=4)  # as many samples as classes: uint8 would index as a mask
    loss = loss_with_centers(data["centers"], negatives=SAMPLERS[name]())
    arguments = data["embeddings"], data["labels"].flip(0), data["logits"]
    value = loss(arguments[0], arguments[1].to(dtype), arguments[2])
    assert torch.equal(value, loss(*arguments))


def test_a_sampler_of_one_method_works():
    class Farthest:
        def select(self, batch):
            return batch.distances.masked_fill(batch.own_class, -torch.inf).argmax(dim=1)

    loss = loss_with_centers(torch.tensor([[0.0], [1.0], [5.0]]), margin=30.0, negatives=Farthest())
    assert loss(torch.tensor([[0.0], [2.0]]), torch.tensor([0, 1])).item() == pytest.approx((30 - 25 + 31 - 9) / 2)


@pytest.mark.parametrize("shape", [(4,), (6, 4), (6, 5, 4)])
def test_a_sampler_that_selects_nonsense_is_named(shape):
    class Broken:
        def select(self, batch):
            return torch.zeros(shape, dtype=torch.long)

    data = small_batch()
    with pytest.raises(ValueError, match="negatives must select .*Broken"):
        loss_with_centers(data["centers"], negatives=Broken())(data["embeddings"], data["labels"])


def test_works_where_the_library_calls_it():
    data = small_batch()
    loss = loss_with_centers(data["centers"])
    value = loss(data["embeddings"], data["labels"])
    assert torch.equal(loss(data["embeddings"], data["labels"], None), value)  # trainers.MetricLossOnly
    assert torch.equal(loss(data["embeddings"], data["labels"], None, None, None), value)  # DistributedLossWrapper
    assert torch.equal(copy.deepcopy(loss)(data["embeddings"], data["labels"]), value)
    other = TripletCenterLoss(4, 5).double()
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other(data["embeddings"], data["labels"]), value)


def wrong_arguments():
    good = small_batch()
    nan = good["embeddings"].clone()
    nan[2, 1] = torch.nan
    high, low = good["labels"].clone(), good["labels"].clone()
    high[1], low[1] = 4, -1
    logits_nan = good["logits"].clone()
    logits_nan[0, 0] = torch.inf
    yield "embeddings", {"embeddings": good["embeddings"][:, :4]}, r"\(B, 5\).*\(6, 4\)"
    yield "embeddings", {"embeddings": good["embeddings"][0]}, r"\(B, 5\).*\(5,\)"
    yield "embeddings", {"embeddings": good["embeddings"][:0], "labels": good["labels"][:0]}, r"\(0, 5\)"
    yield "embeddings", {"embeddings": nan}, "NaN"
    yield "embeddings", {"embeddings": good["embeddings"].long()}, "int64"
    yield "embeddings", {"embeddings": good["embeddings"].tolist()}, "list"
    yield "labels", {"labels": good["labels"][:5]}, r"\(6,\).*\(5,\)"
    yield "labels", {"labels": good["labels"][:, None]}, r"\(6, 1\)"
    yield "labels", {"labels": high}, "0..3.*4"
    yield "labels", {"labels": low}, "0..3.*-1"
    yield "labels", {"labels": good["labels"].double()}, "float64"
    yield "labels", {"labels": good["labels"].bool()}, "bool"
    yield "labels", {"labels": good["labels"].tolist()}, "list"
    yield "logits", {"logits": good["logits"][:, :3]}, r"\(6, 4\).*\(6, 3\)"
    yield "logits", {"logits": logits_nan}, "NaN"
    yield "logits", {"logits": None}, "PredictedNegative"
    yield "element_weights", {"element_weights": good["element_weights"][:1]}, r"\(6, 5\).*\(1, 5\)"
    yield "element_weights", {"element_weights": nan}, "NaN"
    yield "ref_labels", {"ref_labels": good["labels"]}, "None"


WRONG_ARGUMENTS = list(wrong_arguments())


@pytest.mark.parametrize(("argument", "change", "says"), WRONG_ARGUMENTS)
def test_wrong_arguments_are_named_and_change_nothing(argument, change, says):
    good = small_batch()
    loss = loss_with_centers(good.pop("centers"), negatives=PredictedNegative(), center_momentum=0.5)
    loss(**good)
    before = loss.centers.detach().clone()
    with pytest.raises(ValueError, match=f"{argument} must .*{says}"):
        loss(**(good | change))
    assert torch.equal(loss.centers, before)


@pytest.mark.parametrize(
    ("argument", "change", "says"), [wrong for wrong in WRONG_ARGUMENTS if wrong[0] in ("embeddings", "labels")]
)
def test_set_centers_changes_nothing_on_wrong_arguments(argument, change, says):
    good = small_batch()
    loss = loss_with_centers(good["centers"])
    arguments = {"embeddings": good["embeddings"], "labels": good["labels"]} | change
    with pytest.raises(ValueError, match=f"{argument} must"):
        loss.set_centers(**arguments)
    assert torch.equal(loss.centers.detach(), good["centers"])


@pytest.mark.parametrize(("classes", "dim", "says"), [(1, 8, "num_classes"), (7, 0, "embedding_size")])
def test_wrong_sizes_are_refused(classes, dim, says):
    with pytest.raises(ValueError, match=says):
        TripletCenterLoss(classes, dim)

"""Ad-Corre: reference values, the linear-time forms against pairs, gradients, stability, the running confusion."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.reducers import DoNothingReducer
from pytorch_metric_learning.regularizers import LpRegularizer
from torch import Tensor

from ferlab.losses import AdCorreLoss, RunningConfusion, ad_corre

REFERENCE = Path(__file__).parents[1] / "reference"
ARRAYS = np.load(REFERENCE / "adcorre_reference.npz")
CASES = json.loads((REFERENCE / "adcorre_reference.json").read_text())
TERMS = ("FD", "MD", "ED")


def correlations(vectors: Tensor) -> Tensor:
    """(n, n) Pearson correlations of vectors (n, D), as ``numpy.corrcoef`` gives them; 0 where a vector is flat."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values = torch.from_numpy(np.atleast_2d(np.corrcoef(vectors.numpy())))
    flat = vectors.amax(dim=1) == vectors.amin(dim=1)
    return values.masked_fill(flat[:, None] | flat, 0.0)


def pairwise_components(embeddings: Tensor, labels: Tensor, confusion: Tensor | None = None) -> dict[str, float]:
    """The three terms from all pairs, in the words of the definition."""
    embeddings = embeddings.double()
    batch, heads, _ = embeddings.shape
    omega = torch.where(labels[:, None] == labels, 1.0, -1.0).double()
    weights = torch.ones(batch, batch, dtype=torch.float64)
    if confusion is not None:
        difficulty = 1 - confusion.double().diagonal()[labels]
        weights = 1 + difficulty[:, None] + difficulty
    fd, md = 0.0, 0.0
    for head in range(heads):
        pairs = weights * (omega - correlations(embeddings[:, head])).abs()
        fd += pairs.fill_diagonal_(0).mean().item() / heads
        means = torch.stack([embeddings[labels == c, head].mean(dim=0) for c in labels.unique()])
        md += (1 + correlations(means)).fill_diagonal_(0).mean().item() / heads
    ed = torch.stack([(1 + correlations(sample)).fill_diagonal_(0).mean() for sample in embeddings]).mean().item()
    return {"FD": fd, "MD": md, "ED": ed}


def random_batch(batch: int, heads: int, dim: int, classes: int, seed: int = 0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(batch, heads, dim, generator=rng, dtype=torch.float64)
    labels = torch.randint(classes, (batch,), generator=rng)
    confusion = torch.rand(classes, classes, generator=rng, dtype=torch.float64)
    return embeddings.to(dtype), labels, (confusion / confusion.sum(dim=1, keepdim=True)).to(dtype)


def assert_terms(actual: dict[str, Tensor], expected: dict[str, float], tolerance: float) -> None:
    assert tuple(actual) == TERMS
    for name in TERMS:
        assert actual[name].item() == pytest.approx(expected[name], rel=tolerance, abs=tolerance), name


# Values


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case{case['case']}")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_reference_values(case, dtype):
    # The authors' code worked in float32, so agreement to 1e-5 is what its values allow.
    n = case["case"]
    embeddings = torch.from_numpy(ARRAYS[f"{n}_e"]).transpose(0, 1).to(dtype)
    labels, confusion = torch.from_numpy(ARRAYS[f"{n}_y"]), torch.from_numpy(ARRAYS[f"{n}_conf"])
    assert embeddings.shape == (case["batch"], case["k"], case["dim"])
    loss = AdCorreLoss(num_classes=7)
    plain, adaptive = loss.components(embeddings, labels), loss.components(embeddings, labels, confusion)
    for name in TERMS:
        assert plain[name].item() == pytest.approx(case[name], rel=1e-5)
    assert adaptive["FD"].item() == pytest.approx(case["FD_adaptive"], rel=1e-5)
    assert torch.equal(adaptive["MD"], plain["MD"]) and torch.equal(adaptive["ED"], plain["ED"])


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize(
    ("batch", "heads", "dim", "classes"),
    [(24, 7, 16, 7), (24, 3, 2, 40), (5, 1, 8, 7), (1, 4, 6, 7), (1, 1, 6, 1), (12, 2, 9, 1), (40, 2, 300, 3)],
)
def test_linear_forms_equal_the_pairwise_forms(batch, heads, dim, classes, adaptive):
    embeddings, labels, confusion = random_batch(batch, heads, dim, classes)
    confusion = confusion if adaptive else None
    actual = AdCorreLoss(classes).components(embeddings, labels, confusion)
    assert_terms(actual, pairwise_components(embeddings, labels, confusion), 1e-12)


def test_forward_is_the_weighted_sum_of_the_terms():
    embeddings, labels, _ = random_batch(20, 3, 8, 7)
    loss = AdCorreLoss(7, feature_weight=0.5, mean_weight=2.0, embedding_weight=3.0)
    terms = loss.components(embeddings.requires_grad_(), labels)
    torch.testing.assert_close(loss(embeddings, labels), 0.5 * terms["FD"] + 2 * terms["MD"] + 3 * terms["ED"])
    assert loss.last_components == terms
    assert not any(value.requires_grad for value in loss.last_components.values())


@pytest.mark.parametrize("kept", [None, *TERMS])
def test_terms_switch_off(kept):
    embeddings, labels, _ = random_batch(20, 3, 8, 7)
    embeddings.requires_grad_()
    names = {"FD": "feature_weight", "MD": "mean_weight", "ED": "embedding_weight"}
    loss = AdCorreLoss(7, **{setting: float(name == kept) for name, setting in names.items()})
    value = loss(embeddings, labels)
    expected = 0.0 if kept is None else loss.components(embeddings, labels)[kept].item()
    assert value.item() == pytest.approx(expected)
    value.backward()
    assert (embeddings.grad.abs().sum() > 0) == (kept is not None)


@pytest.mark.parametrize("samples", [1, 3, 8])
@pytest.mark.parametrize("adaptive", [False, True])
def test_a_large_batch_is_added_up_in_parts(monkeypatch, samples, adaptive):
    embeddings, labels, confusion = random_batch(20, 3, 8, 7)
    results = []
    for entries in (ad_corre.PART_ENTRIES, samples * 3 * 8 + 5):
        monkeypatch.setattr(ad_corre, "PART_ENTRIES", entries)
        vectors = embeddings.clone().requires_grad_()
        terms = AdCorreLoss(7).components(vectors, labels, confusion if adaptive else None)
        (terms["FD"] + 2 * terms["MD"] + 3 * terms["ED"]).backward()
        results.append((terms, vectors.grad))
    (whole, gradient), (parts, gradient_of_parts) = results
    assert_terms(parts, {name: value.item() for name, value in whole.items()}, 1e-12)
    torch.testing.assert_close(gradient_of_parts, gradient, rtol=1e-10, atol=1e-14)


def test_the_parts_of_a_large_batch_are_not_kept():
    """Memory held for the backward pass: the embeddings and some sums, not their standardised copies."""
    embeddings = torch.randn(64, 3, 2**13, requires_grad=True)  # 1.5 million entries: two parts
    held = {}

    def pack(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        AdCorreLoss(7)(embeddings, torch.arange(64) % 7)
    assert sum(held.values()) < 2.5 * embeddings.nbytes


def test_two_dimensional_embeddings_are_one_head():
    embeddings, labels, _ = random_batch(20, 1, 8, 7)
    loss = AdCorreLoss(7)
    assert torch.equal(loss(embeddings[:, 0], labels), loss(embeddings, labels))
    assert loss.components(embeddings[:, 0], labels)["ED"] == 0


def test_separated_classes_of_unlike_heads_have_no_loss():
    # Two classes whose vectors are each other's negatives, two heads whose vectors are each other's negatives.
    direction = torch.tensor([1.0, -1.0, 2.0, 0.0])
    embeddings = torch.stack([direction, -direction])[:, None] * torch.tensor([[1.0], [-1.0]])
    terms = AdCorreLoss(2).components(embeddings[[0, 0, 1]], torch.tensor([0, 0, 1]))
    assert_terms(terms, {"FD": 0, "MD": 0, "ED": 0}, 1e-6)


def test_classes_absent_from_the_batch_play_no_part():
    embeddings, labels, _ = random_batch(20, 3, 8, 3)
    few, many = AdCorreLoss(3).components(embeddings, labels), AdCorreLoss(50).components(embeddings, labels * 7 + 4)
    assert_terms(many, {name: value.item() for name, value in few.items()}, 1e-12)


# Gradients


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize(("batch", "heads", "dim"), [(7, 3, 5), (4, 2, 2), (1, 3, 4)])
def test_gradcheck_of_each_term(term, batch, heads, dim, adaptive):
    embeddings, labels, confusion = random_batch(batch, heads, dim, 3)
    loss = AdCorreLoss(3)
    term_of = lambda vectors: loss.components(vectors, labels, confusion if adaptive else None)[term]  # noqa: E731
    assert torch.autograd.gradcheck(term_of, embeddings.requires_grad_())
    gradient = torch.autograd.grad(term_of(embeddings), embeddings)[0]
    # Vectors of two entries correlate with 1 or -1 only; and a single image has no pairs but among its heads.
    assert (gradient.abs().max() > 1e-6) == (dim > 2 and (batch > 1 or term == "ED"))


def test_flat_vectors_have_correlation_zero_and_finite_gradients():
    embeddings, labels, confusion = random_batch(12, 3, 6, 4)
    embeddings[0] = 0.0
    embeddings[1, 1] = 0.1
    embeddings[2, :, :] = -3e7
    embeddings[labels == labels[3]] = 1 / 3
    for dtype, tolerance in [(torch.float64, 1e-12), (torch.float32, 1e-5)]:
        vectors = embeddings.to(dtype, copy=True).requires_grad_()
        terms = AdCorreLoss(4).components(vectors, labels, confusion)
        # numpy's correlation of nearly flat class means is noise; FD and ED see exactly flat vectors.
        expected = pairwise_components(embeddings, labels, confusion)
        for name in ("FD", "ED"):
            assert terms[name].item() == pytest.approx(expected[name], rel=tolerance)
        gradient = torch.autograd.grad(sum(terms.values()), vectors)[0]
        assert gradient.isfinite().all() and gradient.abs().sum() > 0


@pytest.mark.parametrize("dim", [1, 6])
def test_all_flat(dim):
    vectors = torch.full((6, 2, dim), 0.7, requires_grad=True)
    terms = AdCorreLoss(3).components(vectors, torch.arange(6) % 3)
    # Every off-diagonal pair counts |omega - 0| = 1 or 1 + 0 = 1.
    assert_terms(terms, {"FD": 30 / 36, "MD": 6 / 9, "ED": 2 / 4}, 1e-6)
    sum(terms.values()).backward()
    assert vectors.grad.eq(0).all()


def test_vectors_that_are_flat_up_to_rounding_count_as_flat():
    # Such as a constant that went through a division: entries an ulp apart would correlate by chance.
    vectors = torch.full((4, 1, 64), 0.7)
    vectors[0, 0, ::3] = torch.nextafter(torch.tensor(0.7), torch.tensor(1.0))
    vectors[1, 0, ::3] = torch.nextafter(torch.tensor(0.7), torch.tensor(0.0))
    terms = AdCorreLoss(2).components(vectors.requires_grad_(), torch.tensor([0, 0, 1, 1]))
    assert terms["FD"].item() == pytest.approx(12 / 16)
    terms["FD"].backward()
    assert vectors.grad.eq(0).all()


def test_class_mean_without_variance_has_finite_gradients():
    vectors = torch.randn(4, 2, 5)
    vectors[1] = -vectors[0]  # class 0 has mean zero
    vectors.requires_grad_()
    AdCorreLoss(2).components(vectors, torch.tensor([0, 0, 1, 1]))["MD"].backward()
    assert vectors.grad.isfinite().all()


def test_one_class_of_one_image():
    vectors = torch.randn(1, 1, 5, requires_grad=True)
    terms = AdCorreLoss(7).components(vectors, torch.tensor([3]))
    assert_terms(terms, {"FD": 0, "MD": 0, "ED": 0}, 1e-6)
    sum(terms.values()).backward()
    assert vectors.grad.abs().max() < 1e-6


# Invariances


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 8),
    heads=st.integers(1, 4),
    dim=st.integers(2, 6),
    classes=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_invariances(batch, heads, dim, classes, seed):
    embeddings, labels, confusion = random_batch(batch, heads, dim, classes, seed)
    loss = AdCorreLoss(classes)
    terms = {name: value.item() for name, value in loss.components(embeddings, labels, confusion).items()}
    rng = torch.Generator().manual_seed(seed)
    shifts = torch.randn(batch, heads, 1, generator=rng, dtype=torch.float64)
    scales = torch.rand(batch, heads, 1, generator=rng, dtype=torch.float64) * 10 + 0.1
    order = torch.randperm(batch, generator=rng)
    # Tolerances leave room for class means that are nearly flat, whose direction rounding decides.
    assert_terms(loss.components(embeddings + shifts, labels, confusion), terms, 1e-6)
    assert_terms(loss.components(embeddings[order], labels[order], confusion), terms, 1e-9)
    # One scale a head leaves the direction of class means; a scale for every vector leaves FD and ED only.
    assert_terms(loss.components(embeddings * scales[:1], labels, confusion), terms, 1e-6)
    scaled = loss.components(embeddings * scales, labels, confusion)
    for name in ("FD", "ED"):
        assert scaled[name].item() == pytest.approx(terms[name], rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 9), heads=st.integers(1, 4), classes=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_bounds(batch, heads, classes, seed):
    embeddings, labels, confusion = random_batch(batch, heads, 4, classes, seed)
    terms = AdCorreLoss(classes).components(embeddings, labels, confusion)
    for name, largest in {"FD": 2 * 3, "MD": 2, "ED": 2}.items():
        assert -1e-9 <= terms[name].item() <= largest + 1e-9


# Numbers of every size


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-3, 1e20, 1e30])
def test_very_small_and_large_entries(scale):
    embeddings, labels, confusion = random_batch(16, 3, 32, 4, dtype=torch.float32)
    loss = AdCorreLoss(4)
    expected = {name: value.item() for name, value in loss.components(embeddings, labels, confusion).items()}
    vectors = (embeddings * scale).requires_grad_()
    terms = loss.components(vectors, labels, confusion)
    assert_terms(terms, expected, 1e-5)
    gradient = torch.autograd.grad(sum(terms.values()), vectors)[0]
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_large_offset_keeps_the_correlation():
    embeddings, labels, _ = random_batch(16, 3, 32, 4)
    terms = AdCorreLoss(4).components((embeddings + 1000).float(), labels)
    assert_terms(terms, pairwise_components((embeddings + 1000).float(), labels), 2e-5)


def test_float32_agrees_with_float64_at_a_large_batch():
    embeddings, labels, confusion = random_batch(2048, 7, 64, 7)
    # Classes with a direction of their own, as after training: FD is then a small difference of large sums.
    embeddings = 0.05 * embeddings + torch.eye(7, 64, dtype=torch.float64)[labels][:, None]
    loss, values, gradients = AdCorreLoss(7), {}, {}
    for dtype in (torch.float32, torch.float64):
        vectors = embeddings.to(dtype).requires_grad_()
        terms = loss.components(vectors, labels, confusion)
        values[dtype] = terms
        gradients[dtype] = torch.autograd.grad(sum(terms.values()), vectors)[0].double()
    assert_terms(values[torch.float32], {name: value.item() for name, value in values[torch.float64].items()}, 1e-5)
    error = (gradients[torch.float32] - gradients[torch.float64]).norm() / gradients[torch.float64].norm()
    assert error < 1e-5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_autocast(dtype):
    embeddings, labels, _ = random_batch(512, 3, 64, 7, dtype=torch.float32)
    halves = (200 * embeddings).to(dtype).requires_grad_()
    loss = AdCorreLoss(7)
    with torch.autocast("cpu", dtype=dtype):
        terms = loss.components(halves, labels)
        total = loss(halves, labels, logits=torch.randn(512, 7).to(dtype))
    assert total.dtype == torch.float32
    assert_terms(terms, pairwise_components(halves.detach(), labels), 1e-5)
    total.backward()
    assert halves.grad.dtype == dtype and halves.grad.isfinite().all() and halves.grad.abs().max() > 0


# The running confusion matrix


def test_confusion_rows_and_unseen_classes():
    confusion = RunningConfusion(3)
    assert torch.equal(confusion.matrix(), torch.eye(3))
    confusion.update(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 2, 0]))
    expected = torch.tensor([[2 / 3, 0, 1 / 3], [1, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(confusion.matrix(), expected)


@pytest.mark.parametrize("sizes", [[3, 3, 3], [5, 5], [1] * 12, [4, 11, 2], [17], [6, 5, 5], [20, 3]])
def test_confusion_keeps_exactly_the_last_window(sizes):
    rng = torch.Generator().manual_seed(0)
    confusion = RunningConfusion(4, window=5)
    history = []
    for size in sizes:
        labels, predictions = torch.randint(4, (2, size), generator=rng)
        confusion.update(labels, predictions)
        history += zip(labels.tolist(), predictions.tolist(), strict=True)
        counts = np.zeros((4, 4))
        for label, prediction in history[-5:]:
            counts[label, prediction] += 1
        totals = counts.sum(axis=1, keepdims=True)
        expected = np.where(totals > 0, counts / np.maximum(totals, 1), np.eye(4))
        np.testing.assert_allclose(confusion.matrix(), expected, rtol=1e-6)


def test_confusion_in_a_checkpoint():
    rng = torch.Generator().manual_seed(0)
    loss = AdCorreLoss(4, window=7)
    embeddings, labels = torch.randn(10, 2, 5, generator=rng), torch.arange(10) % 4
    loss(embeddings, labels, logits=torch.randn(10, 4, generator=rng))
    restored = AdCorreLoss(4, window=7)
    restored.load_state_dict(copy.deepcopy(loss.state_dict()))
    assert torch.equal(restored(embeddings, labels), loss(embeddings, labels))
    # Both forget the same predictions next.
    for one in (loss, restored):
        one(embeddings[:3], labels[:3], logits=torch.ones(3, 4))
    assert torch.equal(restored.confusion.matrix(), loss.confusion.matrix())
    assert not torch.equal(loss.confusion.matrix(), torch.eye(4))


def test_predictions_weigh_the_feature_discriminator():
    embeddings, labels, _ = random_batch(20, 3, 8, 4)
    logits = torch.randn(20, 4)
    loss = AdCorreLoss(4)
    loss(embeddings, labels, logits)
    expected = torch.zeros(4, 4)
    for label, prediction in zip(labels, logits.argmax(dim=1), strict=True):
        expected[label, prediction] += 1
    expected /= expected.sum(dim=1, keepdim=True)
    terms = pairwise_components(embeddings, labels, expected)
    assert loss.last_components["FD"].item() == pytest.approx(terms["FD"], rel=1e-6)
    plain = AdCorreLoss(4, adaptive=False)
    plain(embeddings, labels, logits)
    assert plain.last_components["FD"].item() == pytest.approx(pairwise_components(embeddings, labels)["FD"])


def test_evaluation_reads_the_confusion_and_leaves_it():
    embeddings, labels, _ = random_batch(20, 3, 8, 4)
    loss = AdCorreLoss(4)
    trained = loss(embeddings, labels, torch.randn(20, 4))
    matrix = loss.confusion.matrix()
    loss.eval()
    assert torch.equal(loss(embeddings, labels, 9.0 * torch.nn.functional.one_hot(labels, 4)), trained)
    assert torch.equal(loss.confusion.matrix(), matrix)


def test_confusion_sees_no_gradient():
    logits = torch.randn(20, 4, requires_grad=True)
    embeddings, labels, _ = random_batch(20, 3, 8, 4)
    loss = AdCorreLoss(4)
    loss(embeddings.requires_grad_(), labels, logits).backward()
    assert logits.grad is None


# Use and misuse


def test_works_where_the_library_calls_it():
    embeddings, labels, _ = random_batch(20, 1, 8, 4)
    loss = AdCorreLoss(4)
    value = loss(embeddings[:, 0], labels)
    assert torch.equal(loss(embeddings[:, 0], labels, None), value)  # trainers.MetricLossOnly
    assert torch.equal(loss(embeddings[:, 0], labels, None, None, None), value)  # DistributedLossWrapper
    assert torch.equal(copy.deepcopy(loss)(embeddings[:, 0], labels), value)
    kept = AdCorreLoss(4, reducer=DoNothingReducer())(embeddings, labels)
    assert torch.equal(kept["loss"]["losses"], value)


def test_embedding_regularizer_takes_the_norm_of_every_vector():
    embeddings, labels, _ = random_batch(20, 3, 8, 4)
    regularised = AdCorreLoss(4, embedding_regularizer=LpRegularizer())(embeddings, labels)
    expected = AdCorreLoss(4)(embeddings, labels) + embeddings.norm(dim=-1).mean()
    torch.testing.assert_close(regularised, expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_any_integer_labels(dtype):
    embeddings, labels, _ = random_batch(4, 3, 8, 4)
    logits = torch.randn(4, 4)
    narrow, wide = AdCorreLoss(4), AdCorreLoss(4)
    assert torch.equal(narrow(embeddings, labels.to(dtype), logits), wide(embeddings, labels, logits))
    assert torch.equal(narrow.confusion.codes, wide.confusion.codes)


def wrong_arguments():
    embeddings, labels, _ = random_batch(6, 2, 5, 4)
    nan = embeddings.clone()
    nan[1, 1, 1] = torch.nan
    logits = torch.zeros(6, 4)
    return [
        ("embeddings", {"embeddings": embeddings[0, 0]}, r"\(B, k, D\).*\(5,\)"),
        ("embeddings", {"embeddings": embeddings[:, :0]}, r"\(6, 0, 5\)"),
        ("embeddings", {"embeddings": embeddings[:0], "labels": labels[:0]}, r"\(0, 2, 5\)"),
        ("embeddings", {"embeddings": nan}, "NaN"),
        ("embeddings", {"embeddings": embeddings.int()}, "int32"),
        ("embeddings", {"embeddings": embeddings.numpy()}, "ndarray"),
        ("labels", {"labels": labels[:5]}, r"\(6,\).*\(5,\)"),
        ("labels", {"labels": labels + 1}, "0..3.*4"),
        ("labels", {"labels": labels - 9}, "0..3.*-[6-9]"),
        ("labels", {"labels": labels.float()}, "float32"),
        ("labels", {"labels": None}, "NoneType"),
        ("logits", {"logits": logits[:, 1:]}, r"\(6, 4\).*\(6, 3\)"),
        ("logits", {"logits": logits / 0}, "NaN"),
        ("ref_emb", {"ref_emb": embeddings}, "None"),
        ("ref_labels", {"ref_labels": labels}, "None"),
    ]


@pytest.mark.parametrize(("argument", "change", "says"), wrong_arguments())
def test_wrong_arguments_are_named_and_change_nothing(argument, change, says):
    embeddings, labels, _ = random_batch(6, 2, 5, 4)
    labels[0] = 3
    good = {"embeddings": embeddings, "labels": labels, "logits": torch.zeros(6, 4)}
    loss = AdCorreLoss(4)
    loss(**good)
    state, parts = copy.deepcopy(loss.state_dict()), loss.last_components
    with pytest.raises(ValueError, match=f"{argument}.* must .*{says}"):
        loss(**(good | change))
    assert all(torch.equal(state[name], value) for name, value in loss.state_dict().items())
    assert loss.last_components is parts


def test_wrong_confusion_arguments_are_named():
    embeddings, labels, _ = random_batch(6, 2, 5, 4)
    with pytest.raises(ValueError, match="confusion must"):
        AdCorreLoss(4).components(embeddings, labels, torch.eye(3))
    confusion = RunningConfusion(4)
    with pytest.raises(ValueError, match="predictions must lie in 0..3"):
        confusion.update(labels, labels + 4)
    with pytest.raises(ValueError, match="predictions must have shape"):
        confusion.update(labels, labels[:2])
    with pytest.raises(ValueError, match="labels must lie in 0..3"):
        confusion.update(labels - 9, labels)
    assert torch.equal(confusion.matrix(), torch.eye(4))
    with pytest.raises(ValueError, match="window"):
        RunningConfusion(4, window=0)

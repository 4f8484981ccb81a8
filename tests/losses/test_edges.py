"""Numbers at the edge: what is finite gives finite values and gradients, or is refused by its name."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity, DotProductSimilarity, LpDistance

from ferlab.arguments import check_count, check_number
from ferlab.errors import FerlabError, NotFinite
from ferlab.losses import AdCorreLoss, CenterLoss, JointLoss, RunningConfusion, TripletCenterLoss
from ferlab.methods import METHODS, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.samplers import NearestNegative, PerClassBatches, SemiSynthesizedNegative, ShuffledBatches

NO_NUMBERS = [math.nan, math.inf, -math.inf, "1", b"1", None, True, [1.0], torch.ones(2), 1e39, 10**400, 1j]
NO_COUNTS = [math.nan, math.inf, 7.5, 7.0, "7", None, True, [7], Fraction(7), torch.tensor(7.0)]
LABELS = np.arange(12) % 3


@pytest.mark.parametrize("given", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("margin", lambda v: TripletCenterLoss(3, 4, margin=v)),
        ("margin", lambda v: TripletCenterLoss.for_method(3, 4, margin=v)),
        ("feature_weight", lambda v: AdCorreLoss(3, feature_weight=v)),
        ("mean_weight", lambda v: AdCorreLoss(3, mean_weight=v)),
        ("embedding_weight", lambda v: AdCorreLoss(3, embedding_weight=v)),
        ("ce_weight", lambda v: JointLoss(3, ce_weight=v)),
        ("metric_weight", lambda v: JointLoss(3, CenterLoss(3, 4), metric_weight=v)),
        ("label_smoothing", lambda v: JointLoss(3, label_smoothing=v)),
        ("center_momentum", lambda v: CenterLoss(3, 4, center_momentum=0.5 if v is None else v)),
    ],
)
def test_what_is_no_finite_number_is_refused_by_name(name, build, given):
    if name == "center_momentum" and given is None:
        pytest.skip("None learns the centers")
    with pytest.raises(ValueError, match=f"^{name} must be a finite number, but is "):
        build(given)


@pytest.mark.parametrize("given", NO_COUNTS, ids=repr)
@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("num_classes", lambda v: TripletCenterLoss(v, 4)),
        ("num_classes", lambda v: AdCorreLoss(v)),
        ("num_classes", lambda v: JointLoss(v)),
        ("num_classes", lambda v: RunningConfusion(v)),
        ("num_classes", lambda v: ExpressionNetwork(v)),
        ("embedding_size", lambda v: CenterLoss(3, v)),
        ("window", lambda v: AdCorreLoss(3, window=v)),
        ("heads", lambda v: ExpressionNetwork(3, heads=v)),
        ("input_size", lambda v: ExpressionNetwork(3, input_size=v)),
        ("in_channels", lambda v: ExpressionNetwork(3, in_channels=v)),
        ("candidates", lambda v: SemiSynthesizedNegative(v)),
        ("batch_size", lambda v: ShuffledBatches(LABELS, v, torch.Generator())),
        ("per_class", lambda v: PerClassBatches(LABELS, 4, torch.Generator(), per_class=v)),
    ],
)
def test_what_is_no_whole_number_is_refused_by_name(name, build, given):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number, but is "):
        build(given)


@pytest.mark.parametrize(
    ("words", "build"),
    [
        ("margin must be at least 0, but is -1", lambda: TripletCenterLoss(3, 4, margin=-1)),
        ("mean_weight must be at least 0, but is -0.5", lambda: AdCorreLoss(3, mean_weight=-0.5)),
        ("metric_weight must be at least 0, but is -2", lambda: JointLoss(3, CenterLoss(3, 4), metric_weight=-2)),
        ("label_smoothing must lie in 0..1, but is 1.1", lambda: JointLoss(3, label_smoothing=1.1)),
        ("num_classes must be at least 2, but is 1", lambda: CenterLoss(1, 4)),
        ("num_classes must be at least 2, but is 0", lambda: JointLoss(0)),
        ("num_classes must be at least 1, but is 0", lambda: AdCorreLoss(0)),
        ("window must be at least 1, but is 0", lambda: AdCorreLoss(3, window=0)),
        ("per_class must be at least 1, but is 0", lambda: PerClassBatches(LABELS, 4, torch.Generator(), per_class=0)),
    ],
)
def test_what_lies_outside_of_its_range_is_refused_by_name(words, build):
    with pytest.raises(ValueError, match=f"^{words}"):
        build()


def test_any_kind_of_number_is_one():
    for given in (2, 2.0, np.float32(2), np.int64(2), torch.tensor(2), torch.tensor(2.0), Fraction(2)):
        assert check_number(given, "margin") == TripletCenterLoss(3, 4, margin=given).margin == 2.0
    for given in (3, np.int64(3), np.uint8(3), torch.tensor(3)):
        assert check_count(given, "num_classes") == CenterLoss(given, 4).num_classes == 3
    assert TripletCenterLoss(3, 4, margin=0)(torch.randn(6, 4), torch.arange(6) % 3).isfinite()


def test_a_method_with_an_impossible_value_is_one_sentence():
    for margin in (math.nan, "wide", -1.0):
        with pytest.raises(FerlabError, match="CE .* TCL .nearest.* cannot be built: margin must be"):
            build_loss(METHODS["tcl-nearest"].changed({"margin": margin}), 7)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1, math.nan, 1], "finite"),
        ([1, math.inf, 1], "finite"),
        ([1, -1, 1], "from 0 on, and not all 0, but are 1, -1, 1"),
        ([0, 0, 0], "from 0 on, and not all 0, but are 0, 0, 0"),
        ([1, 1], r"shape \(3,\)"),
        ("balanced", "a tensor"),
    ],
)
def test_class_weights_that_weigh_nothing_or_no_number_are_refused(given, words):
    weights = torch.tensor(given, dtype=torch.float32) if isinstance(given, list) else given
    with pytest.raises(ValueError, match=f"class_weights must .*{words}"):
        JointLoss(3, class_weights=weights)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_a_batch_of_classes_that_weigh_nothing_costs_nothing(label_smoothing):
    loss = JointLoss(3, class_weights=torch.tensor([0.0, 1.0, 1.0]), label_smoothing=label_smoothing)
    logits = torch.randn(4, 3, requires_grad=True)
    total = loss(logits, torch.zeros(4, dtype=torch.int64)).total
    total.backward()
    assert total == 0 and logits.grad.eq(0).all()
    assert loss(logits, torch.tensor([0, 0, 1, 2])).total > 0


def test_ad_corre_without_any_term_is_zero():
    embeddings = torch.randn(6, 4, requires_grad=True)
    value = AdCorreLoss(3, feature_weight=0, mean_weight=0, embedding_weight=0)(embeddings, torch.arange(6) % 3)
    value.backward()
    assert value == 0 and embeddings.grad.eq(0).all()


# From the smallest to the largest numbers


@pytest.mark.parametrize("scale", [1e-45, 1e-42, 1e-39, 1e-38, 3e-38, 1e-36, 1e-33, 1e-31, 1e30, 1e37, 1e38])
@pytest.mark.parametrize("which", ["one", "all", "a class"])
def test_ad_corre_is_finite_for_vectors_of_every_length(scale, which):
    embeddings = torch.randn(12, 2, 16, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    labels = torch.arange(12) % 3
    chosen = {"one": slice(0, 1), "all": slice(None), "a class": labels == 1}[which]
    scaled = embeddings.clone()
    scaled[chosen] *= scale
    scaled.requires_grad_()
    terms = AdCorreLoss(3).components(scaled, labels)
    gradient = torch.autograd.grad(sum(terms.values()), scaled)[0]
    assert all(value.isfinite() for value in terms.values()) and gradient.isfinite().all()
    if scale > 1e-37:  # smaller numbers have lost digits themselves
        expected = AdCorreLoss(3).components(embeddings, labels)
        for name in ("FD", "ED") if which != "all" else ("FD", "MD", "ED"):  # MD's means see a change of some lengths
            torch.testing.assert_close(terms[name], expected[name], rtol=1e-4, atol=1e-5)
        assert which == "all" or gradient.abs().max() > 0


def test_a_nearly_flat_small_vector_has_a_finite_gradient():
    # Its length is some 1e-5 of its entries, so its gradient is larger by as much.
    noise = torch.randn(6, 1, 16, generator=torch.Generator().manual_seed(0))
    for scale in (1e-38, 1e-36, 1e-34, 1e-30):
        embeddings = ((1 + 1e-4 * noise) * scale).requires_grad_()
        sum(AdCorreLoss(3).components(embeddings, torch.arange(6) % 3).values()).backward()
        assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("build", [TripletCenterLoss, CenterLoss])
@pytest.mark.parametrize("scale", [2e19, 1e25, 3e38])
def test_distances_that_overflow_are_refused_as_no_finite_numbers(build, scale):
    loss = build(3, 4)
    before = loss.centers.detach().clone()
    with pytest.raises(NotFinite, match=r"embeddings must lie nearer to the centers: entries reach .*overflow float32"):
        loss(torch.full((6, 4), scale), torch.arange(6) % 3)
    assert torch.equal(loss.centers, before)


@pytest.mark.parametrize("scale", [1e-42, 1e-20, 1e10, 1e18])
@pytest.mark.parametrize(
    "distance",
    [
        None,
        LpDistance(normalize_embeddings=False, p=1),
        LpDistance(normalize_embeddings=False, p=0.5),
        LpDistance(),
        CosineSimilarity(),
        DotProductSimilarity(normalize_embeddings=False),
    ],
    ids=repr,
)
def test_what_does_not_overflow_has_a_finite_gradient(distance, scale):
    loss = TripletCenterLoss(3, 4, margin=1.0, **({} if distance is None else {"distance": distance}))
    embeddings = (torch.randn(6, 4, generator=torch.Generator().manual_seed(0)) * scale).requires_grad_()
    value = loss(embeddings, torch.arange(6) % 3)
    value.backward()
    assert value.isfinite() and embeddings.grad.isfinite().all() and loss.centers.grad.isfinite().all()


def test_a_root_of_no_gap_has_no_gradient():
    loss = CenterLoss(2, 3, distance=LpDistance(normalize_embeddings=False, p=0.5, power=0.5))
    loss.centers.data = torch.zeros(2, 3)
    embeddings = torch.tensor([[0.0, 4.0, 0.0], [0.0, 0.0, 9.0]], requires_grad=True)
    value = loss(embeddings, torch.tensor([0, 1]))
    value.backward()
    assert value.item() == pytest.approx((2 + 3) / 4)
    assert embeddings.grad.isfinite().all() and embeddings.grad[0, 1] == pytest.approx(1 / 4 / 2 / 2)


@pytest.mark.parametrize("power", [math.nan, math.inf, 0, -1, "2"])
def test_a_distance_with_an_impossible_power_is_refused(power):
    with pytest.raises(ValueError, match="distance must have a positive, finite p"):
        CenterLoss(3, 4, distance=LpDistance(power=power))


def test_a_similarity_may_be_negative_and_so_has_no_root():
    with pytest.raises(ValueError, match="distance must have a whole number as its power, but has power=0.5"):
        TripletCenterLoss(3, 4, distance=CosineSimilarity(power=0.5))


def test_centers_are_never_put_on_what_overflows():
    loss = CenterLoss(3, 4)
    before = loss.centers.detach().clone()
    with pytest.raises(NotFinite, match="embeddings must be smaller: their entries reach 3e"):
        loss.set_centers(torch.full((6, 4), 3e38), torch.zeros(6, dtype=torch.int64))
    assert torch.equal(loss.centers, before)


def test_element_weights_below_zero_are_refused():
    with pytest.raises(ValueError, match="element_weights must not be below 0, but reach -0.5"):
        CenterLoss(3, 4)(torch.randn(3, 4), torch.arange(3), element_weights=torch.full((3, 4), -0.5))


# Samplers of one's own


def answering(answer):
    """A sampler that answers with what ``answer`` makes of the batch."""

    class Mine:
        def select(self, batch):
            return answer(batch)

    return Mine()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda batch: batch.labels, "other classes' centers, but Mine gave 6 of 6 embeddings the center of their own"),
        (lambda batch: torch.zeros_like(batch.labels), "other classes' centers, but Mine gave 2 of 6"),
        (lambda batch: torch.zeros(6, 4, dtype=torch.int64), "other classes' centers, but Mine gave 2 of 6"),
        (lambda batch: torch.full((6,), -1), "centers 0..2, but Mine gave -1"),
        (lambda batch: torch.full((6, 4), 3), "centers 0..2, but Mine gave 3"),
        (lambda batch: (batch.labels + 1).float() % 3, "int64 indices .* but Mine gave torch.float32"),
        (lambda batch: None, "a tensor of indices, but Mine gave a NoneType"),
        (lambda batch: [1, 2, 0, 1, 2, 0], "a tensor of indices, but Mine gave a list"),
    ],
)
def test_a_sampler_that_answers_wrongly_is_named(answer, words):
    loss = TripletCenterLoss(3, 4, negatives=answering(answer))
    with pytest.raises(ValueError, match=f"negatives must select {words}"):
        loss(torch.randn(6, 4), torch.arange(6) % 3)


def test_what_a_sampler_writes_changes_nothing():
    def scribble(batch):
        chosen = NearestNegative().select(batch)
        for given in (batch.embeddings, batch.centers, batch.logits, batch.distances):
            given.data.fill_(7.0)
        batch.labels.numpy()[:] = 2
        return chosen

    torch.manual_seed(0)
    honest, loss = (
        TripletCenterLoss(3, 4, margin=9.0),
        TripletCenterLoss(3, 4, margin=9.0, negatives=answering(scribble)),
    )
    loss.load_state_dict(honest.state_dict())
    given = torch.randn(6, 4), torch.arange(6) % 3, torch.randn(6, 3)
    before = [tensor.clone() for tensor in (*given, loss.centers)]
    assert torch.equal(loss(*given), honest(*given))
    assert all(torch.equal(old, new) for old, new in zip(before, (*given, loss.centers), strict=True))


@pytest.mark.parametrize(
    ("given", "words"),
    [(NearestNegative, r"but is its class: write NearestNegative\(\)"), ("nearest", "with a select method"), (3, "3")],
)
def test_what_cannot_select_is_refused_at_once(given, words):
    with pytest.raises(ValueError, match=f"negatives must be a sampler.*{words}"):
        TripletCenterLoss(3, 4, negatives=given)

"""Negative-center samplers against plain loops over their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from ferlab.losses import TripletCenterLoss
from ferlab.samplers import (
    FullySynthesizedNegative,
    NearestNegative,
    PredictedNegative,
    SelectionBatch,
    SemiSynthesizedNegative,
)

DISTANCE_SAMPLERS = [NearestNegative(), FullySynthesizedNegative(), SemiSynthesizedNegative(2)]
ALL_SAMPLERS = [*DISTANCE_SAMPLERS, PredictedNegative()]
name_of = lambda sampler: type(sampler).__name__  # noqa: E731


def select(sampler, embeddings, labels, centers, logits=None) -> Tensor:
    """The sampler's choice, asked through the loss, as users do."""
    embeddings, labels, centers = (torch.as_tensor(array) for array in (embeddings, labels, centers))
    loss = TripletCenterLoss(*centers.shape, negatives=sampler).to(centers.dtype)
    loss.centers.data.copy_(centers)
    return loss.select_negatives(embeddings, labels, logits)


def entries(choice: Tensor, centers) -> np.ndarray:
    """(B, D) negatives of a choice (B,) or (B, D)."""
    centers = torch.as_tensor(centers)
    return (centers[choice] if choice.ndim == 1 else centers.gather(0, choice)).numpy()


def gaps_by_loops(embeddings: np.ndarray, labels: np.ndarray, centers: np.ndarray, candidates: int) -> np.ndarray:
    """|f - n| (B, D) of the synthesized negative among the ``candidates`` nearest; the first of tied centers."""
    gaps = np.empty_like(embeddings)
    for i, (embedding, label) in enumerate(zip(embeddings, labels, strict=True)):
        others = [c for c in range(len(centers)) if c != label]
        others.sort(key=lambda c: float(((centers[c] - embedding) ** 2).sum()))
        for d in range(embeddings.shape[1]):
            gaps[i, d] = min(abs(centers[c, d] - embedding[d]) for c in others[:candidates])
    return gaps


def random_case(batch: int, dim: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, dim)), rng.integers(classes, size=batch), rng.normal(size=(classes, dim))


@st.composite
def cases(draw):
    """Small cases; whole numbers half of the time, so that entries and distances tie. Eighths keep all sums exact."""
    classes, dim, batch = draw(st.integers(2, 6)), draw(st.integers(1, 5)), draw(st.integers(1, 6))
    values = draw(st.sampled_from([st.integers(-2, 2).map(float), st.integers(-800, 800).map(lambda n: n / 8)]))
    embeddings = draw(hnp.arrays(np.float64, (batch, dim), elements=values))
    centers = draw(hnp.arrays(np.float64, (classes, dim), elements=values))
    labels = draw(hnp.arrays(np.int64, batch, elements=st.integers(0, classes - 1)))
    return embeddings, labels, centers


@pytest.mark.parametrize("classes", [2, 3, 7, 20])
@pytest.mark.parametrize("candidates", [1, 2, 3, 19])
def test_synthesized_negatives_match_plain_loops(classes, candidates):
    embeddings, labels, centers = random_case(30, 9, classes)
    choice = select(SemiSynthesizedNegative(candidates), embeddings, labels, centers)
    assert choice.shape == embeddings.shape and choice.dtype == torch.int64
    expected = gaps_by_loops(embeddings, labels, centers, candidates)
    np.testing.assert_array_equal(np.abs(entries(choice, centers) - embeddings), expected)


def test_nearest_negative_matches_plain_loops():
    embeddings, labels, centers = random_case(40, 9, 7)
    choice = select(NearestNegative(), embeddings, labels, centers)
    for embedding, label, chosen in zip(embeddings, labels, choice.tolist(), strict=True):
        squared = ((centers - embedding) ** 2).sum(axis=1)
        squared[label] = np.inf
        assert chosen == squared.argmin()


def test_nearest_negative_far_from_the_origin():
    # Squares of 1,000 leave float32 no digits for differences of .01: |a|^2 - 2ab + |b|^2 would pick at random.
    embeddings, labels, centers = random_case(40, 9, 30)
    embeddings, centers = np.float32(1000 + 0.01 * embeddings), np.float32(1000 + 0.01 * centers)
    wide = select(NearestNegative(), np.float64(embeddings), labels, np.float64(centers))
    assert torch.equal(select(NearestNegative(), embeddings, labels, centers), wide)


def test_predicted_negative_is_the_wrong_class_with_the_largest_logit():
    logits = torch.tensor([[5.0, 1.0, 2.0], [5.0, 1.0, 2.0], [-5.0, -9.0, -7.0]])
    labels = torch.tensor([0, 1, 0])
    choice = select(PredictedNegative(), torch.zeros(3, 2), labels, torch.zeros(3, 2), logits)
    assert choice.tolist() == [2, 0, 2]


@settings(max_examples=120, deadline=None)
@given(case=cases(), candidates=st.integers(1, 6))
def test_loops_agree_on_ties_too(case, candidates):
    embeddings, labels, centers = case
    choice = select(SemiSynthesizedNegative(candidates), embeddings, labels, centers)
    expected = gaps_by_loops(embeddings, labels, centers, candidates)
    np.testing.assert_array_equal(np.abs(entries(choice, centers) - embeddings), expected)


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_distance_to_the_negative_never_grows_with_candidates(case):
    embeddings, labels, centers = case
    previous = np.inf
    for candidates in range(1, len(centers)):
        choice = select(SemiSynthesizedNegative(candidates), embeddings, labels, centers)
        distance = ((entries(choice, centers) - embeddings) ** 2).sum(axis=1)
        assert (distance <= previous).all()
        previous = distance


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_ends_of_the_family(case):
    embeddings, labels, centers = case
    one = select(SemiSynthesizedNegative(1), embeddings, labels, centers)
    nearest = select(NearestNegative(), embeddings, labels, centers)
    np.testing.assert_array_equal(entries(one, centers), entries(nearest, centers))
    # At K-1 candidates the fully-synthesized negative takes over; the loop over K-1 candidates must agree with it.
    fully = select(FullySynthesizedNegative(), embeddings, labels, centers)
    expected = gaps_by_loops(embeddings, labels, centers, len(centers) - 1)
    np.testing.assert_array_equal(np.abs(entries(fully, centers) - embeddings), expected)
    most = select(SemiSynthesizedNegative(len(centers) - 1), embeddings, labels, centers)
    np.testing.assert_array_equal(np.abs(entries(most, centers) - embeddings), expected)


@pytest.mark.parametrize("sampler", ALL_SAMPLERS, ids=name_of)
@settings(max_examples=40, deadline=None)
@given(case=cases(), scale=st.sampled_from([0.0, 1.0, 1e-30, 1e36]))
def test_own_class_is_never_chosen(sampler, case, scale):
    embeddings, labels, centers = (torch.as_tensor(array) for array in case)
    # In float32 the largest of these overflow to infinite distances and gaps.
    embeddings, centers = (embeddings * scale).float(), (centers * -scale).float()
    logits = (embeddings[:, :1] + centers[:, 0]).clamp(-1e30, 1e30)
    choice = select(sampler, embeddings, labels, centers, logits)
    own = labels if choice.ndim == 1 else labels[:, None]
    assert (choice != own).all()
    assert choice.min() >= 0 and choice.max() < len(centers)


@pytest.mark.parametrize("sampler", DISTANCE_SAMPLERS, ids=name_of)
def test_own_class_is_not_chosen_where_every_gap_overflows(sampler):
    labels = torch.arange(5)
    choice = select(sampler, torch.full((5, 3), 3e38), labels, torch.full((5, 3), -3e38))
    assert (choice != labels.view(-1, *[1] * (choice.ndim - 1))).all()
    assert choice.min() >= 0 and choice.max() < 5


def test_duplicate_centers_and_embeddings_on_center_entries():
    # Classes 0 and 1 share a center, on which the embeddings of both lie: each must find the other's.
    centers = np.array([[1.0, 2.0], [1.0, 2.0], [9.0, -9.0], [9.0, -9.0]])
    embeddings, labels = centers.copy(), np.arange(4)
    for sampler in DISTANCE_SAMPLERS:
        negatives = entries(select(sampler, embeddings, labels, centers), centers)
        np.testing.assert_array_equal(negatives, embeddings)


def test_all_centers_equal():
    embeddings, labels, _ = random_case(10, 3, 5)
    for sampler in DISTANCE_SAMPLERS:
        choice = select(sampler, embeddings, labels, np.ones((5, 3)))
        assert (choice != torch.as_tensor(labels).view(-1, *[1] * (choice.ndim - 1))).all()


def test_entry_beyond_every_center_takes_the_outermost_other_class():
    centers = np.array([[0.0], [1.0], [2.0]])
    embeddings, labels = np.array([[-5.0], [-5.0], [7.0], [7.0]]), np.array([0, 1, 2, 1])
    assert select(FullySynthesizedNegative(), embeddings, labels, centers)[:, 0].tolist() == [1, 0, 1, 2]


def test_two_classes_leave_one_choice():
    embeddings, labels, centers = random_case(12, 4, 2)
    for sampler in ALL_SAMPLERS:
        choice = select(sampler, embeddings, labels, centers, torch.zeros(12, 2))
        other = torch.as_tensor(1 - labels)
        assert (choice == (other if choice.ndim == 1 else other[:, None])).all()


def test_many_classes_without_a_batch_by_classes_by_dimensions_tensor():
    batch, dim, classes = 256, 128, 10_000
    rng = torch.Generator().manual_seed(0)
    embeddings = torch.randn(batch, dim, generator=rng)
    centers = torch.randn(classes, dim, generator=rng)
    labels = torch.randint(classes, (batch,), generator=rng)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        """Keeps the size of the largest tensor that any operation gives."""

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            results = function(*args, **(kwargs or {}))
            for tensor in results if isinstance(results, tuple | list) else [results]:
                if isinstance(tensor, Tensor):
                    largest = max(largest, tensor.numel())
            return results

    with Watch():
        choice = select(FullySynthesizedNegative(), embeddings, labels, centers)
    assert largest <= 2 * max(classes * dim, batch * classes)
    assert largest >= classes * dim  # the watch sees the sorted centers
    for row in range(0, batch, 32):
        gaps = (centers - embeddings[row]).abs()
        gaps[labels[row]] = torch.inf
        chosen = centers.gather(0, choice[row : row + 1])[0]
        assert torch.equal((chosen - embeddings[row]).abs(), gaps.amin(dim=0))


def test_many_candidates_match_plain_loops():
    embeddings, labels, centers = random_case(64, 32, 500)
    choice = select(SemiSynthesizedNegative(20), embeddings, labels, centers)
    for row in (0, 31, 63):
        expected = gaps_by_loops(embeddings[row : row + 1], labels[row : row + 1], centers, 20)[0]
        np.testing.assert_array_equal(np.abs(entries(choice, centers)[row] - embeddings[row]), expected)


def test_selection_batch_shows_distances_in_the_units_of_the_loss():
    embeddings, labels, centers = (torch.as_tensor(array) for array in random_case(5, 4, 3))
    seen = {}

    class Spy:
        def select(self, batch: SelectionBatch) -> Tensor:
            seen["batch"] = batch
            return batch.distances.argmin(dim=1)

    loss = TripletCenterLoss(3, 4, margin=0.5, negatives=Spy()).double()
    loss.centers.data.copy_(centers)
    value = loss(embeddings.clone().requires_grad_(), labels, torch.randn(5, 3, requires_grad=True))
    batch = seen["batch"]
    shown = (batch.embeddings, batch.centers, batch.logits, batch.distances)
    assert not any(tensor.requires_grad for tensor in shown)
    squared = (embeddings[:, None] - centers).square().sum(dim=2)
    own = batch.own_class
    assert own.sum(dim=1).eq(1).all() and own[torch.arange(5), labels].all()
    assert batch.distances[own].isinf().all()
    torch.testing.assert_close(batch.distances[~own], squared[~own])
    by_hand = (squared[own] + 0.5 - batch.distances.amin(dim=1)).relu().mean()
    torch.testing.assert_close(value, by_hand)


@pytest.mark.parametrize("sampler", ALL_SAMPLERS, ids=name_of)
def test_samplers_leave_the_batch_as_it_was(sampler):
    embeddings, labels, centers = (torch.as_tensor(array) for array in random_case(5, 4, 6))
    batch = SelectionBatch(embeddings, labels, centers, torch.randn(5, 6), lambda: torch.cdist(embeddings, centers))
    before = [tensor.clone() for tensor in (embeddings, labels, centers, batch.logits, batch.distances)]
    choice = sampler.select(batch)
    after = (batch.embeddings, batch.labels, batch.centers, batch.logits, batch.distances)
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert torch.equal(sampler.select(batch), choice)


@pytest.mark.parametrize("candidates", [0, -1])
def test_candidates_below_one_are_refused(candidates):
    with pytest.raises(ValueError, match="candidates"):
        SemiSynthesizedNegative(candidates)

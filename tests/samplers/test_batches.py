"""What the batch samplers guarantee, under RAF-DB's imbalance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ferlab.samplers import ClassBalancedBatches, PerClassBatches, ShuffledBatches

RAF_DB = np.array([1290, 281, 717, 4772, 1982, 705, 2524])
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(7), RAF_DB // 10))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shuffled_takes_every_image_at_most_once():
    batches = list(ShuffledBatches(LABELS, 100, generator()))
    seen = [i for batch in batches for i in batch]
    assert len(batches) == len(LABELS) // 100 and all(len(batch) == 100 for batch in batches)
    assert len(set(seen)) == len(seen)


def test_class_balanced_draws_every_class_as_often():
    sampler = ClassBalancedBatches(LABELS, 70, generator())
    drawn = LABELS[[i for _ in range(20) for batch in sampler for i in batch]]
    shares = np.bincount(drawn) / len(drawn)
    # 23,800 draws: a share of 1/7 has a standard error of .0023.
    np.testing.assert_allclose(shares, 1 / 7, atol=0.01)


@pytest.mark.parametrize(("batch_size", "per_class"), [(28, 4), (16, 8), (7, 1)])
def test_per_class_has_exactly_p_classes_of_m_distinct_images(batch_size, per_class):
    sampler = PerClassBatches(LABELS, batch_size, generator(), per_class)
    seen = set()
    for batch in sampler:
        counts = np.bincount(LABELS[batch], minlength=7)
        assert (counts > 0).sum() == batch_size // per_class and set(counts) <= {0, per_class}
        assert len(set(batch)) == batch_size, "images repeat within a batch"
        seen.update(batch)
    rare = set(np.flatnonzero(LABELS == 1))
    assert rare <= seen, "the pile deals every image of the rarest class before it repeats one"


def test_per_class_repeats_images_only_of_a_class_that_is_too_small():
    labels = np.array([0, 0, 0, 0, 1])
    for batch in PerClassBatches(labels, 4, generator(), per_class=2):
        assert sorted(labels[batch]) == [0, 0, 1, 1]
        assert len({i for i in batch if labels[i] == 0}) == 2


@pytest.mark.parametrize("kind", [ShuffledBatches, ClassBalancedBatches, PerClassBatches])
def test_batches_repeat_with_the_seed_and_change_between_epochs(kind):
    sampler = kind(LABELS, 28, generator(3))
    first, second = list(sampler), list(sampler)
    assert first == list(kind(LABELS, 28, generator(3))) and first != second
    assert len(first) == len(sampler)


def test_they_fit_a_data_loader():
    data = TensorDataset(torch.arange(len(LABELS)), torch.from_numpy(LABELS))
    indices, labels = next(iter(DataLoader(data, batch_sampler=PerClassBatches(LABELS, 28, generator()))))
    assert torch.equal(torch.from_numpy(LABELS)[indices], labels) and len(labels) == 28


@pytest.mark.parametrize("batch_size", [0, len(LABELS) + 1])
def test_a_batch_size_that_cannot_be_is_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must lie in"):
        ShuffledBatches(LABELS, batch_size, generator())


@pytest.mark.parametrize("batch_size", [30, 32])
def test_a_per_class_batch_that_cannot_be_is_refused(batch_size):
    with pytest.raises(ValueError, match="multiple of per_class"):
        PerClassBatches(LABELS, batch_size, generator(), per_class=4)


@pytest.mark.parametrize("sampler", [ShuffledBatches, ClassBalancedBatches, PerClassBatches])
@pytest.mark.parametrize(
    "labels",
    [np.array([0.5, 1.5] * 8), np.array([-1, 0] * 8), np.array([np.nan, 1.0] * 8), np.array(["a", "b"] * 8),
     np.zeros((16, 2), int), np.array([True, False] * 8), torch.tensor([0.0, 1.0] * 8)],
)  # fmt: skip
def test_labels_that_are_no_class_indices_are_refused_by_name(sampler, labels):
    with pytest.raises(ValueError, match="labels must be class indices, whole numbers from 0 on"):
        sampler(labels, 8, torch.Generator())


@pytest.mark.parametrize("sampler", [ShuffledBatches, ClassBalancedBatches, PerClassBatches])
def test_a_large_label_takes_no_memory(sampler):
    """Counted by bincount, it would take eight exabytes."""
    batch = next(iter(sampler([0, 10**18] * 8, 8, torch.Generator().manual_seed(0))))
    assert len(batch) == 8

"""Neural collapse against spaces whose collapse is known, and against the formulas as they are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.errors import FerlabError
from ferlab.evaluation import collapse_scores
from ferlab.evaluation.collapse import COLLAPSE_LABELS


def space(spread: float, classes: int = 4, each: int = 30, size: int = 6, seed: int = 0):
    """Faces around the corners of a simplex, and the classifier that has collapsed with them."""
    rng = np.random.default_rng(seed)
    corners = np.eye(size)[:classes]
    labels = np.repeat(np.arange(classes), each)
    return corners[labels] + spread * rng.normal(size=(len(labels), size)), labels, corners


def test_a_collapsed_space_has_zeros_everywhere():
    embeddings, labels, corners = space(spread=0.0)
    found = collapse_scores(embeddings, labels, 3 * corners + 5)  # neither length nor a shift of all logits matters
    assert found.keys() == COLLAPSE_LABELS.keys()
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-12)


def test_they_are_the_formulas_of_the_paper():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(5), [9, 20, 31, 8, 15])
    embeddings, classifier = (
        rng.normal(size=(len(labels), 12)) + rng.normal(size=(5, 12))[labels],
        rng.normal(size=(5, 12)),
    )
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in range(5)])
    centered = means - means.mean(axis=0)
    within = np.cov((embeddings - means[labels]).T, bias=True)
    between = centered.T @ centered / 5
    cosines = np.array([
        centered[a] @ centered[b] / np.linalg.norm(centered[a]) / np.linalg.norm(centered[b])
        for a in range(5) for b in range(5) if a != b
    ])  # fmt: skip
    lengths = np.linalg.norm(centered, axis=1)
    rows = classifier - classifier.mean(axis=0)
    assert collapse_scores(embeddings, labels, classifier) == pytest.approx(
        {
            "nc1": np.trace(within @ np.linalg.pinv(between)) / 5,
            "nc2_lengths": lengths.std() / lengths.mean(),
            "nc2_angles": cosines.std(),
            "nc2_simplex": np.abs(cosines + 1 / 4).mean(),
            "nc3": np.linalg.norm(rows / np.linalg.norm(rows) - centered / np.linalg.norm(centered)),
        }
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_scale_and_rotation_change_nothing(scale, seed):
    embeddings, labels, corners = space(0.3)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))
    before = collapse_scores(embeddings, labels, corners)
    after = collapse_scores(scale * embeddings @ turn, labels, corners @ turn)
    assert after == pytest.approx(before, rel=1e-6, abs=1e-9)


def test_more_spread_within_is_less_collapse():
    loose, tight = (collapse_scores(*space(spread))["nc1"] for spread in (0.4, 0.1))
    assert loose == pytest.approx(16 * tight, rel=0.2)  # it grows with the square of the spread


def test_absent_classes_are_left_out():
    embeddings, labels, corners = space(0.2)
    kept = labels != 2
    found = collapse_scores(embeddings[kept], labels[kept], corners)
    # As if there had never been such a class.
    again = collapse_scores(embeddings[kept], np.unique(labels[kept], return_inverse=True)[1], corners[[0, 1, 3]])
    assert found == pytest.approx(again)


def test_classes_at_one_place_are_measured_without_a_division_by_zero():
    found = collapse_scores(np.ones((8, 3)), np.arange(8) % 2, np.eye(3)[:2])
    assert all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize(
    ("embeddings", "labels", "says"),
    [
        (np.full((4, 2), np.nan), np.arange(4) % 2, "NaN"),
        (np.ones((4, 2)), np.zeros(4, dtype=int), "between classes, but there is 1"),
    ],
)
def test_what_cannot_be_measured_is_said(embeddings, labels, says):
    with pytest.raises(FerlabError, match=says):
        collapse_scores(embeddings, labels)

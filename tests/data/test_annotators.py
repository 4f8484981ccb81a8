"""Simulated annotators: what they get right, where they agree, and what sharing an error does."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.data import CLASSES
from ferlab.data.annotators import nearest_pattern, prototypes, simulate_annotators
from ferlab.errors import FerlabError
from ferlab.rendering import ACTION_UNITS, EXPRESSIONS


@pytest.fixture(scope="module")
def faces():
    """Every prototype ten times at full strength, and as many neutral faces: action units and class numbers."""
    patterns, classes = prototypes()
    units = np.concatenate([np.repeat(patterns, 10, axis=0), np.zeros((40, len(ACTION_UNITS)))])
    return units, np.concatenate([np.repeat(classes, 10), np.full(40, CLASSES.index("neutral"))])


def test_prototypes_are_those_of_the_renderer():
    patterns, classes = prototypes()
    assert patterns.shape == (sum(len(of) for name, of in EXPRESSIONS.items() if name != "neutral"), len(ACTION_UNITS))
    assert patterns.max() == 1 and {CLASSES[k] for k in classes} == set(EXPRESSIONS) - {"neutral"}


def test_without_errors_all_are_right(faces):
    units, labels = faces
    answers = simulate_annotators(units, count=4, own=0.0)
    assert answers.shape == (len(units), 4) and answers.dtype == np.int64
    np.testing.assert_array_equal(answers, np.repeat(labels[:, None], 4, axis=1))


def test_weak_faces_are_called_neutral(faces):
    units, _ = faces
    assert (simulate_annotators(0.1 * units, own=0.0) == CLASSES.index("neutral")).all()


def test_same_seed_same_answers(faces):
    units, _ = faces
    first, again, other = (simulate_annotators(units, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_shared_errors_make_annotators_agree_without_being_right(faces):
    units, labels = faces
    alone = simulate_annotators(units, own=0.6)
    together = simulate_annotators(units, own=0.0, shared=0.6)
    agree = lambda answers: np.mean(answers[:, :1] == answers[:, 1:])  # noqa: E731
    right = lambda answers: np.mean(answers == labels[:, None])  # noqa: E731
    assert agree(together) > agree(alone) + 0.2
    assert right(together) == pytest.approx(right(alone), abs=0.08)


def test_nearest_pattern_is_the_best_of_a_fine_search(faces):
    patterns, _ = prototypes()
    seen = np.random.default_rng(0).uniform(0, 0.8, (20, len(ACTION_UNITS)))
    strengths = np.linspace(0, 1, 201)
    distances = ((seen[:, None, None] - strengths[:, None] * patterns[:, None]) ** 2).sum(axis=3)  # (N, P, T)
    nearest, strength = nearest_pattern(seen, patterns)
    np.testing.assert_array_equal(nearest, distances.min(axis=2).argmin(axis=1))
    best = strengths[distances[np.arange(20), nearest].argmin(axis=1)]
    np.testing.assert_allclose(strength, best, atol=0.003)


@pytest.mark.parametrize(
    ("units", "settings", "message"),
    [
        (np.zeros((4, 5)), {}, "must be a matrix"),
        (np.zeros(len(ACTION_UNITS)), {}, "must be a matrix"),
        (np.zeros((4, len(ACTION_UNITS))), {"count": 0}, "at least one annotator"),
        (np.zeros((4, len(ACTION_UNITS))), {"own": -0.1}, "errors of 0 or more"),
    ],
)
def test_bad_input_is_a_sentence(units, settings, message):
    with pytest.raises(FerlabError, match=message):
        simulate_annotators(units, **settings)

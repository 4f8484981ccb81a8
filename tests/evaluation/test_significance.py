"""Intervals and tests against direct computation, and their behaviour where there is or is no effect."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from ferlab.errors import FerlabError
from ferlab.evaluation import (
    bootstrap_difference,
    bootstrap_scores,
    comparisons,
    holm,
    paired_test,
    share_interval,
)


def spread(values):
    return {"mean": float(np.mean(values)), "std": 0.0, "values": list(values)}


def test_chance_is_rejected_as_often_as_it_should_be_and_intervals_cover():
    rng = np.random.default_rng(0)
    rejected = covered = 0
    for _ in range(2000):
        common, truth = rng.normal(size=5), 0.3
        own, other = common + truth + 0.2 * rng.normal(size=5), common + 0.2 * rng.normal(size=5)
        rejected += paired_test(own - truth, other)[3] < 0.05
        _, low, high, _ = paired_test(own, other)
        covered += low <= truth <= high
    assert 0.035 < rejected / 2000 < 0.065
    assert 0.935 < covered / 2000 < 0.965


def test_equal_differences_have_an_interval_without_width():
    assert paired_test([0.5, 0.6], [0.5, 0.6]) == (0, 0, 0, 1)
    mean, low, high, p = paired_test([0.5, 0.6], [0.4, 0.5])
    assert mean == low == high == pytest.approx(0.1) and p == 1, "two equal differences prove nothing"
    with pytest.raises(ValueError, match="at least two seeds"):
        paired_test([0.5], [0.4])


def test_holm_is_between_no_correction_and_bonferroni():
    rng = np.random.default_rng(1)
    for _ in range(50):
        p = dict(enumerate(rng.random(6) ** 3))
        corrected = holm(p)
        order = sorted(p, key=p.get)
        assert [corrected[i] for i in order] == sorted(corrected.values())
        assert all(p[i] <= corrected[i] <= min(1, 6 * p[i]) for i in p)
        assert corrected[order[0]] == pytest.approx(min(1, 6 * p[order[0]]))


def test_every_measure_is_compared_with_the_reference_and_corrected_over_the_methods():
    methods = {
        "ce": {"accuracy": spread([0.70, 0.71, 0.72]), "geometry": {"silhouette": spread([0.20, 0.21, 0.20])}},
        "a": {"accuracy": spread([0.71, 0.71, 0.73]), "geometry": {"silhouette": spread([0.30, 0.31, 0.31])}},
        "b": {"accuracy": spread([0.60, 0.62, 0.62]), "confusion": [[1]], "geometry": {}},
    }
    found = comparisons(methods, {"a": "ce", "b": "ce"})
    assert set(found["a"]) == {"accuracy", "silhouette"} and set(found["b"]) == {"accuracy"}
    *_, p = paired_test(methods["a"]["accuracy"]["values"], methods["ce"]["accuracy"]["values"])
    assert found["a"]["accuracy"].p == pytest.approx(p)
    assert found["b"]["accuracy"].p_corrected == pytest.approx(2 * found["b"]["accuracy"].p)
    assert found["a"]["silhouette"].p_corrected == found["a"]["silhouette"].p, "alone in that measure"
    assert found["b"]["accuracy"].is_real and not found["a"]["accuracy"].is_real
    assert comparisons({"ce": methods["ce"]}, {}) == {}
    methods["a"]["accuracy"] = spread([0.71, 0.71])  # interrupted in its third seed
    fewer = comparisons(methods, {"a": "ce"})["a"]["accuracy"]
    assert fewer.seeds == 2 and fewer.difference == pytest.approx(0.005)


def test_bootstrap_surrounds_the_scores_and_is_wider_when_people_are_few():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 600)
    people = np.repeat(np.arange(100), 6)
    # Whole people are easy or hard, as with faces.
    right = np.repeat(rng.random((3, 100)) < 0.7, 6, axis=1)
    predicted = np.where(right, labels, (labels + 1) % 4)
    by_person = bootstrap_scores(labels, predicted, people, 4)
    by_face = bootstrap_scores(labels, predicted, np.arange(600), 4)
    means = {
        "accuracy": right.mean(),
        "balanced_accuracy": np.mean([balanced_accuracy_score(labels, own) for own in predicted]),
        "macro_f1": np.mean([f1_score(labels, own, average="macro") for own in predicted]),
    }
    for name, mean in means.items():
        low, high = by_person[name]
        assert low < mean < high and high - low < 0.3
        assert high - low > 1.2 * (by_face[name][1] - by_face[name][0])
    assert by_person == bootstrap_scores(labels, predicted, people, 4), "the same interval every time"


def test_the_interval_of_a_share_covers_and_stays_within_0_and_1():
    rng = np.random.default_rng(0)
    for truth, total in ((0.1, 30), (0.4, 21), (0.9, 250)):
        counts = rng.binomial(total, truth, size=2000)
        ends = {count: share_interval(count, total) for count in np.unique(counts)}
        covered = np.mean([ends[count][0] <= truth <= ends[count][1] for count in counts])
        assert 0.92 < covered < 0.98, (truth, total, covered)
    for count in (0, 5):
        low, high = share_interval(count, 5)
        assert 0 <= low <= count / 5 <= high <= 1 and high - low > 0.3, "all or none of five prove little"
    assert share_interval(0, 0) == (0.0, 1.0), "of nothing, nothing is known"


def two_parts(faces=400, people=80, seed=0):
    """Answers to faces of two parts, right with a probability that only the class decides: .9 or .5."""
    rng = np.random.default_rng(seed)
    person = rng.integers(0, people, faces)
    first = rng.random(faces) < 0.5
    labels = (rng.random(faces) < np.where(first, 0.8, 0.3)).astype(np.int64)  # the first part has more of class 1
    right = rng.random(faces) < np.where(labels == 1, 0.9, 0.5)
    return right, first, ~first, person, labels


def test_the_difference_of_two_parts_is_that_of_their_shares():
    right, first, second, person, _ = two_parts()
    value, drawn = bootstrap_difference(right, first, second, person)
    assert value == pytest.approx(right[first].mean() - right[second].mean())
    assert drawn.shape == (4000,) and abs(drawn.mean() - value) < 0.01
    assert value > 0.1 and np.quantile(drawn, 0.025) > 0, "the mix of classes makes a difference here"


def test_equal_class_shares_take_the_mix_of_classes_away():
    right, first, second, person, labels = two_parts(faces=4000)
    recalls = [[right[part & (labels == c)].mean() for c in (0, 1)] for part in (first, second)]
    value, drawn = bootstrap_difference(right, first, second, person, labels, np.array([0.25, 0.75]))
    assert value == pytest.approx(np.dot(recalls[0], [0.25, 0.75]) - np.dot(recalls[1], [0.25, 0.75]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert low < 0 < high and high - low < 0.15


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    held = 0
    for seed in range(60):
        right, first, second, person, labels = two_parts(seed=seed)
        _, drawn = bootstrap_difference(right, first, second, person, resamples=400)
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= 0.2 <= high  # .8 * .9 + .2 * .5 less .3 * .9 + .7 * .5
    assert held >= 52


def test_the_faces_of_a_person_are_drawn_together():
    """Ten faces of a person that are all right or all wrong tell no more than one."""
    rng = np.random.default_rng(0)
    right, first = rng.random(100) < 0.6, np.arange(100) < 50
    _, alone = bootstrap_difference(right, first, ~first, np.arange(100))
    right, first, people = (np.repeat(values, 10) for values in (right, first, np.arange(100)))
    _, together = bootstrap_difference(right, first, ~first, people)
    assert together.std() == pytest.approx(alone.std(), rel=0.1)


def test_two_networks_on_the_same_faces_are_paired():
    rng = np.random.default_rng(0)
    one = rng.random(300) < 0.8
    other = np.where(rng.random(300) < 0.05, ~one, one)  # nearly the same answers
    is_one, people = np.arange(600) < 300, np.arange(300)
    value, paired = bootstrap_difference(np.concatenate([one, other]), is_one, ~is_one, np.tile(people, 2))
    _, unpaired = bootstrap_difference(np.concatenate([one, other]), is_one, ~is_one, np.arange(600))
    assert value == pytest.approx(one.mean() - other.mean()) and paired.std() < unpaired.std() / 2


def test_a_part_without_faces_cannot_be_compared():
    right, first, second, person, labels = two_parts()
    with pytest.raises(FerlabError, match="A part has no faces"):
        bootstrap_difference(right, first, np.zeros_like(first), person)
    with pytest.raises(FerlabError, match="none of a class that counts"):
        bootstrap_difference(right, first & (labels == 0), second, person, labels, np.array([0.5, 0.5]))
    value, _ = bootstrap_difference(right, first & (labels == 0), second, person, labels, np.array([1.0, 0.0]))
    assert np.isfinite(value)

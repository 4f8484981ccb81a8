"""Scores and geometry against values known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions, classification_scores, confusion_counts, geometry_scores


def predictions(predicted: list[int], num_classes: int = 3) -> Predictions:
    return Predictions(np.zeros((len(predicted), 2), np.float32), np.eye(num_classes, dtype=np.float32)[predicted])


def test_scores_of_a_known_confusion():
    labels = np.array([0, 0, 0, 1, 1, 2])
    guess = predictions([0, 0, 1, 1, 1, 0])
    scores = classification_scores(labels, guess)
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert confusion_counts(labels, guess, 3).tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_a_class_absent_from_the_split_is_left_out_of_the_means():
    labels = np.array([0, 0, 1, 1])
    assert classification_scores(labels, predictions([0, 0, 1, 2]))["balanced_accuracy"] == pytest.approx(0.75)


def clusters(spread: float, classes: int = 3, each: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), each)
    return np.eye(8)[labels] + spread * rng.normal(size=(len(labels), 8)), labels


def test_tight_clusters_score_near_perfect():
    scores = geometry_scores(*clusters(0.01))
    assert scores["within_between_ratio"] < 0.05
    assert scores["silhouette"] > 0.9
    assert scores["knn_accuracy"] == 1
    assert scores["map_at_r"] == pytest.approx(1)


def test_more_spread_is_worse_in_every_measure():
    tight, loose = geometry_scores(*clusters(0.1)), geometry_scores(*clusters(0.6))
    assert tight["within_between_ratio"] < loose["within_between_ratio"]
    for measure in ("silhouette", "knn_accuracy", "map_at_r"):
        assert tight[measure] > loose[measure]


def test_no_measure_depends_on_the_size_of_the_space_or_of_a_vector():
    embeddings, labels = clusters(0.3)
    lengths = np.random.default_rng(1).uniform(0.5, 20, size=(len(labels), 1))
    plain, scaled = geometry_scores(embeddings, labels), geometry_scores(embeddings * lengths, labels)
    assert plain == pytest.approx(scaled, rel=1e-4)


def test_map_at_r_by_hand():
    # On a circle: two pairs whose classes alternate, so each query's nearest other face is of the wrong class.
    angles = np.deg2rad([0, 10, 20, 30, 200, 210, 220, 230, 240, 250, 260, 270])
    labels = np.array([0, 1, 0, 1] + [2] * 8)
    scores = geometry_scores(np.stack([np.cos(angles), np.sin(angles)], axis=1), labels)
    assert scores["map_at_r"] == pytest.approx(8 / 12)


def test_nan_and_too_few_faces_are_refused():
    embeddings, labels = clusters(0.1)
    with pytest.raises(FerlabError, match="NaN"):
        geometry_scores(np.full_like(embeddings, np.nan), labels)
    with pytest.raises(FerlabError, match="more than 10 faces"):
        geometry_scores(embeddings[:5], labels[:5])

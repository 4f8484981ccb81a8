"""Scores and geometry against values known beforehand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ferlab.errors import FerlabError
from ferlab.evaluation import (
    Predictions,
    calibration_error,
    class_recalls,
    classification_scores,
    confusion_counts,
    geometry_scores,
    linear_cka,
    nearest_center_accuracy,
    neighbor_overlap,
    relative_spread,
    slice_scores,
)
from ferlab.evaluation.geometry import alignment, effective_rank, uniformity


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


def test_recall_of_every_class_and_none_for_an_absent_one():
    labels = np.array([0, 0, 0, 2, 2])
    assert class_recalls(labels, predictions([0, 0, 1, 1, 2]), 3) == [pytest.approx(2 / 3), None, 0.5]


def test_calibration_error_by_hand():
    # Confidence .9 for four faces of which two are right, .6 for one that is: (4 * |.9 - .5| + |.6 - 1|) / 5.
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]], np.float32)
    seen = Predictions(np.zeros((5, 2), np.float32), probabilities)
    assert calibration_error(np.array([0, 0, 1, 1, 1]), seen) == pytest.approx((4 * 0.4 + 0.4) / 5, abs=1e-6)


def test_alignment_and_uniformity_are_means_over_pairs():
    embeddings, labels = clusters(0.5, each=7)
    squared = ((embeddings[:, None] - embeddings) ** 2).sum(axis=2)
    different = ~np.eye(len(labels), dtype=bool)
    same = (labels[:, None] == labels) & different
    assert alignment(embeddings, labels) == pytest.approx(squared[same].mean())
    assert uniformity(embeddings) == pytest.approx(np.log(np.exp(-2 * squared[different]).mean()))


@pytest.mark.parametrize("directions", [1, 3, 8])
def test_effective_rank_counts_the_directions_in_use(directions):
    axes = np.eye(8)[:directions]
    assert effective_rank(np.concatenate([axes, -axes])) == pytest.approx(directions)
    assert effective_rank(np.ones((5, 8))) == 0


def test_the_nearest_center_leaves_each_face_out_of_its_own_mean():
    # With itself in the mean, the face at 10 would be nearer to its own class (mean 5) than to the other one (mean 16).
    embeddings, labels = np.array([[0.0], [0.0], [10.0], [16.0], [16.0], [-90.0]]), np.array([0, 0, 0, 1, 1, 2])
    assert nearest_center_accuracy(embeddings, labels) == pytest.approx(4 / 5), "and a class of one is left out"


def test_relative_spread_of_all_is_one_and_no_factor_or_shift_changes_it():
    space = np.random.default_rng(0).normal(size=(30, 4))
    assert relative_spread(space, np.arange(30)) == pytest.approx(1)
    assert relative_spread(7 * space - 3, np.arange(5)) == pytest.approx(relative_spread(space, np.arange(5)))


def test_slices_hold_the_accuracy_of_their_faces():
    rng = np.random.default_rng(0)
    about = pd.DataFrame(
        {"intensity": rng.uniform(0.2, 1, 400), "yaw": rng.normal(0, 12, 400), "AU12": rng.random(400), "identity": 1}
    )
    labels = rng.integers(0, 3, 400)
    predicted = np.where(about["intensity"] < 0.4, (labels + 1) % 3, labels)
    table = slice_scores(about, labels, predicted).set_index(["kind", "part"])
    assert table.loc[("intensity", "0.2 to 0.4"), "accuracy"] == 0
    assert table.loc[("intensity", "from 0.8"), "accuracy"] == 1
    assert table.loc[("action unit", "AU12"), "faces"] == (about["AU12"] >= 0.4).sum()
    assert set(table.index.get_level_values(0)) == {"intensity", "yaw (degrees, either side)", "action unit"}
    assert (table["faces"] >= 20).all()
    assert slice_scores(pd.DataFrame({"row": range(400)}), labels, predicted).empty


def turned(space: np.ndarray, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 2.5 * space @ np.linalg.qr(rng.normal(size=(space.shape[1],) * 2))[0]


def test_spaces_that_differ_by_a_turn_agree():
    space = np.random.default_rng(0).normal(size=(60, 8))
    assert linear_cka(space, turned(space) + 3) == pytest.approx(1)
    assert (neighbor_overlap(space, turned(space)) == 1).all()


def test_spaces_without_relation_agree_by_chance_only():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(400, 8)), rng.normal(size=(400, 5))
    assert linear_cka(first, second) < 0.1
    assert neighbor_overlap(first, second, 10).mean() == pytest.approx(10 / 399, abs=0.015)


def test_neighbor_overlap_of_a_known_exchange():
    # On a circle everyone's two neighbors stand beside them; where two that are not side by side change places, their
    # neighbors' lists change by one each, and their own entirely.
    angles = 2 * np.pi * np.arange(12) / 12
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    exchanged = circle.copy()
    exchanged[[0, 6]] = circle[[6, 0]]
    overlap = neighbor_overlap(circle, exchanged, 2)
    assert overlap[[0, 6]].tolist() == [0, 0]
    assert overlap[[1, 5, 7, 11]].tolist() == [0.5] * 4
    assert overlap[[2, 3, 4, 8, 9, 10]].tolist() == [1] * 6


def test_agreement_refuses_other_faces():
    space = np.ones((20, 2))
    for measure in (linear_cka, neighbor_overlap):
        with pytest.raises(FerlabError, match="20 and 19"):
            measure(space, space[1:])
    with pytest.raises(FerlabError, match="one point"):
        linear_cka(space, space)
    with pytest.raises(FerlabError, match="more than 10"):
        neighbor_overlap(space[:5], space[:5])

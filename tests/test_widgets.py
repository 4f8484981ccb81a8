"""The smaller widgets and the checks of exercises; EmbeddingExplorer has its own tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_fake_run

from ferlab.errors import FerlabError
from ferlab.widgets import EmbeddingExplorer, action_unit_slider, ask, check_selection, check_within_between


@pytest.fixture(scope="module")
def faces():
    return fake_faces(140)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, mapped=100)


@pytest.fixture
def explorer(run_dir, faces):
    return EmbeddingExplorer(run_dir, faces)


def test_action_unit_slider_moves_the_face():
    face = action_unit_slider("AU26", size=48)
    face.intensity = 0.0
    closed = face.image.astype(int)
    face.intensity = 1.0
    mouth, forehead = (
        np.abs(face.image.astype(int) - closed).mean(axis=(1, 2))[rows].max() for rows in (slice(28, 46), slice(0, 10))
    )
    assert mouth > 5 > forehead
    assert 'alt="The face with AU26 (jaw drop) at 1.00"' in face._moved.value and "base64," in face._moved.value
    face.unit = "AU4"
    assert not np.array_equal(face.image, closed) and "AU4" in face._moved.value
    shown = face._repr_mimebundle_()[0] if isinstance(face._repr_mimebundle_(), tuple) else face._repr_mimebundle_()
    assert shown["text/html"].count("<img") == 2 and shown["text/plain"].startswith("A face, neutral and with AU4")
    with pytest.raises(FerlabError, match="no action unit 'AU99'"):
        action_unit_slider("AU99")


# ---- exercises -----------------------------------------------------------------------------------------------


def test_selection_check_says_what_to_change(explorer, faces):
    labels = faces.labels[explorer.points.indices]
    name = dict(enumerate(faces.classes))

    def chosen(**numbers):
        take = [explorer.points.indices[labels == k][: numbers.get(name[k], 0)] for k in name]
        explorer.selection = np.concatenate(take)
        return check_selection(explorer, ("surprise", "fear"), at_least=10)

    assert "Nothing is selected" in chosen()
    assert "selected 5 faces; take at least 10" in chosen(surprise=3, fear=2)
    assert "Most of the others are anger" in chosen(surprise=5, fear=2, anger=6, neutral=1)
    assert "Only 1 of your 11 faces are fear" in chosen(surprise=10, fear=1)


def test_selection_check_asks_for_the_border():
    rng = np.random.default_rng(0)
    at = rng.uniform(-1, 1, (600, 2))
    table = pd.DataFrame({"label": np.where(at[:, 0] < 0, "surprise", "fear"), "x": at[:, 0], "y": at[:, 1]})
    explorer = EmbeddingExplorer({"ce": table.assign(predicted=table["label"])})
    explorer.selection = np.arange(600)
    answer = check_selection(explorer, ("surprise", "fear"))
    assert answer.startswith("Only 1") and "where surprise and fear touch, on the map of Cross-entropy" in answer
    explorer.selection = np.flatnonzero(np.abs(at[:, 0]) < 0.06)
    answer = check_selection(explorer, ("surprise", "fear"))
    assert answer.startswith("Well found: ") and "Cross-entropy 100%" in answer


def ratio(embeddings, labels, power=1.0, keep_own=False, turned=False):
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in np.unique(labels)])
    within = (np.linalg.norm(embeddings - means[labels], axis=1) ** power).mean()
    distances = np.linalg.norm(means[:, None] - means[None], axis=2) ** power
    between = distances.mean() if keep_own else distances[~np.eye(len(means), dtype=bool)].mean()
    return between / within if turned else within / between


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (ratio, "Right: "),
        (lambda e, y: None, "returns None"),
        (lambda e, y: "high", "one number, but returned str"),
        (lambda e, y: 1 / 0, "stopped with ZeroDivisionError"),
        (lambda e, y: ratio(e, y, turned=True), "Turn the fraction round"),
        (lambda e, y: ratio(e, y, power=2.0), "squared"),
        (lambda e, y: ratio(e, y, keep_own=True), "itself"),
        (lambda e, y: 0.123, "Cross-entropy you get 0.123"),
    ],
)
def test_ratio_check_names_the_mistake(run_dir, function, message):
    assert message in check_within_between(function, run_dir)


def test_ratio_check_agrees_with_the_measure_in_the_table(run_dir):
    from ferlab.evaluation.geometry import within_between_ratio

    assert check_within_between(within_between_ratio, run_dir).startswith("Right")


def test_a_question_has_no_answer_until_one_is_chosen():
    question = ask("Which?", ["a", "b"])
    assert question.value is None
    question.value = "b"
    assert question.value == "b"

"""The smaller widgets and the checks of exercises; EmbeddingExplorer has its own tests."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_fake_run

from ferlab.classroom import ask
from ferlab.classroom.exercises import check_selection, check_within_between
from ferlab.errors import FerlabError
from ferlab.widgets import EmbeddingExplorer, action_unit_slider


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
    assert answer.startswith("✓ Well found: ") and "Cross-entropy 100%" in answer


def ratio(embeddings, labels, power=1.0, keep_own=False, turned=False, by_class=False):
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in np.unique(labels)])
    lengths = np.linalg.norm(embeddings - means[labels], axis=1) ** power
    within = np.mean([lengths[labels == c].mean() for c in np.unique(labels)]) if by_class else lengths.mean()
    distances = np.linalg.norm(means[:, None] - means[None], axis=2) ** power
    between = distances.mean() if keep_own else distances[~np.eye(len(means), dtype=bool)].mean()
    return between / within if turned else within / between


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (ratio, "✓ Right: "),
        (lambda e, y: None, "returns None"),
        (lambda e, y: "high", "one number, but returned str"),
        (lambda e, y: 1 / 0, "stopped with ZeroDivisionError"),
        (lambda e, y: ratio(e, y, turned=True), "Turn the fraction round"),
        (lambda e, y: ratio(e, y, power=2.0), "squared"),
        (lambda e, y: np.sqrt(ratio(e, y, power=2.0)), "take the root after"),
        (lambda e, y: ratio(e, y, keep_own=True), "itself"),
        (lambda e, y: 0.123, "Cross-entropy you get 0.123"),
    ],
)
def test_ratio_check_names_the_mistake(run_dir, function, message):
    assert message in check_within_between(function, run_dir)


def test_ratio_check_knows_a_mean_over_classes_where_they_are_not_equally_frequent(tmp_path):
    uneven = fake_faces(140)
    uneven.labels[::3] = 0
    run = write_fake_run(tmp_path / "uneven", uneven)
    assert "all faces at once" in check_within_between(lambda e, y: ratio(e, y, by_class=True), run)
    assert check_within_between(ratio, run).startswith("✓ Right")


def test_ratio_check_agrees_with_the_measure_in_the_table(run_dir):
    from ferlab.evaluation.geometry import within_between_ratio

    assert check_within_between(within_between_ratio, run_dir).startswith("✓ Right")


def test_a_question_has_no_answer_until_one_is_chosen(tmp_path):
    question = ask("Which?", ["a", "b"], keep=tmp_path / "guesses.json")
    assert question.value is None and not list(tmp_path.iterdir())
    question.value = "b"
    assert question.value == "b"


def test_answers_outlive_a_restart(tmp_path):
    keep = tmp_path / "runs" / "guesses.json"
    ask("Which?", ["a", "b"], keep=keep).value = "b"
    ask("Who?", ["x", "y"], keep=keep).value = "x"
    assert ask("Which?", ["a", "b"], keep=keep).value == "b" and ask("Who?", ["x", "y"], keep=keep).value == "x"
    assert ask("Which?", ["c", "d"], keep=keep).value is None, "an answer that is no longer offered"
    keep.write_text("{ half", encoding="utf-8")
    again = ask("Which?", ["a", "b"], keep=keep)
    assert again.value is None
    again.value = "a"
    assert json.loads(keep.read_text(encoding="utf-8")) == {"Which?": "a"}


def test_an_answer_that_cannot_be_kept_is_an_answer(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be", encoding="utf-8")
    question = ask("Which?", ["a", "b"], keep=tmp_path / "runs" / "guesses.json")
    question.value = "a"
    assert question.value == "a"

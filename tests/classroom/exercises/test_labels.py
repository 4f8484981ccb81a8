"""The checks of the exercises on faces and labels: right answers pass, and each usual mistake is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score
from tiny_spaces import write_tiny_spaces

from ferlab.classroom.exercises import check_kappa, check_little_movement
from ferlab.classroom.marks import NOT_BEGUN
from ferlab.rendering import EXPRESSIONS, Identity, render
from ferlab.widgets import FaceLab


def shares(a, b):
    classes = max(a.max(), b.max()) + 1
    return [np.bincount(answers, minlength=classes) / len(answers) for answers in (a, b)]


def parts(a, b):
    return (a == b).mean(), np.dot(*shares(a, b))


def kappa(a, b):
    same, luck = parts(a, b)
    return (same - luck) / (1 - luck)


def with_luck(luck_of):
    return lambda a, b: ((a == b).mean() - luck_of(*shares(a, b))) / (1 - luck_of(*shares(a, b)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (kappa, "Right"),
        (cohen_kappa_score, "Right"),
        (lambda a, b: None, "returns None"),
        (lambda a, b: "much", "one number, but returned str"),
        (lambda a, b: a == b, "one number, but returned ndarray"),
        (lambda a, b: 1 / 0, "ZeroDivisionError"),
        (lambda a, b: (a == b).mean(), "share of equal answers"),
        (lambda a, b: parts(a, b)[1], "luck alone"),
        (lambda a, b: parts(a, b)[0] - parts(a, b)[1], "divide by 1 - luck, the most"),
        (lambda a, b: parts(a, b)[0] / parts(a, b)[1] - 1, "not by luck"),
        (lambda a, b: parts(a, b)[0] - parts(a, b)[1] / (1 - parts(a, b)[1]), "so only luck is divided"),
        (lambda a, b: parts(a, b)[0] - parts(a, b)[1] / 1 - parts(a, b)[1], "nothing is divided by 1 - luck"),
        (lambda a, b: (parts(a, b)[0] - parts(a, b)[1]) / 1 - parts(a, b)[1], "nothing is divided by 1 - luck"),
        (with_luck(lambda p, q: 1 / len(p)), "equally often"),
        (with_luck(lambda p, q: (((p + q) / 2) ** 2).sum()), "Scott's pi"),
        (with_luck(lambda p, q: p @ p), "not the first one's twice"),
        (with_luck(lambda p, q: q @ q), "not the second one's twice"),
        (lambda a, b: 0.123, "but kappa is"),
        (lambda a, b: kappa(a, b) if len(np.unique(b)) == 4 else 0.123, "never uses one of them"),
    ],
)
def test_kappa(function, said):
    assert said in check_kappa(function)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return FaceLab(write_tiny_spaces(tmp_path_factory.mktemp("runs") / "tiny"))


def answer(lab, expression, method="ce"):
    """Let the network say so, without training one."""
    chances = np.full(len(lab.spaces.classes), 0.01, dtype=np.float32)
    chances[lab.spaces.classes.index(expression)] = 0.94
    lab.probabilities[method] = chances
    return lab


def test_little_movement(lab, monkeypatch):
    relaxed = np.eye(len(lab.spaces.classes))[lab.spaces.classes.index("neutral")]
    monkeypatch.setattr(lab, "probabilities_of", lambda units: {"ce": relaxed})
    lab.units = {}
    assert check_little_movement(answer(lab, "neutral")).startswith(NOT_BEGUN)
    assert "choose another person" in check_little_movement(answer(lab, "surprise"))
    lab.units = {"AU25": 0.2, "AU1": 0.1}
    said = check_little_movement(answer(lab, "fear"))
    assert "says fear (94%) to AU1 0.10, AU25 0.20; surprise gets 1%" in said
    right = check_little_movement(answer(lab, "surprise"))
    assert right.startswith("✓ ") and "0.30 in all. The smallest pattern" in right and "count on other people" in right
    lab.units = EXPRESSIONS["surprise"]["1+2+5+27"]
    assert "4.00 in all, and at most 1 is asked for" in check_little_movement(answer(lab, "surprise"))
    assert "4.00 in all. The smallest" in check_little_movement(answer(lab, "surprise"), at_most=4)
    assert "does not show CE, k heads" in check_little_movement(lab, method="ce-heads")


def test_a_face_that_needs_no_movement_does_not_count(lab):
    lab.units = {}
    said = lab.spaces.classes[int(lab.probabilities["ce"].argmax())]
    lab.units = {"AU43": 0.05}
    assert "without any movement" in check_little_movement(answer(lab, said), expression=said)


def test_a_photo_does_not_count(lab, tmp_path):
    face = Image.fromarray(render(Identity(), size=192))
    photo = Image.new("RGB", (500, 400), (96, 110, 120))
    photo.paste(face, (170, 100))
    photo.save(tmp_path / "me.png")
    lab.show_photo(tmp_path / "me.png")
    assert "shows a photo" in check_little_movement(lab)
    lab.units = {}
    assert "Nothing is moved" in check_little_movement(answer(lab, "neutral"))

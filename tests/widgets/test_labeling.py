"""The learner as an annotator: answers are kept in order, can be mended, and nothing tells what is right."""

from __future__ import annotations

import numpy as np
import pytest
from ipywidgets import HTML, Button, Widget

from ferlab.errors import FerlabError
from ferlab.widgets import FaceLabeling

CLASSES = ("anger", "fear", "neutral")


@pytest.fixture
def naming():
    return FaceLabeling(np.arange(5 * 8 * 8 * 3, dtype=np.uint8).reshape(5, 8, 8, 3), CLASSES)


def parts(widget: Widget, kind: type[Widget]) -> list:
    """All widgets of a kind within another, in the order in which they are shown."""
    inside = [part for child in getattr(widget, "children", ()) for part in parts(child, kind)]
    return [widget, *inside] if isinstance(widget, kind) else inside


def buttons(naming: FaceLabeling) -> list[Button]:
    """Those with the names, and Back."""
    return parts(naming, Button)


def back(naming: FaceLabeling) -> Button:
    return buttons(naming)[-1]


def words(naming: FaceLabeling) -> str:
    return " ".join(part.value for part in parts(naming, HTML))


def press(naming: FaceLabeling, name: str) -> None:
    next(button for button in buttons(naming) if button.description == name).click()


def test_a_press_names_the_face_and_shows_the_next(naming):
    assert "Face <b>1</b> of 5" in words(naming) and 'alt="Face 1 of 5"' in words(naming)
    press(naming, "fear")
    press(naming, "anger")
    assert naming.answers.tolist() == [1, 0, -1, -1, -1] and naming.position == 2 and not naming.done
    assert repr(naming) == "FaceLabeling(2 of 5 faces named)"


def test_back_shows_and_mends_the_last_answer(naming):
    assert back(naming).disabled
    press(naming, "fear")
    back(naming).click()
    assert naming.position == 0 and [button.icon for button in buttons(naming)[:-1]] == ["", "check", ""]
    press(naming, "neutral")
    assert naming.answers[0] == 2


def test_at_the_end_there_is_nothing_left_to_press(naming):
    for _ in range(5):
        press(naming, "neutral")
    assert naming.done and naming.position == 5 and all(button.disabled for button in buttons(naming)[:-1])
    assert "<b>All 5 faces have been seen.</b>" in words(naming) and "<img" not in words(naming)
    naming.name("anger")
    assert naming.answers.tolist() == [2] * 5
    back(naming).click()
    assert naming.position == 4 and not buttons(naming)[0].disabled


def test_answers_can_be_set(naming):
    naming.answers = [0, 1, -1, 2, -1]
    assert naming.position == 2
    naming.answers[0] = 1
    assert naming.answers[0] == 0, "a copy is given away"
    for wrong in ([0, 1], [0, 1, 2, 3, 0], [0.5] * 5):
        with pytest.raises(FerlabError, match="one class number from 0 to 2"):
            naming.answers = wrong


def test_bad_input_is_a_sentence(naming):
    with pytest.raises(FerlabError, match="no class 'joy'"):
        naming.name("joy")
    for images in (np.zeros((0, 8, 8, 3), np.uint8), np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3))):
        with pytest.raises(FerlabError, match="Faces to name"):
            FaceLabeling(images, CLASSES)


def test_a_picture_stands_in_where_no_widget_can(naming):
    bundle = naming._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["image/png"] and data["text/plain"] == "FaceLabeling(0 of 5 faces named)"

"""Questions to answer before looking, and the file that keeps the answers."""

from __future__ import annotations

import pytest

from ferlab.classroom import ask
from ferlab.errors import FerlabWarning


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{ half", "is damaged, it is no JSON"),
        ("[" * 100_000, "is damaged, it is no JSON: recursion limit"),
        ('["Which?"]', "is damaged, it should be an object"),
        ('{"Which?": "b", "Who?": ["x"]}', r"is damaged, its field Who\? should be a valid string"),
        (None, "it is a folder"),
    ],
)
def test_a_file_of_answers_that_is_none_is_said_and_left_as_it_is(tmp_path, content, said):
    keep = tmp_path / "guesses.json"
    keep.mkdir() if content is None else keep.write_text(content, encoding="utf-8")
    with pytest.warns(FerlabWarning, match=rf"Your answer is not kept, since .*guesses\.json.* ?{said}"):
        again = ask("Which?", ["a", "b"], keep=keep)
    assert again.value is None
    again.value = "a"
    assert again.value == "a" and (content is None or keep.read_text(encoding="utf-8") == content)


def test_an_answer_that_cannot_be_kept_is_an_answer(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be", encoding="utf-8")
    question = ask("Which?", ["a", "b"], keep=tmp_path / "runs" / "guesses.json")
    question.value = "a"
    assert question.value == "a"


def test_where_nothing_can_be_clicked_the_answers_are_a_list(tmp_path):
    question = ask("Which <one>?", ["this & that", "none"], keep=tmp_path / "guesses.json")
    shown = question._repr_mimebundle_()
    data = shown[0] if isinstance(shown, tuple) else shown
    assert data["text/html"] == (
        '<p><strong>Which &lt;one&gt;?</strong></p><ul style="list-style: circle">'
        "<li>this &amp; that</li><li>none</li></ul>"
    )
    assert data["text/plain"] == "Which <one>? this & that / none"

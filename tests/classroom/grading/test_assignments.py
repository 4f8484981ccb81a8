"""The assignments as written: what is handed out holds no solution, and the solutions are right."""

from __future__ import annotations

import contextlib
import io
import re

import nbformat
import pytest

from ferlab.classroom.grading import Judge, build, find_assignments, read_assignment
from ferlab.classroom.grading.assignment_text import solution_lines
from ferlab.errors import FerlabError

TEXTS = find_assignments()
BY_NAME = pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)


@BY_NAME
def test_what_is_handed_out_holds_no_line_of_a_solution_and_no_judge(text, tmp_path):
    student, instructor = (nbformat.read(path, as_version=4) for path in build(text, tmp_path))
    nbformat.validate(student), nbformat.validate(instructor)
    whole = "\n".join(cell.source for cell in student.cells)
    lines = {line.strip() for line in whole.splitlines()}
    for part in text.parts.values():
        for cell in text.of_role("exercise", part.id):
            solution = solution_lines(cell.source)
            assert solution and not lines & set(solution), part.id
        for cell in text.of_role("answer", part.id):
            assert cell.source.strip() and not any(line in whole for line in cell.source.splitlines() if line.strip())
        for criterion in part.rubric:
            assert criterion.text in whole and (not criterion.model or criterion.model not in whole)
    for cell in text.of_role("judge"):
        own = [line for line in cell.source.splitlines() if len(line.strip()) > 20 and "import" not in line]
        assert not [line for line in own if line.strip() in lines]
    assert str(text.seed) not in whole and "SOLUTION" not in whole and "solve(" not in whole
    ids = [cell.metadata["ferlab"]["id"] for cell in student.cells if "ferlab" in cell.metadata]
    assert ids == list(text.parts), "one cell of every part, in order"
    assert not any(cell.get("outputs") for cell in student.cells) and "{points" not in whole
    assert "A model answer" in "\n".join(cell.source for cell in instructor.cells)


@BY_NAME
def test_the_examples_by_hand_are_those_of_the_solution(text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    namespace, printed = {"__name__": "notebook"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in text.cells:
            if cell.kind == "code" and cell.role in ("", "given", "exercise", "hand"):
                exec(compile(cell.source, text.name, "exec"), namespace)
    said = printed.getvalue()
    checked = sum(cell.source.count("by_hand_value(") for cell in text.cells if cell.role == "")
    assert said.count("✓ As by hand") == checked >= 4, said
    assert (tmp_path / "by_hand.json").is_file()


@BY_NAME
def test_an_untouched_hand_out_runs_to_its_end(text, monkeypatch, tmp_path):
    """Nobody is stopped in a later exercise by one that is not done."""
    cells = nbformat.read(build(text, tmp_path)[0], as_version=4).cells
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "notebook"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, text.name, "exec"), namespace)
    assert printed.getvalue().count("Nothing yet") >= 4


@BY_NAME
def test_another_seed_draws_other_data(text):
    part = next(part.id for part in text.parts.values() if part.kind == "function")
    drawn = [
        Judge(text, seed).begin(part, student)[0].calls[0].arguments[0]
        for seed, student in ((1, "a"), (2, "a"), (1, "b"))
    ]
    assert (drawn[0] != drawn[1]).any() and (drawn[0] != drawn[2]).any()


HEADER = """\
# %% [raw] role="assignment"
# title = "T"
# seed = 1
# [[part]]
# id = "f"
# kind = "{kind}"
# title = "F"

"""
EXERCISE = """\
# %% role="exercise" part="f"
def f(x):
    # BEGIN SOLUTION
    return x
    # END SOLUTION

"""
JUDGE = """\
# %% role="judge" part="f"
@check(points=1, about="v")
def v(draw):
    asked = call(1.0)
    answer = yield asked
    return compare(answer, solve(asked))
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("print(1)\n", "is no assignment"),
        (HEADER.format(kind="function"), 'has no cell with role="exercise"'),
        (HEADER.format(kind="guess"), "is of kind 'guess'"),
        (HEADER.format(kind="function") + EXERCISE, 'has no cell with role="judge"'),
        (HEADER.format(kind="written") + '# %% [markdown] role="answer" part="f"\n# A.\n', "has no rubric"),
        (
            HEADER.format(kind="function") + EXERCISE.replace('part="f"', 'part="g"') + JUDGE,
            "'g', which the first cell",
        ),
    ],
)
def test_a_mistake_in_a_text_is_named(tmp_path, content, said):
    path = tmp_path / "1_own.py"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FerlabError, match=re.escape(said)):
        read_assignment(path)


def test_an_assignment_of_ones_own(tmp_path):
    path = tmp_path / "1_own.py"
    path.write_text(HEADER.format(kind="function") + EXERCISE + JUDGE, encoding="utf-8")
    (text,) = find_assignments(folder=tmp_path)
    judge = Judge(text)
    (pending,) = judge.begin("f", "ada")
    assert pending.mark([judge.solve("f", pending.calls[0])]).points == judge.points(text.parts["f"]) == 1
    with pytest.raises(FerlabError, match="There is no assignment 7 in .*; there are: 1_own"):
        find_assignments(["7"], tmp_path)

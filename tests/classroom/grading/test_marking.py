"""The table of the written parts, filled in by a person and read again."""

from __future__ import annotations

import pytest

from ferlab.classroom.grading import find_assignments, read_marks, write_marks
from ferlab.classroom.grading.marking import written_marks
from ferlab.classroom.grading.submission import Submission
from ferlab.errors import FerlabError

(TEXT,) = find_assignments(["1"])
NAMES = ("ada", "'t Hooft", "=1+1", "Müller, Bob")


def work():
    return [(TEXT, Submission(name, answers={"study": "=cmd\nA line, another."})) for name in NAMES]


@pytest.mark.parametrize("separator", [",", ";"])
def test_points_that_were_filled_in_come_back_and_stay(tmp_path, separator):
    path = tmp_path / "to_mark.csv"
    write_marks(path, work(), {})
    assert read_marks(path) == {} and "\n=" not in path.read_text(encoding="utf-8")
    given = {
        (name, TEXT.name, "study", 1): (2.5, "good; well, yes") for name in ("ada", "'t Hooft", "'=1+1", "Müller, Bob")
    }
    write_marks(path, work(), given)
    if separator == ";":
        import csv

        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines(keepends=True)))
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file, delimiter=";").writerows(rows)
    assert read_marks(path) == given
    for text, submission in work():
        marks = written_marks(text, submission, read_marks(path))
        assert [mark.points for mark in marks if mark.part == "study"][0] == 2.5
        assert {mark.reason for mark in marks if mark.part == "forces"} == {"There is no answer."}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ada,1_triplet_center_loss,study,1,3,4,", "Line 2 of .* gives 4 points of 3"),
        ("ada,1_triplet_center_loss,study,1,3,many,", "Line 2 of .*: points, out_of and criterion must be numbers"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path, line, said):
    path = tmp_path / "to_mark.csv"
    path.write_text(f"student,assignment,part,criterion,out_of,points,comment\n{line}\n", encoding="utf-8")
    with pytest.raises(FerlabError, match=said):
        read_marks(path)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FerlabError, match="has no column 'student'"):
        read_marks(path)
    path.write_bytes(b"student,M\xfcller")
    with pytest.raises(FerlabError, match="not in UTF-8"):
        read_marks(path)

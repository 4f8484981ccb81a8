"""Written parts: a table for the instructor to fill in, a row a student and line of the rubric."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from ferlab.classroom.grading.assignment_text import AssignmentText
from ferlab.classroom.grading.judging import Mark
from ferlab.classroom.grading.submission import Submission
from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.texts import printable, spreadsheet_cell

COLUMNS = ("student", "assignment", "part", "criterion", "out_of", "points", "comment", "asked", "answer")
MOST_LETTERS = 20_000  # of an answer: a spreadsheet's cell holds 32,767
NOT_MARKED = "Not marked yet."
NO_ANSWER = "There is no answer."
Given = dict[tuple[str, str, str, int], tuple[float, str]]  # student, assignment, part, criterion -> points, comment


def read_marks(path: str | Path) -> Given:
    """What an instructor wrote into the table; rows without points are not marked yet.

    Raises:
        FerlabError: it is no such table, or points are no number; the sentence names the row.
    """
    path = Path(path)
    given: Given = {}
    if not path.exists():
        return given
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise FerlabError(f"{path} is not in UTF-8: save it from the spreadsheet as CSV in UTF-8.") from error
    # Spreadsheets of some countries write semicolons.
    rows = csv.DictReader(lines, delimiter=";" if lines and lines[0].startswith("student;") else ",")
    if missing := [name for name in COLUMNS[:6] if name not in (rows.fieldnames or ())]:
        raise FerlabError(f"{path} has no column {missing[0]!r}: write it anew by grading, and fill in its points.")
    for number, row in enumerate(rows, start=2):
        if not (row["points"] or "").strip():
            continue
        try:
            points, most = (float(row[name].replace(",", ".")) for name in ("points", "out_of"))
            criterion = int(row["criterion"])
        except (ValueError, AttributeError) as error:
            raise FerlabError(f"Line {number} of {path}: points, out_of and criterion must be numbers.") from error
        if not 0 <= points <= most:
            raise FerlabError(f"Line {number} of {path} gives {points:g} points of {most:g}.")
        given[row["student"], row["assignment"], row["part"], criterion] = (points, row.get("comment") or "")
    return given


def write_marks(path: str | Path, work: Iterable[tuple[AssignmentText, Submission]], given: Given) -> None:
    """Write the table, with the points and comments that were given already."""
    with atomic_path(Path(path)) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for text, submission in work:
            for part in text.parts.values():
                answer = submission.answers.get(part.id, "")[:MOST_LETTERS]
                for number, criterion in enumerate(part.rubric, start=1):
                    points, comment = given.get((_told(submission.student), text.name, part.id, number), ("", ""))
                    cells = (submission.student, text.name, part.id, number, f"{criterion.points:g}", points, comment)
                    row = [*cells, criterion.text, answer]
                    writer.writerow([spreadsheet_cell(printable(cell, keep="\n\t")) for cell in row])


def _told(student: str) -> str:
    """A student's name as it stands in the table."""
    return spreadsheet_cell(printable(student, keep="\n\t"))


def written_marks(text: AssignmentText, submission: Submission, given: Given) -> list[Mark]:
    """The marks of the written parts: none for what is empty, and none yet for what nobody has read."""
    marks = []
    for part in text.parts.values():
        for number, criterion in enumerate(part.rubric, start=1):
            found = given.get((_told(submission.student), text.name, part.id, number))
            if part.id not in submission.answers:
                points, reason = 0.0, NO_ANSWER
            elif found is None:
                points, reason = 0.0, NOT_MARKED
            else:
                points, reason = found
            marks.append(Mark(part.id, criterion.text, min(points, criterion.points), criterion.points, reason))
    return marks

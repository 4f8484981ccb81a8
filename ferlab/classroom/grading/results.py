"""What grading leaves behind: a page a student, a table for a spreadsheet, and Gradescope's file."""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ferlab.classroom.grading.assignment_text import Part
from ferlab.classroom.grading.judging import Mark
from ferlab.classroom.grading.marking import NOT_MARKED
from ferlab.classroom.grading.rounds import Grade
from ferlab.files import atomic_path, write_json
from ferlab.markup import render
from ferlab.texts import distinct, printable, spreadsheet_cell

TEMPLATE = "classroom/grading/feedback.html"
FEW = 3  # students: of fewer, nobody is told how the others did


def write_results(grades: Sequence[Grade], out: str | Path) -> list[Path]:
    """Write feedback pages, ``grades.csv`` and Gradescope's files.

    Args:
        grades: from :func:`ferlab.classroom.grading.grade`.
        out: folder; ``feedback/STUDENT.html``, ``gradescope/STUDENT.ASSIGNMENT.json`` and ``grades.csv`` in it are
            replaced.

    Returns:
        The written files.
    """
    out = Path(out)
    written = [out / "grades.csv", out / "parts.csv"]
    write_grades(grades, written[0])
    write_parts(grades, written[1])
    hard = class_shares(grades)
    students = list(dict.fromkeys(grade.student for grade in grades))
    names = dict(zip(students, distinct(file_name(student) for student in students), strict=True))
    for student in students:
        own = [grade for grade in grades if grade.student == student]
        written.append(out / "feedback" / f"{names[student]}.html")
        with atomic_path(written[-1]) as beside:
            beside.write_text(feedback_page(own, hard), encoding="utf-8")
        for grade in own:
            written.append(out / "gradescope" / f"{names[student]}.{grade.text.name}.json")
            write_json(written[-1], gradescope_results(grade))
    return written


def file_name(student: str) -> str:
    """A student's name as that of a file, in every system.

    >>> file_name("Müller, Ada"), file_name("../../etc"), file_name("CON")
    ('Müller, Ada', '_.._etc', '_CON')
    """
    clean = re.sub(r"[^\w .,@+-]", "_", printable(student)).strip(" .")[:80] or "_"
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", clean)
    return f"_{clean}" if reserved else clean


def write_grades(grades: Sequence[Grade], path: Path) -> None:
    """A row a student: points of every assignment and part, and their sum; names and notes are no formulas."""
    columns = [
        (text.name, part) for text in _texts(grades) for part in ("", *text.parts)
    ]  # the assignment itself, then its parts
    header = [
        "student",
        "points",
        "out of",
        *(f"{name} {part}".strip() for name, part in columns),
        "to mark",
        "to look at",
    ]
    rows = []
    for student, group in groupby(sorted(grades, key=lambda grade: grade.student), key=lambda grade: grade.student):
        own = {grade.text.name: grade for grade in group}
        row: list[Any] = [student, _sum(g.points for g in own.values()), _sum(g.out_of for g in own.values())]
        for name, part in columns:
            found = own.get(name)
            marks = () if found is None else found.of_part(part) if part else found.marks
            row.append(_sum(mark.points for mark in marks))
        every = [mark for grade in own.values() for mark in grade.marks]
        row.append(sum(mark.reason == NOT_MARKED for mark in every))
        row.append("; ".join(note for grade in own.values() for note in grade.odd))
        rows.append(row)
    _write_table(path, header, rows)


def write_parts(grades: Sequence[Grade], path: Path) -> None:
    """A row a check or line of a rubric: what the dashboard reads."""
    header = ["student", "assignment", "part", "kind", "check", "points", "out of", "begun", "reason"]
    rows = [
        [g.student, g.text.name, mark.part, g.text.parts[mark.part].kind, mark.about, mark.points, mark.out_of,
         int(mark.part in {**g.submission.code, **g.submission.answers, **g.submission.states}), mark.reason]
        for g in grades for mark in g.marks
    ]  # fmt: skip
    _write_table(path, header, rows)


def _write_table(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with atomic_path(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    return spreadsheet_cell(printable(value, keep="\n\t")) if isinstance(value, str) else value


def _sum(values: Any) -> float:
    return round(float(sum(values)), 2)


def _texts(grades: Sequence[Grade]) -> list[Any]:
    return list({grade.text.name: grade.text for grade in grades}.values())


def class_shares(grades: Sequence[Grade]) -> dict[tuple[str, str], float]:
    """(assignment, part) -> the class's median share of the points, of those who began it; none for very few."""
    shares: dict[tuple[str, str], list[float]] = {}
    for grade in grades:
        begun = {**grade.submission.code, **grade.submission.answers, **grade.submission.states}
        for part in grade.text.parts:
            marks = grade.of_part(part)
            if part in begun and marks and not any(mark.reason == NOT_MARKED for mark in marks):
                shares.setdefault((grade.text.name, part), []).append(
                    sum(mark.points for mark in marks) / sum(mark.out_of for mark in marks)
                )
    return {key: statistics.median(values) for key, values in shares.items() if len(values) >= FEW}


def feedback_page(grades: Sequence[Grade], hard: dict[tuple[str, str], float]) -> str:
    """One student's page: their cells, points, reasons and rubrics; no hidden value, and nothing of another student."""
    assignments = [
        {
            "title": grade.text.title,
            "points": _shown(grade.points),
            "out_of": _shown(grade.out_of),
            "odd": grade.odd,
            "parts": [_part_values(grade, part, hard) for part in grade.text.parts.values()],
        }
        for grade in grades
    ]
    return str(render(TEMPLATE, student=grades[0].student, assignments=assignments))


def _part_values(grade: Grade, part: Part, hard: dict[tuple[str, str], float]) -> dict[str, Any]:
    marks = grade.of_part(part.id)
    share = hard.get((grade.text.name, part.id))
    return {
        "title": part.title,
        "points": _shown(sum(mark.points for mark in marks)),
        "out_of": _shown(sum(mark.out_of for mark in marks)),
        "marks": [_mark_values(mark) for mark in marks],
        "code": grade.submission.code.get(part.id, ""),
        "answer": grade.submission.answers.get(part.id, ""),
        "median": "" if share is None else f"{share:.0%}",
    }


def _mark_values(mark: Mark) -> dict[str, Any]:
    full = mark.points >= mark.out_of
    return {
        "about": mark.about,
        "points": _shown(mark.points),
        "out_of": _shown(mark.out_of),
        "full": full,
        "reason": mark.reason,
    }


def _shown(points: float) -> str:
    return f"{round(points, 2):g}"


def gradescope_results(grade: Grade) -> dict[str, Any]:
    """The content of Gradescope's ``results.json``: a test a check, with its points and reason.

    Its format: https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    tests = [
        {
            "name": f"{grade.text.parts[mark.part].title}: {mark.about}",
            "number": str(number),
            "score": mark.points,
            "max_score": mark.out_of,
            "status": "passed" if mark.points >= mark.out_of else "failed",
            "output": mark.reason,
            "output_format": "text",
            "visibility": "visible",
        }
        for number, mark in enumerate(grade.marks, start=1)
    ]
    return {
        "score": grade.points,
        "output": "\n".join(grade.odd),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }

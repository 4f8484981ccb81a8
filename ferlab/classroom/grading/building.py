"""The notebooks of an assignment: the student's, without solutions, and the instructor's, with model answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ferlab.classroom.checks import CELL_KEY
from ferlab.classroom.grading.assignment_text import FOLDER, HIDDEN, AssignmentText, Part, TextCell, without_solution
from ferlab.classroom.grading.judging import Judge
from ferlab.classroom.grading.submission import ANSWER_MARK, YOUR_ANSWER
from ferlab.files import atomic_path
from ferlab.lab import FIRST_NOTEBOOK, find_clone

if TYPE_CHECKING:
    from nbformat import NotebookNode

_POINTS = re.compile(r"\{points (\w+)\}")
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def build(text: AssignmentText, out: str | Path) -> list[Path]:
    """Write the student's and the instructor's version of an assignment.

    Args:
        text: the assignment.
        out: folder; ``student/NAME.ipynb`` and ``instructor/NAME.ipynb`` in it are replaced.

    Returns:
        The written notebooks.
    """
    judge = Judge(text)
    versions = {"student": student_cells, "instructor": instructor_cells}
    return [write(list(make(text, judge)), Path(out) / name / f"{text.name}.ipynb") for name, make in versions.items()]


def write(cells: list[NotebookNode], path: Path) -> Path:
    """A notebook of cells, without outputs."""
    import nbformat
    from nbformat.v4 import new_notebook

    notebook = new_notebook(cells=cells, metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}})
    with atomic_path(path) as beside:
        nbformat.write(notebook, beside)
    return path


def shown_cells(text: AssignmentText) -> Iterator[tuple[int, TextCell]]:
    """What students see of a text, with its place there: nothing of the grader's."""
    return ((number, cell) for number, cell in enumerate(text.cells) if cell.role not in HIDDEN)


def student_cells(text: AssignmentText, judge: Judge) -> Iterator[NotebookNode]:
    """The cells that a student gets; every cell that counts has the id of its part."""
    for number, cell in shown_cells(text):
        if cell.role == "answer":
            part = text.parts[cell.part]
            yield new_cell("markdown", rubric_text(part), f"rubric-{part.id}")
            yield new_cell("markdown", f"{ANSWER_MARK.format(part=part.id)}\n{YOUR_ANSWER}", part.id, text.name)
            continue
        source = with_points(without_solution(cell.source), text, judge)
        marked = cell.role in ("exercise", "hand")
        yield new_cell(cell.kind, source, cell.part if marked else f"text-{number}", text.name if marked else "")


def instructor_cells(text: AssignmentText, judge: Judge) -> Iterator[NotebookNode]:
    """The cells with solutions, model answers and the judges' code, which is shown and not executed."""
    for number, cell in enumerate(text.cells):
        if cell.role in ("assignment", "stand-in"):
            continue
        if cell.role == "judge":
            lines = [f"- {check.about}: {check.points:g}" for check in judge.checks[cell.part]]
            yield new_cell("markdown", "**How it is judged**\n\n" + "\n".join(lines), f"points-{number}")
            yield new_cell("markdown", f"```python\n{cell.source}\n```", f"judge-{number}")
        elif cell.role == "answer":
            part = text.parts[cell.part]
            yield new_cell("markdown", rubric_text(part, model=True), f"rubric-{part.id}")
            yield new_cell("markdown", f"**A model answer.** {cell.source}", part.id, text.name)
        else:
            marked = cell.role in ("exercise", "hand")
            source = _solved(cell) if cell.role == "exercise" else cell.source
            yield new_cell(
                cell.kind,
                with_points(source, text, judge),
                cell.part if marked else f"text-{number}",
                text.name if marked else "",
            )


def _solved(cell: TextCell) -> str:
    lines = [line for line in cell.source.splitlines() if line.strip() not in ("# BEGIN SOLUTION", "# END SOLUTION")]
    return "\n".join(lines)


def new_cell(kind: str, source: str, cell_id: str, assignment: str = "") -> NotebookNode:
    """A cell with an id that a program may use, and with the assignment's name where it counts."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

    make = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}[kind]
    cell = make(source, id=re.sub(r"[^\w-]", "-", cell_id)[:64])
    if assignment:
        cell.metadata[CELL_KEY] = {"id": cell_id, "assignment": assignment}
    return cell


def rubric_text(part: Part, model: bool = False) -> str:
    """A rubric for people, with what a model answer says where it is the instructor's."""
    lines = [f"*What gets points ({part.title}):*", ""]
    for criterion in part.rubric:
        says = f" *Model: {criterion.model}*" if model and criterion.model else ""
        lines.append(f"- **{criterion.points:g}**: {criterion.text}{says}")
    return "\n".join(lines)


def with_points(source: str, text: AssignmentText, judge: Judge) -> str:
    """``{points PART}`` as what the part is worth, ``{points all}`` as what all are."""

    def worth(found: re.Match[str]) -> str:
        parts = text.parts.values() if found[1] == "all" else [text.parts[found[1]]]
        points = sum(judge.points(part) for part in parts)
        return f"{points:g} point{'' if points == 1 else 's'}"

    return _POINTS.sub(worth, source)


def build_pages(folder: str | Path | None, out: str | Path) -> list[Path]:
    """Write the pages for the instructor, such as the dashboard: texts without a number beside the assignments."""
    import jupytext

    clone = find_clone()
    place = Path(folder) if folder is not None else (clone / FIRST_NOTEBOOK).parent / FOLDER if clone else None
    written = []
    for path in sorted(place.glob("[a-z]*.py")) if place is not None else ():
        cells = jupytext.read(path).cells
        made = [new_cell(cell.cell_type, cell.source, f"text-{number}") for number, cell in enumerate(cells)]
        written.append(write(made, Path(out) / "instructor" / f"{path.stem}.ipynb"))
    return written

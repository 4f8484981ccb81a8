"""An assignment as it is written: one text in jupytext's percent format, from which everything else is made.

A cell's role stands in its first line, such as ``# %% role="exercise" part="center_loss"``:

- ``assignment`` (raw): title, seed, and the parts with their rubrics, as TOML;
- ``given``: code that the student gets and that is there when their functions run;
- ``stand-in``: a function that later parts may use instead of the student's own work on this part; a student imports it
  from the package, and it is not there when the part itself is judged;
- ``exercise``: a function to write; what stands between ``# BEGIN SOLUTION`` and ``# END SOLUTION`` is left out of a
  hand-out;
- ``answer`` (markdown): a model answer, in whose place the student writes;
- ``hand``: the cell that keeps what was done by hand;
- ``judge``: how a part is judged; see :mod:`ferlab.classroom.grading.judging`.

Cells without a role are text and code that everybody gets.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ferlab.errors import FerlabError
from ferlab.lab import FIRST_NOTEBOOK, find_clone

FOLDER = "assignments"  # beside the series
ROLES = ("assignment", "given", "stand-in", "exercise", "answer", "hand", "judge")
COUNTED = ("exercise", "answer", "hand")  # a student's work stands there
HIDDEN = ("assignment", "stand-in", "judge")  # the grader's
KINDS = ("function", "hand", "written")
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
STUB = "...  # your code"
_SOLUTION = re.compile(rf"^([ \t]*){BEGIN}[ \t]*\n.*?^[ \t]*{END}[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Criterion:
    """A line of a rubric: so many points, for what, and what a model answer says about it."""

    points: float
    text: str
    model: str = ""


@dataclass(frozen=True)
class Part:
    """What gets points together.

    Attributes:
        id: its name in the cells, the tables and the file of what was done by hand.
        kind: ``"function"``, ``"hand"`` or ``"written"``.
        title: for people.
        function: the name of the function that the student writes, where it is one.
        rubric: of a written part.
    """

    id: str
    kind: str
    title: str
    function: str = ""
    rubric: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class TextCell:
    """A cell of the text."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    role: str = ""
    part: str = ""


@dataclass(frozen=True)
class AssignmentText:
    """An assignment's text, taken apart.

    Attributes:
        name: of the file, without its ending.
        title: of the assignment.
        seed: what every student's hidden data are drawn from, together with the student's name.
        parts: in order, by id.
        cells: all cells in order, solutions and judges included.
    """

    name: str
    title: str
    seed: int
    parts: dict[str, Part]
    cells: tuple[TextCell, ...] = field(repr=False)

    def of_role(self, role: str, part: str = "") -> Iterator[TextCell]:
        """The cells of a role, and of a part where one is named."""
        return (cell for cell in self.cells if cell.role == role and part in ("", cell.part))

    def provided(self, part: str) -> list[str]:
        """The code that is there when a part is judged."""
        return [
            cell.source
            for cell in self.cells
            if cell.role == "given" or (cell.role == "stand-in" and cell.part != part)
        ]


def without_solution(source: str) -> str:
    """Code with a stub in the place of every solution.

    >>> print(without_solution("def f(x):\\n    # BEGIN SOLUTION\\n    return 2 * x\\n    # END SOLUTION"))
    def f(x):
        ...  # your code
    """
    return _SOLUTION.sub(rf"\1{STUB}", source)


def solution_lines(source: str) -> list[str]:
    """The lines of the solutions in a code cell, without their indent and without blank ones."""
    inside = "\n".join(found[0] for found in _SOLUTION.finditer(source))
    lines = [line.strip() for line in inside.splitlines()]
    return [line for line in lines if line and line not in (BEGIN, END)]


def read_assignment(path: str | Path) -> AssignmentText:
    """An assignment from its text.

    Raises:
        FerlabError: it is no assignment, or its parts and cells do not fit together; the sentence says which.
    """
    import jupytext

    path = Path(path)
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), "py:percent")
    except UnicodeDecodeError as error:
        raise FerlabError(f"{path} is no text in UTF-8.") from error
    cells = tuple(
        TextCell(cell.cell_type, cell.source, str(cell.metadata.get("role", "")), str(cell.metadata.get("part", "")))
        for cell in notebook.cells
    )
    headers = [cell for cell in cells if cell.role == "assignment"]
    if len(headers) != 1:
        raise FerlabError(f'{path} is no assignment: it needs one cell that begins with # %% [raw] role="assignment".')
    try:
        header = tomllib.loads(headers[0].source)
        parts = [_part(entry, cells) for entry in header["part"]]
        text = AssignmentText(path.stem, str(header["title"]), int(header["seed"]), {p.id: p for p in parts}, cells)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise FerlabError(f"The first cell of {path} cannot be used: {error}.") from error
    for said in _misfits(text):
        raise FerlabError(f"{path}: {said}")
    return text


def _part(entry: dict[str, Any], cells: Sequence[TextCell]) -> Part:
    name, kind = str(entry["id"]), str(entry["kind"])
    rubric = tuple(Criterion(float(r["points"]), r["text"], r.get("model", "")) for r in entry.get("rubric", ()))
    own = [cell.source for cell in cells if cell.role == "exercise" and cell.part == name]
    functions = [node.name for node in ast.parse("\n".join(own)).body if isinstance(node, ast.FunctionDef)]
    return Part(name, kind, str(entry["title"]), functions[-1] if functions else "", rubric)


def _misfits(text: AssignmentText) -> Iterator[str]:
    """What is wrong with an assignment, a sentence each."""
    for cell in text.cells:
        if cell.role and cell.role not in ROLES:
            yield f"there is no role {cell.role!r}; there are {', '.join(ROLES)}."
        if cell.part and cell.part not in text.parts:
            yield f"a cell belongs to part {cell.part!r}, which the first cell does not name."
    needed = {"function": ("exercise", "judge"), "hand": ("hand", "judge"), "written": ("answer",)}
    for part in text.parts.values():
        if part.kind not in KINDS:
            yield f"part {part.id} is of kind {part.kind!r}; there are {', '.join(KINDS)}."
            continue
        for role in needed[part.kind]:
            if not any(text.of_role(role, part.id)):
                yield f'part {part.id} has no cell with role="{role}".'
        if part.kind == "function" and not part.function:
            yield f"part {part.id} defines no function."
        if part.kind == "written" and not part.rubric:
            yield f"part {part.id} is written and has no rubric."


def find_assignments(names: Sequence[str] = (), folder: str | Path | None = None) -> list[AssignmentText]:
    """The assignments of a clone, or of a folder with texts of one's own.

    Args:
        names: beginnings of their file names, such as ``["1"]``; all when empty.
        folder: where the texts lie; by default ``notebooks/assignments`` of the clone.

    Raises:
        FerlabError: no such assignment, or no clone here.
    """
    if folder is None:
        clone = find_clone()
        if clone is None:
            raise FerlabError("There are no assignments here; run this in a clone of ferlab, or name their folder.")
        folder = (clone / FIRST_NOTEBOOK).parent / FOLDER
    # The dashboard and other pages for the instructor lie beside them, without a number.
    paths = sorted(Path(folder).glob("[0-9]*.py"))
    chosen = [path for path in paths if not names or any(path.stem.startswith(name) for name in names)]
    if not chosen:
        there = ", ".join(path.stem for path in paths) or "none"
        raise FerlabError(f"There is no assignment {', '.join(names)} in {folder}; there are: {there}.")
    return [read_assignment(path) for path in chosen]


def reference_source(text: AssignmentText, part: str) -> str:
    """A solution as code, without its marks."""
    lines = "\n\n".join(cell.source for cell in text.of_role("exercise", part)).splitlines()
    return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))

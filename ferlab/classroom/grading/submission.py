"""What a student handed in, by the ids of the parts, wherever file or cell went; nothing is executed."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ferlab.classroom.checks import CELL_KEY, text_of
from ferlab.classroom.collecting import files_below, read_text
from ferlab.classroom.grading.assignment_text import AssignmentText, Part, without_solution
from ferlab.errors import FerlabError

STATE_TYPE = "application/vnd.ferlab.by-hand+json"  # an output of a notebook that holds what was done by hand
STATE_FILE = "by_hand"  # how a file is called that holds it too
ANSWER_MARK = "<!-- answer: {part} -->"  # at the beginning of an answer, where a program took its id away
MOST_LETTERS = 100_000  # of a cell
MOST_CELLS = 2_000
MOST_NOTEBOOKS = 20
_MARKED = re.compile(r"<!-- answer: (\w+) -->")
_MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)


@dataclass
class Submission:
    """A student's work on one assignment.

    Attributes:
        student: the name of their folder.
        files: notebooks that hold parts of the assignment.
        code: function parts, by id: the cell's text.
        answers: written parts, by id.
        states: what was done by hand, by id: every state that was kept.
        definitions: imports, functions, classes and constants of all cells, in order.
        odd: what an instructor may want to look at, as sentences.
    """

    student: str
    files: list[str] = field(default_factory=list)
    code: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    states: dict[str, list[Any]] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Cell:
    kind: str
    source: str
    part: str  # by its id; empty where it has none
    assignment: str
    outputs: tuple[Mapping[str, Any], ...]


def read_submission(folder: Path, text: AssignmentText) -> Submission:
    """All that one student handed in of an assignment, from all notebooks and files in their folder."""
    found = Submission(folder.name)
    notebooks: list[tuple[str, list[_Cell]]] = []
    for path, why in sorted(islice(files_below(folder, _is_wanted), 200)):
        name = path.relative_to(folder).as_posix() if path != folder else path.name
        if why:
            found.odd.append(f"{name}: {why}")
            continue
        try:
            content = json.loads(read_text(path))
        except (FerlabError, ValueError, RecursionError, OSError) as error:
            said = str(error) if isinstance(error, FerlabError) else "damaged, or no file that Jupyter or ferlab saved"
            found.odd.append(f"{name}: {said}")
            continue
        if path.suffix.lower() == ".json":
            _take_states(found, content, text)
        else:
            cells = list(_cells(content))
            if not cells:
                found.odd.append(f"{name}: no notebook that Jupyter saved, or one without cells")
            notebooks.append((name, cells))
    ours = [(name, cells) for name, cells in notebooks if any(_belongs(cell, text) for cell in cells)]
    found.files = [name for name, _ in ours]
    if len(ours) > 1:
        found.odd.append(f"{len(ours)} notebooks hold parts of this assignment: {', '.join(found.files[:5])}")
    cells = [cell for _, own in ours[:MOST_NOTEBOOKS] for cell in own]
    for part in text.parts.values():
        _take_part(found, part, cells, text)
    for cell in cells:
        if cell.kind == "code":
            found.definitions += definitions_of(cell.source)
        for output in cell.outputs:
            data = output.get("data")
            if isinstance(data, Mapping) and STATE_TYPE in data:
                _take_states(found, data[STATE_TYPE], text)
    return found


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb" or (path.suffix.lower() == ".json" and STATE_FILE in path.stem.lower())


def _cells(notebook: Any) -> Iterator[_Cell]:
    cells = notebook.get("cells") if isinstance(notebook, Mapping) else None
    for cell in islice(cells, MOST_CELLS) if isinstance(cells, list) else ():
        if not isinstance(cell, Mapping):
            continue
        metadata = cell.get("metadata")
        told = metadata.get(CELL_KEY) if isinstance(metadata, Mapping) else None
        told = told if isinstance(told, Mapping) else {}
        outputs = cell.get("outputs")
        yield _Cell(
            str(cell.get("cell_type")),
            text_of(cell.get("source"))[:MOST_LETTERS],
            str(told.get("id") or cell.get("id") or ""),
            str(told.get("assignment", "")),
            tuple(output for output in outputs if isinstance(output, Mapping)) if isinstance(outputs, list) else (),
        )


def _belongs(cell: _Cell, text: AssignmentText) -> bool:
    """Whether a cell is this assignment's: by its id, or by what it defines where ids were lost."""
    if cell.assignment:
        return cell.assignment == text.name
    if cell.part in text.parts:
        return True
    marked = _MARKED.search(cell.source)
    functions = {part.function for part in text.parts.values() if part.function}
    return bool(marked and marked[1] in text.parts) or bool(functions & set(_functions(cell.source)))


def _functions(source: str) -> list[str]:
    return re.findall(r"^def[ \t]+(\w+)", source, re.MULTILINE)


def _take_part(found: Submission, part: Part, cells: list[_Cell], text: AssignmentText) -> None:
    """Find a part's cell: by its id, then by its function or mark; of several the last that was worked on."""
    wanted = "markdown" if part.kind == "written" else "code"
    own = [cell.source for cell in cells if cell.part == part.id and cell.kind == wanted]
    if not own and part.function:
        own = [cell.source for cell in cells if part.function in _functions(cell.source)]
        if own:
            found.odd.append(f"{part.id}: its cell has lost its id, and was found by the name of the function")
    if not own and part.kind == "written":
        own = [cell.source for cell in cells if ANSWER_MARK.format(part=part.id) in cell.source]
        if own:
            found.odd.append(f"{part.id}: its cell has lost its id, and was found by its mark")
    if part.kind == "hand":
        return
    if not own:
        found.odd.append(f"{part.id}: its cell is missing")
        return
    begun = [source for source in own if not _is_untouched(source, part, text)]
    if len({source.strip() for source in begun}) > 1:
        found.odd.append(f"{part.id}: {len(begun)} different cells have its id; the last one counts")
    if not begun:
        return
    if part.kind == "written":
        found.answers[part.id] = _MARKED.sub("", begun[-1]).strip()
    else:
        found.code[part.id] = begun[-1]


def _is_untouched(source: str, part: Part, text: AssignmentText) -> bool:
    if part.kind == "written":
        return _MARKED.sub("", source).strip() in ("", YOUR_ANSWER)
    handed_out = [without_solution(cell.source).strip() for cell in text.of_role("exercise", part.id)]
    return source.strip() in ("", *handed_out)


YOUR_ANSWER = "*Your answer here.*"


def definitions_of(source: str) -> list[str]:
    """Imports, functions, classes and constants of a cell, a statement each; nothing that computes or shows.

    A cell that is no Python is passed over; lines of magic (``%matplotlib``) are left out.

    >>> definitions_of("%matplotlib inline\\nimport math\\nsize = 3\\nprint(size)\\ndef f(x):\\n    return x")
    ['import math', 'size = 3', 'def f(x):\\n    return x']
    """
    source = _MAGIC.sub("", source)
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    lines = source.split("\n")
    found = []
    for node in body:
        if isinstance(node, kept) or (isinstance(node, ast.Assign | ast.AnnAssign) and _is_constant(node.value)):
            first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
            found.append("\n".join(lines[first - 1 : node.end_lineno]))
    return found


def _is_constant(value: ast.expr | None) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _take_states(found: Submission, content: Any, text: AssignmentText) -> None:
    """Keep the states of this assignment's parts, from a file or an output: ``{"part": {"kind": .., ..}, ..}``."""
    if not isinstance(content, Mapping):
        return
    for part in text.parts.values():
        state = content.get(part.id)
        if part.kind == "hand" and isinstance(state, Mapping) and state not in found.states.setdefault(part.id, []):
            found.states[part.id].append(state)

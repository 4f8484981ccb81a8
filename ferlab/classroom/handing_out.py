"""Notebooks of the series without their solutions, and without what came of running them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferlab.classroom.checks import CELL_KEY, called_checks
from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.lab import FIRST_NOTEBOOK, find_clone

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SOLUTION = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
_FOLD_OUT = re.compile(r"\n*<details>.*?</details>\n*", re.DOTALL)
_HEADING = re.compile(r"(#+) ")
_BEFORE_HEADING = re.compile(r"^(?=#+ )", re.MULTILINE)
# All else in the metadata of a notebook and of a cell is the trace of a program: states of widgets, times of execution,
# what was folded in, the name of the text that it is paired with.
_KEPT = ("kernelspec", "language_info")
_KEPT_OF_CELL = ("tags", "slideshow")


def hand_out(out: str | Path, numbers: Sequence[str] = (), hints: bool = True, *, slides: bool = False) -> list[Path]:
    """Copy notebooks of the series without their solutions.

    Outputs, counts and states of widgets stay behind as well: an instructor's run would be a student's. The cell of a
    check is told its name, so that :func:`ferlab.classroom.collect` knows it whatever becomes of the cell's text.

    Args:
        out: folder to write; notebooks of these names in it are replaced.
        numbers: which, such as ``["00", "03"]``; all when empty.
        hints: whether the hints stay, and other fold-outs, which answer questions of the text.
        slides: mark where slides begin, for ``jupyter nbconvert --to slides``: at every heading.

    Returns:
        The written notebooks.

    Raises:
        FerlabError: no such notebook, no series here (it lies in a clone of the project, not in the package), or
            ``out`` is the folder of the series.

    Example:
        >>> hand_out("build/hand-out", ["03"], hints=False)    # doctest: +SKIP
    """
    import nbformat  # brings a validator of JSON schemas along, which the command line need not wait for

    chosen = _chosen(numbers)
    if Path(out).resolve() == chosen[0].parent.resolve():
        raise FerlabError(f"{out} holds the series itself, with its solutions: name another folder.")
    written = []
    for path in chosen:
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata = _only(notebook.metadata, _KEPT)
        for cell in notebook.cells:
            cell.metadata = _only(cell.metadata, _KEPT_OF_CELL)
            if cell.cell_type == "markdown":
                text = _without(_SOLUTION, cell.source)
                cell.source = text if hints else _without(_FOLD_OUT, text)
            elif cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                if checks := called_checks(cell.source):
                    cell.metadata[CELL_KEY] = {"checks": checks}
        if slides:
            notebook.cells = [part for cell in notebook.cells for part in _slides_of(cell)]
        target = Path(out) / path.name
        with atomic_path(target) as beside:
            nbformat.write(notebook, beside)
        written.append(target)
    return written


def _slides_of(cell: NotebookNode) -> list[NotebookNode]:
    """A cell in parts of which each begins with a heading, marked as slides; code goes on with the slide before it."""
    from nbformat.v4 import new_markdown_cell

    # In a block of code a # begins a comment.
    if cell.cell_type != "markdown" or "```" in cell.source:
        return [cell]
    parts = [new_markdown_cell(text.strip("\n")) for text in _BEFORE_HEADING.split(cell.source) if text.strip()]
    for part in parts:
        if heading := _HEADING.match(part.source):
            part.metadata["slideshow"] = {"slide_type": "slide" if len(heading[1]) < 3 else "subslide"}
    return parts


def _chosen(numbers: Sequence[str]) -> list[Path]:
    """The notebooks with these numbers; all when there are none."""
    clone = find_clone()
    if clone is None:
        raise FerlabError("There are no notebooks here; run this in a clone of ferlab.")
    folder = (clone / FIRST_NOTEBOOK).parent
    series = {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    wanted = [number.zfill(2) if number else number for number in numbers]
    if unknown := [number for number in wanted if number not in series]:
        named = ", ".join(number or "without a number" for number in unknown)
        raise FerlabError(f"There is no notebook {named}; there are {', '.join(series)}.")
    return [series[number] for number in wanted or series]


def _only(metadata: NotebookNode, names: Sequence[str]) -> NotebookNode:
    return type(metadata)({name: metadata[name] for name in names if name in metadata})


def _without(block: re.Pattern[str], text: str) -> str:
    return block.sub("\n\n", text).strip("\n")

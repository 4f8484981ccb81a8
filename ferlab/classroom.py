"""For teachers: notebooks without their solutions, and what came back from a class."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.lab import FIRST_NOTEBOOK

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

__all__ = ["GUESSES", "SOLVED", "collect", "hand_out", "overview", "write_csv"]

SOLVED = "✓ "  # what a check says of a solved exercise begins with it, and stays in the notebook when it is saved
GUESSES = "guesses.json"
_SOLUTION = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
_HINT = re.compile(r"\n*<details><summary>Hint</summary>.*?</details>\n*", re.DOTALL)
_CHECK = re.compile(r"\bprint\((check_\w+)\(")


def hand_out(out: str | Path, numbers: Sequence[str] = (), hints: bool = True) -> list[Path]:
    """Copy notebooks of the series without their solutions.

    Args:
        out: folder to write; notebooks of these names in it are replaced.
        numbers: which, such as ``["00", "03"]``; all when empty.
        hints: whether the hints stay.

    Returns:
        The written notebooks.

    Raises:
        FerlabError: no such notebook, or no series here (it lies in a clone of the project, not in the package).

    Example:
        >>> hand_out("build/handout", ["03"], hints=False)    # doctest: +SKIP
    """
    import nbformat

    written = []
    for path in _chosen(numbers):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.pop("jupytext", None)  # else JupyterLab would look for the text beside it, or write one
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _without(_SOLUTION, cell.source)
                cell.source = cell.source if hints else _without(_HINT, cell.source)
        target = Path(out) / path.name
        with atomic_path(target) as beside:
            nbformat.write(notebook, beside)
        written.append(target)
    return written


def _chosen(numbers: Sequence[str]) -> list[Path]:
    for root in (Path.cwd(), Path(__file__).resolve().parent.parent):
        if (root / FIRST_NOTEBOOK).is_file():
            break
    else:
        raise FerlabError("There are no notebooks here; run this in a clone of ferlab.")
    series = {path.name[:2]: path for path in sorted((root / FIRST_NOTEBOOK).parent.glob("[0-9][0-9]_*.ipynb"))}
    if unknown := [number for number in numbers if number not in series]:
        raise FerlabError(f"There is no notebook {', '.join(unknown)}; there are {', '.join(series)}.")
    return [series[number] for number in numbers or series]


def _without(block: re.Pattern, text: str) -> str:
    return block.sub("\n\n", text).strip("\n")


def collect(folder: str | Path) -> pd.DataFrame:
    """What the notebooks say that a class saved: which exercises were solved, and what was guessed before looking.

    Only what is saved is read; nothing of it is executed. Guesses are in the file that ``ferlab.widgets.ask`` writes.

    Args:
        folder: has one folder a student with their notebooks in it, at any depth (such as nbgrader's ``submitted``),
            and with ``guesses.json`` if that was handed in too.

    Returns:
        One row an exercise or guess: ``student``, ``file``, ``item`` (the check's name, or the question), ``state``
        ("solved", "not solved", "not run", or "guess") and ``said``, the check's sentence or what was guessed.

    Raises:
        FerlabError: nothing to read there, or a file that cannot be read.

    Example:
        >>> table = collect("submitted")    # doctest: +SKIP
        >>> table[table["state"] == "solved"].groupby("student").size()    # doctest: +SKIP
    """
    import pandas as pd

    folder = Path(folder)
    rows = []
    for path in sorted([*folder.rglob("*.ipynb"), *folder.rglob(GUESSES)]):
        below = path.relative_to(folder)
        if any(part.startswith(".") for part in below.parts):  # JupyterLab's checkpoints
            continue
        if len(below.parts) == 1:
            raise FerlabError(f"{path.name} lies in no student's folder: {folder}/<student>/{path.name} is expected.")
        read = _guesses if path.name == GUESSES else _exercises
        try:
            items = list(read(path))
        except Exception as error:  # a student's file may be anything
            raise FerlabError(f"{path} cannot be read ({type(error).__name__}): mend it or leave it out.") from None
        rows += [{"student": below.parts[0], "file": path.name} | item for item in items]
    if not rows:
        raise FerlabError(f"There is no notebook with an exercise in {folder}/<student>.")
    return pd.DataFrame(rows)


def overview(table: pd.DataFrame) -> Table:
    """Of a table from :func:`collect`: exercises solved and guesses made by each student, for the terminal."""
    from rich.markup import escape
    from rich.table import Table

    shown = Table("student", "solved", "not solved", "not run", "guesses")
    for student, rows in table.groupby("student"):
        counts = [int((rows["state"] == state).sum()) for state in ("solved", "not solved", "not run", "guess")]
        shown.add_row(escape(str(student)), *map(str, counts))
    return shown


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table from :func:`collect` for a spreadsheet."""
    text = table.map(lambda cell: f"'{cell}" if cell[:1] in "=+-@" and cell else cell)  # else it could be a formula
    with atomic_path(Path(path)) as beside:
        text.to_csv(beside, index=False)


def _exercises(path: Path) -> Iterator[dict[str, str]]:
    import nbformat

    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or (check := _CHECK.search(cell.source)) is None:
            continue
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream").strip()
        state = "solved" if printed.startswith(SOLVED) else "not solved" if printed else "not run"
        yield {"item": check[1], "state": state, "said": printed}


def _guesses(path: Path) -> Iterator[dict[str, str]]:
    for question, answer in json.loads(path.read_text(encoding="utf-8")).items():
        yield {"item": str(question), "state": "guess", "said": str(answer)}

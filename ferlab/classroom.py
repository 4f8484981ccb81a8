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

__all__ = ["GUESSES", "NOT_BEGUN", "SOLVED", "STATES", "collect", "hand_out", "overview", "write_csv"]

SOLVED = "✓ "  # what a check says of a solved exercise begins with it, and stays in the notebook when it is saved
GUESSES = "guesses.json"
STATES = ("solved", "tried", "not begun", "not run")
_SOLUTION = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
_FOLD_OUT = re.compile(r"\n*<details>.*?</details>\n*", re.DOTALL)
_EXERCISE = re.compile(r"^### Exercise (\d+)", re.MULTILINE)
_CHECK = re.compile(r"\bprint\((check_\w+)\(")
# How checks begin that look at something nobody has touched yet.
NOT_BEGUN = (
    "Your function returns None",
    "Nothing is",
    "You have selected 0 faces",
    "No face is chosen",
    "The ringed point lies where",
    "These are the points as they",
    "4 of 4 sentences",
)


def hand_out(out: str | Path, numbers: Sequence[str] = (), hints: bool = True) -> list[Path]:
    """Copy notebooks of the series without their solutions.

    Args:
        out: folder to write; notebooks of these names in it are replaced.
        numbers: which, such as ``["00", "03"]``; all when empty.
        hints: whether the hints stay, and other fold-outs, which answer questions of the text.

    Returns:
        The written notebooks.

    Raises:
        FerlabError: no such notebook, no series here (it lies in a clone of the project, not in the package), or
            ``out`` is the folder of the series.

    Example:
        >>> hand_out("build/hand-out", ["03"], hints=False)    # doctest: +SKIP
    """
    import nbformat

    chosen, written = _chosen(numbers), []
    if Path(out).resolve() == chosen[0].parent.resolve():
        raise FerlabError(f"{out} holds the series itself, with its solutions: name another folder.")
    for path in chosen:
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.pop("jupytext", None)  # else JupyterLab would look for the text beside it, or write one
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _without(_SOLUTION, cell.source)
                cell.source = cell.source if hints else _without(_FOLD_OUT, cell.source)
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
    numbers = [number.zfill(2) for number in numbers]
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
        One row an exercise or guess: ``student``, ``file``, ``exercise`` (such as "03-1"), ``item`` (the check's name,
        or the question), ``state`` (one of ``STATES``, or "guess") and ``said``, the check's sentence or what was
        guessed. What cannot be read is a row too, its ``state`` says why: "cannot be read", "in no student's folder",
        "nothing here".

    Raises:
        FerlabError: there is no such folder, or nothing in it.

    Example:
        >>> table = collect("submitted")    # doctest: +SKIP
        >>> table[table["state"] == "solved"].groupby("student").size()    # doctest: +SKIP
    """
    import pandas as pd

    folder = Path(folder)
    rows = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if place.name.startswith("."):
            continue
        if place.is_dir():
            rows += [{"student": place.name} | row for row in _of_student(place)]
        else:
            rows.append({"student": "", "file": place.name, "state": "in no student's folder"})
    if not rows:
        raise FerlabError(f"There is nothing in {folder}: one folder a student is expected.")
    return pd.DataFrame(rows, columns=["student", "file", "exercise", "item", "state", "said"]).fillna("")


def _of_student(place: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted([*place.rglob("*.ipynb"), *place.rglob(GUESSES)]):
        below = path.relative_to(place)
        if any(part.startswith(".") for part in below.parts):  # JupyterLab's checkpoints
            continue
        try:
            items = list((_guesses if path.name == GUESSES else _exercises)(path))
        except Exception as error:  # a student's file may be anything
            items = [{"state": "cannot be read", "said": f"{type(error).__name__}: {error}"[:200]}]
        rows += [{"file": below.as_posix()} | item for item in items]
    return rows or [{"state": "nothing here"}]


def overview(table: pd.DataFrame) -> Table:
    """Of a table from :func:`collect`: a student's row, an exercise's column; for the terminal.

    Where a notebook was handed in twice, or an exercise has two checks, the better state of the notebooks counts and
    the worse one of the checks.
    """
    from rich.markup import escape
    from rich.table import Table

    marks = dict(zip(STATES, ("✓", "·", "", ""), strict=True))
    exercises = sorted(set(table["exercise"]) - {""})
    shown = Table("student", *exercises, "solved", "guesses", "to look at")
    for student, rows in table[table["student"] != ""].groupby("student"):
        best = {}
        for exercise in exercises:
            checks = rows[rows["exercise"] == exercise].groupby("item")["state"]
            states = [min(of, key=STATES.index) for _, of in checks]
            best[exercise] = max(states, key=STATES.index) if states else "not run"
        odd = rows[~rows["state"].isin([*STATES, "guess"])]
        shown.add_row(
            escape(str(student)), *(marks[state] for state in best.values()),
            str(sum(state == "solved" for state in best.values())), str(int((rows["state"] == "guess").sum())),
            escape(", ".join(f"{row.file} {row.state}".strip() for row in odd.itertuples())),
        )  # fmt: skip
    for row in table[table["student"] == ""].itertuples():
        shown.add_row(*[""] * (len(exercises) + 3), escape(f"{row.file} {row.state}"))
    return shown


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table from :func:`collect` for a spreadsheet."""
    text = table.map(lambda cell: f"'{cell}" if cell[:1] in "=+-@" and cell else cell)  # else it could be a formula
    with atomic_path(Path(path)) as beside:
        text.to_csv(beside, index=False)


def _exercises(path: Path) -> Iterator[dict[str, str]]:
    import nbformat

    number = found[0] if (found := re.match(r"\d\d(?=_)", path.name)) else path.stem
    exercise = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and (headings := _EXERCISE.findall(cell.source)):
            exercise = f"{number}-{headings[-1]}"
        if cell.cell_type != "code" or (check := _CHECK.search(cell.source)) is None:
            continue
        printed = "".join(output.get("text", "") or output.get("evalue", "") for output in cell.outputs).strip()
        state = "solved" if printed.startswith(SOLVED) else "tried"
        state = "not begun" if printed.startswith(NOT_BEGUN) else state if printed else "not run"
        yield {"exercise": exercise, "item": check[1], "state": state, "said": printed}


def _guesses(path: Path) -> Iterator[dict[str, str]]:
    for question, answer in json.loads(path.read_text(encoding="utf-8")).items():
        yield {"item": str(question), "state": "guess", "said": str(answer)}

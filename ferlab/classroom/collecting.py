"""What came back from a class: the saved notebooks, read into one table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ferlab.classroom.marks import GUESSES, NOT_BEGUN, SOLVED, STATES
from ferlab.errors import FerlabError
from ferlab.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

_COLUMNS = ("student", "file", "exercise", "item", "state", "said")
_EXERCISE = re.compile(r"^### Exercise (\d+)", re.MULTILINE)
_CHECK = re.compile(r"\bprint\((check_\w+)\(")
_MARKS = dict(zip(STATES, ("✓", "·", "", ""), strict=True))  # of an exercise in the overview


def collect(folder: str | Path) -> pd.DataFrame:
    """What the notebooks say that a class saved: which exercises were solved, and what was guessed before looking.

    Only what is saved is read; nothing of it is executed. Guesses are in the file that :func:`ferlab.classroom.ask`
    writes.

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
    import pandas as pd  # half a second, which the command line need not wait for

    folder = Path(folder)
    rows: list[dict[str, str]] = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if place.name.startswith("."):
            continue
        if place.is_dir():
            rows += [{"student": place.name} | row for row in _handed_in(place)]
        else:
            rows.append({"student": "", "file": place.name, "state": "in no student's folder"})
    if not rows:
        raise FerlabError(f"There is nothing in {folder}: one folder a student is expected.")
    return pd.DataFrame(rows, columns=list(_COLUMNS)).fillna("")


def _handed_in(place: Path) -> list[dict[str, str]]:
    """What lies in one student's folder, a row an exercise or guess."""
    rows: list[dict[str, str]] = []
    for path in sorted([*place.rglob("*.ipynb"), *place.rglob(GUESSES)]):
        below = path.relative_to(place)
        if any(part.startswith(".") for part in below.parts):  # JupyterLab's checkpoints
            continue
        try:
            items = list(_guesses(path) if path.name == GUESSES else _exercises(path))
        except Exception as error:  # a student's file may be anything
            items = [{"state": "cannot be read", "said": f"{type(error).__name__}: {error}"[:200]}]
        rows += [{"file": below.as_posix()} | item for item in items]
    return rows or [{"state": "nothing here"}]


def _exercises(path: Path) -> Iterator[dict[str, str]]:
    """The checks of a notebook, with what they said."""
    import nbformat  # brings a validator of JSON schemas along, which the command line need not wait for

    number = found[0] if (found := re.match(r"\d\d(?=_)", path.name)) else path.stem
    exercise = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and (headings := _EXERCISE.findall(cell.source)):
            exercise = f"{number}-{headings[-1]}"
        if cell.cell_type == "code" and (check := _CHECK.search(cell.source)):
            printed = "".join(output.get("text", "") or output.get("evalue", "") for output in cell.outputs).strip()
            yield {"exercise": exercise, "item": check[1], "state": _state(printed), "said": printed}


def _state(printed: str) -> str:
    """One of ``STATES``, from what a check left in its notebook."""
    if not printed:
        return "not run"
    if printed.startswith(NOT_BEGUN):
        return "not begun"
    return "solved" if printed.startswith(SOLVED) else "tried"


def _guesses(path: Path) -> Iterator[dict[str, str]]:
    """The answers to the questions of a class's notebooks."""
    for question, answer in json.loads(path.read_text(encoding="utf-8")).items():
        yield {"item": str(question), "state": "guess", "said": str(answer)}


def overview(table: pd.DataFrame) -> Table:
    """Of a table from :func:`collect`: a student's row, an exercise's column; for the terminal.

    Where a notebook was handed in twice, or an exercise has two checks, the better state of the notebooks counts and
    the worse one of the checks.
    """
    from rich.markup import escape
    from rich.table import Table

    exercises = sorted(set(table["exercise"]) - {""})
    shown = Table("student", *exercises, "solved", "guesses", "to look at")
    for student, rows in table[table["student"] != ""].groupby("student"):
        states = [_best_state(rows[rows["exercise"] == exercise]) for exercise in exercises]
        odd = rows[~rows["state"].isin([*STATES, "guess"])]
        shown.add_row(
            escape(str(student)),
            *(_MARKS[state] for state in states),
            str(states.count("solved")),
            str(int((rows["state"] == "guess").sum())),
            escape(", ".join(f"{row.file} {row.state}".strip() for row in odd.itertuples())),
        )
    for row in table[table["student"] == ""].itertuples():
        shown.add_row(*[""] * (len(exercises) + 3), escape(f"{row.file} {row.state}"))
    return shown


def _best_state(rows: pd.DataFrame) -> str:
    """Of one student's rows of one exercise: of each check the best state, and of these the worst."""
    best = [min(states, key=STATES.index) for _, states in rows.groupby("item")["state"]]
    return max(best, key=STATES.index) if best else "not run"


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table from :func:`collect` for a spreadsheet."""
    text = table.map(lambda cell: f"'{cell}" if cell[:1] in "=+-@" and cell else cell)  # else it could be a formula
    with atomic_path(Path(path)) as beside:
        text.to_csv(beside, index=False)

"""For teachers: notebooks without their solutions, and what came back from a class."""

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


_EXERCISE = re.compile(r"^### Exercise (\d+)", re.MULTILINE)
_CHECK = re.compile(r"\bprint\((check_\w+)\(")


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

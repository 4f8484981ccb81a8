"""What came back from a class: the saved notebooks, read into one table."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ferlab.arguments import check_cap
from ferlab.classroom.checks import what_was_said
from ferlab.classroom.exercises import EXERCISES
from ferlab.classroom.marks import GUESSES, STATES
from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.texts import plain, printable, spreadsheet_cell

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

_COLUMNS = ("student", "file", "exercise", "item", "state", "said")
_MARKS = dict(zip(STATES, ("✓", "·", "", ""), strict=True))  # of an exercise in the overview
MEGABYTES = 50  # of one notebook; those of the series have one or two with all their pictures
MOST_FILES = 200  # of one student
ENTRIES_A_FILE = 100  # of one student's folder, looked through for notebooks, for each that may be there
MOST_GUESSES = 500  # in one file
MOST_LETTERS = 2_000  # of one answer: a spreadsheet's cell holds 32,767


@dataclass(frozen=True)
class Limits:
    """What one student may hand in."""

    megabytes: float = MEGABYTES
    files: int = MOST_FILES

    @property
    def entries(self) -> int:
        return ENTRIES_A_FILE * self.files


USUAL = Limits()


def collect(folder: str | Path, *, megabytes: float = MEGABYTES, most_files: int = MOST_FILES) -> pd.DataFrame:
    """What the notebooks say that a class saved: which exercises were solved, and what was guessed before looking.

    Only what is saved is read; nothing of it is executed. Guesses are in the file that :func:`ferlab.classroom.ask`
    writes. Whatever a student hands in, the others' rows are the same: files are read that lie in the student's own
    folder, without following links, and up to a size; names and texts come in letters that every table takes.

    Args:
        folder: has one folder a student with their notebooks in it, at any depth (such as nbgrader's ``submitted``),
            and with ``guesses.json`` if that was handed in too. What the notebooks are called plays no part.
        megabytes: of the largest file that is read.
        most_files: how many notebooks of one student are read, among a hundred times as many files.

    Returns:
        One row an exercise or guess: ``student``, ``file``, ``exercise`` (such as "03-1"), ``item`` (the check's name,
        or the question), ``state`` (one of ``STATES``, or "guess") and ``said``, the check's sentence or what was
        guessed. What cannot be read is a row too, its ``state`` says so: "cannot be read", with the reason in ``said``,
        "in no student's folder", "nothing here".

    Raises:
        FerlabError: there is no such folder, or nothing in it; limits that are none.

    Example:
        >>> table = collect("submitted")    # doctest: +SKIP
        >>> table[table["state"] == "solved"].groupby("student").size()    # doctest: +SKIP
    """
    import pandas as pd  # half a second, which the command line need not wait for

    folder = Path(folder)
    limits = Limits(check_cap(megabytes, "megabytes"), math.ceil(check_cap(most_files, "most_files")))
    rows: list[dict[str, str]] = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if place.name.startswith("."):
            continue
        if place.is_symlink():
            rows.append(
                {"student": place.name, **_unread("a link: copy what it leads to here, if it is this student's")}
            )
        elif place.is_dir():
            try:
                found = _handed_in(place, limits)
            except Exception as error:  # nobody else shall miss their rows for it
                found = [_unread(f"{type(error).__name__}: {error}")]
            rows += [{"student": place.name} | row for row in found]
        else:
            rows.append({"student": "", "file": place.name, "state": "in no student's folder"})
    if not rows:
        raise FerlabError(f"There is nothing in {folder}: one folder a student is expected.")
    told = [{column: _told(column, row.get(column, "")) for column in _COLUMNS} for row in rows]
    return pd.DataFrame(told, columns=list(_COLUMNS))


def _told(column: str, text: str) -> str:
    """A cell of the table, in letters that every file and terminal takes; names are on one line."""
    text = printable(text[:MOST_LETTERS], keep="\n\t")
    return text if column == "said" else text.replace("\n", "\\x0a").replace("\t", "\\x09")


def _handed_in(place: Path, limits: Limits) -> list[dict[str, str]]:
    """What lies in one student's folder, a row an exercise or guess."""
    rows: list[dict[str, str]] = []
    found = list(islice(files_below(place, _is_wanted, limits), limits.files + 1))
    for path, why in sorted(found[: limits.files]):
        if why:
            items = [_unread(why)]
        else:
            try:
                items = list((_guesses if _holds_guesses(path) else _exercises)(read_text(path, limits)))
            except FerlabError as error:
                items = [_unread(str(error))]
            except Exception as error:  # a student's file may be anything
                items = [_unread(f"{type(error).__name__}: {error}"[:200])]
        rows += [{"file": path.relative_to(place).as_posix()} | item for item in items]
    if len(found) > limits.files:
        rows.append(
            _unread(
                f"more than {limits.files} notebooks and links: the others were left out; if they are meant, raise the "
                "limit (--most-files)"
            )
        )
    return rows or [{"state": "nothing here", "said": _others(place)}]


def _others(place: Path) -> str:
    """What a student handed in instead of notebooks, such as an archive."""
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in islice(entries, 100) if not entry.name.startswith("."))
    return f"no notebook with an exercise, but {_listed(names)}" if names else ""


def _unread(why: str) -> dict[str, str]:
    return {"state": "cannot be read", "said": why}


def files_below(place: Path, is_wanted: Callable[[Path], bool], limits: Limits = USUAL) -> Iterator[tuple[Path, str]]:
    """The wanted files below a student's folder, each with why it is not to be opened, or with ""."""
    folders, seen = [place], 0
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                paths = sorted(Path(entry) for entry in islice(entries, limits.entries + 1))
        except OSError as error:
            yield folder, f"its folder cannot be opened ({error.strerror})"
            continue
        for path in paths:
            if path.name.startswith("."):  # JupyterLab's checkpoints
                continue
            seen += 1
            if seen > limits.entries:
                yield (
                    path,
                    f"more than {limits.entries:,} files: this one and those after it were left out; if they are "
                    "meant, raise the limit (--most-files)",
                )
                return
            kind = path.lstat().st_mode
            if stat.S_ISDIR(kind):
                folders.append(path)
            elif stat.S_ISLNK(kind) and (path.is_dir() or is_wanted(path)):
                yield path, "a link, which is not followed: the file itself is needed"
            elif is_wanted(path):
                yield path, "" if stat.S_ISREG(kind) else "no regular file"


def _is_wanted(path: Path) -> bool:
    """Also "03.ipynb.txt" and "03.ipynb.json", which browsers make of a notebook, and names that end with a space."""
    return ".ipynb" in path.name.lower() or _holds_guesses(path)


def _holds_guesses(path: Path) -> bool:
    """Whether this is a file of guesses: also "Copy of guesses.json", or what a learning platform makes of the name."""
    return path.name.strip().lower().endswith(".json") and Path(GUESSES).stem in path.stem.lower()


def read_text(path: Path, limits: Limits = USUAL) -> str:
    """The text of a regular file of a sensible size.

    Raises:
        FerlabError: it is none, or holds something else than text.
    """
    # Not to wait for the other end of a pipe, and not to follow a link, that took the file's place meanwhile.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise FerlabError("no regular file")
        most = int(limits.megabytes * 2**20)
        content = file.read(most + 1)
    if len(content) > most:
        raise FerlabError(
            f"larger than {limits.megabytes:g} MB: clear the outputs of the cells without a check, save, hand in "
            "again; or raise the limit (--megabytes)"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FerlabError("no text in UTF-8, so no notebook that Jupyter saved") from error


def _exercises(text: str) -> Iterator[dict[str, str]]:
    """The checks of a notebook, with what they said."""
    try:
        # Not by nbformat, whose validator takes minutes for a large notebook and stops at an odd one.
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FerlabError(f"no notebook that Jupyter saved, or a damaged one ({type(error).__name__})") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise FerlabError("no notebook that Jupyter saved: it has no cells")
    for cell in cells:
        if isinstance(cell, Mapping) and cell.get("cell_type") == "code":
            for check, state, said in what_was_said(cell):
                yield {"exercise": EXERCISES[check], "item": check, "state": state, "said": said}


def _guesses(text: str) -> Iterator[dict[str, str]]:
    """The answers to the questions of a class's notebooks."""
    try:
        answers = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FerlabError(f"no file of guesses, or a damaged one ({type(error).__name__})") from error
    if not isinstance(answers, dict):
        raise FerlabError("no file of guesses: it holds no questions with their answers")
    for question, answer in islice(answers.items(), MOST_GUESSES):
        yield {"item": str(question), "state": "guess", "said": str(answer)}


def overview(table: pd.DataFrame) -> Table:
    """Of a table from :func:`collect`: a student's row, an exercise's column; for the terminal.

    Where a notebook was handed in twice, or an exercise has two checks, the better state of the notebooks counts and
    the worse one of the checks.
    """
    from rich.table import Table

    exercises = sorted(set(EXERCISES.values()) & set(table["exercise"]))
    shown = Table("student")
    for heading in (*exercises, "solved", "guesses", "to look at"):
        shown.add_column(plain(heading))
    for student, rows in table[table["student"] != ""].groupby("student"):
        states = [_best_state(rows[rows["exercise"] == exercise]) for exercise in exercises]
        odd = rows[~rows["state"].isin([*STATES, "guess"])]
        shown.add_row(
            plain(student),
            *(_MARKS[state] for state in states),
            str(states.count("solved")),
            str(int((rows["state"] == "guess").sum())),
            plain(_listed([f"{row.file} {row.state}".strip() for row in odd.itertuples()])),
        )
    for row in table[table["student"] == ""].itertuples():
        shown.add_row(*[""] * (len(exercises) + 3), plain(f"{row.file} {row.state}"))
    return shown


def _listed(odd: list[str], most: int = 3) -> str:
    """The first of what a student handed in and nobody can read; all of it is in the table."""
    more = len(odd) - most
    return ", ".join(odd[:most]) + (f" and {more} more" if more > 0 else "")


def _best_state(rows: pd.DataFrame) -> str:
    """Of one student's rows of one exercise: of each check the best state, and of these the worst."""
    best = [min(states, key=STATES.index) for _, states in rows.groupby("item")["state"]]
    return max(best, key=STATES.index) if best else "not run"


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table from :func:`collect` for a spreadsheet."""
    text = table.map(lambda cell: spreadsheet_cell(printable(cell, keep="\n\t")))
    with atomic_path(Path(path)) as beside:
        text.to_csv(beside, index=False)

"""The cell of a check in a saved notebook: which checks it holds, and what they said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import Any

from ferlab.classroom.exercises import EXERCISES
from ferlab.classroom.marks import NOT_BEGUN, SOLVED

CELL_KEY = "ferlab"  # in a cell's metadata: {"checks": [..]}
MOST_LETTERS = 100_000  # of a cell's text, and
MOST_LINES = 500  # of what it printed, at each end: an endless loop prints more than can be looked at
_KNOWN = (SOLVED, *NOT_BEGUN)
_CALL = re.compile(r"(?<!\w)(check_\w+)[ \t]*\(")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_POINT = re.compile(r"\d+\. ")
_DEFINITION = re.compile(r"\bdef[ \t]+check_\w+")


def called_checks(source: str) -> list[str]:
    """The known checks that a cell calls, in order, whether it prints what they say or not.

    >>> called_checks("from ferlab.classroom.exercises import check_holm\\n# check_kappa(f)\\ncheck_holm(f)")
    ['check_holm']
    """
    found = _CALL.findall(_DEFINITION.sub("", _without_comments(source)))
    return [name for name in dict.fromkeys(found) if name in EXERCISES]


def checks_of(cell: Mapping[str, Any]) -> list[str]:
    """The known checks of a cell: those that it was handed out with, and those that it calls."""
    metadata = cell.get("metadata")
    told = metadata.get(CELL_KEY) if isinstance(metadata, Mapping) else None
    names = told.get("checks") if isinstance(told, Mapping) else None
    handed_out = [name for name in names if name in EXERCISES] if _are_strings(names) else []
    return list(dict.fromkeys([*handed_out, *called_checks(text_of(cell.get("source")))]))


def what_was_said(cell: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(check, state, sentence) of every check of a cell; the state is one of ``STATES``.

    Only what the cell printed counts, and its value, so that warnings change nothing; and lines that stand in the cell
    as they are were printed by the student, not by a check.
    """
    checks = checks_of(cell)
    if not checks:
        return []
    own = _without_comments(text_of(cell.get("source")))[:MOST_LETTERS]
    lines = [line for line in _lines(_printed(cell)) if line not in own]
    answers, error = list(_answers(lines)), _error(cell)
    if len(checks) == 1:  # the last answer is the check's: what it calls may print before it
        said = [answers[-1] if answers else "\n".join(lines) or error]
    else:
        said = answers if len(answers) == len(checks) else [*lines, error]
        said = [*said, *[""] * len(checks)][: len(checks)]
    return [(check, _state(text), text) for check, text in zip(checks, said, strict=True)]


def text_of(value: Any) -> str:
    """Text as notebooks keep it, whole or in a list of lines; empty where it is anything else."""
    if isinstance(value, str):
        return value
    return "".join(value) if _are_strings(value) else ""


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _outputs(cell: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    outputs = cell.get("outputs")
    yield from (output for output in outputs if isinstance(output, Mapping)) if isinstance(outputs, list) else ()


def _printed(cell: Mapping[str, Any]) -> str:
    """What a cell wrote to stdout, and its value where that is text, as after ``check_holm(f)`` without a ``print``."""
    parts: list[str] = []
    for output in _outputs(cell):
        if output.get("output_type") == "stream" and output.get("name", "stdout") == "stdout":
            parts.append(text_of(output.get("text")))
        elif output.get("output_type") in ("execute_result", "display_data"):
            data = output.get("data")
            shown = text_of(data.get("text/plain")) if isinstance(data, Mapping) else ""
            parts.append(f"\n{_string_of(shown)}\n")
    return "".join(parts).strip()


def _string_of(shown: str) -> str:
    """The text that Python shows as ``'text'``; nothing for another value, such as a figure."""
    try:
        value = ast.literal_eval(shown) if shown[:1] in ("'", '"', "(") else ""
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        value = ""
    return value if isinstance(value, str) else ""


def _error(cell: Mapping[str, Any]) -> str:
    errors = [output for output in _outputs(cell) if output.get("output_type") == "error"]
    return text_of(errors[-1].get("evalue")) or text_of(errors[-1].get("ename")) if errors else ""


def _lines(printed: str) -> list[str]:
    """The lines that are not blank; of very many the first, the last, and those that may be a check's."""
    # Colors of a terminal are no letters; and a check's line may be printed behind something that had no line end.
    plain = _COLOR.sub("", printed).replace(SOLVED, f"\n{SOLVED}")
    lines = [stripped for line in plain.splitlines() if (stripped := line.strip())]
    ends = {*range(MOST_LINES), *range(len(lines) - MOST_LINES, len(lines))}
    kept = (line for number, line in enumerate(lines) if number in ends or line.startswith(_KNOWN))
    return list(islice(kept, 4 * MOST_LINES))


def _without_comments(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("#"))


def _answers(lines: list[str]) -> Iterator[str]:
    """Every line that begins as a known answer of a check, with the points that are listed below it."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(_KNOWN):
            listed = takewhile(_POINT.match, lines[number:])
            yield "\n".join([line, *listed])


def _state(said: str) -> str:
    """One of ``STATES``, from what a check left in its notebook."""
    if not said:
        return "not run"
    if said.startswith(NOT_BEGUN):
        return "not begun"
    return "solved" if said.startswith(SOLVED) else "tried"

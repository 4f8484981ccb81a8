"""Graded assignments: built from one text, handed in as notebooks, graded in a sandbox.

>>> from ferlab.classroom.grading import find_assignments, grade, keep
"""

from __future__ import annotations

from typing import Any

from ferlab.late import late

__all__ = [
    "Grade",
    "Judge",
    "Limits",
    "Sandbox",
    "build",
    "by_hand_value",
    "find_assignments",
    "find_sandbox",
    "grade",
    "keep",
    "nearest_center_of_others",
    "read_assignment",
    "read_marks",
    "unit_profiles",
    "write_marks",
    "write_results",
]

_HOME = {
    "Grade": "rounds",
    "Judge": "judging",
    "Limits": "sandbox",
    "Sandbox": "sandbox",
    "build": "building",
    "by_hand_value": "comparing",
    "find_assignments": "assignment_text",
    "find_sandbox": "sandbox",
    "grade": "rounds",
    "keep": "by_hand",
    "nearest_center_of_others": "helpers",
    "read_assignment": "assignment_text",
    "read_marks": "marking",
    "unit_profiles": "helpers",
    "write_marks": "marking",
    "write_results": "results",
}


def __getattr__(name: str) -> Any:
    # A student's notebook needs two small functions of all this.
    return late(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__

"""For teachers and their classes: questions, checks of exercises, notebooks without solutions, and what came back.

The checks are in :mod:`ferlab.classroom.exercises`.

>>> from ferlab.classroom import ask, collect, hand_out
"""

from __future__ import annotations

from typing import Any

from ferlab.classroom.collecting import collect, overview, write_csv
from ferlab.classroom.handing_out import hand_out
from ferlab.classroom.marks import GUESSES, NOT_BEGUN, SOLVED, STATES
from ferlab.late import late

__all__ = ["GUESSES", "NOT_BEGUN", "SOLVED", "STATES", "ask", "collect", "hand_out", "overview", "write_csv"]


def __getattr__(name: str) -> Any:
    # ipywidgets are imported only when something is asked.
    return late(__name__, {"ask": "asking"}, name)


def __dir__() -> list[str]:
    return __all__

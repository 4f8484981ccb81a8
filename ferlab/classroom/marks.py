"""What checks write into a notebook, and :func:`ferlab.classroom.collect` reads there.

A saved notebook keeps nothing of a check but its sentence, so its beginning has to tell the state of the exercise.
"""

from __future__ import annotations

STATES = ("solved", "tried", "not begun", "not run")
SOLVED = "✓ "  # how a check begins that finds an exercise solved
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
GUESSES = "guesses.json"  # the file that keeps what was guessed before looking

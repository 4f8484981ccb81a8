"""What checks write into a notebook, and collect reads there."""

from __future__ import annotations

SOLVED = "✓ "  # what a check says of a solved exercise begins with it, and stays in the notebook when it is saved
GUESSES = "guesses.json"
STATES = ("solved", "tried", "not begun", "not run")
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

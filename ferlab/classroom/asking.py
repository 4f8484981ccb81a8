"""Questions to answer before looking."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from ferlab.classroom.marks import GUESSES
from ferlab.errors import FerlabWarning, UnreadableFile
from ferlab.files import read_json, write_json
from ferlab.markup import render
from ferlab.runs.schema import Answers
from ferlab.widgets.kit.static import with_html


class Question(ipywidgets.RadioButtons):
    """Radio buttons under their question; a list of the answers where no widget can be shown."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        html = render("classroom/question.html", question=self.description, options=self.options)
        words = f"{self.description} {' / '.join(self.options)}"
        return with_html(super()._repr_mimebundle_(**kwargs), html, words)


def ask(question: str, options: Sequence[str], keep: str | Path = Path("runs") / GUESSES) -> Question:
    """A question to answer before looking; the answer is in `.value` (None until one is chosen).

    Args:
        question: the question.
        options: the answers to choose from.
        keep: a file that holds the answers to all questions, so that a restarted notebook still knows them; delete it
            to begin anew. It is written when an answer is chosen.
    """
    path = Path(keep)
    try:
        before = kept_answers(path).get(question)
    except UnreadableFile as error:
        before = None
        warnings.warn(f"Your answer is not kept, since {error}", FerlabWarning, stacklevel=2)
    buttons = Question(options=list(options), value=before if before in options else None)
    buttons.layout.width = "max-content"
    buttons.description = question
    buttons.style.description_width = "initial"

    def write(change: dict[str, Any]) -> None:
        # A full disk or a read-only folder should not stop a lesson; nor is a damaged file written over.
        with contextlib.suppress(OSError, UnreadableFile):
            write_json(path, kept_answers(path) | {question: change["new"]})

    buttons.observe(write, "value")
    return buttons


def kept_answers(path: Path) -> dict[str, str]:
    """Question -> answer, of a file that :func:`ask` writes; empty where there is none.

    Raises:
        UnreadableFile: it is damaged, or holds something else.
    """
    if not os.path.lexists(path):
        return {}
    return dict(read_json(path, Answers, mend="mend it, or delete it to begin anew"))

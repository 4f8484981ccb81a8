"""Questions to answer before looking."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from ferlab.classroom.marks import GUESSES
from ferlab.files import write_json
from ferlab.markup import render
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
    before = kept_answers(path).get(question)
    buttons = Question(options=list(options), value=before if before in options else None)
    buttons.layout.width = "max-content"
    buttons.description = question
    buttons.style.description_width = "initial"

    def write(change: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a full disk or a read-only folder should not stop a lesson
            write_json(path, kept_answers(path) | {question: change["new"]})

    buttons.observe(write, "value")
    return buttons


def kept_answers(path: Path) -> dict[str, str]:
    """Question -> answer, of a file that :func:`ask` writes; empty where it is missing or broken."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}

"""Questions to answer before looking."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import ipywidgets

from ferlab.classroom.marks import GUESSES
from ferlab.files import write_json
from ferlab.widgets.kit.static import with_html


class _Question(ipywidgets.RadioButtons):
    def _repr_mimebundle_(self, **kwargs):
        options = "".join(f"<li>{escape(option)}</li>" for option in self.options)
        html = f'<p><strong>{escape(self.description)}</strong></p><ul style="list-style: circle">{options}</ul>'
        words = f"{self.description} {' / '.join(self.options)}"
        return with_html(super()._repr_mimebundle_(**kwargs), html, words)


def ask(question: str, options: Sequence[str], keep: str | Path = Path("runs") / GUESSES) -> ipywidgets.RadioButtons:
    """A question to answer before looking; the answer is in `.value` (None until one is chosen).

    Args:
        question: the question.
        options: the answers to choose from.
        keep: a file that holds the answers to all questions, so that a restarted notebook still knows them; delete it
            to begin anew. It is written when an answer is chosen.
    """
    keep = Path(keep)
    before = _kept(keep).get(question)
    buttons = _Question(options=list(options), value=before if before in options else None)
    buttons.layout.width = "max-content"
    buttons.description = question
    buttons.style.description_width = "initial"

    def write(change) -> None:
        with contextlib.suppress(OSError):  # a full disk or a read-only folder should not stop a lesson
            write_json(keep, _kept(keep) | {question: change["new"]})

    buttons.observe(write, "value")
    return buttons


def _kept(path: Path) -> dict[str, str]:
    """The answers in a file; none where it is missing or broken."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}

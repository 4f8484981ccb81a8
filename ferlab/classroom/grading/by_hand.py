"""What was done by hand in a widget, as data: in the notebook's outputs, and in a file beside it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ferlab.classroom.grading.submission import STATE_FILE, STATE_TYPE
from ferlab.errors import FerlabError
from ferlab.files import write_json

PLACES = 5  # decimals that are kept of a position
MOST_ENTRIES = 10_000


class Kept:
    """What :func:`keep` answers: a line to read, and the state as data in the notebook's output."""

    def __init__(self, part: str, state: dict[str, Any], words: str) -> None:
        self.part, self.state, self.words = part, state, words

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {"text/plain": self.words, STATE_TYPE: {self.part: self.state}}


def keep(part: str, widget: Any, file: str | Path = f"{STATE_FILE}.json") -> Kept:
    """Keep what was done in a widget, to be handed in.

    Args:
        part: the part of the assignment, as its cell says.
        widget: a ``LossPlayground``, ``EmbeddingExplorer``, ``FaceLab`` or ``FaceLabeling``.
        file: where it is kept as well, together with the other parts'.

    Returns:
        To be shown as the value of the cell, so that it is saved with the notebook.

    Raises:
        FerlabError: it is no such widget.

    Example:
        >>> keep("zero_loss", playground)    # doctest: +SKIP
    """
    state, path = state_of(widget), Path(file)
    try:
        write_json(path, _kept(path) | {part: state})
    except OSError:  # a read-only folder: the notebook still keeps it
        return Kept(part, state, f"Kept in this notebook only, since {path} cannot be written: save the notebook.")
    return Kept(part, state, f"Kept in this notebook and in {path}: save the notebook, and hand in both.")


def _kept(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict):
            return kept
    return {}


def state_of(widget: Any) -> dict[str, Any]:
    """The state of a widget as plain numbers and names.

    Raises:
        FerlabError: it is none of those that can be kept.
    """
    from ferlab.widgets import EmbeddingExplorer, FaceLab, FaceLabeling, LossPlayground

    if isinstance(widget, LossPlayground):
        return {
            "kind": "playground",
            "loss": widget.loss,
            "margin": widget.margin,
            "selected": widget.selected,
            "term_weights": dict(widget.term_weights),
            **{name: _numbers(getattr(widget, name)) for name in ("points", "labels", "centers", "profiles")},
        }
    if isinstance(widget, EmbeddingExplorer):
        return {
            "kind": "explorer",
            "selection": _numbers(widget.selection),
            "focus": widget.focus,
            "methods": list(widget.methods),
            "projection": widget.projection,
        }
    if isinstance(widget, FaceLab):
        units = {name: round(float(value), PLACES) for name, value in widget.units.items()}
        return {"kind": "face lab", "units": units}
    if isinstance(widget, FaceLabeling):
        return {"kind": "labeling", "answers": _numbers(widget.answers), "classes": list(widget.classes)}
    raise FerlabError(f"A {type(widget).__name__} cannot be kept: name a playground, explorer, face lab or labeling.")


def _numbers(values: Any) -> list[Any]:
    return np.round(np.asarray(values), PLACES).tolist()


class State(dict[str, Any]):
    """A kept state, which a student may have written by hand: judges ask for what they need by :meth:`array`."""

    def array(self, name: str, *shape: int | None) -> np.ndarray:
        """Finite float numbers of a shape, None where a size is free.

        Raises:
            ValueError: there are none.
        """
        value = self.get(name)
        if not isinstance(value, list) or _entries(value) > MOST_ENTRIES:
            raise ValueError(f"no {name}")
        found = np.array(value, dtype=np.float64)
        fits = len(shape) == found.ndim and all(s in (None, n) for s, n in zip(shape, found.shape, strict=True))
        if not fits or not np.isfinite(found).all():
            raise ValueError(f"{name} of another shape")
        return found

    def playground(self, classes: int) -> Any:
        """The playground as it was left, made anew from its numbers.

        Raises:
            ValueError, FerlabError: they make none.
        """
        from ferlab.widgets import LossPlayground

        loss = str(self["loss"])
        if not re.fullmatch(r"[a-z-]+", loss):  # no loss of another package, with arguments
            raise ValueError("another loss")
        points, labels = self.array("points", None, 2), self.array("labels", None)
        centers = self.array("centers", classes, 2)
        made = LossPlayground(
            loss,
            points=points,
            labels=labels.astype(np.int64),
            centers=centers,
            classes=classes,
            margin=float(self["margin"]),
        )
        made.selected = int(self["selected"])
        if loss == "ad-corre":
            made.profiles = self.array("profiles", None, 2, 8)
            made.term_weights = {str(k): float(v) for k, v in dict(self["term_weights"]).items()}
        return made


def _entries(value: Any, depth: int = 0) -> int:
    """How many numbers a nested list holds, as far as one looks."""
    if not isinstance(value, list) or depth > 4:
        return 1
    return sum(_entries(inner, depth + 1) for inner in value[: MOST_ENTRIES + 1])


def checked_state(state: Mapping[str, Any]) -> State:
    """A state from a file or an output."""
    return State({str(name)[:40]: value for name, value in list(state.items())[:40]})

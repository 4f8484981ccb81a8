"""Checks for exercises: they say what is missing, and never raise."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np

from ferlab.classroom import GUESSES, SOLVED
from ferlab.figures.palette import method_label
from ferlab.files import write_json
from ferlab.report.run_folder import read_run
from ferlab.vectors import unit_rows
from ferlab.widgets.explorer import EmbeddingExplorer
from ferlab.widgets.static import with_html


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


def solved(sentence: str) -> str:
    """What a check says of a solved exercise: the sentence, marked."""
    return SOLVED + sentence


def check_selection(explorer: EmbeddingExplorer, classes: Sequence[str], at_least: int = 20, share: float = 0.8) -> str:
    """Judge a lasso selection that should lie where two (or more) classes touch, on the first map.

    Args:
        explorer: the linked maps.
        classes: the classes looked for.
        at_least: faces to select.
        share: the part that must belong to `classes`; each must make up a fifth of that at least. At least half of the
            faces must lie on the border: a fifth of their 15 nearest on the map are of another one of `classes`.

    Returns:
        What is right or what to change, in a sentence or two.
    """
    chosen = explorer.selection
    wanted = " and ".join(classes)
    if not len(chosen):
        return f"Nothing is selected yet. Draw a loop where {wanted} touch, then run this cell again."
    names = np.array(explorer.classes)[explorer.selected_labels]
    counts = {name: int((names == name).sum()) for name in explorer.classes}
    if len(chosen) < at_least:
        return (
            f"You have selected {len(chosen)} faces; take at least {at_least}, so that the shares below mean something."
        )
    found = sum(counts[name] for name in classes)
    if found < share * len(chosen):
        other = max((name for name in counts if name not in classes), key=counts.get)
        return (
            f"{found} of your {len(chosen)} faces are {wanted} ({found / len(chosen):.0%}; {share:.0%} are asked for). "
            f"Most of the others are {other}: draw the loop away from them."
        )
    rare = min(classes, key=counts.get)
    if counts[rare] < 0.2 * found:
        return (
            f"Only {counts[rare]} of your {len(chosen)} faces are {rare}: move the loop closer to the border between "
            f"{wanted}."
        )
    touching = _on_border(explorer, classes)
    if touching < 0.5:
        return (
            f"Only {touching:.0%} of your {len(chosen)} faces lie where {wanted} touch, on the map of "
            f"{method_label(explorer.methods[0])}: draw a smaller loop, around the place where their colors mix."
        )
    right = [f"{method_label(name)} {part:.0%}" for name, part in explorer.share_right().items()]
    return solved(
        f"Well found: {len(chosen)} faces on the border of {wanted}. Classified right among them: {', '.join(right)}."
    )


def _on_border(explorer: EmbeddingExplorer, classes: Sequence[str], nearest: int = 15) -> float:
    """Share of the selected faces that have another one of the classes close by on the first map."""
    layout, names = explorer.map_of(explorer.methods[0]), np.array(explorer.classes)[explorer.points.labels]
    mine = np.flatnonzero(np.isin(explorer.points.indices, explorer.selection))
    others = min(nearest, len(layout) - 1)
    close = np.argsort(np.linalg.norm(layout[mine, None] - layout[None], axis=2), axis=1)[:, 1 : others + 1]
    is_other = np.isin(names[close], classes) & (names[close] != names[mine, None])
    return float((is_other.mean(axis=1) >= 0.2).mean())


def answer_of(function: Callable, *given) -> tuple[Any, str]:
    """What a learner's function answers, and a sentence where it fails or answers nothing; empty where all is well."""
    try:
        answer = function(*given)
    except Exception as error:  # the learner's code may fail in any way
        return None, f"Your function stopped with {type(error).__name__}: {error}"
    empty = "Your function returns None: put your code in place of the dots, with a `return`."
    return answer, empty if answer is None else ""


def number_of(function: Callable, *given) -> tuple[float, str]:
    """As :func:`answer_of`, of a function that should answer with one number."""
    answer, complaint = answer_of(function, *given)
    if complaint:
        return float("nan"), complaint
    try:
        return float(answer), ""
    except (TypeError, ValueError, RuntimeError):
        return float("nan"), f"Your function should return one number, but returned {type(answer).__name__}."


def check_within_between(function: Callable, run_dir: str | Path) -> str:
    """Judge a learner's `function(embeddings, labels)` for the within/between distance ratio, on every method of a run.

    `embeddings` is float (N, D) with rows of length 1, `labels` int (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    run = read_run(run_dir)
    answers = {}
    for name in run.methods:
        rows = run.embeddings[run.embeddings["method"] == name]
        rows = rows[rows["seed"] == rows["seed"].min()]
        space = unit_rows(np.stack(rows["embedding"].to_numpy()).astype(np.float64))
        labels = rows["label"].to_numpy()
        value, complaint = number_of(function, space.copy(), labels.copy())
        if complaint:
            return complaint
        within, between, within_squared, between_squared = _distances(space, labels)
        if not np.isclose(value, within / between, rtol=1e-3):
            if np.isclose(value, between / within, rtol=1e-3):
                return "Almost: you divided between by within. Turn the fraction round."
            if any(
                np.isclose(value, x, rtol=1e-3) for x in (within_squared / between_squared, (within / between) ** 2)
            ):
                return "Almost: these look like squared distances. Take the root of each distance before averaging."
            if np.isclose(value, within, rtol=1e-3):
                return (
                    "This is the mean distance within the classes. Divide it by the mean distance between class means."
                )
            if np.isclose(value, between, rtol=1e-3):
                return "This is the mean distance between class means. It belongs below the fraction line."
            if np.isclose(value, np.sqrt(within_squared / between_squared), rtol=1e-3):
                return "Almost: you average squared distances and take the root after. Take the mean of the distances."
            if np.isclose(value, _within_by_class(space, labels) / between, rtol=1e-3):
                return (
                    "Almost: you average within each class first, so that a rare class counts as much as a common one. "
                    "Average over all faces at once."
                )
            classes = len(np.unique(labels))
            if np.isclose(value, within / between * classes / (classes - 1), rtol=1e-3):
                return (
                    "Almost: the distance of a class mean to itself (0) is in your average. Take only pairs of "
                    "different classes."
                )
            return (
                f"For {method_label(name)} you get {value:.3f}, but it should be {within / between:.3f}. Check each "
                "mean on its own."
            )
        answers[name] = value
    numbers = ", ".join(f"{value:.3f} for {method_label(name)}" for name, value in answers.items())
    return solved(f"Right: {numbers}. These are the numbers of the table above.")


def _within_by_class(space: np.ndarray, labels: np.ndarray) -> float:
    """Mean of the classes' mean distances within."""
    own = [space[labels == c] for c in np.unique(labels)]
    return float(np.mean([np.linalg.norm(of - of.mean(axis=0), axis=1).mean() for of in own]))


def _distances(space: np.ndarray, labels: np.ndarray) -> tuple[float, float, float, float]:
    """Mean distance within and between, then the same of squared distances."""
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([space[own == k].mean(axis=0) for k in range(len(classes))])
    within = np.linalg.norm(space - means[own], axis=1)
    between = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(len(classes), k=1)]
    return within.mean(), between.mean(), (within**2).mean(), (between**2).mean()

"""What the page of a TrainingMonitor is told, and the still picture for places that show no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ferlab.errors import FerlabError
from ferlab.figures.training import part_style, training_overview
from ferlab.palette import class_colors
from ferlab.training import epochs_before_metric_loss
from ferlab.widgets.monitor.plane import is_watchable
from ferlab.widgets.monitor.record import recalls
from ferlab.widgets.monitor.session import MonitorState, TrainingSession
from ferlab.widgets.monitor.watched import Part, Watched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOTAL_COLOR = "var(--ink)"  # follows the page's theme
SVG_DASHES: dict[str, str] = {"-": "", "--": "6 3", ":": "2 3", "-.": "6 3 2 3"}  # as SVG takes them


def info(session: TrainingSession, kept: str) -> dict[str, Any]:
    """Words, numbers and buttons.

    Args:
        session: what is shown.
        kept: where whole epochs are kept, in words.
    """
    task, watched = session.task, session.watched
    epochs, total = watched.epochs, watched.steps * watched.epochs
    done = watched.epoch * watched.steps + watched.batch
    return {
        "title": task.method.label,
        "status": session.state.status,
        "sentence": sentence(session),
        "where": where(session),
        "left": time_left(session),
        "done": done / total if total else 0.0,
        "epoch": watched.epoch,
        "epochs": epochs,
        "folder": kept,
        "switch": epochs_before_metric_loss(task.method, epochs),
        "parts": [line(part, place) for place, part in enumerate(watched.parts)],
        "classes": class_rows(watched),
        "plane": plane_words(session),
    }


def plane_words(session: TrainingSession) -> dict[str, Any] | None:
    """What there is to say about an embedding of two numbers; None for one of more."""
    if not is_watchable(session.task.method):
        return None
    seen = session.watched.plane
    return {
        "when": "" if seen is None else f"after {seen.epochs:.1f} epochs",
        "centers": "center of the loss" if seen is not None and seen.are_of_loss else "class mean",
    }


def sentence(session: TrainingSession) -> str:
    """What there is to say about the state."""
    if session.note:
        return session.note
    epoch, epochs = session.watched.epoch, session.watched.epochs
    match session.state:
        case MonitorState.WAITING:
            if not session.earlier:
                return ""
            return f"An earlier training is here, up to epoch {session.earlier}: Start goes on from there."
        case MonitorState.PREPARING:
            return "Preparing the faces and the network ..."
        case MonitorState.PAUSED:
            return "Paused between two batches; Resume goes on from here."
        case MonitorState.STOPPING:
            return "Stopping after this batch ..."
        case MonitorState.STOPPED:
            kept = f"Epochs 1 to {epoch} are kept" if epoch > 1 else f"{epoch or 'No'} epoch is kept"
            return (
                f"Stopped. {kept}; Go on continues with epoch {epoch + 1}, and ends with the numbers of a training "
                "without a stop."
            )
        case MonitorState.FINISHED:
            early = "" if epoch == epochs else " It was no longer getting better."
            return f"Finished after {epoch} of {epochs} epochs.{early}"
        case MonitorState.FAILED:
            error = session.error
            return str(error) if isinstance(error, FerlabError) else f"{type(error).__name__}: {error}"
    return ""


def where(session: TrainingSession) -> str:
    """How far it has come; empty where that goes without saying."""
    watched = session.watched
    if not watched.steps or not (session.state.is_running or session.state is MonitorState.STOPPED):
        return ""
    return (
        f"Epoch {min(watched.epoch + 1, watched.epochs)} of {watched.epochs}, batch {watched.batch} of {watched.steps}"
    )


def time_left(session: TrainingSession) -> str:
    """How long it will take, in words; empty while there is nothing to go by."""
    seconds = session.watched.seconds_left() if session.state.is_running else None
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {5 * max(1, round(seconds / 5))} seconds left"
    minutes = seconds / 60
    return f"about {minutes:.0f} minutes left" if minutes < 90 else f"about {minutes / 60:.1f} hours left"


def line(part: Part, place: int) -> dict[str, Any]:
    """A part of the loss as its line is drawn; the total is the first one."""
    color, style = part_style(place)
    return {
        "name": part.name,
        "label": part.label,
        "words": part.words,
        "weight": part.weight,
        "color": color if place else TOTAL_COLOR,
        "dash": SVG_DASHES[style],
    }


def class_rows(watched: Watched) -> list[dict[str, Any]]:
    """Name, color and number of validation faces of each class."""
    counts = np.bincount(watched.validation_labels, minlength=len(watched.classes))
    colors = class_colors(list(watched.classes))
    return [
        {"name": name, "color": color, "faces": int(faces)}
        for name, color, faces in zip(watched.classes, colors, counts, strict=True)
    ]


def scores(watched: Watched) -> dict[str, Any]:
    """The history as one list a column, and recalls and shares of the epochs that can be shown in detail."""
    detailed = watched.detailed()
    history = watched.history().drop(columns=[f"recall_{name}" for name in watched.classes], errors="ignore")
    found: dict[str, Any] = {str(name): [_number(value) for value in values] for name, values in history.items()}
    of_classes = [recalls(watched.records[epoch].validation_confusion) for epoch in detailed]
    return found | {
        "detailed": detailed,
        "recalls": [[_number(value) for value in values] for values in of_classes],
        "shares": [watched.maps[epoch].share for epoch in detailed],
    }


def maps(watched: Watched) -> dict[str, bytes]:
    """The maps of all epochs that can be shown, for the page's buffers.

    Returns:
        `maps`, float32 (epochs, n, 2); `predicted`, uint16 (epochs, n); `labels`, uint16 (n,).
    """
    detailed = watched.detailed()
    return {
        "maps": b"".join(watched.maps[epoch].points.tobytes() for epoch in detailed),
        "predicted": b"".join(watched.records[epoch].predicted.astype("<u2").tobytes() for epoch in detailed),
        "labels": watched.followed_labels.astype("<u2").tobytes(),
    }


def monitor_figure(session: TrainingSession, shown: int | None) -> Figure | None:
    """What the page shows, as a static matplotlib figure; None before the first batches."""
    with session.lock:
        watched = session.watched
        if watched.is_empty():
            return None
        detailed = watched.detailed()
        epoch = shown or (detailed[-1] if detailed else None)
        curves = watched.curves()
        known = None if epoch is None else (watched.maps[epoch], watched.records[epoch])
        history, labels, classes = watched.history(), watched.followed_labels, watched.classes
        losses = {part.label: curves[2 + 2 * i] for i, part in enumerate(watched.parts)}
    # Drawn outside the lock: it takes longer than a batch.
    axes = training_overview(
        session.task.method.label,
        places=curves[0],
        losses=losses,
        history=history,
        epochs=watched.epochs,
        classes=classes,
        points=None if known is None else known[0].points,
        labels=labels,
        recalls=None if known is None else recalls(known[1].validation_confusion),
        epoch=epoch,
        map_words="their two numbers" if is_watchable(session.task.method) else "PCA",
    )
    return axes[0].figure


def _number(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None

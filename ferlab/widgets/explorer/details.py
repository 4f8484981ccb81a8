"""What the explorer says in words: about a selection, its faces, classes and neighbors; about colors and maps; as HTML.

The templates beside this module lay it out; here it is counted, chosen and put into sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ferlab.markup import render
from ferlab.methods import method_label
from ferlab.palette import class_colors
from ferlab.projection.captions import CAPTIONS
from ferlab.projection.quality import MapQuality
from ferlab.texts import shortened
from ferlab.widgets.explorer.colors import Legend
from ferlab.widgets.explorer.correlations import signed
from ferlab.widgets.explorer.neighbors import CLOSE, Moved, Near, Pair
from ferlab.widgets.explorer.points import Points

GALLERY = 48
LETTERS = 40  # of a name in a sentence
IN_MIX = 12
IN_LEGEND = 60
CLEAR = "clear"
NEIGHBORS = 6
HINT = (
    "Hover over a dot to see its face and to find it in the other spaces. Drag a loop around dots in one space: they "
    "light up in all, and their faces, classes and neighbors appear here. A click in the legend selects a whole class."
)
# Why maps are not measured, by projection.
UNMEASURED = {
    "triplet": "TCL's plane shows distances to centers, not neighbors, so it is not measured as a map.",
    "embedding": "These are the embeddings themselves: there is no projection to be measured.",
}
NOT_KEPT = "The embeddings were not kept, so the maps cannot be measured."


@dataclass(frozen=True)
class FaceCard:
    """One face below the maps.

    Attributes:
        index: its position in the data set.
        name: its class.
        color: of its class.
        picture: data URI, or None.
        told: all about it in a line.
        notes: what stands below its class.
        pressed: whether its neighbors are shown.
    """

    index: int
    name: str
    color: str
    picture: str | None
    told: str
    notes: tuple[str, ...] = ()
    pressed: bool = False


@dataclass(frozen=True)
class FaceRow:
    """Faces of one space: its name, a note, the faces, and what stands there where there are none."""

    name: str
    note: str
    faces: list[FaceCard]
    otherwise: str = ""


# ---- the selection -----------------------------------------------------------------------------------------------


def selection_html(
    points: Points,
    chosen: np.ndarray,
    *,
    focus: int | None,
    methods: Sequence[str],
    share_right: Mapping[str, float],
) -> str:
    """Number, class mix, share right, and the faces; a hint where nothing is selected.

    Args:
        points: what is shown.
        chosen: the positions selected.
        focus: the one whose neighbors are shown.
        methods: whose wrong answers are noted at the faces.
        share_right: name of a space -> share of them that it classifies right.
    """
    if not len(chosen):
        return render("widgets/explorer/selection.html", hint=HINT, count=0)
    shown = chosen[np.argsort(points.labels[chosen], kind="stable")]
    if len(shown) > GALLERY:
        shown = shown[np.linspace(0, len(shown) - 1, GALLERY).astype(int)]
    return render(
        "widgets/explorer/selection.html",
        count=len(chosen),
        shown=len(shown),
        mix=_class_mix(points, chosen),
        bar=_counted(points, chosen),
        right=" · ".join(f"{name} {share:.0%}" for name, share in share_right.items()),
        faces=[_selected_face(points, at, focus, methods) for at in shown.tolist()],
        clear=CLEAR,
    )


def neighbors_html(
    points: Points,
    *,
    focus: int | None,
    first: str,
    near: Sequence[Near],
    moved: Sequence[Moved],
    pairs: Sequence[Pair],
    label: Callable[[str], str] = method_label,
) -> str:
    """Who is near the selection, who no longer is, and how far two selected points are apart.

    Args:
        points: what is shown.
        focus: whose neighbors they are; None: those of the selection's middle.
        first: the space that the others are compared with.
        near: nearest points, one entry a space; empty: embeddings were not kept.
        moved: points that were close in the first space, one entry for each of the others.
        pairs: where two points are selected, one entry a space.
        label: the name of a method's space for people.
    """
    whom = "the middle of the selection"
    if focus is not None:
        whom = f"face {points.indices[focus]} ({points.classes[points.labels[focus]]})"
    return render(
        "widgets/explorer/neighbors.html",
        whom=whom,
        first=label(first),
        near=[_near_row(points, label(of_space.method), of_space) for of_space in near],
        moved=[_moved_row(points, label(first), label(of_space.method), of_space) for of_space in moved],
        pairs=[(label(pair.method), pair) for pair in pairs],
    )


def _near_row(points: Points, name: str, near: Near) -> FaceRow:
    faces = [
        _face(
            points, at, (f"{distance:.3f}", f"map #{rank:,}"),
            spoken=f"cosine distance {distance:.3f}, number {rank} on the map",
        )
        for at, distance, rank in zip(near.positions.tolist(), near.distances, near.map_ranks, strict=True)
    ]  # fmt: skip
    return FaceRow(name, _class_mix(points, near.positions), faces)


def _moved_row(points: Points, first: str, name: str, moved: Moved) -> FaceRow:
    faces = [
        _face(points, at, (f"{a:,} → {b:,}",), spoken=f"number {a} in {first}, number {b} now")
        for at, a, b in zip(moved.positions.tolist(), moved.before, moved.after, strict=True)
    ]
    return FaceRow(name, "", faces, f"All {CLOSE} nearest are still close.")


def _selected_face(points: Points, at: int, focus: int | None, methods: Sequence[str]) -> FaceCard:
    answers = {
        int(points.predicted[name][at]) for name in methods if name in points.predicted and points.is_answered(name)[at]
    }
    wrong = ", ".join(points.classes[k] for k in sorted(answers - {int(points.labels[at])}))
    if not wrong:
        return _face(points, at, pressed=at == focus)
    return _face(points, at, (f"✗\u202f{wrong}",), spoken=f"taken for {wrong}", pressed=at == focus)


def _face(points: Points, at: int, notes: tuple[str, ...] = (), *, spoken: str = "", pressed: bool = False) -> FaceCard:
    index, label = int(points.indices[at]), int(points.labels[at])
    name = points.classes[label]
    return FaceCard(
        index=index,
        name=name,
        color=class_colors(list(points.classes))[label],
        picture=points.picture(at),
        told=", ".join([f"face {index}", name, *([spoken] if spoken else [])]),
        notes=notes,
        pressed=pressed,
    )


def _counted(points: Points, positions: np.ndarray) -> list[tuple[int, str, str]]:
    """(number, color, name) of each class among some points, the most frequent first."""
    counts = np.bincount(points.labels[positions], minlength=len(points.classes))
    colors = class_colors(list(points.classes))
    order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
    return [(int(counts[k]), colors[k], points.classes[k]) for k in order]


def _class_mix(points: Points, positions: np.ndarray) -> str:
    counted = _counted(points, positions)
    mix = [f"{number:,} {shortened(name, LETTERS)}" for number, _, name in counted[:IN_MIX]]
    if more := sum(number for number, _, _ in counted[IN_MIX:]):
        mix.append(f"{more:,} of {len(counted) - IN_MIX} other classes")
    return ", ".join(mix)


# ---- one point ---------------------------------------------------------------------------------------------------


def tooltip(points: Points, method: str, position: int) -> dict[str, str | None]:
    """Class, answer and face of a point, for a method's map; empty where there is no such point."""
    if not 0 <= position < len(points):
        return {}
    answer = "not known"
    if method in points.predicted:
        answer = shortened(points.classes[points.predicted[method][position]], LETTERS)
        if method in points.confidence and np.isfinite(points.confidence[method][position]):
            answer += f" ({points.confidence[method][position]:.0%})"
    return {
        "class": shortened(points.classes[points.labels[position]], LETTERS),
        "answer": answer,
        "face": points.picture(position),
    }


# ---- around the maps ---------------------------------------------------------------------------------------------


def title_html(name: str, note: str) -> str:
    """The name in bold, the note below it."""
    return render("widgets/explorer/title.html", name=name, note=note)


def legend_html(legend: Legend, pick: bool) -> str:
    """The legend; with `pick` its entries are buttons that report their place in it."""
    stops = legend.scale[:: max(1, len(legend.scale) // 8)] + legend.scale[-1:]
    entries, more = legend.entries[:IN_LEGEND], max(0, len(legend.entries) - IN_LEGEND)
    return render(
        "widgets/explorer/legend.html", legend=legend, entries=entries, more=more, pick=pick, stops=", ".join(stops)
    )


def messages_html(sentences: Sequence[str], working: str) -> str:
    """What went otherwise than expected, and what is being computed."""
    return render("widgets/explorer/messages.html", sentences=sentences, working=working)


def belief_html(quality: Mapping[str, MapQuality | None], kind: str) -> str:
    """How far the maps may be believed: name of a space -> what was measured, None while it is not."""
    absent = UNMEASURED.get(kind, NOT_KEPT)
    return render("widgets/explorer/belief.html", rows=list(quality.items()), absent=absent)


def pair_html(points: Points, pair: tuple[int, int], correlation: float) -> str:
    """Two faces and their correlation."""
    return render(
        "widgets/explorer/pair.html", faces=[_face(points, at) for at in pair], correlation=signed(correlation)
    )


def caption_html(kind: str) -> str:
    """What a projection can show and what it cannot."""
    return render("widgets/explorer/caption.html", said=CAPTIONS[kind])

"""What the explorer says about a selection: its faces, its classes, its neighbors; as markup."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import numpy as np

from ferlab.palette import class_colors, method_label
from ferlab.projection.quality import MapQuality
from ferlab.widgets.explorer.colors import Legend
from ferlab.widgets.explorer.neighbors import Moved, Near, Pair
from ferlab.widgets.explorer.points import Points

GALLERY = 48
CLEAR = "clear"
NEIGHBORS = 6
HINT = (
    "Hover over a dot to see its face and to find it in the other spaces. Drag a loop around dots in one space: they "
    "light up in all, and their faces, classes and neighbors appear here. A click in the legend selects a whole class."
)

_CLEAR_BUTTON = f'<button class="ferlab-x-link" data-pick="{CLEAR}">Clear selection</button>'


class Markup:
    """Writes the markup for some points.

    Args:
        points: what is shown.
        picture: position -> data URI of the face, or None.
    """

    def __init__(self, points: Points, picture: Callable[[int], str | None]) -> None:
        self.points = points
        self._picture = picture
        self._colors = class_colors(list(points.classes))

    def selection(
        self, chosen: np.ndarray, focus: int | None, methods: list[str], share_right: dict[str, float]
    ) -> str:
        """Number, class mix, share right, and the faces."""
        points, noun = self.points, "face" if len(chosen) == 1 else "faces"
        mix = self._class_mix(chosen)
        bar = "".join(
            f'<i style="flex:{number};background:{color}" title="{number:,} {escape(name)}"></i>'
            for number, color, name in self._counted(chosen)
        )
        right = " · ".join(f"{escape(method_label(name))} {share:.0%}" for name, share in share_right.items())
        shown = chosen[np.argsort(points.labels[chosen], kind="stable")]
        if len(shown) > GALLERY:
            shown = shown[np.linspace(0, len(shown) - 1, GALLERY).astype(int)]
        more = f", {GALLERY} of them shown" if len(chosen) > GALLERY else ""
        faces = "".join(self._selected_face(int(at), focus, methods) for at in shown)
        return (
            f"<p><b>{len(chosen):,} {noun} selected</b>{more}: {mix} {_CLEAR_BUTTON}</p>"
            f'<div class="ferlab-x-mix" role="img" aria-label="Class mix: {mix}">{bar}</div>'
            + (f"<p><small>classified right: {right}</small></p>" if right else "")
            + f"<h4>Faces <small>click one for its neighbors</small></h4>"
            f'<div class="ferlab-x-faces ferlab-x-grid">{faces}</div>'
        )

    def neighbors(self, focus: int | None, near: list[Near]) -> str:
        """One row of faces a space."""
        if not near:
            return "<h4>Neighbors</h4><p>The embeddings were not kept, so neighbors are not known.</p>"
        rows = []
        for of in near:
            faces = "".join(
                self._face(
                    int(at), [f"{distance:.3f}", f"map #{rank:,}"],
                    f"cosine distance {distance:.3f}, number {rank} on the map",
                )
                for at, distance, rank in zip(of.positions, of.distances, of.map_ranks, strict=True)
            )  # fmt: skip
            rows.append(self._row(of.method, self._class_mix(of.positions), faces))
        return (
            f"<h4>Nearest to {self._whom(focus)} <small>by cosine distance in the full space; "
            f'"map #" is the rank on the map</small></h4>{"".join(rows)}'
        )

    def moved(self, first: str, moved: list[Moved], near: int) -> str:
        """Who was close in the first space and is far in the others."""
        rows = []
        for of in moved:
            faces = "".join(
                self._face(int(at), [f"{a:,} → {b:,}"], f"number {a} in {method_label(first)}, number {b} now")
                for at, a, b in zip(of.positions, of.before, of.after, strict=True)
            )
            rows.append(self._row(of.method, "", faces or f"<small>All {near} nearest are still close.</small>"))
        if not rows:
            return ""
        return (
            f"<h4>Close under {escape(method_label(first))}, far now <small>rank among all: there → here</small></h4>"
            f"{''.join(rows)}"
        )

    def pair(self, pairs: list[Pair]) -> str:
        """How far apart two selected points are, in the spaces and on the maps."""
        if not pairs:
            return ""
        rows = "".join(
            f"<tr><th scope='row'>{escape(method_label(of.method))}</th><td>{of.in_space:.3f}</td>"
            f"<td>{of.space_share:.0%} of pairs</td><td>{of.on_map:.2f}</td><td>{of.map_share:.0%} of pairs</td></tr>"
            for of in pairs
        )
        return (
            "<h4>These two</h4><table><thead><tr><th></th><th>cosine distance</th><th>nearer than</th>"
            f"<th>distance on the map</th><th>nearer than</th></tr></thead><tbody>{rows}</tbody></table>"
        )

    # ---- parts -------------------------------------------------------------------------------------------------

    def _counted(self, positions: np.ndarray) -> list[tuple[int, str, str]]:
        """(number, color, name) of each class among some points, the most frequent first."""
        counts = np.bincount(self.points.labels[positions], minlength=len(self.points.classes))
        order = [k for k in np.argsort(-counts, kind="stable") if counts[k]]
        return [(int(counts[k]), self._colors[k], self.points.classes[k]) for k in order]

    def _class_mix(self, positions: np.ndarray) -> str:
        return ", ".join(f"{number:,} {escape(name)}" for number, _, name in self._counted(positions))

    def _whom(self, focus: int | None) -> str:
        if focus is None:
            return "the middle of the selection"
        return f"face {self.points.indices[focus]} ({escape(self.points.classes[self.points.labels[focus]])})"

    def _row(self, method: str, note: str, faces: str) -> str:
        return (
            f'<div class="ferlab-x-row"><div><b>{escape(method_label(method))}</b><br><small>{note}</small></div>'
            f'<div class="ferlab-x-faces">{faces}</div></div>'
        )

    def _selected_face(self, at: int, focus: int | None, methods: list[str]) -> str:
        points, label = self.points, int(self.points.labels[at])
        answers = {int(points.predicted[name][at]) for name in methods if name in points.predicted} - {label}
        wrong = ", ".join(points.classes[k] for k in sorted(answers))
        return self._face(at, [f"✗\u202f{wrong}"] if wrong else [], f"taken for {wrong}" if wrong else "", at == focus)

    def _face(self, at: int, notes: list[str], spoken: str, pressed: bool = False) -> str:
        points, label = self.points, int(self.points.labels[at])
        name, color, uri = escape(points.classes[label]), self._colors[label], self._picture(at)
        told = f"face {points.indices[at]}, {name}" + (f", {escape(spoken)}" if spoken else "")
        if uri:
            picture = f'<img src="{uri}" style="border-color:{color}" alt="">'
        else:
            picture = f'<div class="ferlab-x-noface" style="border-color:{color}">{points.indices[at]}</div>'
        faint = "".join(f'<span class="faint">{escape(note)}</span>' for note in notes)
        return (
            f'<button class="ferlab-x-face" data-pick="{points.indices[at]}" aria-pressed="{str(pressed).lower()}" '
            f'aria-label="{told}" title="{told}">{picture}<span>{name}</span>{faint}</button>'
        )


def legend_markup(legend: Legend, pick: bool) -> str:
    """The legend; with `pick` its entries are buttons that report their place in it."""
    parts = []
    for number, (color, name, count) in enumerate(legend.entries):
        inner = f'<i style="background:{color}"></i>{escape(name)}' + (
            f" <small>{count:,}</small>" if count is not None else ""
        )
        if pick:
            told = f'title="Select all: {escape(name)}" aria-label="Select all: {escape(name)}"'
            parts.append(f'<button class="ferlab-x-chip" data-pick="{number}" {told}>{inner}</button>')
        else:
            parts.append(f'<span class="ferlab-x-chip">{inner}</span>')
    if legend.scale:
        stops = ", ".join(legend.scale[:: max(1, len(legend.scale) // 8)] + legend.scale[-1:])
        parts.append(
            f'<span class="ferlab-x-ramp"><small>{legend.low:.3g}</small>'
            f'<i style="background:linear-gradient(90deg, {stops})"></i><small>{legend.high:.3g}</small></span>'
        )
    return f'<div class="ferlab-x-legend">{"".join(parts)}</div>'


def message_markup(sentences: list[str], working: str) -> str:
    """What went otherwise than expected, and what is being computed."""
    lines = [f'<p class="ferlab-x-message" role="status">{escape(sentence)}</p>' for sentence in sentences]
    if working:
        lines.append(f'<p class="ferlab-x-message working" role="status">{escape(working)}</p>')
    return "".join(lines)


def belief_markup(quality: dict[str, MapQuality | None], kind: str) -> str:
    """How far the maps may be believed: method -> what was measured, None while it is not."""
    if not quality:
        return "<p><small>The embeddings were not kept, so the maps cannot be measured.</small></p>"
    rows = "".join(
        f"<tr><th scope='row'>{escape(method_label(name))}</th>"
        + (
            "<td>…</td><td>…</td></tr>"
            if of is None
            else f"<td>{of.trustworthiness:.3f}</td><td>{of.distance_correlation:.2f}</td></tr>"
        )
        for name, of in quality.items()
    )
    said = {
        "umap": "UMAP keeps neighbors, not distances: the size of a cloud and the gap between two clouds say little.",
        "pca": "PCA keeps the two directions of largest spread: what differs in the others lies on top of each other.",
    }[kind]
    return (
        "<table><thead><tr><th></th><th>trustworthiness</th><th>distance correlation</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><p><small>{said} Trustworthiness is 1 when all neighbors on the map are "
        "neighbors in the space. Distance correlation (Spearman) is 1 when farther on the map always means farther in "
        "the space. Where the map and the neighbors listed above disagree, believe the neighbors.</small></p>"
    )

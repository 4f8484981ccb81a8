"""What an explorer shows: which points, in which spaces, by which projection, and what is selected. Without widgets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ferlab.errors import FerlabError
from ferlab.methods import method_label
from ferlab.projection.quality import MapQuality
from ferlab.widgets.explorer.colors import PEOPLE, colorings
from ferlab.widgets.explorer.correlations import CorrelationFaces, Correlations
from ferlab.widgets.explorer.layouts import OPTIMIZED, Layouts, MapName
from ferlab.widgets.explorer.neighbors import Pair, distances_from, pair_in, shares_right
from ferlab.widgets.explorer.points import Points
from ferlab.widgets.explorer.source import PointSource
from ferlab.widgets.explorer.strengths import NO_STRENGTHS, Strengths
from ferlab.widgets.kit.background import Background

USUAL_METHODS = ("ce", "tcl-nearest", "ad-corre")
MOST_METHODS = 6


class ExplorerState:
    """What an explorer shows, and what follows from it.

    A change that cannot be made raises a `FerlabError` and changes nothing. Points are named by their position among
    `points`; nobody is told of a change, so who makes one draws what depends on it.

    Args:
        source: where the points come from.
        methods: spaces to show; None: those that most people ask for.
        background: where maps are measured.

    Attributes:
        methods: spaces shown, a loss with several strengths being one; the others are compared with the first one.
        strength: of the losses that have several, one of `strengths.stops`; None where none has.
        kind: the projection, one of `ferlab.widgets.explorer.layouts.PROJECTIONS`.
        morphed: the space that the one large map shows; None while the spaces stand side by side.
        epoch: of the followed faces, from 1; None while the finished networks are shown.
        color_by: one of `colorings`.
        person: whom the coloring "identity" singles out; None: the people of the selection.
        selected: int array, ascending.
        focus: the point whose neighbors are asked for; None: those of the selection's middle.
        hovered: the point under the cursor, or None.
        working: what is being computed, in a sentence; empty where nothing is.
        correlations_shown: whether Ad-Corre's picture is on the page; while it is not, it costs nothing.
        answers: what became of the last order, in sentences.
    """

    def __init__(self, source: PointSource, methods: Sequence[str] | None, background: Background) -> None:
        self._source, self._background = source, background
        self._finished = Layouts(source.points, background)
        self._followed: Layouts | None = None
        self._colorings: tuple[Points, list[str]] | None = None
        self.epoch: int | None = None
        self.methods = _usual_methods(source) if methods is None else _checked(methods, self.strengths.known)
        self.strength = self.strengths.first
        self.morphed: str | None = None
        self.kind = "umap"
        if "umap" not in self._finished:
            self.choose_projection("embedding" if self.is_flat else "pca")
        self.color_by = self.colorings[0]
        self.person: int | None = None
        self.selected = np.empty(0, dtype=np.int64)
        self.focus: int | None = None
        self.hovered: int | None = None
        self.correlations_shown = False
        self._correlation_faces: CorrelationFaces | None = None
        self.working = ""
        self.answers: list[str] = []
        self.notes = source.notes

    # ---- the points shown --------------------------------------------------------------------------------------

    @property
    def layouts(self) -> Layouts:
        """The maps of the points shown."""
        return self._finished if self.epoch is None else self.followed

    @property
    def followed(self) -> Layouts:
        """The maps of the faces that were followed over the epochs, read when they are first asked for.

        Raises:
            FerlabError: points that were not followed.
        """
        if self._followed is None:
            self._followed = Layouts(self._source.followed(), self._background)
        return self._followed

    @property
    def points(self) -> Points:
        return self.layouts.points

    @property
    def strengths(self) -> Strengths:
        """The strengths of the losses among the points shown."""
        return self.points.strengths

    def trained(self, method: str) -> str:
        """The method, as it was trained, whose space the map of a method shows."""
        return self.strengths.trained(method, self.strength)

    def label(self, method: str) -> str:
        """What its map is called: the method, and at which strength."""
        return self.strengths.label(method, self.strength)

    @property
    def is_flat(self) -> bool:
        """Whether every space shown has two dimensions, so that it can be drawn as it is."""
        return self.layouts.are_flat([self.trained(name) for name in self.methods])

    @property
    def colorings(self) -> list[str]:
        """What these points can be colored by."""
        if self._colorings is None or self._colorings[0] is not self.points:
            self._colorings = self.points, colorings(self.points)
        return self._colorings[1]

    @property
    def highlighted(self) -> list[int]:
        """The people that the coloring "identity" singles out."""
        if self.color_by != "identity":
            return []
        if self.person is not None:
            return [self.person]
        if not len(self.selected):
            return self.points.people[:1]
        shown = self.points.metadata["identity"].iloc[self.selected].dropna()
        return shown.astype(object).value_counts().index[:PEOPLE].tolist()

    @property
    def messages(self) -> list[str]:
        """What is missing, what became of the last order, and what is being computed."""
        return [*self.notes, *self.answers, *([self.working] if self.working else [])]

    # ---- changes -----------------------------------------------------------------------------------------------

    def choose_methods(self, names: Sequence[str]) -> None:
        self.methods = _checked(names, self.strengths.known)
        if self.morphed not in (None, *self.methods):
            self.morphed = self.methods[0]
        self._keep_flat()

    def choose_strength(self, strength: float) -> None:
        """Show the losses that have several strengths at one of them.

        Raises:
            FerlabError: there are no strengths, or not this one.
        """
        stops = self.strengths.stops
        if not stops:
            raise FerlabError(NO_STRENGTHS)
        if strength not in stops:
            known = ", ".join(f"{stop:g}" for stop in stops)
            raise FerlabError(f"Nothing was trained with strength {strength:g}; choose one of: {known}.")
        self.strength = strength
        self._keep_flat()

    def morph_to(self, method: str | None) -> None:
        if method is not None and method not in self.methods:
            raise FerlabError(f"{method!r} is not among the spaces shown: {', '.join(self.methods)}.")
        self.morphed = method

    def choose_coloring(self, name: str) -> None:
        if name not in self.colorings:
            raise FerlabError(f"There is no coloring {name!r}; choose one of: {', '.join(self.colorings)}.")
        self.color_by = name

    def choose_person(self, identity: int | None) -> None:
        if identity is not None and identity not in self.points.people:
            raise FerlabError(f"There is no person {identity!r} among these faces.")
        self.person = identity

    def choose_projection(self, kind: str) -> None:
        """Show a projection: one of those computed in the background where that is done, any other one at once.

        Raises:
            FerlabError: it cannot be computed of these points.
        """
        if kind == "embedding" and not self.is_flat:
            raise FerlabError("Not every space shown has two dimensions, so they cannot be drawn as they are.")
        if kind not in OPTIMIZED:
            self.layouts.compute_linear(kind)
        self.kind = kind

    def show_followed(self) -> None:
        """Show the faces that were followed over the epochs, after the last one."""
        before, points = self.points, self.followed.points
        known, available = points.strengths.known, points.strengths.available
        if missing := [name for name in self.methods if name not in known]:
            self.answers = [f"{method_label(missing[0])} was not followed over the epochs."]
        self.epoch = points.epochs
        self.choose_methods([name for name in self.methods if name in known] or available[:3])
        self._begin_anew(before)

    def show_finished(self) -> None:
        """Show the points of the finished networks."""
        before = self.points
        self.epoch = None
        self._begin_anew(before)

    def select(self, positions: np.ndarray) -> bool:
        """Select points; whether that is a change. Points that are not there (a page may be late) are none."""
        positions = np.unique(positions)
        if np.array_equal(positions, self.selected) or (len(positions) and positions[-1] >= len(self.points)):
            return False
        self.selected = positions
        self.focus = int(positions[0]) if len(positions) == 1 else None
        return True

    def hover(self, position: int | None) -> bool:
        """Put the cursor on a point; whether that is a change."""
        at = int(position) if position is not None and 0 <= position < len(self.points) else None
        changes, self.hovered = at != self.hovered, at
        return changes

    # ---- maps and spaces ---------------------------------------------------------------------------------------

    def map_of(self, method: str) -> MapName:
        """What names the map shown of a method, to :class:`Layouts`."""
        return self.kind, self.trained(method), self.epoch or 1

    def maps(self) -> dict[str, np.ndarray]:
        """Method -> float32 array (N, 2), of the methods shown."""
        return {name: self.layouts.layout(*self.map_of(name)) for name in self.methods}

    def spaces(self) -> dict[str, np.ndarray]:
        """Method -> float array (N, D), of the methods shown whose embeddings were kept."""
        spaces = {name: self.points.space(self.trained(name), self.epoch or 1) for name in self.methods}
        return {name: space for name, space in spaces.items() if space is not None}

    def quality(self, method: str) -> MapQuality | None:
        """How far to believe the map shown; None before it is measured."""
        return self.layouts.quality(*self.map_of(method))

    @property
    def correlation_faces(self) -> CorrelationFaces:
        """The faces in Ad-Corre's picture of the points shown."""
        if self._correlation_faces is None or self._correlation_faces.points is not self.points:
            self._correlation_faces = CorrelationFaces(self.points)
        return self._correlation_faces

    def correlations(self) -> dict[str, Correlations]:
        """Method -> what Ad-Corre sees of its space, of the methods shown whose embeddings were kept."""
        found = {name: self.correlation_faces.of(self.trained(name), self.epoch or 1) for name in self.methods}
        return {name: correlations for name, correlations in found.items() if correlations is not None}

    # ---- the selection -----------------------------------------------------------------------------------------

    @property
    def asked(self) -> np.ndarray:
        """The points whose neighbors are asked for."""
        return self.selected if self.focus is None else np.array([self.focus])

    def distances(self) -> dict[str, np.ndarray]:
        """Method -> cosine distances of all points from those `asked` about; empty where there are none."""
        asked = self.asked
        return {name: distances_from(space, asked) for name, space in self.spaces().items()} if len(asked) else {}

    def pairs(self) -> list[Pair]:
        """Two selected points in every space; empty while other than two are selected."""
        if len(self.selected) != 2:
            return []
        maps, layouts = self.maps(), self.layouts
        return [
            pair_in(name, space, maps[name], at=self.selected, sample=layouts.pair_sample(*self.map_of(name)))
            for name, space in self.spaces().items()
        ]

    def share_right(self) -> dict[str, float]:
        """Method -> share of the selected points that it classifies right, of the methods whose answers are known."""
        answers = {name: self.points.predicted.get(self.trained(name)) for name in self.methods}
        known = {name: predicted for name, predicted in answers.items() if predicted is not None}
        shares: dict[str, float] = {}
        for name, predicted in known.items():
            answered = self.selected[self.points.is_answered(self.trained(name))[self.selected]]
            shares |= shares_right({name: predicted}, self.points.labels, answered)
        return shares

    def _begin_anew(self, before: Points) -> None:
        """Other points than before: forget what was said about those."""
        self.selected = np.empty(0, dtype=np.int64)
        self.focus = self.hovered = None
        self.strength = self.strengths.nearest(self.strength)
        if self.kind in OPTIMIZED and self.kind not in self.layouts:
            self.choose_projection("umap" if "umap" in self.layouts else "pca")
        try:
            self.choose_projection(self.kind)
        except FerlabError as error:
            self.answers = [*self.answers, str(error)]
            self.kind = "umap"
        if self.color_by not in self.colorings:
            self.color_by = self.colorings[0]
        if self.points.people != before.people:
            self.person = None

    def _keep_flat(self) -> None:
        """Where a space of more than two dimensions has come, it cannot be drawn as it is."""
        if self.kind == "embedding" and not self.is_flat:
            self.choose_projection("umap" if "umap" in self.layouts else "pca")


def _usual_methods(source: PointSource) -> list[str]:
    have = source.points.strengths.available
    if source.run is None:
        return have[:MOST_METHODS]
    usual = [name for name in USUAL_METHODS if name in have]
    return [*usual, *(name for name in have if name not in usual)][:3]


def _checked(methods: Sequence[str], have: list[str]) -> list[str]:
    methods = list(methods)
    if not 1 <= len(methods) <= MOST_METHODS or len(set(methods)) < len(methods):
        raise FerlabError(f"Choose one to six different methods; got: {', '.join(methods) or 'none'}.")
    if missing := [name for name in methods if name not in have]:
        raise FerlabError(f"There is no map of {missing[0]!r}; there is: {', '.join(have) or 'none'}.")
    return methods

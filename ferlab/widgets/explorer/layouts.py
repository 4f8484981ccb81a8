"""The maps of some points: by every projection, over the epochs, and what is known about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ferlab.errors import FerlabError
from ferlab.methods import get_method
from ferlab.projection import (
    aligned_layouts,
    class_mean_epoch_planes,
    epoch_layouts,
    map_quality,
    open_hinges,
    pair_distances,
    pca_epoch_layouts,
    triplet_epoch_planes,
)
from ferlab.projection.aligned import MINIMUM_POINTS
from ferlab.projection.cost import MapCost, map_cost
from ferlab.projection.names import HALF_LETTER, LINE, apart, densest, named_classes
from ferlab.projection.planes import hinge_curve, on_roots, root_ticks, triplet_reach
from ferlab.projection.quality import MapQuality
from ferlab.runs.reading import PLANE
from ferlab.texts import shortened
from ferlab.vectors import random_part
from ferlab.widgets.explorer.points import Points
from ferlab.widgets.kit.background import Background

# Kind of projection -> its name for people, in the order in which they are offered.
PROJECTIONS = {
    "embedding": "Embedding", "umap": "UMAP", "pca": "PCA", "densmap": "densMAP", "class-means": "Class-mean plane",
    "triplet": "TCL's plane",
}  # fmt: skip
OPTIMIZED = ("umap", "densmap")  # computed in the background; the others at once, when they are asked for
UNMEASURED = ("embedding", "triplet")  # nothing is lost on the one, and the other is no map of neighbors
# One ruler for all spaces: the margin of TCL's strengths, in squared distance divided by D.
MARGIN = float(get_method("tcl-nearest").options["margin"])
PAIRS_AMONG = 500
LETTERS = 24  # of a name on a map
MapName = tuple[str, str, int]  # projection, method, epoch
Line = list[tuple[float, float]]

# Written on TCL's plane: the names of its axes, with their places in units of the plot, and what its curve parts.
AXES = {"own center, squared →": (0.36, -0.95), "↑ nearest other, squared": (-0.24, 0.95)}
SHUT = "↖ hinge shut"
# Of the axes' ends: where the plot's middle lies, and half its width, that numbers and names find room.
PLANE_MIDDLE, PLANE_HALF = 0.43, 0.59
TICK = 0.025  # how long the marks at the axes are, in units of the plot


class Layouts:
    """The maps of one set of points.

    A map is named by a projection (of `PROJECTIONS`), a method, and an epoch (from 1; where there are none, 1).

    Args:
        points: with the layouts that they came with, as "umap"; may have none.
        background: where maps are measured.
    """

    def __init__(self, points: Points, background: Background) -> None:
        self.points = points
        self._background = background
        self._maps: dict[str, dict[str, list[np.ndarray]]] = {"umap": points.layouts} if points.layouts else {}
        self._quality: dict[MapName, MapQuality | None] = {}  # None: being measured
        self._pairs: dict[MapName, tuple[np.ndarray, np.ndarray]] = {}
        self._names: dict[MapName, tuple[list[str], np.ndarray]] = {}
        self._frames: dict[str, tuple[np.ndarray, float]] = {}
        self._reach = 1.0  # of TCL's plane: how far its axes go, a squared distance
        self._open: dict[str, list[float]] = {}  # method -> share of open hinges of every epoch

    def __contains__(self, kind: str) -> bool:
        return kind in self._maps

    @cached_property
    def possible(self) -> bool:
        """Whether maps can be computed: the embeddings of all methods are there."""
        return bool(self.points.spaces) and set(self.points.layouts) <= set(self.points.spaces)

    @property
    def problem(self) -> str:
        """Why UMAP and densMAP cannot be computed; empty where they can."""
        if not self.possible:
            return "These points came without embeddings, so their maps cannot be computed anew."
        if len(self.points) < MINIMUM_POINTS:
            return f"UMAP needs at least {MINIMUM_POINTS} points, but there are {len(self.points)}."
        return ""

    def cost(self, kind: str) -> MapCost:
        """What UMAP or densMAP of all methods and epochs will take."""
        epochs = [space for spaces in self.points.spaces.values() for space in spaces]
        size = max(space.shape[1] for space in epochs)
        return map_cost(len(self.points), size, maps=len(epochs), densmap=kind == "densmap")

    def are_flat(self, methods: list[str]) -> bool:
        """Whether the spaces of some methods have two dimensions each."""
        spaces = [self.points.space(method, 1) for method in methods]
        return all(space is not None and space.shape[1] == PLANE for space in spaces)

    def check_umap(self) -> None:
        """Raises:
        FerlabError: UMAP cannot be computed.
        """
        if problem := self.problem:
            raise FerlabError(problem)

    def layout(self, kind: str, method: str, epoch: int) -> np.ndarray:
        """float32 array (N, 2); a method that stopped earlier stays at its last epoch."""
        epochs = self._maps[kind][method]
        return epochs[min(epoch, len(epochs)) - 1]

    def in_frame(self, kind: str, method: str, epoch: int) -> np.ndarray:
        """The same in units of the plot; one scale for all maps, so that a tighter class looks tighter."""
        middle, reach = self.frame(kind)
        return (self.layout(kind, method, epoch) - middle) / reach

    def frame(self, kind: str) -> tuple[np.ndarray, float]:
        """Middle and half width of the square that holds all maps; of TCL's plane, all but stray points."""
        if kind not in self._frames:
            maps = [layout for epochs in self._maps[kind].values() for layout in epochs]
            if kind == "triplet":
                end = self._reach**0.5
                self._frames[kind] = np.full(2, PLANE_MIDDLE * end), PLANE_HALF * end
            else:
                low = np.min([layout.min(axis=0) for layout in maps], axis=0)
                high = np.max([layout.max(axis=0) for layout in maps], axis=0)
                self._frames[kind] = (low + high) / 2, 1.06 * float((high - low).max()) / 2 or 1.0
        return self._frames[kind]

    def lines(self, kind: str) -> list[Line]:
        """Lines to draw below the points, in units of the plot: axes, their marks, and last the hinge's curve of TCL's
        plane, else none."""
        if kind != "triplet":
            return []
        middle, half = self.frame(kind)
        end, mark = self._reach**0.5, TICK * half
        lines = [np.array([[0, 0], [end, 0]]), np.array([[0, 0], [0, end]])]
        for at in np.sqrt(root_ticks(self._reach))[1:]:
            lines += [np.array([[at, 0], [at, -mark]]), np.array([[0, at], [-mark, at]])]
        return [[(x, y) for x, y in ((line - middle) / half).tolist()] for line in [*lines, self._hinge]]

    @property
    def _hinge(self) -> np.ndarray:
        return hinge_curve(MARGIN, self._reach)

    def open_hinges(self, method: str, epoch: int) -> float:
        """The share of points below the hinge's curve of TCL's plane, 0 to 1."""
        epochs = self._open[method]
        return epochs[min(epoch, len(epochs)) - 1]

    # ---- computing ---------------------------------------------------------------------------------------------

    def compute_linear(self, kind: str) -> None:
        """A projection that takes no time, once: "embedding", "pca", "class-means" or "triplet".

        Raises:
            FerlabError: points without embeddings; planes of points of one class only.
        """
        if not self.possible:
            raise FerlabError(f"These points came without embeddings, so there is no {PROJECTIONS[kind]}.")
        if kind in self._maps:
            return
        points = self.points
        if kind == "embedding":
            flat = {name: points.vectors(name) for name in points.spaces if self.are_flat([name])}
            self._maps[kind] = {name: [space.astype(np.float32) for space in epochs] for name, epochs in flat.items()}
        elif kind == "pca":
            self._maps[kind] = pca_epoch_layouts(points.spaces)
        elif kind == "class-means":
            self._maps[kind] = class_mean_epoch_planes({m: points.vectors(m) for m in points.spaces}, points.labels)
        else:
            planes = triplet_epoch_planes({m: points.vectors(m) for m in points.spaces}, points.labels)
            self._reach = triplet_reach([plane for epochs in planes.values() for plane in epochs], MARGIN)
            self._open = {m: [open_hinges(plane, MARGIN) for plane in epochs] for m, epochs in planes.items()}
            self._maps[kind] = {m: [on_roots(plane) for plane in epochs] for m, epochs in planes.items()}

    def compute_optimized(
        self, kind: str, settings: dict[str, Any], on_space: Callable[[str], None]
    ) -> dict[str, list[np.ndarray]]:
        """UMAP or densMAP of all methods and epochs, to be handed to :meth:`take`; touches nothing here."""
        spaces, densmap = self.points.spaces, kind == "densmap"
        if self.points.epochs > 1:
            return epoch_layouts(spaces, **settings, on_space=on_space, densmap=densmap)
        first = {name: epochs[0] for name, epochs in spaces.items()}
        maps = aligned_layouts(first, **settings, on_space=on_space, densmap=densmap)
        return {name: [layout] for name, layout in maps.items()}

    def take(self, kind: str, layouts: dict[str, list[np.ndarray]]) -> None:
        """Put other maps in the place of those of a projection; what was known about the old ones is forgotten."""
        self._maps[kind] = layouts
        self._frames.pop(kind, None)
        for known in (self._quality, self._pairs, self._names):
            for key in [key for key in known if key[0] == kind]:
                del known[key]

    # ---- what is known -----------------------------------------------------------------------------------------

    def quality(self, kind: str, method: str, epoch: int) -> MapQuality | None:
        """How far to believe a map; None before it is measured."""
        return self._quality.get((kind, method, epoch))

    def measure(self, kind: str, methods: list[str], epoch: int, *, then: Callable[[], None], after: float = 0) -> None:
        """Measure maps in the background, where that is not done yet, and call `then()`.

        Begin `after` some seconds: while points travel, the browser needs the processor. Those of `UNMEASURED` are left
        out.
        """
        wanted = {}
        if kind in UNMEASURED:
            return
        for method in methods:
            key, space = (kind, method, epoch), self.points.space(method, epoch)
            if space is not None and len(space) >= 4 and key not in self._quality:
                self._quality[key] = None
                wanted[key] = (space, self.layout(kind, method, epoch))

        def done(measured: dict[MapName, MapQuality]) -> None:
            # Where a map was replaced meanwhile, the measure is not of the one that is shown.
            now = {key: self.layout(*key) for key in measured}
            self._quality.update({key: of for key, of in measured.items() if now[key] is wanted[key][1]})
            then()

        def work() -> dict[MapName, MapQuality]:
            time.sleep(after)
            return {key: map_quality(*of) for key, of in wanted.items()}

        if wanted:
            self._background.run(work, done)

    def pair_sample(self, kind: str, method: str, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Sorted distances of all pairs among 500 points, in the space and on the map."""
        key = (kind, method, epoch)
        if key not in self._pairs:
            few = random_part(len(self.points), PAIRS_AMONG)
            above = np.triu_indices(len(few), k=1)
            in_space = pair_distances(self.points.space(method, epoch)[few])[above]
            on_map = pair_distances(self.layout(*key)[few], "euclidean")[above]
            self._pairs[key] = np.sort(in_space), np.sort(on_map)
        return self._pairs[key]

    def names(self, kind: str, method: str, epoch: int) -> tuple[list[str], np.ndarray]:
        """Class names and their places, in units of the plot; on TCL's plane, where most classes begin in one corner,
        the names of axes and curve and the axes' numbers instead."""
        key = (kind, method, epoch)
        if kind == "triplet":
            return self._names_on_plane()
        if key not in self._names:
            self._names[key] = places_of_names(self.in_frame(*key), self.points.labels, self.points.classes)
        return self._names[key]

    def _names_on_plane(self) -> tuple[list[str], np.ndarray]:
        middle, half = self.frame("triplet")
        x, y = (self._hinge[int(0.7 * len(self._hinge))] - middle) / half
        written = {**AXES, SHUT: (x + 0.04 + 1.4 * HALF_LETTER * len(SHUT), y)}  # right of it: few points are there
        names, places = list(written), [*written.values()]
        origin = -float(middle[0]) / half
        for squared in root_ticks(self._reach):
            number, at = f"{squared:g}", float(squared**0.5 - middle[0]) / half
            names.append(number)
            places.append((at, origin - TICK - 0.04))
            if squared:
                names.append(number)
                places.append((origin - TICK - 0.02 - HALF_LETTER * len(number), at))
        return names, np.array(places)


def places_of_names(layout: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """The names of the classes that have three points or more, and places for them: where their points lie densest.

    Of very many classes the largest are named, and long names are shortened.

    Args:
        layout: float array (N, 2), in units of the plot, in random order.
        labels: int array (N,).
        classes: class names.
    """
    named, densest_places = [], []
    for k in named_classes(labels, len(classes)):
        named.append(shortened(classes[k], LETTERS))
        densest_places.append(densest(layout[labels == k][:120]))  # in random order: the first ones stand for all
    places = apart(np.array(densest_places).reshape(-1, 2), named)
    # Within the plot, the letters at its sides too.
    room = np.array([[1 - HALF_LETTER * len(name), 1 - LINE / 2] for name in named]).reshape(-1, 2)
    return named, np.clip(places, -room, room)

"""UMAP and densMAP computed beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np

from ferlab.methods import method_label
from ferlab.widgets.explorer.layouts import PROJECTIONS, Layouts
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.explorer.view import ExplorerView
from ferlab.widgets.kit.background import Background
from ferlab.widgets.kit.turns import one_at_a_time


@one_at_a_time()
class UmapJobs:
    """Computes the maps of the points shown in the background. Of several jobs only the one started last counts.

    Args:
        state: is told what is being computed and what became of it.
        view: says so.
        background: where to compute.
        turn: held while anything is changed.
        arrived: called with the layouts that have new maps, and the projection that they are of.
    """

    def __init__(
        self,
        state: ExplorerState,
        view: ExplorerView,
        *,
        background: Background,
        turn: threading.RLock,
        arrived: Callable[[Layouts, str], None],
    ) -> None:
        self._state, self._view, self._background = state, view, background
        self._turn, self._arrived = turn, arrived
        self._newest = 0

    def start(self, kind: str = "umap") -> None:
        """Compute all maps of the points shown by "umap" or "densmap", with the settings of the controls."""
        self._newest += 1
        job, layouts, settings = self._newest, self._state.layouts, self._view.controls.umap_settings()
        count, wanted, notes = len(layouts.points), settings["n_neighbors"], []
        if wanted >= count:
            notes.append(
                f"There are only {count} points, so {PROJECTIONS[kind]} looks at {count - 1} neighbors "
                f"instead of {wanted}."
            )
        names = list(layouts.points.spaces)

        def tell(name: str) -> None:  # in the computing thread
            place = f"{method_label(name)}, {names.index(name) + 1} of {len(names)}"
            self._background.call(partial(self._say_place, job, kind, place))

        cost = layouts.cost(kind)
        takes = f" ({cost})" if cost.is_high else ""
        self._report(f"{PROJECTIONS[kind]} is being computed{takes}; everything else can be used meanwhile.", [])
        self._background.run(
            partial(layouts.compute_optimized, kind, settings, tell),
            partial(self._take, job, kind, layouts, notes),
            partial(self._give_up, job, kind),
        )

    def _say_place(self, job: int, kind: str, place: str) -> None:
        if job == self._newest:
            self._state.working = (
                f"{PROJECTIONS[kind]} is being computed: {place}. Everything else can be used meanwhile."
            )
            self._view.draw_message()

    def _take(
        self, job: int, kind: str, layouts: Layouts, notes: list[str], computed: dict[str, list[np.ndarray]]
    ) -> None:
        if job == self._newest:
            layouts.take(kind, computed)
            self._arrived(layouts, kind)
            self._report("", notes)

    def _give_up(self, job: int, kind: str, error: Exception) -> None:
        if job == self._newest:
            self._report("", [f"{PROJECTIONS[kind]} stopped: {error}"])

    def _report(self, working: str, answers: list[str]) -> None:
        self._state.working, self._state.answers = working, answers
        self._view.settle_controls()
        self._view.draw_message()
        self._view.draw_belief()

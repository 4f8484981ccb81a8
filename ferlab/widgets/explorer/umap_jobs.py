"""UMAP computed beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np

from ferlab.methods import method_label
from ferlab.widgets.explorer.layouts import Layouts
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
        arrived: called with the layouts that have new maps.
    """

    def __init__(
        self,
        state: ExplorerState,
        view: ExplorerView,
        *,
        background: Background,
        turn: threading.RLock,
        arrived: Callable[[Layouts], None],
    ) -> None:
        self._state, self._view, self._background = state, view, background
        self._turn, self._arrived = turn, arrived
        self._newest = 0

    def start(self) -> None:
        """Compute all maps of the points shown, with the settings of the controls."""
        self._newest += 1
        job, layouts, settings = self._newest, self._state.layouts, self._view.controls.umap_settings()
        count, wanted, notes = len(layouts.points), settings["n_neighbors"], []
        if wanted >= count:
            notes.append(f"There are only {count} points, so UMAP looks at {count - 1} neighbors instead of {wanted}.")
        names = list(layouts.points.spaces)

        def tell(name: str) -> None:  # in the computing thread
            place = f"{method_label(name)}, {names.index(name) + 1} of {len(names)}"
            self._background.call(partial(self._say_place, job, place))

        self._report("UMAP is being computed; everything else can be used meanwhile.", [])
        self._background.run(
            partial(layouts.compute_umap, settings, tell),
            partial(self._take, job, layouts, notes),
            partial(self._give_up, job),
        )

    def _say_place(self, job: int, place: str) -> None:
        if job == self._newest:
            self._state.working = f"UMAP is being computed: {place}. Everything else can be used meanwhile."
            self._view.draw_message()

    def _take(self, job: int, layouts: Layouts, notes: list[str], computed: dict[str, list[np.ndarray]]) -> None:
        if job == self._newest:
            layouts.take_umap(computed)
            self._arrived(layouts)
            self._report("", notes)

    def _give_up(self, job: int, error: Exception) -> None:
        if job == self._newest:
            self._report("", [f"UMAP stopped: {error}"])

    def _report(self, working: str, answers: list[str]) -> None:
        self._state.working, self._state.answers = working, answers
        self._view.settle_controls()
        self._view.draw_message()
        self._view.draw_belief()

"""What a person, or a program, does with an explorer: each action changes the state and draws what depends on it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ferlab.errors import FerlabError
from ferlab.widgets.explorer import details
from ferlab.widgets.explorer.layouts import OPTIMIZED, PROJECTIONS, Layouts
from ferlab.widgets.explorer.state import MOST_METHODS, ExplorerState
from ferlab.widgets.explorer.umap_jobs import UmapJobs
from ferlab.widgets.explorer.view import ExplorerView
from ferlab.widgets.kit.background import Background
from ferlab.widgets.kit.turns import one_at_a_time

TRAVEL = {"step": 400, "dose": 700, "play": 900, "morph": 1600}  # milliseconds


@one_at_a_time()
class ExplorerActions:
    """Everything that can be done. What cannot be done raises a `FerlabError` and changes nothing.

    Args:
        state: what is changed.
        view: what is drawn.
        background: where UMAP is computed.
        turn: held by every action, so that page and cell take turns.
    """

    def __init__(
        self, state: ExplorerState, view: ExplorerView, *, background: Background, turn: threading.RLock
    ) -> None:
        self._turn, self._state, self._view = turn, state, view
        self._warned: tuple[Layouts, str] | None = None  # of which costly maps one has been told
        self._umap = UmapJobs(state, view, background=background, turn=turn, arrived=self._arrived)

    def begin(self) -> None:
        """Draw everything for the first time; points that came without a map get one."""
        state = self._state
        if "umap" not in state.layouts and state.kind != "embedding":
            if problem := state.layouts.problem:
                state.notes.append(f"{problem} {PROJECTIONS[state.kind]} is shown instead.")
            elif (cost := state.layouts.cost("umap")).is_high:
                state.answers = [
                    f"UMAP of {len(state.points):,} points takes {cost}, so it was not started: press Compute UMAP "
                    "anew, or call recompute(), to have it."
                ]
            else:
                self.compute_umap()
        self.arrange()

    # ---- the selection -----------------------------------------------------------------------------------------

    def select(self, positions: np.ndarray) -> None:
        state, view = self._state, self._view
        if not state.select(positions):
            return
        view.draw_selected_points()
        if state.color_by == "identity" and state.person is None:
            self.recolor()
        view.draw_selection()
        view.draw_neighbors()

    def focus_on(self, position: int | None) -> None:
        """Ask for the neighbors of a point; None: of the selection's middle."""
        self._state.focus = position
        self._view.draw_selection()
        self._view.draw_neighbors()

    def hover(self, position: int | None) -> None:
        if self._state.hover(position):
            self._view.draw_hovered_point()

    def describe(self, method: str | None, position: int) -> dict[str, str | None]:
        """The tooltip of a point on a method's map; None: on the large one."""
        state = self._state
        return details.tooltip(state.points, state.trained(state.morphed if method is None else method), position)

    def pick_class(self, number: str) -> None:
        """An entry of the legend was pressed."""
        if self._state.color_by == "true class":
            self.select(np.flatnonzero(self._state.points.labels == int(number)))

    def pick_face(self, picked: str) -> None:
        """A face below the maps was pressed, or the button that clears the selection."""
        if picked == details.CLEAR:
            self.select(np.empty(0, dtype=np.int64))
            return
        (position,) = self._state.points.positions([int(picked)]).tolist()
        self.focus_on(None if position == self._state.focus else position)

    # ---- spaces ------------------------------------------------------------------------------------------------

    def choose_methods(self, names: Sequence[str]) -> None:
        self._state.choose_methods(names)
        self.arrange()

    def press_methods(self) -> None:
        """A button of a space was pressed."""
        buttons = self._view.controls.methods
        pressed = [name for name, button in buttons.items() if button.value]
        wanted = [name for name in self._state.methods if name in pressed or name not in buttons]
        wanted += [name for name in pressed if name not in wanted]
        if 1 <= len(wanted) <= MOST_METHODS:
            self.choose_methods(wanted)
        else:
            self._view.settle_controls()  # the last one stays, and so does the limit

    def morph_to(self, method: str | None) -> None:
        """Show one large map whose points travel to a space; None: side by side again."""
        travelling = self._state.morphed is not None and method is not None
        self._state.morph_to(method)
        if travelling:
            self._view.settle_controls()
            self._show(TRAVEL["morph"])
        else:
            self.arrange()

    def press_stage(self, stage: str) -> None:
        self.morph_to(self._state.methods[0] if stage == "morph" else None)

    def move_tour(self, at: int) -> None:
        """The tour has come to a space; one that was on its way while the large map went is none."""
        if self._state.morphed is not None:
            self.morph_to(self._state.methods[at])

    # ---- epochs ------------------------------------------------------------------------------------------------

    def show_epoch(self, epoch: int | None) -> None:
        """Show the followed faces after an epoch; None: the finished networks."""
        state = self._state
        if epoch is None:
            self._switch("test")
            return
        last = state.followed.points.epochs
        if not 1 <= epoch <= last:
            raise FerlabError(f"There is no epoch {epoch}; choose one from 1 to {last}, or None.")
        self._switch("epochs")
        if epoch != state.epoch:
            controls = self._view.controls
            controls.play.value = controls.slider.value = epoch  # which answers with move_epoch

    def move_epoch(self, epoch: int) -> None:
        """The slider was moved, by hand or by the play button."""
        if self._state.epoch is None:
            return
        self._state.epoch = epoch
        self._show(TRAVEL["play" if self._view.controls.play.playing else "step"])
        self._view.draw_neighbors()
        self._view.draw_correlations()

    def press_view(self, view: str) -> None:
        """Test faces or followed faces were asked for."""
        self._state.answers = []
        try:
            self._switch(view)
        except FerlabError as error:
            self._state.answers = [str(error)]
            self._view.settle_controls()
            self._view.draw_message()

    def _switch(self, view: str) -> None:
        state = self._state
        if (view == "epochs") == (state.epoch is not None):
            return
        if view == "epochs":
            state.show_followed()
        else:
            state.show_finished()
        self._view.deselect_everywhere()
        self.arrange()

    # ---- strengths ---------------------------------------------------------------------------------------------

    def show_strength(self, strength: float) -> None:
        """Let the points travel to where they lie at a strength: by the slider, or by the marker on the curves."""
        state, view = self._state, self._view
        before = state.strength
        state.choose_strength(strength)
        if state.strength == before:
            return
        view.settle_strength()
        self._show(TRAVEL["play" if view.controls.play_strengths.playing else "dose"])
        view.draw_doses()
        view.draw_selection()
        view.draw_neighbors()
        view.draw_belief()
        view.draw_correlations()

    def press_stop(self, at: int) -> None:
        """The marker on the curves was moved to a stop; one that is not there (a page may be late) is none."""
        stops = self._state.strengths.stops
        if isinstance(at, int) and 0 <= at < len(stops):
            self.show_strength(stops[at])

    # ---- colors ------------------------------------------------------------------------------------------------

    def color(self, name: str) -> None:
        self._state.choose_coloring(name)
        self.recolor()

    def single_out(self, person: int | None) -> None:
        self._state.choose_person(person)
        self.recolor()

    def recolor(self) -> None:
        """Draw all colors anew."""
        self._view.settle_colors()
        self._show(0)
        self._view.draw_legend()
        self._view.draw_doses()  # the page may have become dark
        self._view.draw_correlations()

    # ---- projections -------------------------------------------------------------------------------------------

    def project(self, kind: str) -> None:
        """Show a projection; UMAP and densMAP, where there are none yet, as soon as they are computed.

        Raises:
            FerlabError: it cannot be computed; or it takes long, and was not asked for twice.
        """
        state = self._state
        if kind in OPTIMIZED and kind not in state.layouts:
            state.layouts.check_umap()
            cost = state.layouts.cost(kind)
            if cost.is_high and (state.layouts, kind) != self._warned:
                self._warned = state.layouts, kind
                raise FerlabError(
                    f"{PROJECTIONS[kind]} of {len(state.points):,} points takes {cost}, so it was not started: choose "
                    "it once more to start it; everything else can be used meanwhile."
                )
            self._umap.start(kind)
            return
        state.choose_projection(kind)
        self._view.settle_controls()
        self._show(TRAVEL["play"])
        self._view.draw_neighbors()
        self._view.draw_belief()

    def press_projection(self, kind: str) -> None:
        """A projection was asked for; where there is none, a sentence says why."""
        self._state.answers = []
        try:
            self.project(kind)
        except FerlabError as error:
            self._state.answers = [str(error)]
            self._view.settle_controls()
        self._view.draw_message()

    def compute_umap(self) -> None:
        """Compute UMAP with the settings of the controls; where that fails, a message says why."""
        self._umap.start()

    def _arrived(self, layouts: Layouts, kind: str) -> None:
        if layouts is self._state.layouts:
            self._state.choose_projection(kind)
            self._show(TRAVEL["morph"])
            self._view.draw_neighbors()

    # ---- correlations ------------------------------------------------------------------------------------------

    def show_correlations(self, shown: bool) -> None:
        """Show or hide Ad-Corre's picture of the spaces."""
        self._state.correlations_shown = shown
        self._view.settle_controls()
        self._view.draw_correlations()

    def hover_pair(self, method: str, row: int | None, column: int | None) -> None:
        """The cursor is on a cell of a method's matrix; None, None: on none. The maps mark the face of its row."""
        state = self._state
        pair, found = state.correlation_faces.cell(row, column), state.correlations().get(method)
        self.hover(None if pair is None else pair[0])
        if pair is not None and found is not None and row is not None and column is not None:
            self._view.tell_pair(method, row, column, pair, float(found.matrix[row, column]))

    def select_rows(self, spans: Any) -> None:
        """A block of a matrix was chosen: the faces of its rows and columns, as [[first, after the last], ..]."""
        is_pair = [isinstance(span, list) and len(span) == 2 for span in spans] if isinstance(spans, list) else [False]
        if all(is_pair) and all(isinstance(end, int) for span in spans for end in span):
            self.select(self._state.correlation_faces.positions(spans))

    # ---- drawing -----------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Draw everything."""
        self._view.arrange()
        self._measure(0)

    def _show(self, milliseconds: int) -> None:
        self._view.draw_maps(milliseconds)
        self._measure(2 * milliseconds / 1000)

    def _measure(self, after: float) -> None:
        """Measure the maps shown, once their points have travelled, and say how far to believe them."""
        state = self._state
        shown = [state.trained(name) for name in state.methods]
        state.layouts.measure(state.kind, shown, state.epoch or 1, then=self._measured, after=after)

    def _measured(self) -> None:
        self._view.draw_titles()
        self._view.draw_belief()

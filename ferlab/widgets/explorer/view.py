"""The widgets of an explorer: they show its state, and say what a person does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np

from ferlab.methods import method_label
from ferlab.widgets.explorer import details
from ferlab.widgets.explorer.colors import color_points, legend_of
from ferlab.widgets.explorer.controls import Controls, display
from ferlab.widgets.explorer.correlation_plot import CorrelationPlot
from ferlab.widgets.explorer.dose_plot import DosePlot
from ferlab.widgets.explorer.layouts import PROJECTIONS, UNMEASURED
from ferlab.widgets.explorer.maps import MapView
from ferlab.widgets.explorer.neighbors import moved_apart, nearest
from ferlab.widgets.explorer.plot import Bundle
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.kit.panel import Panel
from ferlab.widgets.kit.theme import Theme


class ExplorerView:
    """All that stands on the page. What changes in the state is drawn by the method for it, none by itself.

    Args:
        state: what is shown.
        height: largest height of the maps with their titles, in pixels.
        with_epochs: whether there may be epochs to switch to.

    Attributes:
        controls: buttons, sliders and menus.
        legend, message, caption, chosen, near, belief: the panels: colors; what is missing; what the projection shows
            and what not; the selected faces; their neighbors; how far to believe the maps.
        grid: holds the maps shown.
        doses: curves over the strength, of the losses shown that have several.
        maps: method -> its map, once it has been shown; None -> the large one.
        correlations: Ad-Corre's picture of the spaces, folded away; its matrices by method in `correlation_plots`.
        theme: knows whether the page is dark.
        bundle: the JavaScript of all maps.
        on_select: called with the positions selected on a map.
        on_hover: called with the position under the cursor, or None.
        on_pair: called with method, row and column of the cell of a matrix under the cursor, or method, None, None.
        on_rows: called with the spans of rows selected on a matrix.
        describe: (method, or None for the large map; position) -> the tooltip of a point.
    """

    def __init__(self, state: ExplorerState, height: int, with_epochs: bool) -> None:
        self._state, self._height = state, height
        self.controls = Controls(state.strengths.available, with_epochs)
        self.doses = DosePlot()
        self.legend, self.message, self.belief, self.caption = Panel(), Panel(), Panel(), Panel()
        self.chosen, self.near = Panel(), Panel()
        self.grid = ipywidgets.GridBox([], layout={"grid_gap": "6px 12px", "margin": "4px 0"})
        self.maps: dict[str | None, MapView] = {}
        self.correlation_plots: dict[str, CorrelationPlot] = {}
        self.correlation_grid = ipywidgets.GridBox([], layout={"grid_gap": "6px 12px"})
        self.correlations = ipywidgets.Accordion(
            [ipywidgets.VBox([Panel(details.caption_html("correlations")), self.correlation_grid])],
            titles=("Correlations: the spaces as Ad-Corre sees them",),
            selected_index=None,
        )
        self.theme, self.bundle = Theme(), Bundle()
        self.on_select: Callable[[np.ndarray], None] = lambda positions: None
        self.on_hover: Callable[[int | None], None] = lambda position: None
        self.on_pair: Callable[[str, int | None, int | None], None] = lambda method, row, column: None
        self.on_rows: Callable[[list[list[int]]], None] = lambda spans: None
        self.describe: Callable[[str | None, int], dict[str, str | None]] = lambda method, position: {}

    def parts(self) -> list[ipywidgets.Widget]:
        """Everything from top to bottom."""
        for half in (self.chosen, self.near):
            half.layout = {"flex": "1 1 430px", "min_width": "0", "margin": "0"}
        halves = {"flex_flow": "row wrap", "grid_gap": "16px 28px", "align_items": "flex-start", "overflow": "visible"}
        return [
            *self.controls.rows, self.legend, self.message, self.controls.sliders, self.doses,
            self.controls.morph_row, self.grid, self.caption, ipywidgets.Box([self.chosen, self.near], layout=halves),
            self.correlations, self.controls.projection(self.belief), self.theme,
        ]  # fmt: skip

    # ---- everything --------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """Put up the maps that belong on the screen, and bring everything up to date."""
        self.settle_controls()
        shown = self._state.methods if self._state.morphed is None else [None]
        for name in shown:
            if name not in self.maps:
                self.maps[name] = self._new_map(name)
        columns = min(len(shown), 3) if len(shown) != 4 else 2
        self.grid.layout.grid_template_columns = f"repeat({columns}, minmax(0, 1fr))"
        self.draw_maps(0)
        boxes = tuple(self.maps[name].box for name in shown)
        self.draw_selected_points()
        if self.grid.children != boxes:
            self.grid.children = boxes
        self.draw_legend()
        self.draw_message()
        self.draw_doses()
        self.draw_selection()
        self.draw_neighbors()
        self.draw_belief()
        self.draw_correlations()

    def settle_controls(self) -> None:
        """Make all controls say what the state is."""
        state, controls = self._state, self.controls
        with controls.settling():
            controls.view.value = "test" if state.epoch is None else "epochs"
            controls.say_epochs(state.points.epochs, state.epoch)
            controls.say_strengths(state.strengths.stops, state.strength)
            controls.say_methods(state.methods, state.strengths.available, state.morphed)
            controls.say_colorings(state.colorings, state.points.people)
            controls.say_coloring(state.color_by, state.person)
            self._settle_projection()
            self.correlations.selected_index = 0 if state.correlations_shown else None
            display(self.correlations, state.layouts.possible)

    def settle_strength(self) -> None:
        """Make slider and projections say what the state is; the other controls do not depend on a strength."""
        state = self._state
        with self.controls.settling():
            self.controls.say_strengths(state.strengths.stops, state.strength)
            self._settle_projection()

    def _settle_projection(self) -> None:
        state = self._state
        kinds = [kind for kind in PROJECTIONS if kind != "embedding" or state.is_flat]
        self.controls.say_projection(state.kind, kinds, state.layouts.possible, bool(state.working))

    def settle_colors(self) -> None:
        """Make the controls of colors say what the state is."""
        with self.controls.settling():
            self.controls.say_coloring(self._state.color_by, self._state.person)

    # ---- maps --------------------------------------------------------------------------------------------------

    def shown_maps(self) -> dict[str, MapView]:
        """Method -> its map, of those on the screen."""
        state = self._state
        if state.morphed is not None:
            return {state.morphed: self.maps[None]}
        return {name: self.maps[name] for name in state.methods}

    def draw_maps(self, milliseconds: int) -> None:
        """Let the points travel to their places within some time (0: at once), and color them."""
        state, dark, people = self._state, self.theme.dark, self._state.highlighted
        shown = self.shown_maps()
        # First the points of all maps, close together: names take the kernel and the page longer than the points, and
        # the last map would begin to move that much after the first.
        for name, view in shown.items():
            coloring = color_points(state.points, state.color_by, method=state.trained(name), dark=dark, people=people)
            view.show(state.layouts.in_frame(*state.map_of(name)), coloring, dark=dark, milliseconds=milliseconds)
        for name, view in shown.items():
            view.write_names(*state.layouts.names(*state.map_of(name)), dark)
            view.draw_lines(state.layouts.lines(state.kind), dark)
        self.draw_titles()

    def draw_titles(self) -> None:
        state = self._state
        for name, view in self.shown_maps().items():
            note, trained = state.strengths.note(name, state.strength), state.trained(name)
            parts = [note] if note else []  # what matters most goes first: a narrow map cuts the end
            if state.kind == "triplet":
                parts.append(f"hinge open: {state.layouts.open_hinges(trained, state.epoch or 1):.0%}")
            if trained in state.points.predicted:
                answered = state.points.is_answered(trained)
                if answered.any():
                    right = state.points.predicted[trained][answered] == state.points.labels[answered]
                    parts.append(f"{right.mean():.0%} right")
            if state.epoch is not None:
                parts.append(f"epoch {min(state.epoch, state.points.epochs_of(trained))}")
            if state.kind != "umap":
                parts.append(PROJECTIONS[state.kind])
            if (quality := state.quality(name)) is not None:
                parts.append(f"trustworthiness {quality.trustworthiness:.2f}")
            view.title(method_label(name), " · ".join(parts))

    def draw_selected_points(self) -> None:
        for view in self.shown_maps().values():
            view.select(self._state.selected)
        self._mark_rows()

    def draw_hovered_point(self) -> None:
        for view in self.shown_maps().values():
            view.hover(self._state.hovered)

    def deselect_everywhere(self) -> None:
        """Also on maps that are not shown. Before points change their number: the page would answer that with a
        deselection of its own, later."""
        for view in self.maps.values():
            view.select(np.empty(0, dtype=np.int64))

    # ---- panels ------------------------------------------------------------------------------------------------

    def draw_legend(self) -> None:
        state = self._state
        legend = legend_of(state.points, state.color_by, dark=self.theme.dark, people=state.highlighted)
        self.legend.html = details.legend_html(legend, pick=state.color_by == "true class")

    def draw_message(self) -> None:
        self.message.html = details.messages_html([*self._state.notes, *self._state.answers], self._state.working)

    def draw_selection(self) -> None:
        state = self._state
        self.chosen.html = details.selection_html(
            state.points,
            state.selected,
            focus=state.focus,
            methods=[state.trained(name) for name in state.methods],
            share_right={state.label(name): share for name, share in state.share_right().items()},
        )

    def draw_neighbors(self) -> None:
        state, asked = self._state, self._state.asked
        display(self.near, bool(len(asked)))
        if not len(asked):
            self.near.html = ""
            return
        distances = state.distances()
        self.near.html = details.neighbors_html(
            state.points,
            focus=state.focus,
            first=state.methods[0],
            near=nearest(distances, state.maps(), asked, count=details.NEIGHBORS),
            moved=moved_apart(distances, asked, count=details.NEIGHBORS),
            pairs=state.pairs(),
            label=state.label,
        )

    def draw_belief(self) -> None:
        state = self._state
        shown = [name for name in state.spaces() if state.kind not in UNMEASURED]
        self.belief.html = details.belief_html({state.label(n): state.quality(n) for n in shown}, state.kind)
        self.caption.html = details.caption_html(state.kind)

    def draw_doses(self) -> None:
        """The curves over the strength, and the strength shown."""
        state = self._state
        strengths = state.strengths
        families = [strengths.families[name] for name in state.methods if name in strengths.families]
        display(self.doses, bool(families))
        if families:
            at = strengths.stops.index(state.strength)
            self.doses.show(families, strengths.stops, at=at, dark=self.theme.dark)

    # ---- correlations ------------------------------------------------------------------------------------------

    def draw_correlations(self) -> None:
        """Ad-Corre's picture of every space shown, while it is on the page."""
        state = self._state
        if not state.correlations_shown:
            return
        found, blocks = state.correlations(), state.correlation_faces.blocks
        heights = [values.max() for one in found.values() for values in (one.histograms.same, one.histograms.other)]
        for name, correlations in found.items():
            if name not in self.correlation_plots:
                self.correlation_plots[name] = self._new_correlation_plot(name)
            self.correlation_plots[name].show(
                correlations, blocks, title=state.label(name), top=float(max(heights)) or 1.0, dark=self.theme.dark
            )
        self._mark_rows()
        plots = tuple(self.correlation_plots[name] for name in found)
        self.correlation_grid.layout.grid_template_columns = f"repeat({min(len(plots), 3) or 1}, minmax(0, 1fr))"
        if self.correlation_grid.children != plots:
            self.correlation_grid.children = plots

    def tell_pair(self, method: str, row: int, column: int, pair: tuple[int, int], correlation: float) -> None:
        """Say on a method's matrix who the two faces of a cell are."""
        html = details.pair_html(self._state.points, pair, correlation)
        self.correlation_plots[method].tell(row, column, html)

    def _mark_rows(self) -> None:
        if self._state.correlations_shown:
            marked = self._state.correlation_faces.rows_of(self._state.selected).tolist()
            for plot in self.correlation_plots.values():
                plot.marked = marked

    # ---- parts -------------------------------------------------------------------------------------------------

    def _new_map(self, name: str | None) -> MapView:
        view = MapView(
            self.bundle,
            self._height if name is not None else int(1.35 * self._height),
            describe=lambda position: self.describe(name, position),
            with_faces=self._state.points.images is not None,
        )
        view.widget.view_sync = self.theme.model_id if name is not None else None
        view.widget.observe(self._selected_on_map, names="selection")
        view.widget.observe(self._hovered_on_map, names="hovering")
        return view

    def _new_correlation_plot(self, name: str) -> CorrelationPlot:
        plot = CorrelationPlot()
        plot.on_hover = lambda row, column: self.on_pair(name, row, column)
        plot.on_select = lambda spans: self.on_rows(spans)
        return plot

    def _selected_on_map(self, change: dict[str, Any]) -> None:
        self.on_select(np.asarray([] if change["new"] is None else change["new"], dtype=np.int64))

    def _hovered_on_map(self, change: dict[str, Any]) -> None:
        self.on_hover(change["new"])

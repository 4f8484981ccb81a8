"""One map of the explorer: a jupyter-scatter plot that points can travel on."""

from __future__ import annotations

import ipywidgets
import jscatter
import numpy as np
import pandas as pd
from jscatter.label_placement.utils import to_js

from ferlab.widgets.explorer.colors import Coloring
from ferlab.widgets.explorer.details import title_html
from ferlab.widgets.explorer.layouts import Line
from ferlab.widgets.explorer.plot import Bundle, Describe, plot_of
from ferlab.widgets.kit.theme import BACKGROUND

TOOLTIP = ("class", "answer")
TITLE_HEIGHT = 42
ON_TOP_SIZE = 1.6  # larger too: what a coloring singles out is found without its color
_INK = {False: "#24292f", True: "#f0f3f6"}


class MapView:
    """A titled plot.

    Positions are given in units of the plot: -1 to 1 is its height. Selection and hovering count points from 0.

    Args:
        bundle: jupyter-scatter's JavaScript.
        height: of plot and title, in pixels.
        describe: position of a point -> its tooltip: {"class": .., "answer": .., "face": data URI or None}.
        with_faces: whether there are pictures to show.

    Attributes:
        widget: the plot.
        heading: the title.
        box: both.
    """

    def __init__(self, bundle: Bundle, height: int, *, describe: Describe, with_faces: bool) -> None:
        # The frame gives columns their names and scales; positions, colors and tooltips come by the methods below.
        start = pd.DataFrame({"x": [-1.0, 1.0], "y": [-1.0, 1.0], **{name: "" for name in (*TOOLTIP, "face")}})
        scatter = jscatter.Scatter(
            data=start, x="x", y="y", x_scale=(-1, 1), y_scale=(-1, 1), color_by="x", color_map=["#000000"] * 2,
            size_by="y", size_map=[1, 1], height=height - TITLE_HEIGHT,
            opacity=0.85, opacity_by=None, opacity_unselected=0.12,
        )  # fmt: skip
        scatter.axes(False)
        scatter.lasso(on_long_press=True)
        scatter.mouse("lasso")
        preview = {"preview": "face", "preview_type": "image", "preview_image_size": "contain"} if with_faces else {}
        scatter.tooltip(
            True, properties=list(TOOLTIP), histograms=False, preview_image_height=110, size="small", **preview
        )
        self.widget = plot_of(scatter, bundle, describe)
        self.widget.square_up_to = height - TITLE_HEIGHT
        self.widget.toolbar_buttons = ["lasso", "lasso_type", "pan_zoom", "divider", "reset"]
        self._shown = 0
        self._drawn: tuple[list[Line], bool] = ([], False)
        self._written: tuple[list[str], bool] | None = None
        self._places = np.empty((0, 2))
        self.heading = ipywidgets.HTML(layout={"margin": "0", "height": f"{TITLE_HEIGHT}px"})
        self.box = ipywidgets.VBox([self.heading, self.widget], layout={"margin": "0", "min_width": "0"})

    def title(self, name: str, note: str = "") -> None:
        """The name in bold, the note below it."""
        value = title_html(name, note)
        if self.heading.value != value:
            self.heading.value = value

    def show(self, layout: np.ndarray, coloring: Coloring, *, dark: bool, milliseconds: int = 0) -> None:
        """Move the points to `layout` (N, 2) within some time (0: at once) and color them."""
        same, self._shown = len(layout) == self._shown, len(layout)
        points = np.zeros((len(layout), 4), dtype=np.float32)
        points[:, :2] = layout
        points[:, 2] = coloring.codes
        on_top = coloring.on_top
        if on_top is not None:
            points[:, 3] = on_top
        size = float(np.clip(260 / np.sqrt(len(layout)), 3, 9))
        plot = self.widget
        # The rings of selected points take the background's color when colors are set, and only then: so the background
        # goes first, in a message of its own, and colors differ with it by what nobody sees.
        plot.background_color = rgba(BACKGROUND[dark])
        colors = [[*rgba(color)[:3], 0.999 if dark else 1.0] for color in coloring.colors]
        # In one message: what arrives later than the points would not be applied to them.
        with plot.hold_sync():
            plot.transition_points = bool(milliseconds) and same
            plot.transition_points_duration = int(milliseconds)
            plot.size = [size, ON_TOP_SIZE * size]
            plot.color = colors
            plot.color_selected = colors  # a selected point keeps its color; the others fade
            plot.lasso_color = plot.color_hover = rgba(_INK[dark])
            plot.reticle_color = [*rgba(_INK[dark])[:3], 0.18]
            plot.tooltip_color = rgba("#2a3037" if dark else "#ffffff")
            plot.label_shadow_color = BACKGROUND[dark]
            plot.points = points
            plot.point_order = None if on_top is None else np.argsort(on_top, kind="stable").astype(np.uint32)

    def write_names(self, names: list[str], places: np.ndarray, dark: bool) -> None:
        """Write names at some places (n, 2)."""
        if (names, dark) != self._written:
            self._written = (names, dark)
            self._places = np.empty((0, 2))
            table = pd.DataFrame({"label": names, "x": 0.0, "y": 0.0}).assign(
                zoom_in=-np.inf, zoom_out=np.inf, zoom_fade_extent=1.0, font_color=_INK[dark], font_face="sans-serif",
                font_style="normal", font_weight="bold", font_size=12,
            )  # fmt: skip
            # The plot draws a faint halo; four of them can be read over points.
            self._names = to_js(pd.concat([table] * 4, ignore_index=True))
        if np.array_equal(places, self._places):  # as on TCL's plane, whatever is shown there
            return
        self._places = places
        four = np.tile(places, (4, 1)).astype(np.float32)
        self.widget.labels = self._names.assign(x=four[:, 0], y=four[:, 1])

    def draw_lines(self, lines: list[Line], dark: bool) -> None:
        """Draw lines below the points; the last one, a limit, stronger than the axes before it."""
        drawn = (lines, dark and bool(lines))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        ink = rgba(_INK[dark])[:3]
        self.widget.annotations = [
            jscatter.Line(line, line_color=(*ink, 0.9 if last else 0.3), line_width=2 if last else 1)
            for line, last in zip(lines, [False] * (len(lines) - 1) + [True], strict=False)
        ]

    def select(self, positions: np.ndarray) -> None:
        self.widget.selection = positions.astype(np.uint32)

    def hover(self, position: int | None) -> None:
        self.widget.hovering = -1 if position is None else position


def rgba(color: str) -> list[float]:
    """A hex color as red, green, blue and opacity, 0 to 1.

    >>> rgba("#ff0000")
    [1.0, 0.0, 0.0, 1.0]
    """
    return [*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0]

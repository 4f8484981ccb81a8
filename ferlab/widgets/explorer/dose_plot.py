"""Curves over the strength on the page, with a marker that can be dragged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
import traitlets

from ferlab.widgets.explorer.strengths import Family, dose_panels
from ferlab.widgets.kit.channel import Channel


class DosePlot(anywidget.AnyWidget):
    """Small multiples of measures over the strength; the marker goes along with the slider, or stands in for it.

    Attributes:
        panels: as :func:`~ferlab.widgets.explorer.strengths.dose_panels` makes them.
        stops: the strengths as words.
        at: the place among them of the strength shown.
        dark: whether the page is dark.
        on_stop: called with the place of the strength to which a person has moved the marker.
    """

    _esm = Path(__file__).parent / "dose_plot.js"
    _css = Path(__file__).parents[1] / "kit" / "panel.css"
    panels = traitlets.List(traitlets.Dict()).tag(sync=True)
    stops = traitlets.List(traitlets.Unicode()).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    dark = traitlets.Bool(False).tag(sync=True)

    def __init__(self) -> None:
        super().__init__(layout={"min_width": "0", "margin": "0"})
        self.on_stop: Callable[[int], None] = lambda at: None
        channel = Channel()
        channel.on("stop", lambda at: self.on_stop(at))
        channel.listen(self)

    def show(self, families: Sequence[Family], stops: Sequence[float], *, at: int, dark: bool) -> None:
        """Draw the curves of some losses, and the marker at a strength."""
        panels = dose_panels(families, stops)
        with self.hold_sync():
            if panels != self.panels:
                self.panels = panels
            self.stops, self.at, self.dark = [f"{stop:g}" for stop in stops], at, dark

"""Ad-Corre's picture of a space on the page: a matrix that is hovered and pressed, two histograms, the heads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from ferlab.widgets.explorer.correlations import Block, Correlations
from ferlab.widgets.kit.channel import Channel


class CorrelationPlot(anywidget.AnyWidget):
    """Draws a :class:`~ferlab.widgets.explorer.correlations.Correlations` and says what a person does on it.

    A cell under the cursor is hovered; a press selects the block of the two classes under it, and a drag the faces of
    the rows and columns that it spans.

    Attributes:
        title, note: above the matrix.
        cells: the matrix as bytes, row by row: 0 for -1, 255 for 1.
        size: rows of the matrix.
        blocks: a dict a class: start, count, name, color.
        heights: of the histograms' bins, ``{"same": [..], "other": [..]}``.
        top: the height that fills the histograms' frame, the same in all spaces.
        heads: rows of the heads' correlations; empty with one head.
        marked: rows of the selected faces.
        dark: whether the page is dark.
        on_hover: called with row and column, or None twice where the cursor has left.
        on_select: called with spans of rows, [[first, after the last], ..].
    """

    _esm = Path(__file__).parent / "correlation_plot.js"
    _css = Path(__file__).parents[1] / "kit" / "panel.css"
    title = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    cells = traitlets.Bytes().tag(sync=True)
    size = traitlets.Int().tag(sync=True)
    blocks = traitlets.List(traitlets.Dict()).tag(sync=True)
    heights = traitlets.Dict().tag(sync=True)
    top = traitlets.Float(1.0).tag(sync=True)
    heads = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    marked = traitlets.List(traitlets.Int()).tag(sync=True)
    dark = traitlets.Bool(False).tag(sync=True)

    def __init__(self) -> None:
        super().__init__(layout={"min_width": "0", "margin": "0"})
        self.on_hover: Callable[[int | None, int | None], None] = lambda row, column: None
        self.on_select: Callable[[list[list[int]]], None] = lambda spans: None
        channel = Channel()
        channel.on("hover", lambda row, column: self.on_hover(row, column))
        channel.on("select", lambda spans: self.on_select(spans))
        channel.listen(self)

    def show(self, correlations: Correlations, blocks: list[Block], *, title: str, top: float, dark: bool) -> None:
        """Draw a space; `top` is the height of the histograms' frame."""
        found = correlations.histograms
        with self.hold_sync():
            self.title, self.note = title, correlations.note
            self.size = len(correlations.matrix)
            self.cells = np.rint(127.5 * (correlations.matrix + 1)).astype(np.uint8).tobytes()
            self.blocks = [vars(block) for block in blocks]
            self.heights = {"same": found.same.round(4).tolist(), "other": found.other.round(4).tolist()}
            self.top, self.dark = top, dark
            self.heads = [] if correlations.heads is None else correlations.heads.round(3).tolist()

    def tell(self, row: int, column: int, html: str) -> None:
        """Say who the two faces of a cell are; a page whose cursor has moved on passes it over."""
        self.send({"type": "pair", "row": row, "column": column, "html": html})

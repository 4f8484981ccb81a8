"""jupyter-scatter's plots, in a form that also loads on slow machines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import jscatter
import jscatter.jscatter
import traitlets
from jscatter.widget import JupyterScatter

from ferlab.widgets.kit.channel import Channel

Describe = Callable[[int], Mapping[str, str | None]]

# How jupyter-scatter's JavaScript takes a buffer apart, and how it does so in a fifth of the time: of 10,000 points an
# iterator each cost every map some 15 ms before they could begin to travel.
SLOW_ROWS = "(_, i) => Array.from(arr.subarray(i * width, (i + 1) * width))"
FAST_ROWS = "(_, i) => { const row = []; for (let j = 0; j < width; j++) row.push(arr[i * width + j]); return row; }"


class Bundle(anywidget.AnyWidget):
    """jupyter-scatter's JavaScript, sent to the page once for all plots that name it."""

    _esm = "export default { render({ el }) { el.style.display = 'none'; } };"
    source = traitlets.Unicode().tag(sync=True)
    digest = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        source = Path(jscatter.__file__).with_name("bundle.js").read_text(encoding="utf-8")
        source = source.replace(SLOW_ROWS, FAST_ROWS)
        super().__init__(source=source, digest=hashlib.sha256(source.encode()).hexdigest())


class Plot(JupyterScatter):
    """A jupyter-scatter widget whose JavaScript is that of a :class:`Bundle`; plot.js says why.

    Args:
        describe: asked for the tooltip of a point, {property: text, ..}, when the page wants to show it, instead of a
            column that holds the tooltips of all points, pictures included.
        bundle: the :class:`Bundle`'s model_id.
        options: of jupyter-scatter's widget.

    Attributes:
        square_up_to: where not 0, the page makes the plot as high as it is wide, up to this many pixels.
    """

    _esm = Path(__file__).parent / "plot.js"
    bundle = traitlets.Unicode().tag(sync=True)
    square_up_to = traitlets.Int(0).tag(sync=True)

    def __init__(self, *, describe: Describe, bundle: str, **options: Any) -> None:
        self._describe = describe
        self._channel = Channel()
        self._channel.on("tooltip", self._tell)
        super().__init__(bundle=bundle, **options)

    def _handle_custom_msg(self, event: dict[str, Any], buffers: list[memoryview]) -> None:
        # Here jupyter-scatter would look into its column of tooltips.
        self._channel.receive(event, buffers)

    def _tell(self, index: int, properties: list[str], preview: str | None) -> None:
        told = self._describe(index)
        self.send(
            {
                "type": "tooltip",
                "index": index,
                "preview": told.get(preview) if preview else None,
                "properties": {name: told.get(name, "") for name in properties},
            }
        )

    @traitlets.observe("label_tiles")
    def _label_tiles_changed(self, change: dict[str, Any]) -> None:
        # Here jupyter-scatter would put its own labels in place of those given.
        if self.label_placement is not None:
            super()._label_tiles_changed(change)


def plot_of(scatter: jscatter.Scatter, bundle: Bundle, describe: Describe) -> Plot:
    """The widget of a scatter plot that has none yet, as a :class:`Plot`."""

    def make(**options: Any) -> Plot:
        return Plot(describe=describe, bundle=bundle.model_id, **options)

    # Scatter.widget finds its class under this name in its module; there is no other way in.
    original = jscatter.jscatter.JupyterScatter
    jscatter.jscatter.JupyterScatter = make
    try:
        return scatter.widget
    finally:
        jscatter.jscatter.JupyterScatter = original

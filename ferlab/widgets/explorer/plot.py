"""jupyter-scatter's plots, in a form that also loads on slow machines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import anywidget
import jscatter
import jscatter.jscatter
import traitlets
from jscatter.widget import JupyterScatter


class Bundle(anywidget.AnyWidget):
    """jupyter-scatter's JavaScript, sent to the page once for all plots that name it."""

    _esm = "export default { render({ el }) { el.style.display = 'none'; } };"
    source = traitlets.Unicode().tag(sync=True)
    digest = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        source = Path(jscatter.__file__).with_name("bundle.js").read_text(encoding="utf-8")
        super().__init__(source=source, digest=hashlib.sha256(source.encode()).hexdigest())


class Plot(JupyterScatter):
    """A jupyter-scatter widget whose JavaScript is that of a :class:`Bundle`; plot.js says why.

    Attributes:
        describe: where set, asked for the tooltip of a point, {property: text, ..}, when the page wants to show it,
            instead of a column that holds the tooltips of all points, pictures included.
        square_up_to: where not 0, the page makes the plot as high as it is wide, up to this many pixels.
    """

    _esm = Path(__file__).parent / "plot.js"
    bundle = traitlets.Unicode().tag(sync=True)
    square_up_to = traitlets.Int(0).tag(sync=True)
    describe: Callable[[int], dict[str, str]] | None = None

    def _handle_tooltip(self, event: dict) -> None:
        if self.describe is None:
            super()._handle_tooltip(event)
            return
        told = self.describe(event["index"])
        properties = {name: told.get(name, "") for name in event["properties"]}
        preview = told.get(event["preview"]) if event["preview"] else None
        self.send({"type": event["type"], "index": event["index"], "preview": preview, "properties": properties})

    @traitlets.observe("label_tiles")
    def _label_tiles_changed(self, change: dict) -> None:
        # Here jupyter-scatter would put its own labels in place of those given.
        if self.label_placement is not None:
            super()._label_tiles_changed(change)


def give_widget(scatter: jscatter.Scatter, bundle: Bundle) -> None:
    """Make `scatter.widget` a :class:`Plot`; before it is asked for the first time."""

    def make(*args, **kwargs) -> Plot:
        return Plot(*args, bundle=bundle.model_id, **kwargs)

    # Scatter.widget finds its class under this name in its module; there is no other way in.
    original = jscatter.jscatter.JupyterScatter
    jscatter.jscatter.JupyterScatter = make
    try:
        assert isinstance(scatter.widget, Plot), "jupyter-scatter makes its widget in another way"
    finally:
        jscatter.jscatter.JupyterScatter = original

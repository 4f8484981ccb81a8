"""jupyter-scatter's plots, in a form that also loads on slow machines."""

from __future__ import annotations

import hashlib
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
    """A jupyter-scatter widget whose JavaScript is that of a :class:`Bundle`; plot.js says why."""

    _esm = Path(__file__).parent / "plot.js"
    bundle = traitlets.Unicode().tag(sync=True)


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

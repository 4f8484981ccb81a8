"""jupyter-scatter is changed from outside (plot.py, plot.js): what that relies on is still there.

A new version of it that fails here may need another patch, or none any more. The bound in pyproject.toml and
environment.yml goes up once these tests and the explorer's test in the browser pass with it.
"""

from __future__ import annotations

import re
from importlib.metadata import version

import jscatter
import pandas as pd
import pytest
from from_page import change, send
from jscatter.widget import JupyterScatter

from ferlab.widgets.explorer.plot import Bundle, Plot, plot_of

HERE = f"jupyter-scatter {version('jupyter-scatter')}"
OVERRIDDEN = ("_handle_custom_msg", "_label_tiles_changed")
SET = (
    "background_color", "color", "color_hover", "color_selected", "height", "hovering", "label_shadow_color", "labels",
    "lasso_color", "point_order", "points", "reticle_color", "selection", "size", "toolbar_buttons", "tooltip_color",
    "transition_points", "transition_points_duration", "view_sync",
)  # fmt: skip
# What plot.js relies on -> how bundle.js writes it.
WRITTEN = {
    "the default export is what anywidget renders": r"export \{\s+\w+ as default\s+\};",
    "an element on the page holds the plot as `api`": r"\.container\.api = this\.scatterplot;",
    "draw is looked up at the plot when it is called": r"this\.scatterplot\.draw\(",
    "a plot that is drawing refuses to draw": r"if \(isDrawing\) \{\s+return Promise\.reject\(",
    **{
        f'get("{name}") answers': rf'if \(property === "{name}"\) \{{\s+return '
        for name in ("camera", "isDestroyed", "points", "regl")
    },
    "set takes the order of points": r"this\.scatterplot\.set\(\{ pointOrder: ",
    "set takes the height": r"\.height !== void 0\) \{\s+setHeight\(",
    "select takes preventEvent": r"select\([\w.]+, \{ preventEvent: true \}\)",
    "framebuffers are asked whether they are in order": r"gl\.checkFramebufferStatus\(",
    "tooltips are asked for by this message": (
        r"type: this\.eventTypes\.TOOLTIP,\s+index: \w+,\s+properties: .*\s+preview: "
    ),
    "names in view are told by this trait": r'this\.model\.set\("label_tiles", ',
}


@pytest.fixture(scope="module")
def source() -> str:
    return Bundle().source


@pytest.fixture
def plot() -> Plot:
    points = pd.DataFrame({"x": [-1.0, 1.0], "y": [-1.0, 1.0]})
    scatter = jscatter.Scatter(data=points, x="x", y="y", height=200)
    return plot_of(scatter, Bundle(), lambda position: {"class": f"class of {position}", "face": "data:,"})


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_what_is_overridden_is_there(name):
    assert callable(getattr(JupyterScatter, name, None)), f"{HERE} has no {name} any more, which plot.py overrides."


@pytest.mark.parametrize("name", SET)
def test_what_is_set_is_sent_to_the_page(name):
    found = JupyterScatter.class_traits(sync=True)
    assert name in found, f"{HERE} has no trait {name} any more, which the explorer sets."


@pytest.mark.parametrize("reason", WRITTEN)
def test_the_javascript_has_what_plot_js_relies_on(source, reason):
    assert re.search(WRITTEN[reason], source), f"In the bundle.js of {HERE} it no longer holds that {reason} (plot.js)."


def test_its_widget_is_made_as_one_of_ours(plot):
    assert isinstance(plot, Plot), f"{HERE} makes its widget in another way than plot_of expects."
    assert jscatter.jscatter.JupyterScatter is JupyterScatter, "its own plots stay as they are"
    assert "ferlabPlotModules" in plot.get_state("_esm")["_esm"], "the page loads plot.js"


def test_tooltips_are_asked_for_one_by_one(plot, monkeypatch):
    sent = []
    monkeypatch.setattr(plot, "send", lambda content, buffers=None: sent.append(content))
    send(plot, {"type": "tooltip", "index": 1, "preview": "face", "properties": ["class", "age"]})
    send(plot, {"type": "tooltip", "index": 0, "preview": None, "properties": []})
    send(plot, {"type": "view_save"})
    assert sent == [
        {"type": "tooltip", "index": 1, "preview": "data:,", "properties": {"class": "class of 1", "age": ""}},
        {"type": "tooltip", "index": 0, "preview": None, "properties": {}},
    ]


def test_names_given_are_not_replaced_when_others_come_into_view(plot):
    given = pd.DataFrame({"label": ["anger"], "x": [0.0], "y": [0.0]})
    plot.labels = given.copy()
    change(plot, label_tiles=["0,0,0"])
    assert plot.label_tiles == ["0,0,0"]
    pd.testing.assert_frame_equal(plot.labels, given)

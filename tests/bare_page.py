"""A widget on a bare page: its own JavaScript and CSS with a model that a test sets, without JupyterLab."""

from __future__ import annotations

import base64
import json
from typing import Any

from anywidget import AnyWidget
from from_page import on_page

DARK = {"ui-font-color1": "#e6e6e6", "ui-font-color2": "#b0b0b0", "border-color2": "#555", "layout-color1": "#111",
        "layout-color2": "#2a2a2a"}  # fmt: skip
PAGE = """<!doctype html><meta charset="utf-8"><style>body { margin: 0 16px; background: BACKGROUND }
:root { VARIABLES }
CSS</style><div id="widget"></div><script type="module">
const state = {}, listeners = {};
const view = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const decoded = ({ bytes, ...plain }) => (bytes === undefined ? plain.value : view(bytes));
const model = {
  get: (name) => state[name],
  on: (name, listener) => (listeners[name] ??= []).push(listener),
  off: (name, listener) => { listeners[name] = listeners[name].filter((other) => other !== listener); },
  send: (message) => (window.sent ??= []).push(message),
};
window.setState = (values) => {
  for (const [name, value] of Object.entries(values)) state[name] = decoded(value);
  for (const name of Object.keys(values)) for (const listener of listeners[`change:${name}`] ?? []) listener();
};
const source = SOURCE;
const { default: widget } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
window.start = () => widget.render({ model, el: document.getElementById("widget") });
window.isReady = true;
</script>"""


def state_of(widget: AnyWidget) -> dict[str, dict[str, Any]]:
    """What the kernel would send of a widget now, for :func:`set_state`."""
    found = {}
    for name, value in widget.get_state().items():
        if isinstance(value, bytes | memoryview):
            found[name] = {"bytes": base64.b64encode(value).decode()}
        elif name not in ("_esm", "_css", "layout", "comm"):
            found[name] = {"value": json.loads(json.dumps(value, default=str))}
    return found


def open_widget(page: Any, widget: AnyWidget, state: dict[str, Any], *, dark: bool = False) -> None:
    """Show a widget with a state; `set_state` of the page is then ``page.evaluate("setState", state)``."""
    variables = "".join(f"--jp-{name}: {value};" for name, value in DARK.items()) if dark else ""
    text = PAGE.replace("BACKGROUND", "#111" if dark else "#fff").replace("VARIABLES", variables)
    text = text.replace("CSS", str(on_page(widget, "_css")))
    text = text.replace("SOURCE", json.dumps(str(on_page(widget, "_esm"))).replace("</", "<\\/"))
    page.set_content(text)
    page.wait_for_function("window.isReady")
    page.evaluate("(state) => { setState(state); start(); }", state)

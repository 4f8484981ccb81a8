"""Markup in a widget, with buttons that call back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

from ferlab.widgets.kit.channel import Channel


class Panel(anywidget.AnyWidget):
    """Shows `html`; a press of `<button data-pick="...">` in it calls `on_pick` with that text.

    What comes from data must be escaped by whoever makes the markup.

    >>> Panel(html="<b>Hello</b>").html
    '<b>Hello</b>'
    """

    _esm = Path(__file__).parent / "panel.js"
    _css = Path(__file__).parent / "panel.css"
    html = traitlets.Unicode().tag(sync=True)

    def __init__(self, html: str = "", on_pick: Callable[[str], None] | None = None) -> None:
        super().__init__(html=html)
        self.on_pick = on_pick
        channel = Channel()
        channel.on("pick", self._pick)
        channel.listen(self)

    def _pick(self, what: str) -> None:
        if self.on_pick is not None:
            self.on_pick(what)

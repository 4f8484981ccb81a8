"""What a page says to a widget, as it arrives in the kernel; and what it finds there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from IPython.core.formatters import DisplayFormatter
from ipywidgets import Widget


def send(widget: Widget, content: dict, buffers: Sequence[bytes] = ()) -> None:
    """As ``model.send(content, undefined, buffers)`` on the page."""
    message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
    widget.comm.handle_msg(message)


def change(widget: Widget, **state: object) -> None:
    """As ``model.set(..)`` and ``model.save_changes()`` on the page."""
    widget.comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})


def on_page(widget: Widget, name: str) -> Any:
    """As ``model.get(name)`` on the page."""
    return widget.get_state(name)[name]


def shown(widget: Widget) -> dict[str, object]:
    """What a cell shows of a widget, by MIME type: what the page gets, and what stands in where no widget can."""
    return DisplayFormatter().format(widget)[0]

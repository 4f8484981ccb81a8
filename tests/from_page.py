"""What a page says to a widget, as it arrives in the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from ipywidgets import Widget


def send(widget: Widget, content: dict, buffers: Sequence[bytes] = ()) -> None:
    """As ``model.send(content, undefined, buffers)`` on the page."""
    message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
    widget.comm.handle_msg(message)


def change(widget: Widget, **state: object) -> None:
    """As ``model.set(..)`` and ``model.save_changes()`` on the page."""
    widget.comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})

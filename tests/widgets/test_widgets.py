"""The smaller widgets."""

from __future__ import annotations

import numpy as np
import pytest
from from_page import shown
from ipywidgets import HTML, Widget

from ferlab.errors import FerlabError
from ferlab.widgets import action_unit_slider


def pictures(widget: Widget) -> list[str]:
    """The HTML in a widget and its children, in order."""
    if isinstance(widget, HTML):
        return [widget.value]
    return [html for child in getattr(widget, "children", ()) for html in pictures(child)]


def test_action_unit_slider_moves_the_face():
    face = action_unit_slider("AU26", size=48)
    face.intensity = 0.0
    closed = face.image.astype(int)
    face.intensity = 1.0
    mouth, forehead = (
        np.abs(face.image.astype(int) - closed).mean(axis=(1, 2))[rows].max() for rows in (slice(28, 46), slice(0, 10))
    )
    assert mouth > 5 > forehead
    assert 'alt="The face with AU26 (jaw drop) at 1.00"' in pictures(face)[1] and "base64," in pictures(face)[1]
    face.unit = "AU4"
    assert not np.array_equal(face.image, closed) and "AU4" in pictures(face)[1]
    instead = shown(face)
    assert instead["text/html"].count("<img") == 2
    assert instead["text/plain"].startswith("A face, neutral and with AU4")
    with pytest.raises(FerlabError, match="no action unit 'AU99'"):
        action_unit_slider("AU99")

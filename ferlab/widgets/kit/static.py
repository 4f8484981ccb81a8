"""A picture or a text beside a widget, for places that show no widgets: GitHub, the book, paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # slow to import, and needed only for a picture
    from matplotlib.figure import Figure

# What Widget._repr_mimebundle_ gives: by MIME type, with or without metadata; None where nothing is to be shown.
MimeBundle = dict[str, Any] | tuple[dict[str, Any], dict[str, Any]] | None


def with_picture(bundle: MimeBundle, figure: Callable[[], Figure], words: str) -> MimeBundle:
    """Add `image/png` and `text/plain` to what `Widget._repr_mimebundle_` gives.

    Args:
        bundle: a dict, or a tuple of a dict and metadata, or None.
        figure: makes the matplotlib figure; it is closed here.
        words: the widget in a line.
    """
    if bundle is None:
        return None
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    drawn = figure()
    drawn.savefig(buffer, format="png", dpi=80)
    plt.close(drawn)
    return _with(bundle, {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": words})


def with_html(bundle: MimeBundle, html: str, words: str) -> MimeBundle:
    """Add `text/html` and `text/plain` to what `Widget._repr_mimebundle_` gives."""
    return None if bundle is None else _with(bundle, {"text/html": html, "text/plain": words})


def _with(bundle: dict[str, Any] | tuple[dict[str, Any], dict[str, Any]], static: dict[str, str]) -> MimeBundle:
    if isinstance(bundle, tuple):
        data, metadata = bundle
        return data | static, metadata
    return bundle | static

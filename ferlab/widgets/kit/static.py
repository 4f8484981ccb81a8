"""A picture or a text beside a widget, for places that show no widgets: GitHub, the book, paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable


def with_picture(bundle, figure: Callable, words: str):
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


def with_html(bundle, html: str, words: str):
    """Add `text/html` and `text/plain` to what `Widget._repr_mimebundle_` gives."""
    return None if bundle is None else _with(bundle, {"text/html": html, "text/plain": words})


def _with(bundle, static: dict[str, str]):
    data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
    data |= static
    return (data, *rest) if rest else data

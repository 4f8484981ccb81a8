"""A figure in a notebook, with words for those who cannot see it."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE = Markup(
    '<img src="data:image/png;base64,{encoded}" alt="{alt}" width="{width}" '
    'style="max-width: 100%; height: auto; border-radius: 6px">'
)


def show(drawn: Axes | np.ndarray | Figure, alt: str, dpi: int = 110) -> None:
    """Display a figure in a notebook with alternative text, and close it.

    Args:
        drawn: an Axes, an array of Axes, or a Figure.
        alt: what the figure shows, in a sentence.
        dpi: dots an inch; drawn at twice that for sharp screens.
    """
    import matplotlib.pyplot as plt  # takes a second
    from IPython.display import HTML, display

    first = drawn.flat[0] if isinstance(drawn, np.ndarray) else drawn
    figure = (getattr(first, "figure", None) or first).figure  # of a subfigure, the whole figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * dpi, bbox_inches="tight", pad_inches=0.08)
    plt.close(figure)
    content = buffer.getvalue()
    width = int.from_bytes(content[16:20], "big") // 2  # from the PNG's header
    encoded = base64.b64encode(content).decode()
    display(HTML(PICTURE.format(encoded=encoded, alt=alt, width=width)))

"""Light or dark: what the page around a widget is."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

BACKGROUND = {False: "#ffffff", True: "#15191e"}


class Theme(anywidget.AnyWidget):
    """An invisible widget whose `dark` follows the theme of the page that shows it; observe it to repaint.

    Attributes:
        dark: True while the page is dark; False without a page.
    """

    _esm = Path(__file__).parent / "theme.js"
    dark = traitlets.Bool(False).tag(sync=True)

"""An output in a notebook whose picture is renewed when there is more to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class RenewedOutput:
    """Displayed under an id, so that the picture beside the widget can be renewed at the end."""

    def __init__(self) -> None:
        self._name = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_old = False

    def show(self, name: str, bundle: Any) -> None:
        """Display the widget, and remember where."""
        from IPython.display import display  # only where there is a notebook

        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        display(bundle, raw=True, display_id=name)
        self._name = name

    def renew_later(self, bundle: Callable[[], Any]) -> None:
        """From a thread: the picture is old. Whoever waits renews it, or the kernel when it is free."""
        self._is_old = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.renew, bundle)

    def renew(self, bundle: Callable[[], Any]) -> None:
        """Show the picture of now, where an old one is shown."""
        if not self._name or not self._is_old:
            return
        from IPython.display import update_display

        self._is_old = False
        update_display(bundle(), raw=True, display_id=self._name)

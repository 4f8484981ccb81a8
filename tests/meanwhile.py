"""A page and a cell that ask a widget for something at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable


def meanwhile(page: Callable[[int], object], cell: Callable[[int], object], rounds: int) -> list[str]:
    """Call `cell` so many times, and `page` in another thread all the while; what went wrong there.

    Threads change places a hundred times as often as they do by themselves.
    """
    said: list[str] = []
    over = threading.Event()

    def ask() -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            try:
                page(turn)
            except Exception as error:
                said.append(repr(error))

    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 100)
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for turn in range(rounds):
            cell(turn)
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(before)
    return said

"""Long computations beside the notebook: the page stays alive while they run."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


class Background:
    """Runs functions in threads and hands their results back in the thread that made this object.

    So a thread never touches a widget. In a kernel the results arrive by its event loop; in a program without one, when
    :meth:`wait` is called.

    >>> results = []
    >>> background = Background()
    >>> background.run(lambda: 6 * 7, results.append)
    >>> background.wait()
    >>> results
    [42]
    """

    def __init__(self) -> None:
        self._ready: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def run(
        self,
        work: Callable[[], Result],
        then: Callable[[Result], object],
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        """Call `work()` in a thread, and later `then(its result)`, or `failed(its exception)`, in this one."""

        def body() -> None:
            try:
                result = work()
            except Exception as error:
                if failed is None:
                    raise
                self.call(partial(failed, error))
            else:
                self.call(partial(then, result))

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=body, daemon=True)
        self._threads.append(thread)
        thread.start()

    def call(self, callback: Callable[[], object]) -> None:
        """From a thread: have `callback` called in the thread that made this object."""
        self._ready.put(callback)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver)

    def wait(self) -> None:
        """Block until everything started is finished and handed back, also what that has started."""
        while self._threads:
            self._threads.pop(0).join()
            self._deliver()

    def _deliver(self) -> None:
        while True:
            try:
                callback = self._ready.get_nowait()
            except queue.Empty:
                return
            callback()

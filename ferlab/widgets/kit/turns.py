"""One at a time: in a notebook, what a page asks for may come in another thread than what a cell does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def one_at_a_time(*without: str) -> Callable[[Class], Class]:
    """Make a class whose methods and properties wait for each other, thread by thread.

    Kernels answer widgets in a thread of their own, also while a cell runs (ipykernel 7, JupyterLab 4.4). A drag would
    meet half of what the cell has changed, such as seven centers for points of three classes, and leave the other half
    behind. Within a thread methods may call each other.

    Args:
        without: methods that wait for another thread, which may itself have to wait for its turn.

    The class sets ``self._turn = threading.RLock()`` before it calls anything else of its own.

    >>> import threading
    >>> @one_at_a_time()
    ... class Counter:
    ...     def __init__(self):
    ...         self._turn, self.count = threading.RLock(), 0
    ...     def up(self):
    ...         before = self.count
    ...         self.count = before + 1
    >>> counter = Counter()
    >>> counter.up(), counter.count
    (None, 1)
    """

    def decorate(cls: Class) -> Class:
        for name, value in list(vars(cls).items()):
            if name in ("__init__", *without):
                continue
            if isinstance(value, property):
                get, put, delete = (part and _in_turn(part) for part in (value.fget, value.fset, value.fdel))
                setattr(cls, name, property(get, put, delete))
            elif callable(value) and hasattr(value, "__code__"):  # a function: no static method, no trait
                setattr(cls, name, _in_turn(value))
        return cls

    return decorate


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def alone(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._turn:
            return method(self, *args, **kwargs)

    return alone

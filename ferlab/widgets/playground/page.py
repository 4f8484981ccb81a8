"""What the page of a playground asks for; every message is answered by a scene that carries its number."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ferlab.errors import FerlabError
from ferlab.widgets.kit.channel import Channel
from ferlab.widgets.playground.checks import coordinates, whole
from ferlab.widgets.playground.descent import MOVABLE, Descent

# What a control of the page may set.
CONTROLS = frozenset(
    {"loss", "num_classes", "selected", "margin", "candidates", "temperature", "ce_weight", "learning_rate", "moving"}
)


class Playground(Protocol):
    """What is asked of a playground by name; what can be set and moved besides has the page's names for it."""

    term_weights: dict[str, float]

    @property
    def playing(self) -> bool: ...

    @property
    def steps(self) -> int: ...

    def step(self, n: int = 1) -> None: ...
    def play(self) -> None: ...
    def pause(self) -> None: ...
    def reset(self) -> None: ...
    def shuffle(self) -> None: ...
    def choose(self, face: int, head: int, entry: int) -> None: ...
    def move_entry(self, face: int, head: int, entry: int, to: float) -> None: ...


class Page:
    """Turns messages into what they ask for.

    Args:
        playground: what is asked.
        descent: says what went wrong.
        turn: held around every message.
        tell: has the page drawn anew.
    """

    def __init__(
        self, playground: Playground, descent: Descent, *, turn: threading.RLock, tell: Callable[[], None]
    ) -> None:
        self._playground, self._descent, self._tell = playground, descent, tell
        self._is_answered = True
        self.channel = Channel(turn=turn, before=self._hear, failed=self._complain, after=self._reply)
        for action in (playground.step, playground.play, playground.pause, playground.reset, playground.shuffle):
            self.channel.on(action.__name__, action)
        self.channel.on("choose", playground.choose)
        self.channel.on("entry", playground.move_entry)
        self.channel.on("tick", self._tick)
        self.channel.on("move", self._move)
        self.channel.on("set", self._set)

    def answer(self) -> Any:
        """What the scene that is being told answers to."""
        self._is_answered = True
        return self.channel.reply

    def _hear(self, kind: str) -> None:
        self._is_answered = False
        if kind != "tick":
            self._descent.message = ""

    def _complain(self, error: FerlabError) -> None:
        self._is_answered = False
        self._descent.message = str(error)

    def _reply(self, kind: str) -> None:
        if not self._is_answered:
            self._tell()

    def _tick(self, steps: int) -> None:
        # Of several pages that show the same playground, the first one to ask gets the step.
        if self._playground.playing and steps == self._playground.steps:
            self._playground.step()

    def _move(self, what: str, index: int, to: Sequence[float]) -> None:
        if what in MOVABLE:
            moved = getattr(self._playground, what)
            moved[whole(index, "index", 0, len(moved) - 1)] = coordinates(to, what, (2,)).numpy()
            setattr(self._playground, what, moved)

    def _set(self, name: str, value: Any) -> None:
        if name in self._playground.term_weights:
            self._playground.term_weights = {name: value}
        elif name in CONTROLS:
            setattr(self._playground, name, value)

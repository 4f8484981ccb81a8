"""One way from a page to the kernel: messages, told apart by their type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ipywidgets import Widget

from ferlab.errors import FerlabError

Handler = Callable[..., object]


class Channel:
    """Hands each message of a page to the handler of its type.

    A message is ``{"type": name, field: value, ..}``, which a page sends as ``model.send({type: "show", epoch: 3})``.
    The handler gets the fields as keywords, and the byte buffers that came along, if any, as `buffers`. A message of
    unknown type, or without the fields that its handler asks for, is passed over without a word: a page may be older
    than the kernel that answers it, and nobody who looks at it could mend that. So handlers check values, not shapes.

    A page that waits for answers adds ``reply: [page, number]`` to its messages and finds it in what comes back; see
    :attr:`reply`.

    Args:
        turn: held from before to after a message, such as the lock of
            :func:`~ferlab.widgets.kit.turns.one_at_a_time`.
        before, after: called with the type of each message before and after its handler, also where there is none, so
            that a page that waits gets its answer.
        failed: called with the `FerlabError` that a handler raises, to show its sentence on the page; without it the
            error is raised on.

    Attributes:
        reply: what the last message was numbered with; None where it was not.

    Example:
        >>> shown, said = [], []
        >>> channel = Channel(failed=lambda error: said.append(str(error)))
        >>> channel.on("show", lambda epoch: shown.append(epoch))
        >>> channel.receive({"type": "show", "epoch": 3}), shown
        (True, [3])
        >>> channel.receive({"type": "show"}), channel.receive({"type": "dance"}), shown
        (False, False, [3])
    """

    def __init__(
        self,
        *,
        turn: AbstractContextManager | None = None,
        before: Callable[[str], None] | None = None,
        failed: Callable[[FerlabError], None] | None = None,
        after: Callable[[str], None] | None = None,
    ) -> None:
        self.reply: Any = None
        self._turn = nullcontext() if turn is None else turn
        self._before, self._failed, self._after = before, failed, after
        self._handlers: dict[str, Handler] = {}

    def on(self, kind: str, handler: Handler) -> None:
        """Have messages of a type handed to `handler(field=value, ..)`, in place of the one it had before."""
        self._handlers[kind] = handler

    def listen(self, widget: Widget) -> None:
        """Receive what the pages of `widget` send."""
        widget.on_msg(lambda sender, content, buffers: self.receive(content, buffers))

    def receive(self, content: object, buffers: Sequence[bytes | memoryview] = ()) -> bool:
        """Hand one message on.

        Args:
            content: what the page sent.
            buffers: its byte buffers.

        Returns:
            Whether a handler took it.

        Raises:
            FerlabError: from the handler, where nobody takes what failed.
        """
        if not isinstance(content, dict) or not isinstance(kind := content.get("type"), str):
            return False
        fields = {name: value for name, value in content.items() if name not in ("type", "reply")}
        if buffers:
            fields["buffers"] = buffers
        handler = self._handlers.get(kind)
        fits = handler is not None and _fits(handler, fields)
        with self._turn:
            self.reply = content.get("reply")
            if self._before is not None:
                self._before(kind)
            if fits:
                self._hand_on(handler, fields)
            if self._after is not None:
                self._after(kind)
        return fits

    def _hand_on(self, handler: Handler, fields: dict[str, Any]) -> None:
        try:
            handler(**fields)
        except FerlabError as error:
            if self._failed is None:
                raise
            self._failed(error)


def _fits(handler: Handler, fields: dict[str, Any]) -> bool:
    try:
        inspect.signature(handler).bind(**fields)
    except TypeError:
        return False
    return True

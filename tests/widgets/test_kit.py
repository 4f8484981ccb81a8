"""What all widgets are made of: the channel between page and kernel, panels."""

from __future__ import annotations

import threading

import pytest
from from_page import send
from ipywidgets import DOMWidget

from ferlab.errors import FerlabError
from ferlab.widgets.kit.channel import Channel
from ferlab.widgets.kit.panel import Panel

# ---- channel -------------------------------------------------------------------------------------------------


def test_a_message_reaches_the_handler_of_its_type():
    channel, got = Channel(), []
    channel.on("move", lambda index, to: got.append(("move", index, to)))
    channel.on("stop", lambda: got.append("stop"))
    assert channel.receive({"type": "move", "index": 2, "to": [0, 1]}) and channel.receive({"type": "stop"})
    assert got == [("move", 2, [0, 1]), "stop"]


def test_bytes_come_along():
    channel, got = Channel(), []
    channel.on("photo", lambda name, buffers: got.append((name, bytes(buffers[0]))))
    assert channel.receive({"type": "photo", "name": "me.png"}, [memoryview(b"png")])
    assert got == [("me.png", b"png")]
    assert not channel.receive({"type": "photo", "name": "me.png"}), "without its bytes"


@pytest.mark.parametrize(
    "message",
    [{"type": "dance"}, {"type": "show"}, {"type": "show", "epoch": 1, "speed": 2}, {"epoch": 1}, {"type": ["show"]}]
    + ["show", None, [1]],
)
def test_what_no_handler_fits_is_passed_over(message):
    channel, got = Channel(), []
    channel.on("show", lambda epoch: got.append(epoch))
    assert not channel.receive(message) and got == []


def test_an_error_becomes_a_sentence_where_someone_takes_it():
    def refuse() -> None:
        raise FerlabError("There is no epoch 9.")

    said = []
    channel = Channel(failed=lambda error: said.append(str(error)))
    channel.on("show", refuse)
    assert channel.receive({"type": "show"}) and said == ["There is no epoch 9."]
    alone = Channel()
    alone.on("show", refuse)
    with pytest.raises(FerlabError, match="no epoch 9"):
        alone.receive({"type": "show"})


def test_a_mistake_in_a_handler_is_not_taken_for_a_message_that_does_not_fit():
    def broken(epoch: int) -> None:
        raise TypeError("in the handler")

    channel = Channel(failed=lambda error: None)
    channel.on("show", broken)
    with pytest.raises(TypeError, match="in the handler"):
        channel.receive({"type": "show", "epoch": 1})


def test_every_message_is_answered_in_order():
    steps = []
    channel = Channel(
        before=lambda kind: steps.append(f"before {kind} {channel.reply}"),
        failed=lambda error: steps.append(str(error)),
        after=lambda kind: steps.append(f"after {kind}"),
    )

    def show(epoch: int) -> None:
        raise FerlabError(f"no {epoch}")

    channel.on("show", show)
    channel.receive({"type": "show", "epoch": 9, "reply": ["page", 1]})
    channel.receive({"type": "dance"})
    assert steps == ["before show ['page', 1]", "no 9", "after show", "before dance None", "after dance"]


def test_a_message_waits_for_its_turn():
    turn, got = threading.Lock(), []
    channel = Channel(turn=turn)
    channel.on("stop", lambda: got.append(turn.locked()))
    with turn:
        page = threading.Thread(target=channel.receive, args=[{"type": "stop"}])
        page.start()
        page.join(0.05)
        assert got == []
    page.join()
    assert got == [True]


def test_it_listens_to_a_widget():
    widget, channel, got = DOMWidget(), Channel(), []
    channel.on("show", lambda epoch: got.append(epoch))
    channel.listen(widget)
    send(widget, {"type": "show", "epoch": 3})
    assert got == [3]


# ---- panel ---------------------------------------------------------------------------------------------------


def test_a_press_in_a_panel_calls_back():
    picked = []
    panel = Panel('<button data-pick="3">three</button>', on_pick=picked.append)
    send(panel, {"type": "pick", "what": "3"})
    send(panel, {"type": "pick", "what": "3"})
    send(panel, {"type": "drop"})
    assert picked == ["3", "3"] and "three" in panel.html
    send(Panel("nobody asks"), {"type": "pick", "what": "3"})

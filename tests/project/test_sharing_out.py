"""The order of the tests, and which of them one worker takes together."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sharing_out


class Item(SimpleNamespace):
    """A test of a file, with its markers and fixtures."""

    def __init__(self, nodeid: str, *markers: pytest.MarkDecorator, fixtures: tuple[str, ...] = ()) -> None:
        super().__init__(nodeid=nodeid, markers={one.name: one.mark for one in markers}, fixturenames=fixtures)

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.markers.get(name)


FAST, LATER = Item("a.py::fast"), Item("a.py::later")
SLOW, SLOWER = Item("a.py::slow", pytest.mark.slow), Item("b.py::slower", pytest.mark.slow(90))
LAB = [Item(f"{file}.py::lab", pytest.mark.slow(60), fixtures=("lab_server",)) for file in "bc"]
QUICK_LAB = Item("c.py::quick", fixtures=("lab_server", "page"))
BOOK = [
    Item("d.py::page", pytest.mark.together("book")),
    Item("d.py::wide", pytest.mark.slow(5), pytest.mark.together("book")),
]


def test_a_file_stays_together_but_slow_tests_go_alone():
    assert sharing_out.group(FAST) == sharing_out.group(LATER) == "a.py"
    assert sharing_out.group(SLOW) == "a.py::slow"
    assert {sharing_out.group(item) for item in [*LAB, QUICK_LAB]} == {"JupyterLab"}
    assert {sharing_out.group(item) for item in BOOK} == {"book"}


def test_the_fast_ones_come_first_and_then_the_slowest():
    given = [SLOW, FAST, *BOOK, SLOWER, *LAB, QUICK_LAB, LATER]
    assert sharing_out.in_order(given) == [FAST, LATER, *LAB, QUICK_LAB, SLOWER, SLOW, *BOOK]
    assert sharing_out.seconds(SLOW) == sharing_out.USUAL_SECONDS and sharing_out.seconds(SLOWER) == 90


def test_this_run_is_in_that_order(request):
    items = request.session.items
    assert [item.nodeid for item in sharing_out.in_order(items)] == [item.nodeid for item in items]

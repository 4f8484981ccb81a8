"""Text is data: nothing in a name steers a terminal, begins a formula or hides."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from ferlab.texts import distinct, plain, printable, shortened, spreadsheet_cell

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\x9b31mb",
    "[red]x[/red]",
    ":bomb:",
    "[/]",
    "a\rb",
    "x\u202ey",
    "\udce4",
    "\\[a]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_shows_the_name_and_does_nothing_else(text):
    written = io.StringIO()
    console = Console(file=written, width=80, color_system=None)
    table = Table("head")
    table.add_column(plain(text))
    table.add_row(plain(text), "")
    console.print(table)
    shown = written.getvalue()
    assert printable(text) in shown and not any(control in shown for control in "\x07\x1b\x9b\r\u202e")
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["愤怒", "غضب", "क्रोध", "\u200c\u200d", "é", "😀", "a b", "naïve\u00a0x"])
def test_letters_of_any_script_stay(text):
    assert printable(text) == text


def test_line_ends_stay_where_they_are_asked_for():
    assert printable("a\n\tb\x07", keep="\n\t") == "a\n\tb\\x07"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+cmd",
        "@x",
        " =1",
        "\t=1",
        "a\t=1",
        "a\n=1",
        "a\r\n =1",
        "\x00=1",
        "＝1",
        "a;=1",
        "a,+1",
        "\v=1",
    ],
)
def test_a_spreadsheet_sees_no_formula(text):
    cell = spreadsheet_cell(text)
    assert cell.replace("'", "", 1) == text and spreadsheet_cell(cell) == cell
    sign = next(i for i, letter in enumerate(cell) if letter in "=+-@＝")
    assert cell[sign - 1] == "'"


def test_ordinary_cells_stay():
    for text in ("a - b", "x=1", "mail@home", "from -1 to 1", "a, b; c", ""):
        assert spreadsheet_cell(text) == text


def test_short_and_distinct_names_can_be_told_apart():
    names = [f"{'x' * 200}{k}" for k in range(3)]
    short = [shortened(name, 24) for name in names]
    assert all(len(name) == 24 for name in short) and len(set(short)) == 3
    assert distinct(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"] and shortened("abc", 1) == "…"

"""Text that came from data: names of classes, files and students, which may hold anything.

Each place that shows text has a way in which a name could be taken for something else than a name. :func:`printable`
goes before all of them; terminals, spreadsheets, markup and figures have a function more: :func:`plain`,
:func:`spreadsheet_cell`, :mod:`ferlab.markup` and `ferlab.figures.names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

MISSING = "(missing)"  # what legends call a value that a row has not

# Letters that nobody sees and that turn the order of their neighbors round or hide in a name. The joiners U+200C and
# U+200D are none of them: Persian, Hindi and emojis need these.
_UNSEEN = "\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f"
_NOT_TEXT = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_UNSEEN}]")
# Where a cell begins: at the text's beginning, and behind what a program may take for the end of a cell or of a line.
_FORMULA = re.compile(r"(^[\s\x00]*|[\t\r\n\v\f\x85\u2028\u2029][\s\x00]*|[;,|])(?=[=+\-@＝＋－＠])")


def printable(text: object, keep: str = "") -> str:
    """Text in which everything can be seen and written: what is no letter is escaped, as Python writes it.

    Escaped are control characters (and so line ends and what steers a terminal), letters that nobody sees or that
    change the direction of writing, and the bytes of names that are not UTF-8, which Python keeps as lone surrogates.

    Args:
        text: anything; what is no string is turned into one.
        keep: control characters that may stay, such as line ends.

    >>> printable("a\\tb"), printable("\\x1b[2J"), printable(b"w\\x81tend".decode("utf-8", "surrogateescape"))
    ('a\\\\tb', '\\\\x1b[2J', 'w\\\\x81tend')
    """
    text = str(text)
    if text.isprintable():
        return text
    return _NOT_TEXT.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python reads it in file names
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")


def distinct(names: Iterable[str]) -> list[str]:
    """Names of which no two are alike: the second of two gets a number.

    >>> distinct(["a", "b", "a", "a (2)"])
    ['a', 'b', 'a (2)', 'a (2) (2)']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name} ({number})"
        taken.add(candidate)
        found.append(candidate)
    return found


def shortened(text: str, letters: int) -> str:
    """Text of so many letters at most: of a longer one the beginning and the end, in which long names differ.

    >>> shortened("happiness", 9), shortened("a_very_long_folder_name_2", 11)
    ('happiness', 'a_very…me_2')
    """
    if len(text) <= letters:
        return text
    end = (letters - 1) * 2 // 5
    return f"{text[: letters - 1 - end]}…{text[len(text) - end :] if end else ''}"


def plain(text: object) -> Text:
    """Text for rich's tables and console: neither its markup nor its emoji codes nor a terminal's commands work in it.

    >>> plain("[red]:bomb:\\x1b[2J").plain
    '[red]:bomb:\\\\x1b[2J'
    """
    from rich.text import Text  # not needed by those who write no terminal

    return Text(printable(text, keep="\n"))


def spreadsheet_cell(text: str) -> str:
    """Text that a spreadsheet shows as text: an apostrophe stands before whatever could begin a formula.

    Also behind spaces, tabs, line ends and other separators, at which a program may begin a new cell.

    >>> spreadsheet_cell("=1+1"), spreadsheet_cell("a\\t=1+1"), spreadsheet_cell("solved; -3 to 3")
    ("'=1+1", "a\\t'=1+1", 'solved; -3 to 3')
    """
    return _FORMULA.sub(r"\1'", text)

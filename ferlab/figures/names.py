"""Names of classes as a figure can write them: in letters that a font has, and as text that is no formula."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache

from matplotlib import font_manager

from ferlab.errors import FerlabWarning
from ferlab.texts import distinct, printable, shortened

FONT = "DejaVu Sans"  # comes with matplotlib
LETTERS = 24  # of a name, at most
# Asked first of the fonts that are installed, for those whose letters go well with the others: Linux, macOS, Windows.
_PREFERRED = (
    "Noto Sans", "Noto Sans CJK", "Source Han Sans", "WenQuanYi", "PingFang", "Hiragino Sans", "Apple SD Gothic",
    "Microsoft YaHei", "SimHei", "Yu Gothic", "Malgun Gothic", "Nirmala", "Leelawadee", "Kohinoor", "Thonburi",
    "Arial Unicode", "FreeSans", "Unifont",
)  # fmt: skip
# Boxes in the place of letters, and fonts of formulas, which have other signs in the place of letters.
_NO_LETTERS = ("Last Resort", "STIX", "cmb", "cmex", "cmmi", "cmr", "cmss", "cmsy", "cmtt", "LastResort")


def drawn_names(classes: Sequence[str]) -> list[str]:
    """Names of classes as texts for matplotlib, as many, of which no two are alike.

    A dollar sign is none of mathtext, a leading underscore does not keep a name out of a legend, what cannot be seen is
    escaped, and long names are shortened. A name with letters that no font of this computer has is its class's number
    instead, "class 3", and a warning says so.

    >>> drawn_names(["anger", "$x$", "_other"])
    ['anger', '\\\\$x\\\\$', '\\u200a_other']
    """
    names = [printable(name) for name in classes]
    unwritten = {k: name for k, name in enumerate(names) if any(font_of(letter) is None for letter in name)}
    if unwritten:
        number, name = next(iter(unwritten.items()))
        others = f" and {len(unwritten) - 1} more" if len(unwritten) > 1 else ""
        warnings.warn(
            f"No font of this computer has the letters of the class name {name!r}{others}, so figures write the number "
            f"of the class instead: class {number}. Install a font that has them, such as one of the Noto fonts.",
            FerlabWarning,
            stacklevel=5,  # who asked for the figure
        )
    written = [f"class {k}" if k in unwritten else name for k, name in enumerate(names)]
    written = distinct(shortened(name, LETTERS) for name in written)
    return [_as_text(name) for name in written]


def _as_text(name: str) -> str:
    name = name.replace("$", r"\$")
    return f"\u200a{name}" if name.startswith("_") else name  # a hair space


def font_families(names: Iterable[str]) -> list[str]:
    """The fonts that write some names, the usual one first.

    >>> font_families(["anger"])
    ['DejaVu Sans']
    """
    fonts = [font_of(letter) for name in names for letter in name]
    return list(dict.fromkeys([FONT, *(font for font in fonts if font is not None)]))


@lru_cache(maxsize=4096)
def font_of(letter: str) -> str | None:
    """The first font that has a letter: the usual one, else one that is installed; None: no font has it."""
    if has_letter(font_manager.findfont(FONT), letter):
        return FONT
    return next((name for name, path in installed_fonts() if has_letter(path, letter)), None)


@lru_cache(maxsize=1)
def installed_fonts() -> list[tuple[str, str]]:
    """(name, file) of the fonts of this computer, one a name, those that are preferred first."""
    found = {entry.name: entry.fname for entry in reversed(font_manager.fontManager.ttflist)}
    usable = [name for name in found if not name.startswith((FONT, *_NO_LETTERS))]

    def place(name: str) -> tuple[int, str]:
        ranks = [rank for rank, start in enumerate(_PREFERRED) if name.startswith(start)]
        return min(ranks, default=len(_PREFERRED)), name

    return [(name, found[name]) for name in sorted(usable, key=place)]


def has_letter(path: str, letter: str) -> bool:
    try:
        return bool(font_manager.get_font(path).get_char_index(ord(letter)))
    except (OSError, RuntimeError):  # a font that is damaged, or has been taken away
        return False

"""Numbers and names as the verdict says them."""

from __future__ import annotations

from collections.abc import Sequence

from ferlab.evaluation.significance import LEVEL, Comparison
from ferlab.methods import method_label, strength_of, without_strength


def listed(methods: Sequence[str]) -> str:
    """The labels of methods as a list in a sentence.

    >>> listed(["ce"]), listed(["ce", "tcl-nearest", "ad-corre"])
    ('Cross-entropy', 'Cross-entropy, CE + TCL (nearest) and CE + Ad-Corre')
    """
    return in_words([method_label(name) for name in methods])


def listed_by_loss(methods: Sequence[str]) -> str:
    """As :func:`listed`, with several strengths of one loss together.

    >>> listed_by_loss(["tcl-nearest@0.5", "tcl-nearest@3", "center@2"])
    'CE + TCL (nearest) at strengths 0.5 and 3 and CE + center loss, strength 2'
    """
    families: dict[str, list[str]] = {}
    for name in methods:
        families.setdefault(without_strength(name), []).append(name)
    return in_words(
        [
            method_label(own[0])
            if len(own) == 1
            else f"{method_label(family)} at strengths {in_words([f'{strength_of(name):g}' for name in own])}"
            for family, own in families.items()
        ]
    )


def in_words(words: Sequence[str]) -> str:
    """A list in a sentence.

    >>> in_words(["one"]), in_words(["one", "two", "three"])
    ('one', 'one, two and three')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.8125)
    '81.2 %'
    """
    return f"{100 * share:.1f} %"


def interval(test: Comparison, scale: float = 1, digits: int = 3) -> str:
    """The interval of a difference, times `scale`.

    >>> interval(Comparison("ce", 3, 0.02, 0.01, 0.03, 0.01, 0.02), scale=100, digits=1)
    '95 % interval +1.0 to +3.0'
    """
    return f"{100 * LEVEL:.0f} % interval {scale * test.low:+.{digits}f} to {scale * test.high:+.{digits}f}"


def corrected(test: Comparison) -> str:
    """The corrected p-value of a difference.

    >>> corrected(Comparison("ce", 3, 0.02, 0.01, 0.03, 0.01, 0.02))
    'p = 0.020 corrected'
    """
    p = "p below 0.001" if test.p_corrected < 0.001 else f"p = {test.p_corrected:.3f}"
    return f"{p} corrected"


def difference(test: Comparison) -> str:
    """A difference with its sign and three significant digits.

    >>> difference(Comparison("ce", 3, 0.02, 0.01, 0.03, 0.01, 0.02))
    '+0.02'
    """
    return f"{test.difference:+.3g}"


def seeds_counted(seeds: int) -> str:
    """How many seeds.

    >>> seeds_counted(1), seeds_counted(3)
    ('one seed', '3 seeds')
    """
    return "one seed" if seeds == 1 else f"{seeds} seeds"

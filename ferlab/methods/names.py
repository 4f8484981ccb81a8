"""From a method's name to the method: ``ad-corre``, ``tcl-nearest@2``, ``ce+attention``, ``pml:SupConLoss@0.5``.

A name is a row of the table or ``pml:LOSS``; then ``@STRENGTH``, where its metric loss shall count so many times its
reference weight; then ``+pixel``, ``+element`` or ``+attention`` for selective attention in its network.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ferlab.errors import FerlabError
from ferlab.losses.pml import parse_pml
from ferlab.methods.method import LineStyle, Method
from ferlab.methods.table import ALL_METHODS, METHODS, pml_method
from ferlab.palette import SPARE_COLORS


class _Attention(NamedTuple):
    parts: tuple[str, ...]
    label: str
    line_style: LineStyle


ATTENTION = {
    "pixel": _Attention(("pixel",), "pixel attention", "--"),
    "element": _Attention(("element",), "element attention", ":"),
    "attention": _Attention(("pixel", "element"), "both attentions", "-."),
}
# Of the base: letters of the table's names, or a loss with its arguments in brackets.
_NAME = re.compile(
    r"(?P<base>pml:\s*\w+\s*(?:\(.*\))?|[^@+:]*)(?:@(?P<strength>(?:e\+\d+|[^@+])*))?(?:\+(?P<part>\w+))?"
)


class _Parsed(NamedTuple):
    base: str
    strength: float | None
    part: str


def get_method(name: str) -> Method:
    """The method of that name.

    Raises:
        FerlabError: an unknown name, which names the known ones; a strength below 0 or of a method without a metric
            loss; an unknown or unfit loss of pytorch-metric-learning.

    Example:
        >>> get_method("ad-corre@2").metric_weight, get_method("ce+pixel").label
        (0.28, 'Cross-entropy, pixel attention')
    """
    base, strength, part = _parse(name)
    method = _base(base)
    if strength is not None:
        method = _at_strength(method, strength)
    if part:
        method = _with_attention(method, base, part)
    return method


def canonical_name(name: str) -> str:
    """One spelling for every method, for folders and tables.

    >>> canonical_name("ad-corre@2.0"), canonical_name(" pml: SupConLoss(temperature = 0.1)")
    ('ad-corre@2', 'pml:SupConLoss(temperature=0.1)')
    """
    base, strength, part = _parse(name)
    return base + ("" if strength is None else f"@{strength:g}") + (f"+{part}" if part else "")


def split_names(text: str) -> tuple[str, ...]:
    """Names from a line with commas between them; commas within brackets belong to a loss's arguments.

    >>> split_names("ce, pml:TripletMarginLoss(margin=0.1, swap=True),ad-corre@2.0")
    ('ce', 'pml:TripletMarginLoss(margin=0.1,swap=True)', 'ad-corre@2')
    """
    parts = re.split(r",(?![^(]*\))", text)
    return tuple(canonical_name(part) for part in parts if part.strip())


def with_strengths(names: Sequence[str], strengths: Sequence[float]) -> tuple[str, ...]:
    """Every method with every strength: at 0 its control stands for it, at its own strength its plain name. Methods
    without a metric loss stay as they are.

    Raises:
        FerlabError: a strength that is no number from 0 on; a name that has one already; no method with a metric loss.

    Example:
        >>> with_strengths(["tcl-nearest", "ad-corre+pixel"], [0, 3])
        ('ce', 'tcl-nearest@3', 'ce-heads+pixel', 'ad-corre@3+pixel')
    """
    if not strengths:
        return tuple(names)
    found: list[str] = []
    for name in names:
        base, strength, part = _parse(name)
        if strength is not None:
            raise FerlabError(f"{name} has a strength already: name {base}, or leave --strengths out.")
        attention = f"+{part}" if part else ""
        control = _base(base).control
        if control is None:
            found.append(name)
            continue
        for dose in sorted(strengths):
            dosed = canonical_name(f"{base}@{dose:g}{attention}")
            if dose == 0:
                dosed = f"{control}{attention}"
            elif dose == _base(base).strength:
                dosed = name
            found.append(dosed)
    if all(get_method(name).loss is None for name in names):
        raise FerlabError(f"None of {', '.join(names)} has a metric loss, so there is nothing to give a strength to.")
    return tuple(dict.fromkeys(found))


def with_reference_strength(name: str) -> str:
    """A method that is named without a strength with strength 1, where that is not its own.

    >>> with_reference_strength("tcl-nearest"), with_reference_strength("tcl-nearest@2"), with_reference_strength("ce")
    ('tcl-nearest@1', 'tcl-nearest@2', 'ce')
    """
    base, strength, part = _parse(name)
    method = _base(base)
    if strength is not None or method.loss is None or method.strength == 1:
        return name
    return f"{base}@1" + (f"+{part}" if part else "")


def strength_of(name: str) -> float | None:
    """How many times its reference weight a method's loss counts; 0 without a metric loss, None for an unknown method.

    >>> strength_of("ad-corre@2"), strength_of("ce-heads"), strength_of("my-loss")
    (2.0, 0.0, None)
    """
    return get_method(name).strength if is_known(name) else None


def without_strength(name: str) -> str:
    """A method's name without its strength.

    >>> without_strength("tcl-nearest@2+pixel"), without_strength("ce")
    ('tcl-nearest+pixel', 'ce')
    """
    if not is_known(name):
        return name
    base, _, part = _parse(name)
    return f"{base}+{part}" if part else base


def reference_of(name: str, methods: Collection[str]) -> str | None:
    """The method that ``name`` is fairly compared with, or None for a reference.

    That is cross-entropy on the same network: ``ce-heads`` for ``ad-corre`` and ``ce`` for the others, with the same
    attention for a method with attention; where it is not among ``methods``, plain ``ce``.

    >>> reference_of("ad-corre@2", ["ce", "ce-heads", "ad-corre@2"]), reference_of("ad-corre", ["ce", "ad-corre"])
    ('ce-heads', 'ce')
    >>> reference_of("tcl-nearest+attention", ["ce", "ce+attention"]), reference_of("ce", ["ce", "ad-corre"])
    ('ce+attention', None)
    """
    control, part = "ce", ""
    if is_known(name):
        base, _, part = _parse(name)
        if (method := _base(base)).control is None:
            return None
        control = str(method.control)
    same_network = f"{control}+{part}" if part else control
    return next((reference for reference in (same_network, "ce") if reference in methods), None)


def is_known(name: str) -> bool:
    """Whether there is a method of that name.

    >>> is_known("center@4"), is_known("my-loss")
    (True, False)
    """
    try:
        get_method(name)
    except FerlabError:
        return False
    return True


def heads_of(name: str, size: int) -> int:
    """How many heads stand side by side in the embeddings of a method, each of `size` numbers in all; 1 where unknown.

    >>> heads_of("ad-corre@2", 448), heads_of("ce", 128), heads_of("my-loss", 448), heads_of("ad-corre", 128)
    (7, 1, 1, 1)
    """
    heads = int(get_method(name).heads) if is_known(name) else 1
    return 1 if size % heads else heads


def method_label(name: str) -> str:
    """The name of a method for people; an unknown one keeps its own.

    >>> method_label("tcl-nearest"), method_label("ad-corre@4+pixel"), method_label("my-loss")
    ('CE + TCL (nearest)', 'CE + Ad-Corre, strength 4, pixel attention', 'my-loss')
    """
    return get_method(name).label if is_known(name) else name


def method_color(name: str) -> str:
    """The color of a method; an unknown one gets a spare color, the same each time.

    >>> method_color("ce"), method_color("ce+pixel"), method_color("ce+element")
    ('#7d848c', '#4a90c4', '#c98a2b')
    """
    return get_method(name).color if is_known(name) else _spare_color(name)


def method_style(name: str) -> LineStyle:
    """The line style of a method, as matplotlib takes it; an unknown one has a solid line.

    >>> method_style("ce-heads"), method_style("ce+element")
    ('--', ':')
    """
    return get_method(name).line_style if is_known(name) else "-"


def _parse(name: str) -> _Parsed:
    found = _NAME.fullmatch(name.strip())
    if found is None:
        raise _unknown(name)
    base, strength, part = found["base"].strip(), found["strength"], found["part"] or ""
    if base.startswith("pml:"):
        loss, arguments = parse_pml(base.removeprefix("pml:"))
        listed = ",".join(f"{key}={value!r}" for key, value in arguments.items())
        base = f"pml:{loss.__name__}" + (f"({listed})" if listed else "")
    elif base not in METHODS:
        raise _unknown(name)
    if part and part not in ATTENTION:
        raise _unknown(name)
    if strength is None:
        return _Parsed(base, None, part)
    try:
        dose = float(strength)
    except ValueError:
        dose = math.nan
    if not (math.isfinite(dose) and dose >= 0):
        raise FerlabError(f"A strength is a number from 0 on, as in {base}@2, but {name} has {strength or 'none'!r}.")
    return _Parsed(base, dose, part)


def _unknown(name: str) -> FerlabError:
    return FerlabError(
        f"There is no method {name!r}; choose from: {', '.join(METHODS)}, or all ({len(ALL_METHODS)} of them); "
        "pml:NAME, any embedding loss of pytorch-metric-learning; behind the name of one with a metric loss a "
        f"strength, as in ad-corre@2, and for attention in the network {' or '.join('+' + part for part in ATTENTION)}."
    )


def _base(base: str) -> Method:
    return _pml_base(base) if base.startswith("pml:") else METHODS[base]


@lru_cache
def _pml_base(base: str) -> Method:
    return replace(pml_method(base.removeprefix("pml:")), color=_spare_color(base))


def _at_strength(method: Method, strength: float) -> Method:
    if method.loss is None:
        raise FerlabError(f"{method.label} has no metric loss, so it has no strength: leave the @ out.")
    return replace(
        method,
        label=f"{method.label}, strength {strength:g}",
        color=_dosed(method.color, strength),
        metric_weight=strength * method.reference_weight,
    )


def _with_attention(method: Method, base: str, part: str) -> Method:
    attention = ATTENTION[part]
    color = _spare_color(base + part)
    if base in METHODS:  # dealt in turn, so that they differ
        place = len(ATTENTION) * list(METHODS).index(base) + list(ATTENTION).index(part)
        color = SPARE_COLORS[place % len(SPARE_COLORS)]
        color = color if list(METHODS).index(base) < len(SPARE_COLORS) else _dosed(color, 3)  # the colors come round
    return replace(
        method,
        label=f"{method.label}, {attention.label}",
        color=color,
        line_style=attention.line_style,
        attention=attention.parts,
    )


def _dosed(color: str, strength: float) -> str:
    """A color paler for a weak dose and darker for a strong one: half way to white at 0, to black never."""
    share = strength / (1 + strength)  # 0 at none, .5 at the reference
    channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    pale, dark = max(0.0, 0.5 - share), max(0.0, share - 0.5)
    mixed = [round(value + pale * (255 - value) - dark * value) for value in channels]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _spare_color(name: str) -> str:
    return SPARE_COLORS[sum(name.encode()) % len(SPARE_COLORS)]

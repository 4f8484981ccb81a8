"""Which losses a playground can draw: asked of the method and of its loss, so that a new one needs no line here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from ferlab.errors import FerlabError
from ferlab.losses import MetricLoss
from ferlab.losses.centers import ClassCenters
from ferlab.methods import METHODS, Method, canonical_name, get_method, is_known

FEW_CLASSES, FEW_ENTRIES = 3, 8  # to try whether a loss can be built
PML = "pml:NAME, a loss of pytorch-metric-learning without weights of its own"


class Words(NamedTuple):
    """What a loss is called in the menu, and what there is to say about it."""

    title: str
    about: str


CLASSIFIER = (
    "The classifier is linear and without bias: the logit of a class is the dot product of the point with the class's "
    "weight vector (arrows from the middle), divided by the temperature. The colored frame shows the class with the "
    "largest logit in that direction."
)
WHOLE_BATCH = (
    "It looks at all points at once, so there is no loss of a single point: the lines say what the whole would be if "
    "the ringed point lay elsewhere."
)
# Words for some; the others have the label of their method and the beginning of their loss's description.
WORDS: dict[str, Words] = {
    "ce": Words(
        "Cross-entropy",
        "−log of the softmax probability of the own class. Only the side of a border and the distance from it count, "
        f"not how close a class lies together. {CLASSIFIER}",
    ),
    "center": Words(
        "Center loss",
        "Half the squared distance d to the center of the own class. It pulls classes together, but nothing pushes "
        "them apart.",
    ),
    "tcl-nearest": Words(
        "TCL, nearest negative",
        "The own center has to be nearer than the negative by the margin m, in squared distance d. The negative is the "
        "nearest center of another class.",
    ),
    "tcl-fully-synthesized": Words(
        "TCL, fully-synthesized negative",
        "The negative is put together coordinate by coordinate: each comes from the center of another class that is "
        "closest in this coordinate. It lies nearer than any center, so it is harder to shut the hinge.",
    ),
    "tcl-semi-synthesized": Words(
        "TCL, semi-synthesized negative",
        "As fully synthesized, but only the nearest centers of other classes are candidates: one gives the nearest "
        "negative, all give the fully-synthesized one. The loss jumps where the candidates change.",
    ),
    "tcl-predicted": Words(
        "TCL, predicted negative",
        "The negative is the center of the wrong class with the largest logit. The logits come from the classifier, "
        f"which learns from the cross-entropy only: give it a weight above 0 to let it learn. {CLASSIFIER}",
    ),
    "ad-corre": Words(
        "Ad-Corre: FD, MD and ED",
        "Ad-Corre compares embeddings by the correlation of their entries. Of two entries it could only be +1 or −1, "
        "with no slope to follow, so there is no plane here: every face has two heads of 8 entries, drawn as profiles. "
        "FD wants correlation +1 within a class and −1 between classes, MD −1 between class means, ED −1 between the "
        "heads of one face. All pairs count alike here (adaptive weights off).",
    ),
}


@dataclass(frozen=True)
class Drawable:
    """A loss that can be drawn.

    Attributes:
        name: of the method.
        words: for people.
        loss: the metric loss; None for cross-entropy alone.
        options: arguments of ``loss.for_method``.
        strength: factor of the metric loss, written behind the name.
    """

    name: str
    words: Words
    loss: type[MetricLoss] | None
    options: Mapping[str, Any]
    strength: float = 1.0
    _built: dict[tuple[int, int], MetricLoss] = field(init=False, default_factory=dict, repr=False, compare=False)

    @property
    def takes_heads(self) -> bool:
        """Whether it wants several embeddings a face: they are drawn as profiles, not as points."""
        return self.loss is not None and self.loss.takes_heads

    @property
    def has_centers(self) -> bool:
        """Whether it has class centers, which then lie among the points."""
        return self.loss is not None and issubclass(self.loss, ClassCenters)

    @property
    def has_point_losses(self) -> bool:
        """Whether every point has a loss of its own; else the loss compares the points of a batch."""
        return self.loss is None or self.has_centers

    @property
    def has_margin(self) -> bool:
        return "margin" in self.options

    @property
    def has_candidates(self) -> bool:
        """Whether its negatives come from a number of candidates that can be chosen."""
        return hasattr(self.options.get("negatives"), "candidates")

    @property
    def reads_logits(self) -> bool:
        """Whether the classifier has a say in it."""
        if self.has_centers:
            return getattr(self.options.get("negatives"), "takes_logits", False)
        return self.loss is None or self.loss.takes_logits

    def build(self, num_classes: int, size: int, **options: Any) -> MetricLoss | None:
        """The metric loss of embeddings with `size` entries; a loss with centers is a new one each time."""
        if self.loss is None:
            return None
        if self.has_centers:
            # Centers are drawn at random; on this device without touching the caller's random numbers, also while a
            # cell trains: JupyterLab lets widgets talk to the kernel from a thread of their own.
            with torch.device("meta"):
                return self.loss.for_method(num_classes, size, **{**self.options, **options})
        if (num_classes, size) not in self._built:
            self._built[num_classes, size] = self.loss.for_method(num_classes, size, **self.options)
        return self._built[num_classes, size]


def find_drawable(name: str) -> Drawable:
    """The loss of a method.

    Raises:
        FerlabError: there is no such method, or its loss cannot be drawn.

    Example:
        >>> find_drawable("tcl-nearest@2").strength, find_drawable("ad-corre").takes_heads
        (2.0, True)
    """
    if not isinstance(name, str) or not (is_known(name) or name.startswith("pml:") or "@" in name):
        raise FerlabError(f"There is no loss {name!r}; choose one of: {_listed()}.")
    method, name = get_method(name), canonical_name(name)  # what is wrong with arguments or a strength, it says itself
    base, at, dose = name.rpartition("@")
    if at and is_known(base):
        words = _words(base, method)
        words = words._replace(title=f"{words.title}, strength {dose}")
        found = Drawable(name, words, method.loss, method.options, float(dose))
    else:
        found = Drawable(name, _words(name, method), method.loss, method.options)
    if reason := _obstacle(method, found):
        raise FerlabError(f"The playground cannot draw {name}: {reason}; choose one of: {_listed()}.")
    return found


def drawable_methods() -> dict[str, str]:
    """Names and titles of the methods whose loss can be drawn, as a menu lists them: those with words first."""
    return _menu(tuple(dict.fromkeys([*WORDS, *METHODS])))


@lru_cache
def _menu(names: tuple[str, ...]) -> dict[str, str]:
    titles = {}
    for name in names:
        method = METHODS[name]
        words = _words(name, method)
        if not _obstacle(method, Drawable(name, words, method.loss, method.options)):
            titles[name] = words.title
    return titles


def _listed() -> str:
    return f"{', '.join(drawable_methods())}, or {PML}"


def _obstacle(method: Method, found: Drawable) -> str:
    """Why a loss cannot be drawn; empty where it can."""
    if method.attention:
        return "attention is a part of a network, and there is none here"
    if method.loss is None:
        return "it is cross-entropy on a network with heads, and ce is the same loss" if method.heads > 1 else ""
    built = found.build(FEW_CLASSES, FEW_ENTRIES)
    if not found.has_centers and any(True for _ in built.parameters()):
        return "it learns weights of its own, which have no place in the drawing"
    return ""


def _words(base: str, method: Method) -> Words:
    if base in WORDS:
        return WORDS[base]
    title = method.label.removeprefix("CE + ").partition(", strength")[0]
    if expression := method.options.get("expression"):
        about = f"{expression} of pytorch-metric-learning."
    else:
        about = " ".join((inspect.getdoc(method.loss) or "").partition("\n\n")[0].replace("``", "").split())
    in_batch = method.loss is not None and not (method.loss.takes_heads or issubclass(method.loss, ClassCenters))
    return Words(title[:1].upper() + title[1:], f"{about} {WHOLE_BATCH}" if in_batch else about)

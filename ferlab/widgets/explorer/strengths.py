"""The strengths of a run's losses: every loss is one map, and a strength says which of its trainings is on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ferlab.methods import method_color, method_label, method_style
from ferlab.report.measures import DOSE_MEASURES
from ferlab.runs.asked import asked_by

NO_STRENGTHS = (
    "This run holds no strengths to move through; make one that does with "
    "ferlab compare --methods tcl-nearest,ad-corre --strengths 0,1,4,16."
)
OF_ALL = ("within_between_ratio", "balanced_accuracy")  # beside what the losses ask for
MOST_ASKED = 2


@dataclass(frozen=True)
class Family:
    """The trainings of one metric loss.

    Attributes:
        name: of the loss's method, without a strength.
        trained: strength -> the method as it was trained, from the weakest; 0 is the control.
        measures: name -> rows of strength, mean, low, high: on test faces.
        breaks_at: the smallest strength at which the network has broken, or None.
    """

    name: str
    trained: dict[float, str]
    measures: Mapping[str, list[dict[str, Any]]]
    breaks_at: float | None


class Strengths:
    """Which trainings the maps of some points show at a strength.

    Args:
        doses: as in ``summary.json``; empty where a run holds no strengths.
        methods: those that the points have a space of, as they were trained.

    Attributes:
        families: name -> family, of those of which there are at least two strengths.
        available: what can be shown: families in the place of their trainings, and all other methods.
        known: these, and every training by its own name: for two strengths side by side.
        stops: all strengths, from the weakest.
    """

    def __init__(self, doses: Mapping[str, Mapping[str, Any]], methods: Sequence[str]) -> None:
        self.families: dict[str, Family] = {}
        for name, found in doses.items():
            pairs = zip(found["strengths"], found["methods"], strict=True)
            trained = {float(strength): method for strength, method in pairs if method in methods}
            if len(trained) > 1 and 0.0 in trained:
                self.families[name] = Family(name, trained, found["measures"]["test"], found["breaks_at"])
        # A control is shown as itself too: the map with which the others are compared.
        of = {method: name for name, family in self.families.items() for s, method in family.trained.items() if s}
        self.available = list(dict.fromkeys(of.get(method, method) for method in methods))
        self.known = list(dict.fromkeys([*self.available, *methods]))
        self.stops = sorted({strength for family in self.families.values() for strength in family.trained})

    @property
    def first(self) -> float | None:
        """Where to begin: the strongest at which no network has broken; None without strengths."""
        ends = [family.breaks_at for family in self.families.values() if family.breaks_at is not None]
        whole = [strength for strength in self.stops if strength and all(strength < end for end in ends)]
        return (whole or self.stops or [None])[-1]

    def nearest(self, strength: float | None) -> float | None:
        """The stop that is meant by a strength: the largest that is not above it."""
        if strength is None or not self.stops:
            return self.first
        return max((stop for stop in self.stops if stop <= strength), default=self.stops[0])

    def strength_of(self, name: str, strength: float | None) -> float | None:
        """The strength that a map shows, the largest of its family that is not above the one asked for; None: none."""
        if name not in self.families or strength is None:
            return None
        return max(own for own in self.families[name].trained if own <= strength)

    def trained(self, name: str, strength: float | None) -> str:
        """The method, as it was trained, that the map of `name` shows."""
        own = self.strength_of(name, strength)
        return name if own is None else self.families[name].trained[own]

    def label(self, name: str, strength: float | None) -> str:
        """Method and strength for people."""
        own = self.strength_of(name, strength)
        return method_label(name) + ("" if own is None else f" · strength {own:g}")

    def note(self, name: str, strength: float | None) -> str:
        """The strength that a map shows, in words; empty for a space without one."""
        own = self.strength_of(name, strength)
        if own is None:
            return ""
        said = "strength 0: cross-entropy alone" if own == 0 else f"strength {own:g}"
        if own == strength:
            return said
        end = self.families[name].breaks_at
        is_lost = end is not None and strength is not None and own < end <= strength
        return f"{said} ({f'at {end:g} the network is lost' if is_lost else f'{strength:g} was not trained'})"


def dose_panels(families: Sequence[Family], stops: Sequence[float]) -> list[dict[str, Any]]:
    """What the curves over the strength show of some families: what their losses ask for, and what it costs.

    Of one loss the first two things that it asks for, of several the first of each; then within/between and balanced
    accuracy, all on test faces.

    Returns:
        A dict a panel: `words`, and `curves`, each a dict of `name`, `color`, `dashed` and `points`, which are dicts of
        `at` (place among the stops), `mean`, `low` and `high` (None with one seed).
    """
    each = MOST_ASKED if len(families) == 1 else 1
    asked = [one.key for family in families for one in asked_by(family.name)[:each]]
    panels = []
    for measure in dict.fromkeys([*asked[:MOST_ASKED], *OF_ALL]):
        curves = [
            {
                "name": method_label(family.name),
                "color": method_color(family.name),
                "dashed": method_style(family.name) != "-",
                "points": [
                    {"at": stops.index(row["strength"]), **{key: row[key] for key in ("mean", "low", "high")}}
                    for row in family.measures.get(measure, [])
                    if row["strength"] in stops
                ],
            }
            for family in families
        ]
        if any(curve["points"] for curve in curves):
            panels.append({"words": DOSE_MEASURES.get(measure, measure.replace("_", " ")), "curves": curves})
    return panels

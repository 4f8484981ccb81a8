"""What a metric loss does at a strength of a run, in sentences that say what the numbers say, whatever these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ferlab.errors import FerlabError
from ferlab.evaluation.significance import Comparison
from ferlab.methods import method_label
from ferlab.report.findings import SEEDS_FOR_A_TEST, SLIGHT_CHANGE
from ferlab.report.measures import DOSE_MEASURES
from ferlab.report.wording import corrected, interval, percent
from ferlab.runs.asked import asked_by

# Shown as percent; a change of less than a point, of one training, is not worth a word.
SHARES = ("accuracy", "balanced_accuracy", "open_hinges", "own_probability")
LEAST_SHARE = 0.01
LEAST_CORRELATION = 0.02
WORDS = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}


@dataclass(frozen=True)
class DoseEffect:
    """One measure at a strength of a metric loss, against its control.

    Attributes:
        method, control: the loss's method without a strength, and the one at strength 0.
        strength: of the loss.
        measure: its name in ``summary.json``.
        words: what it is, for people.
        wanted: True where the loss pulls it up, False where down; None where it does neither.
        before, after: means over the seeds at strength 0 and at `strength`.
        seeds: how many were run.
        test: the difference over the seeds, where there are enough.
    """

    method: str
    control: str
    strength: float
    measure: str
    words: str
    wanted: bool | None
    before: float
    after: float
    seeds: int
    test: Comparison | None

    @property
    def has_moved(self) -> bool:
        """Beyond chance where there are enough seeds for a test, else by more than what is not worth a word."""
        if self.test is not None:
            return self.test.is_real
        least = SLIGHT_CHANGE * abs(self.before)
        if self.measure in SHARES:
            least = LEAST_SHARE
        elif self.measure.startswith("correlation"):
            least = LEAST_CORRELATION
        return abs(self.after - self.before) >= least

    @property
    def is_as_asked(self) -> bool:
        """It has moved to where the loss pulls it."""
        return self.has_moved and self.wanted is not None and (self.after > self.before) == self.wanted

    def sentence(self) -> str:
        """From where to where, and whether that is what the loss asks for."""
        way = "from {} to {}".format(*(self._value(value) for value in (self.before, self.after)))
        sure = ""
        if self.test is not None:
            sure = f" (difference {self._interval()}, {self.test.seeds} seeds, {corrected(self.test)})"
        if not self.has_moved:
            least = "no change that these seeds can tell from chance" if self.test else "hardly a change"
            return f"{_capital(self.words)}: {way}{sure}, {least}."
        moved = "rose" if self.after > self.before else "fell"
        asked = (
            "" if self.wanted is None else ", as the loss asks" if self.is_as_asked else ", against what it asks for"
        )
        return f"{_capital(self.words)}: {moved} {way}{sure}{asked}."

    def _value(self, value: float) -> str:
        if self.measure in SHARES:
            return percent(value)
        return f"{value:.2f}" if self.measure.startswith("correlation") else f"{value:.3g}"

    def _interval(self) -> str:
        assert self.test is not None
        if self.measure in SHARES:
            return f"{100 * self.test.difference:+.1f} points, {interval(self.test, scale=100, digits=1)}"
        return f"{self.test.difference:+.3f}, {interval(self.test)}"


def dose_effects(
    summary: Mapping[str, Any],
    method: str,
    strength: float | None = None,
    *,
    split: str = "test",
    measures: tuple[str, ...] | None = None,
) -> list[DoseEffect]:
    """What a metric loss does at one strength: to all that it asks for, to the compactness of classes, to accuracy.

    Args:
        summary: ``summary.json`` of a run with strengths.
        method: the loss's method, without a strength.
        strength: one that was run; None: the strongest at which its network has not broken.
        split: ``"train"`` or ``"test"`` faces.
        measures: names in ``summary.json``; None: those that the loss asks for, within/between, accuracy.

    Raises:
        FerlabError: the run has no such strength of this method.

    Example:
        >>> dose_effects({"doses": {}}, "tcl-nearest")
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: This run holds no strengths of tcl-nearest; it holds those of: no method.
    """
    found = _doses_of(summary, method)
    if strength is None:
        strength = strongest(summary, method)
    if strength not in found["strengths"]:
        known = ", ".join(f"{one:g}" for one in found["strengths"])
        raise FerlabError(f"This run has no strength {strength:g} of {method}; it has {known}.")
    asked = {one.key: one for one in asked_by(method) if one.loss is not None}
    trained = found["methods"][found["strengths"].index(strength)]
    tests = summary.get("comparisons", {}).get(trained, {})
    seeds = len(summary.get("seeds") or [0])
    effects = []
    for measure in measures or (*asked, "within_between_ratio", "accuracy"):
        means = {point["strength"]: point["mean"] for point in found["measures"][split].get(measure, [])}
        if 0.0 not in means or strength not in means:
            continue
        test = tests.get(f"{split}.{measure}") if seeds >= SEEDS_FOR_A_TEST else None
        effects.append(
            DoseEffect(
                method=method,
                control=found["control"],
                strength=strength,
                measure=measure,
                words=asked[measure].words if measure in asked else _words(measure),
                wanted=asked[measure].wants_more if measure in asked else None,
                before=means[0.0],
                after=means[strength],
                seeds=seeds,
                test=None if test is None else Comparison(**test),
            )
        )
    return effects


def strongest(summary: Mapping[str, Any], method: str) -> float:
    """The strongest dose of a method at which its network has not broken; the weakest where all have.

    Raises:
        FerlabError: the run has no strengths of this method.
    """
    found = _doses_of(summary, method)
    end = float("inf") if found["breaks_at"] is None else found["breaks_at"]
    doses = [strength for strength in found["strengths"] if strength]
    return max((strength for strength in doses if strength < end), default=min(doses))


def dose_table(
    summary: Mapping[str, Any], method: str, measures: Mapping[str, str], split: str = "test"
) -> pd.DataFrame:
    """Measures over the strengths of a method: one row a strength, a column a measure, means over the seeds.

    Args:
        summary: ``summary.json`` of a run with strengths.
        method: the loss's method, without a strength.
        measures: name in ``summary.json`` -> heading.
        split: ``"train"`` or ``"test"`` faces.

    Raises:
        FerlabError: the run has no strengths of this method.
    """
    found = _doses_of(summary, method)
    columns = {
        heading: {point["strength"]: point["mean"] for point in found["measures"][split].get(measure, [])}
        for measure, heading in measures.items()
    }
    table = pd.DataFrame(columns, index=pd.Index(found["strengths"], name="strength"), dtype=float)
    table.index = table.index.map("{:g}".format)
    return table


def _doses_of(summary: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    doses = summary.get("doses", {})
    if method not in doses:
        raise FerlabError(
            f"This run holds no strengths of {method}; it holds those of: {', '.join(doses) or 'no method'}."
        )
    return doses[method]


def _words(measure: str) -> str:
    return WORDS.get(measure) or DOSE_MEASURES.get(measure, measure.replace("_", " "))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def told_by(effects: list[DoseEffect]) -> str:
    """What a loss did, in one sentence: all, a part or nothing of what it asks for.

    Raises:
        FerlabError: none of the effects is something that the loss asks for.
    """
    asked = [effect for effect in effects if effect.wanted is not None]
    if not asked:
        raise FerlabError("None of these measures is something that the loss asks for.")
    done = sum(effect.is_as_asked for effect in asked)
    share = "all" if done == len(asked) else "a part" if done else "nothing"
    first = asked[0]
    beyond = "" if first.test is None else " beyond chance"
    return f"At strength {first.strength:g}, {method_label(first.method)} does {share} of what it asks for{beyond}."

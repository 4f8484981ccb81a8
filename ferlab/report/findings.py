"""What the numbers of a run allow one to say, before it is put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ferlab.evaluation.significance import Comparison, comparisons
from ferlab.methods import reference_of
from ferlab.runs.asked import Asked, asked_by
from ferlab.runs.doses import measures_of
from ferlab.runs.reading import Run

# Changes of the within/between ratio, as shares of the reference's: from the first on one counts as clear, between the
# two it is named but claims nothing.
CLEAR_CHANGE = 0.10
SLIGHT_CHANGE = 0.03
# Fewer seeds show a spread at best; from here on a test over them decides what is a difference.
SEEDS_FOR_A_TEST = 3
FEW_COMPARISONS = 2  # so many are read as they are; more are summed up
# A network that recalls, averaged over the classes, less than this times one answer for all faces has not learned them.
LEARNED = 1.3
# Measures of the space beside within/between and silhouette: they are named where the corrected test rejects chance.
OTHER_MEASURES = {
    "nearest_center_accuracy": "nearest-center accuracy",
    "knn_accuracy": "10-NN accuracy",
    "precision_at_1": "precision@1",
    "map_at_r": "MAP@R",
    "alignment": "alignment",
    "uniformity": "uniformity",
    "effective_rank": "effective rank",
}


class Compactness(Enum):
    """What happened to how compact the classes are."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    SLIGHT = "changed a little"
    DISPUTED = "ratio and silhouette disagree"
    UNCLEAR = "no clear change"


@dataclass(frozen=True)
class SpaceChange:
    """A method's embedding space against that of its reference.

    Attributes:
        method, reference: their names.
        ratios: mean within/between ratio, own and the reference's.
        silhouettes: the same of the silhouette, where both have one.
        compactness: what the ratios say.
        is_certain: False where enough seeds were run, but too few of them are shared for a test.
        ratio_test: the difference of the ratios over the seeds, where there are enough.
        silhouette_test: that of the silhouettes, where it is beyond chance.
        other_tests: measure in words -> difference, of :data:`OTHER_MEASURES` where it is beyond chance.
    """

    method: str
    reference: str
    ratios: tuple[float, float]
    silhouettes: tuple[float, float] | None
    compactness: Compactness
    is_certain: bool
    ratio_test: Comparison | None
    silhouette_test: Comparison | None
    other_tests: dict[str, Comparison]

    @property
    def ratio_change(self) -> float:
        """Of the within/between ratio, as a share of the reference's: negative is more compact."""
        return self.ratios[0] / self.ratios[1] - 1

    @property
    def direction(self) -> Compactness | None:
        """TIGHTER or LOOSER where that may be said on top, else None."""
        moved = self.compactness in (Compactness.TIGHTER, Compactness.LOOSER)
        return self.compactness if moved and self.is_certain else None

    @property
    def is_clearer(self) -> bool:
        """The silhouette rose beyond chance, though how compact the classes are did not clearly change."""
        return self.silhouette_test is not None and self.silhouette_test.difference > 0 and self.direction is None


@dataclass(frozen=True)
class AskedChange:
    """One thing that a method's loss asks for, against its reference, on training or on test faces.

    Attributes:
        method: whose loss asks for it.
        asked: what it is, and where the loss pulls it.
        split: ``"train"`` or ``"test"``.
        own, reference: means over the seeds.
        test: the difference over the seeds, where there are enough.
    """

    method: str
    asked: Asked
    split: str
    own: float
    reference: float
    test: Comparison | None

    @property
    def change(self) -> float:
        """As a share of the reference's value."""
        return (self.own - self.reference) / max(abs(self.reference), 1e-9)

    @property
    def is_as_asked(self) -> bool:
        """It moved to where the loss pulls it; with enough seeds only beyond chance."""
        moved = (self.own > self.reference) if self.asked.wants_more else (self.own < self.reference)
        return moved and (self.test is None or self.test.is_real)


@dataclass(frozen=True)
class Findings:
    """What a run shows.

    Attributes:
        methods: method -> its measures, as in summary.json.
        seeds: how many were run.
        faces: how many are in the test split; 0 where that is not known.
        is_quick: a quick run, which shows how the parts work and no more.
        references: method -> the method that it is compared with.
        tests: method -> measure -> difference over the seeds; empty where there are too few of them.
        accuracies: method -> mean accuracy, of those that have one.
        changed_accuracy: methods whose accuracy differs beyond chance.
        untrained: methods that have learned little or nothing.
        spaces: the changes of the embedding spaces, of the methods that have learned something.
        asked: method -> what its loss asks for, of those methods; empty for a run without these measures.
    """

    methods: Mapping[str, dict[str, Any]]
    seeds: int
    faces: int
    is_quick: bool
    references: dict[str, str]
    tests: dict[str, dict[str, Comparison]]
    accuracies: dict[str, float]
    changed_accuracy: list[str]
    untrained: list[str]
    spaces: list[SpaceChange]
    asked: dict[str, list[AskedChange]]

    def as_asked(self, split: str) -> list[str]:
        """Methods that have moved everything that their loss asks for to where it pulls it, on faces of a split."""
        return [
            name
            for name, changes in self.asked.items()
            if all(change.is_as_asked for change in changes if change.split == split)
        ]

    def clearly_as_asked(self) -> list[AskedChange]:
        """Of every method that moved all that its loss asks for on test faces the largest of these changes, from a
        tenth of the reference's value on: what may be said before there are seeds for a test."""
        largest = [
            max(
                (change for change in self.asked[name] if change.split == "test"), key=lambda change: abs(change.change)
            )
            for name in self.as_asked("test")
        ]
        return [change for change in largest if abs(change.change) >= CLEAR_CHANGE]

    @property
    def has_tests(self) -> bool:
        """There are enough seeds for a test to decide."""
        return self.seeds >= SEEDS_FOR_A_TEST

    @property
    def has_many_tests(self) -> bool:
        """More than can be read one after the other."""
        return self.has_tests and len(self.references) > FEW_COMPARISONS


def find(run: Run) -> Findings:
    """Compare every method of a run with its reference.

    With one seed no difference of accuracy counts, however large, since seed and method cannot be told apart; with
    three or more, a method differs when the paired t-test over the seeds, corrected for the number of methods (Holm),
    says so. A within/between ratio counts as changed from 10 % of the reference on; with several seeds only if every
    seed agrees, with three or more also only if the corrected test agrees.
    """
    methods = run.summary["methods"]
    seeds = len(run.summary.get("seeds") or [0])
    references = {name: reference for name in methods if (reference := reference_of(name, methods)) is not None}
    tests = comparisons(methods, references) if seeds >= SEEDS_FOR_A_TEST else {}
    accuracies = {
        name: accuracy
        for name, measures in methods.items()
        if (accuracy := _mean(measures.get("accuracy"))) is not None
    }
    changed_accuracy = []
    if len(accuracies) > 1:
        changed_accuracy = [
            name for name in references if (test := tests.get(name, {}).get("accuracy")) is not None and test.is_real
        ]
    untrained = [name for name, measures in methods.items() if _answers_at_chance(measures)]
    spaces = [
        change
        for name, reference in references.items()
        if name not in untrained
        and reference not in untrained
        and (change := _space_change(name, reference, methods, seeds, tests.get(name, {}))) is not None
    ]
    asked = {
        name: changes
        for name, reference in references.items()
        if name not in untrained
        and reference not in untrained
        and (changes := _asked_changes(name, reference, methods, tests.get(name, {})))
    }
    return Findings(
        methods=methods,
        seeds=seeds,
        faces=_test_size(run),
        is_quick=_is_set(run.config, "quick"),
        references=references,
        tests=tests,
        accuracies=accuracies,
        changed_accuracy=changed_accuracy,
        untrained=untrained,
        spaces=spaces,
        asked=asked,
    )


def _asked_changes(
    name: str, reference: str, methods: Mapping[str, dict[str, Any]], tests: Mapping[str, Comparison]
) -> list[AskedChange]:
    """Empty for a method whose loss asks for nothing of its own, and in a run without these measures."""
    changes = []
    for split in ("train", "test"):
        own, other = (measures_of(methods[method], split) for method in (name, reference))
        for asked in asked_by(name):
            values = _mean(own.get(asked.key)), _mean(other.get(asked.key))
            if asked.loss is not None and values[0] is not None and values[1] is not None:
                test = tests.get(f"{split}.{asked.key}")
                changes.append(AskedChange(name, asked, split, *values, test))
    return changes


def _space_change(
    name: str, reference: str, methods: Mapping[str, dict[str, Any]], seeds: int, tests: dict[str, Comparison]
) -> SpaceChange | None:
    """None where one of the two has no within/between ratio."""
    geometries = [methods[method].get("geometry", {}) for method in (name, reference)]
    own, other = (geometry.get("within_between_ratio") for geometry in geometries)
    own_mean, other_mean = _mean(own), _mean(other)
    if own_mean is None or other_mean is None or other_mean <= 0:
        return None
    change = own_mean / other_mean - 1
    by_seed = zip(own.get("values") or [own_mean], other.get("values") or [other_mean], strict=False)
    test = tests.get("within_between_ratio")
    agree = all(np.sign(a / b - 1) == np.sign(change) for a, b in by_seed if b) and (test is None or test.is_real)
    own_silhouette, other_silhouette = (_mean(geometry.get("silhouette")) for geometry in geometries)
    silhouettes, disputed = None, False
    if own_silhouette is not None and other_silhouette is not None:
        silhouettes = own_silhouette, other_silhouette
        # A more compact space has a smaller ratio and a larger silhouette.
        disputed = bool(np.sign(own_silhouette - other_silhouette) == np.sign(change))
    real = {measure: test for measure, test in tests.items() if test.is_real}
    return SpaceChange(
        method=name,
        reference=reference,
        ratios=(own_mean, other_mean),
        silhouettes=silhouettes,
        compactness=_compactness(change, agree, disputed),
        is_certain=seeds < SEEDS_FOR_A_TEST or test is not None,
        ratio_test=test,
        silhouette_test=real.get("silhouette"),
        other_tests={label: real[measure] for measure, label in OTHER_MEASURES.items() if measure in real},
    )


def _compactness(change: float, agree: bool, disputed: bool) -> Compactness:
    if SLIGHT_CHANGE <= abs(change) < CLEAR_CHANGE and agree and not disputed:
        return Compactness.SLIGHT
    if abs(change) < CLEAR_CHANGE or not agree:
        return Compactness.UNCLEAR
    if disputed:
        return Compactness.DISPUTED
    return Compactness.TIGHTER if change < 0 else Compactness.LOOSER


def _answers_at_chance(measures: dict[str, Any]) -> bool:
    balanced, classes = _mean(measures.get("balanced_accuracy")), len(measures.get("confusion") or [])
    return balanced is not None and classes > 1 and balanced < LEARNED / classes


def _test_size(run: Run) -> int:
    rows = run.embeddings
    if not len(rows):
        return 0
    first = rows[(rows["method"] == rows["method"].iloc[0]) & (rows["seed"] == rows["seed"].iloc[0])]
    return len(first)


def _mean(measure: dict[str, Any] | None) -> float | None:
    value = (measure or {}).get("mean")
    return float(value) if value is not None and np.isfinite(value) else None


def _is_set(config: Mapping[str, Any], name: str) -> bool:
    """Whether the flag is true, wherever it stands in the configuration."""
    return any(
        value is True if key == name else isinstance(value, dict) and _is_set(value, name)
        for key, value in config.items()
    )

"""The sentences of the verdict: on accuracy, on what was not learned, on the embedding spaces."""

from __future__ import annotations

import numpy as np

from ferlab.methods import method_label
from ferlab.report.findings import AskedChange, Compactness, Findings, SpaceChange
from ferlab.report.wording import corrected, difference, interval, listed, percent, seeds_counted


def accuracy_sentences(found: Findings) -> list[str]:
    """From where to where accuracy ranges, and what the seeds allow one to say about that."""
    accuracies = found.accuracies
    if len(accuracies) < 2:
        return []
    low, high = (pick(accuracies, key=lambda name: accuracies[name]) for pick in (min, max))
    faces = f" on {found.faces:,} test faces" if found.faces else ""
    if percent(accuracies[low]) == percent(accuracies[high]):
        ranges = f"Accuracy{faces} is {percent(accuracies[low])} for {_all_of(len(accuracies))}."
    else:
        ranges = (
            f"Accuracy{faces} ranges from {percent(accuracies[low])} for {method_label(low)} to "
            f"{percent(accuracies[high])} for {method_label(high)}."
        )
    if found.seeds == 1:
        return [ranges, _of_one_seed(accuracies[high], found.faces)]
    if not found.has_tests:
        return [ranges, "Two seeds show a spread but allow no interval: take three or more to compare accuracies."]
    return [ranges, *(_accuracy_difference(found, name) for name in found.references)]


def _all_of(number: int) -> str:
    return "both methods" if number == 2 else f"all {number} methods"


def _of_one_seed(accuracy: float, faces: int) -> str:
    chance = ""
    if faces:
        points = 196 * np.sqrt(accuracy * (1 - accuracy) / faces)  # half a 95 % interval of a share
        chance = f"the choice of faces alone moves each by about ±{points:.1f} points, and "
    return f"With one seed this ranks nothing: {chance}another seed would move them again."


def _accuracy_difference(found: Findings, name: str) -> str:
    label, reference = method_label(name), method_label(found.references[name])
    test = found.tests.get(name, {}).get("accuracy")
    if test is None:
        return f"{label} and {reference} share too few seeds to tell a difference."
    ending = "a difference" if test.is_real else "no difference that these seeds can tell"
    return (
        f"{label} against {reference}: {100 * test.difference:+.1f} points "
        f"({interval(test, scale=100, digits=1)}, {test.seeds} seeds, {corrected(test)}): {ending}."
    )


def untrained_sentence(untrained: list[str]) -> str:
    """Which methods have learned little or nothing: one or more."""
    return (
        f"{listed(untrained)} {'has' if len(untrained) == 1 else 'have'} learned little or nothing: the recall "
        "averaged over the classes is about what one answer for all faces would give. More epochs are needed "
        "before anything can be compared."
    )


SPLIT_WORDS = {"train": "training faces", "test": "test faces"}


def asked_sentences(found: Findings) -> list[str]:
    """Whether every loss did what it asks for, on the faces that it acts on and on those that it has not seen."""
    return [_asked(found, name) for name in found.asked]


def _asked(found: Findings, name: str) -> str:
    changes = found.asked[name]
    splits = [split for split in SPLIT_WORDS if name in found.as_asked(split)]
    moved = [change for change in changes if change.is_as_asked]
    if len(splits) == len(SPLIT_WORDS):
        did = "does what it asks for, on training and on test faces"
    elif splits:
        did = f"does what it asks for on {SPLIT_WORDS[splits[0]]} alone"
    elif moved:
        did = "does a part of what it asks for"
    elif found.has_tests:
        did = "does nothing of what it asks for that these seeds could tell from chance"
    else:
        did = "does nothing of what it asks for"
    chance = "" if found.has_tests else f" ({seeds_counted(found.seeds)}, so this may be chance)"
    label, reference = method_label(name), method_label(found.references[name])
    numbers = "; ".join(
        f"on {words} {', '.join(_asked_numbers(change) for change in changes if change.split == split)}"
        for split, words in SPLIT_WORDS.items()
    )
    return f"{label} {did}{chance}. Against {reference}, {numbers}."


def _asked_numbers(change: AskedChange) -> str:
    sure = f" ({corrected(change.test)})" if change.test is not None else ""
    return f"{change.asked.words}: {change.own:.3g} against {change.reference:.3g}{sure}"


def space_sentences(change: SpaceChange) -> str:
    """How compact the classes are, and what else in the space is beyond chance."""
    return _compactness(change) + _silhouette(change) + _other_measures(change)


def _compactness(change: SpaceChange) -> str:
    label, numbers = method_label(change.method), _numbers(change)
    match change.compactness:
        case Compactness.SLIGHT:
            word = "a little tighter" if change.ratio_change < 0 else "a little looser"
            sure = (
                "a small difference, and a real one"
                if change.ratio_test is not None
                else "too little to rule out chance"
            )
            return f"{label} has {word} classes ({change.ratio_change:+.0%}), {sure}: {numbers}."
        case Compactness.UNCLEAR:
            return f"{label} shows no clear change in how compact the classes are: {numbers}."
        case Compactness.DISPUTED:
            return f"{label} moved the space, but its measures disagree on where to: {numbers}."
        case Compactness.TIGHTER:
            return f"{label} brought faces of one class closer together, compared with other classes: {numbers}."
        case Compactness.LOOSER:
            return f"{label} let the classes spread: {numbers}."


def _numbers(change: SpaceChange) -> str:
    own, other = change.ratios
    numbers = f"within/between distance ratio {own:.2f} against {other:.2f} for {method_label(change.reference)}"
    if (test := change.ratio_test) is not None:
        numbers += f" (difference {test.difference:+.3f}, {interval(test)}, {corrected(test)})"
    if change.silhouettes is not None:
        own, other = change.silhouettes
        numbers += f", silhouette {own:.2f} against {other:.2f}"
    return numbers


def _silhouette(change: SpaceChange) -> str:
    test = change.silhouette_test
    if test is None:
        return ""
    return (
        f" Its silhouette {'rose' if test.difference > 0 else 'fell'} in a way that is no chance: "
        f"{test.difference:+.3f} ({interval(test)}, {corrected(test)})."
    )


def _other_measures(change: SpaceChange) -> str:
    if not change.other_tests:
        return ""
    measures = [
        f"{label} {difference(test)} ({interval(test)}, {corrected(test)})"
        for label, test in change.other_tests.items()
    ]
    return f" Changed in a way that is no chance: {'; '.join(measures)}."

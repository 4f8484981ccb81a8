"""What the numbers of a run allow one to say, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ferlab.evaluation.significance import LEVEL, Comparison, comparisons
from ferlab.methods import reference_of
from ferlab.palette import method_label
from ferlab.runs.reading import Run

# Changes of the within/between ratio, as shares of the reference's: from the first on one counts as clear, between the
# two it is named but claims nothing.
CLEAR_CHANGE = 0.10
SLIGHT_CHANGE = 0.03
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


@dataclass(frozen=True)
class Verdict:
    """A headline and the sentences that carry it.

    Attributes:
        headline: the whole in one sentence.
        sentences: one for every comparison, and what else must be said.
        short: two or three that sum them up, for many comparisons; empty where `sentences` are few.
    """

    headline: str
    sentences: list[str]
    short: list[str] = field(default_factory=list)


def verdict(run: Run) -> Verdict:
    """Say what a run shows, and no more.

    Accuracy: with one seed no difference is claimed, however large, since seed and method cannot be told apart; with
    three or more, a method differs when the paired t-test over the seeds, corrected for the number of methods (Holm),
    says so. Geometry: a within/between ratio counts as changed from 10 % of the reference on; with several seeds only
    if every seed agrees, with three or more also only if the corrected test agrees; then other measures that this test
    finds changed are named too (corrected for the methods within each measure, not for the number of
    measures). `ad-corre` is compared with
    `ce-heads`, the same network without its terms, where that was run.
    """
    methods = run.summary["methods"]
    seeds = len(run.summary.get("seeds") or [0])
    pairs = [(name, reference) for name in methods if (reference := reference_of(name, methods)) is not None]
    compared = comparisons(methods, dict(pairs))
    sentences, changed_accuracy, tighter, looser, clearer = [], [], [], [], []
    elsewhere: dict[str, list[str]] = {}  # method -> what else changed in its space

    accuracy = {name: of["accuracy"] for name, of in methods.items() if _mean(of.get("accuracy")) is not None}
    if len(accuracy) > 1:
        low, high = (pick(accuracy, key=lambda name: accuracy[name]["mean"]) for pick in (min, max))
        size = _test_size(run)
        faces = f" on {size:,} test faces" if size else ""
        sentences.append(
            f"Accuracy{faces} ranges from {_percent(accuracy[low])} for {method_label(low)} to "
            f"{_percent(accuracy[high])} for {method_label(high)}."
        )
        if seeds == 1:
            p = accuracy[high]["mean"]
            chance = (
                f"the choice of faces alone moves each by about ±{196 * np.sqrt(p * (1 - p) / size):.1f} points, and "
                if size
                else ""
            )
            sentences.append(f"With one seed this ranks nothing: {chance}another seed would move them again.")
        elif seeds == 2:
            sentences.append("Two seeds show a spread but allow no interval: take three or more to compare accuracies.")
        else:
            for name, reference in pairs:
                found = compared.get(name, {}).get("accuracy")
                if found is None:
                    sentences.append(
                        f"{method_label(name)} and {method_label(reference)} share too few seeds to tell a difference."
                    )
                    continue
                text = (
                    f"{method_label(name)} against {method_label(reference)}: {100 * found.difference:+.1f} points "
                    f"({_interval(found, 100, 1)}, {found.seeds} seeds, {_p(found)} corrected)"
                )
                if found.is_real:
                    changed_accuracy.append(name)
                    sentences.append(f"{text}: a difference.")
                else:
                    sentences.append(f"{text}: no difference that these seeds can tell.")

    untrained = [name for name, of in methods.items() if _answers_at_chance(of)]
    if untrained:
        sentences.append(
            f"{_list(untrained)} {'has' if len(untrained) == 1 else 'have'} learned little or nothing: the recall "
            "averaged over the classes is about what one answer for all faces would give. More epochs are needed "
            "before anything can be compared."
        )
    for name, reference in pairs:
        if name in untrained or reference in untrained:
            continue
        found = compared.get(name, {}).get("within_between_ratio") if seeds > 2 else None
        text, direction = _geometry(name, reference, methods, found)
        if seeds > 2 and found is None:
            direction = ""
        apart = compared.get(name, {}).get("silhouette") if seeds > 2 else None
        if text and apart is not None and apart.is_real:
            text += (
                f" Its silhouette {'rose' if apart.difference > 0 else 'fell'} in a way that is no chance: "
                f"{apart.difference:+.3f} ({_interval(apart, 1, 3)}, {_p(apart)} corrected)."
            )
            if apart.difference > 0 and not direction:
                clearer.append(name)
        others = {
            label: of
            for measure, label in OTHER_MEASURES.items()
            if seeds > 2 and (of := compared.get(name, {}).get(measure)) is not None and of.is_real
        }
        if text and others:
            elsewhere[name] = [f"{label} {_change(of)}" for label, of in others.items()]
            text += (
                " Changed in a way that is no chance: "
                + "; ".join(
                    f"{label} {_change(of)} ({_interval(of, 1, 3)}, {_p(of)} corrected)" for label, of in others.items()
                )
                + "."
            )
        if text:
            sentences.append(text)
        if direction == "tighter":
            tighter.append(name)
        elif direction == "looser":
            looser.append(name)

    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    moved = tighter + looser
    if untrained and len(untrained) == len(methods):
        headline = "The networks have not learned the classes yet: train for longer."
    elif not pairs:
        headline = "Only references were run: there is nothing to compare yet."
    elif moved and changed_accuracy:
        headline = f"{_list(moved)} reshaped the space, and {_list(changed_accuracy)} changed accuracy."
    elif moved:
        effect = "reshaped the space"
        if not looser:
            effect = "pulled the classes together"
        elif not tighter:
            effect = "loosened the classes"
        rest = f"on accuracy, {count} show no difference"
        if seeds < 3:
            rest = f"whether accuracy changed, {count} cannot tell"
        headline = f"{_list(moved)} {effect}; {rest}."
    elif clearer and not changed_accuracy:
        who = "Every metric loss" if len(clearer) == len(pairs) > 1 else _list(clearer)
        headline = f"{who} set the classes apart a little more (silhouette); on accuracy, {count} show no difference."
    elif changed_accuracy:
        headline = f"{_list(changed_accuracy)} changed accuracy; how compact the classes are did not change clearly."
    elif elsewhere:
        headline = (
            f"{_list(list(elsewhere))} changed single measures of the space; {count} show no clear change of "
            "within/between and no difference on accuracy."
        )
    else:
        headline = f"No clear change: neither how compact the classes are nor, as far as {count} can tell, accuracy."
    if _flag(run.config, "quick"):
        sentences.append(
            "This was a quick run: few faces, few epochs. It shows how the parts work together, not how well the "
            "methods do."
        )
    short = []
    if seeds > 2 and len(pairs) > 2:
        ranges = [
            _range(compared, "accuracy", "accuracy", 100, " points", 1),
            _range(compared, "within_between_ratio", "within/between distance ratio", 1, "", 3),
        ]
        single = [f"{method_label(name)} ({', '.join(changes)})" for name, changes in elsewhere.items()]
        found = f"Beyond chance in single measures of the space: {'; '.join(single)}." if single else ""
        short = [sentence for sentence in (sentences[0], *ranges, found) if sentence]
    return Verdict(headline, sentences, short)


def _range(
    compared: dict[str, dict[str, Comparison]], measure: str, label: str, factor: float, unit: str, digits: int
) -> str:
    """The smallest and the largest difference in a measure with their intervals, and how many are beyond chance."""
    found = {name: of[measure] for name, of in compared.items() if measure in of}
    if len(found) < 2:
        return ""
    low, high = (pick(found, key=lambda name: found[name].difference) for pick in (min, max))
    ends = [
        f"{factor * found[name].difference:+.{digits}f}{unit} ({method_label(name)}, "
        f"{_interval(found[name], factor, digits)})"
        for name in (low, high)
    ]
    real = sum(of.is_real for of in found.values())
    beyond = "none of them is" if not real else f"{real} of {len(found)} {'is' if real == 1 else 'are'}"
    return (
        f"Against the same network without the loss, {label} differs by {ends[0]} to {ends[1]}; {beyond} beyond chance "
        "after correction for the number of methods (the intervals are not corrected)."
    )


def _change(found: Comparison) -> str:
    """Signed, with three significant digits."""
    return f"{found.difference:+.3g}"


def _geometry(name: str, reference: str, methods: dict, found: Comparison | None) -> tuple[str, str]:
    """A sentence on what happened to the space, and "tighter", "looser" or nothing."""
    own, other = (methods[m].get("geometry", {}).get("within_between_ratio") for m in (name, reference))
    a, b = _mean(own), _mean(other)
    if a is None or b is None or b <= 0:
        return "", ""
    change = a / b - 1
    each = [x / y - 1 for x, y in zip(own.get("values") or [a], other.get("values") or [b], strict=False) if y]
    agree = all(np.sign(value) == np.sign(change) for value in each) and (found is None or found.is_real)
    numbers = f"within/between distance ratio {a:.2f} against {b:.2f} for {method_label(reference)}"
    if found is not None:
        numbers += f" (difference {found.difference:+.3f}, {_interval(found, 1, 3)}, {_p(found)} corrected)"
    silhouettes = [_mean(methods[m].get("geometry", {}).get("silhouette")) for m in (name, reference)]
    contradiction = False
    if None not in silhouettes:
        numbers += f", silhouette {silhouettes[0]:.2f} against {silhouettes[1]:.2f}"
        contradiction = np.sign(silhouettes[0] - silhouettes[1]) == np.sign(change)
    if SLIGHT_CHANGE <= abs(change) < CLEAR_CHANGE and agree and not contradiction:
        word = "a little tighter" if change < 0 else "a little looser"
        sure = "a small difference, and a real one" if found is not None else "too little to rule out chance"
        return f"{method_label(name)} has {word} classes ({change:+.0%}), {sure}: {numbers}.", ""
    if abs(change) < CLEAR_CHANGE or not agree:
        return f"{method_label(name)} shows no clear change in how compact the classes are: {numbers}.", ""
    if contradiction:
        return f"{method_label(name)} moved the space, but its measures disagree on where to: {numbers}.", ""
    if change < 0:
        return (
            f"{method_label(name)} brought faces of one class closer together, compared with other classes: {numbers}.",
            "tighter",
        )
    return f"{method_label(name)} let the classes spread: {numbers}.", "looser"


def _interval(found: Comparison, scale: float, digits: int) -> str:
    return f"{100 * LEVEL:.0f} % interval {scale * found.low:+.{digits}f} to {scale * found.high:+.{digits}f}"


def _p(found: Comparison) -> str:
    return "p below 0.001" if found.p_corrected < 0.001 else f"p = {found.p_corrected:.3f}"


def _answers_at_chance(of: dict) -> bool:
    balanced, classes = _mean(of.get("balanced_accuracy")), len(of.get("confusion") or [])
    return balanced is not None and classes > 1 and balanced < 1.3 / classes


def _test_size(run: Run) -> int:
    rows = run.embeddings
    if not len(rows):
        return 0
    first = rows[(rows["method"] == rows["method"].iloc[0]) & (rows["seed"] == rows["seed"].iloc[0])]
    return len(first)


def _mean(of: dict | None) -> float | None:
    value = (of or {}).get("mean")
    return float(value) if value is not None and np.isfinite(value) else None


def _percent(of: dict) -> str:
    return f"{100 * of['mean']:.1f} %"


def _list(names: list[str]) -> str:
    labels = [method_label(name) for name in names]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _flag(config: dict, name: str) -> bool:
    return any(
        value is True if key == name else isinstance(value, dict) and _flag(value, name)
        for key, value in config.items()
    )

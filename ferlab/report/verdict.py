"""What the numbers of a run allow one to say, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferlab.figures.palette import method_label
from ferlab.report.run_folder import Run

# Changes of the within/between ratio, as shares of the reference's: from the first on one counts as clear, between the
# two it is named but claims nothing.
CLEAR_CHANGE = 0.10
SLIGHT_CHANGE = 0.03

# The 97.5 % quantiles of Student's t for 2..9 degrees of freedom; beyond that 2.2 is on the careful side.
_T = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


@dataclass(frozen=True)
class Verdict:
    """A headline and the sentences that carry it."""

    headline: str
    sentences: list[str]


def verdict(run: Run) -> Verdict:
    """Say what a run shows, and no more.

    Accuracy: with one seed no difference is claimed, however large, since seed and method cannot be told apart; with
    three or more, a method differs when the 95 % interval of its paired difference over the seeds (Student's t)
    leaves out zero. Geometry: a within/between ratio counts as changed from 10 % of the reference on; with several
    seeds only if every seed agrees. `ad-corre` is compared with `ce-heads`, the same network without its terms, where
    that was run.
    """
    methods = run.summary["methods"]
    seeds = len(run.summary.get("seeds") or [0])
    pairs = [(name, reference) for name in methods if (reference := reference_of(name, methods)) is not None]
    sentences, changed_accuracy, tighter, looser = [], [], [], []

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
                mean, half = _paired_interval(accuracy.get(name), accuracy.get(reference))
                if mean is None:
                    continue
                text = (
                    f"{method_label(name)} against {method_label(reference)}: {100 * mean:+.1f} points "
                    f"(95 % interval {100 * (mean - half):+.1f} to {100 * (mean + half):+.1f}, {seeds} seeds)"
                )
                if abs(mean) > half:
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
        text, direction = _geometry(name, reference, methods)
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
    elif changed_accuracy:
        headline = f"{_list(changed_accuracy)} changed accuracy; the spaces kept their shape."
    else:
        headline = f"No clear change: neither the shape of the spaces nor, as far as {count} can tell, accuracy."
    if _flag(run.config, "quick"):
        sentences.append(
            "This was a quick run: few faces, few epochs. It shows how the parts work together, not how well the "
            "methods do."
        )
    return Verdict(headline, sentences)


def reference_of(name: str, methods) -> str | None:
    """The method that `name` is compared with: `ce-heads` for `ad-corre` where it was run, else `ce`; None for
    a reference.

    >>> reference_of("ad-corre", ["ce", "ce-heads", "ad-corre"]), reference_of("ad-corre", ["ce", "ad-corre"])
    ('ce-heads', 'ce')
    >>> reference_of("ce", ["ce", "ad-corre"])
    """
    if name in ("ce", "ce-heads"):
        return None
    if name == "ad-corre" and "ce-heads" in methods:
        return "ce-heads"
    return "ce" if "ce" in methods else None


def _geometry(name: str, reference: str, methods: dict) -> tuple[str, str]:
    own, other = (methods[m].get("geometry", {}).get("within_between_ratio") for m in (name, reference))
    a, b = _mean(own), _mean(other)
    if a is None or b is None or b <= 0:
        return "", ""
    change = a / b - 1
    each = [x / y - 1 for x, y in zip(own.get("values") or [a], other.get("values") or [b], strict=False) if y]
    agree = all(np.sign(value) == np.sign(change) for value in each)
    numbers = f"within/between distance ratio {a:.2f} against {b:.2f} for {method_label(reference)}"
    silhouettes = [_mean(methods[m].get("geometry", {}).get("silhouette")) for m in (name, reference)]
    contradiction = False
    if None not in silhouettes:
        numbers += f", silhouette {silhouettes[0]:.2f} against {silhouettes[1]:.2f}"
        contradiction = np.sign(silhouettes[0] - silhouettes[1]) == np.sign(change)
    if SLIGHT_CHANGE <= abs(change) < CLEAR_CHANGE and agree and not contradiction:
        word = "a little tighter" if change < 0 else "a little looser"
        return (
            f"{method_label(name)} has {word} classes ({change:+.0%}), too little to rule out chance: {numbers}.",
            "",
        )
    if abs(change) < CLEAR_CHANGE or not agree:
        return f"{method_label(name)} left the classes about as compact as they were: {numbers}.", ""
    if contradiction:
        return f"{method_label(name)} moved the space, but its measures disagree on where to: {numbers}.", ""
    if change < 0:
        return (
            f"{method_label(name)} brought faces of one class closer together, compared with other classes: {numbers}.",
            "tighter",
        )
    return f"{method_label(name)} let the classes spread: {numbers}.", "looser"


def _answers_at_chance(of: dict) -> bool:
    balanced, classes = _mean(of.get("balanced_accuracy")), len(of.get("confusion") or [])
    return balanced is not None and classes > 1 and balanced < 1.3 / classes


def _paired_interval(own: dict | None, other: dict | None) -> tuple[float | None, float]:
    a, b = ((of or {}).get("values") or [] for of in (own, other))
    if len(a) != len(b) or len(a) < 3:
        return None, 0.0
    difference = np.subtract(a, b)
    return float(difference.mean()), float(_T.get(len(a) - 1, 2.2) * difference.std(ddof=1) / np.sqrt(len(a)))


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

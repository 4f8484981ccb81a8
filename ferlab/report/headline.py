"""What is said on top of the verdict: one sentence, and two or three that sum up many comparisons."""

from __future__ import annotations

from ferlab.methods import method_label, without_strength
from ferlab.report.findings import FEW_COMPARISONS, AskedChange, Compactness, Findings
from ferlab.report.wording import difference, interval, listed, listed_by_loss, seeds_counted


def headline(found: Findings) -> str:
    """The whole in one sentence, with the strongest finding in it."""
    count = seeds_counted(found.seeds)
    moved = [change for change in found.spaces if change.direction is not None]
    did = found.as_asked("test") if found.has_tests else []
    seems = [] if found.has_tests else found.clearly_as_asked()
    clearer = [change.method for change in found.spaces if change.is_clearer]
    elsewhere = [change.method for change in found.spaces if change.other_tests]
    if found.untrained and len(found.untrained) == len(found.methods):
        return "The networks have not learned the classes yet: train for longer."
    if not found.references:
        return "Only references were run: there is nothing to compare yet."
    if did:
        return _did_as_asked(found, did)
    if seems:
        return _moved_as_asked(found, seems)
    if moved:
        return _moved_spaces(found)
    if found.changed_accuracy:
        return f"{listed(found.changed_accuracy)} changed accuracy; how compact the classes are did not change clearly."
    if clearer:
        who = "Every metric loss" if len(clearer) == len(found.references) > 1 else listed(clearer)
        return f"{who} set the classes apart a little more (silhouette); on accuracy, {count} show no difference."
    if elsewhere:
        return (
            f"{listed(elsewhere)} changed single measures of the space; {count} show no clear change of "
            "within/between and no difference on accuracy."
        )
    return f"No clear change: neither how compact the classes are nor, as far as {count} can tell, accuracy."


MOST_NAMED = 4


def _did_as_asked(found: Findings, did: list[str]) -> str:
    """Which losses did what they ask for on faces that they have not seen, and what it cost."""
    losses = {without_strength(name) for name in did}
    many = len(losses) > MOST_NAMED
    who = f"{len(did)} of {len(found.asked)} methods" if many else listed_by_loss(did)
    if many and len(losses) == len({without_strength(name) for name in found.asked}) < len(found.asked):
        who = f"All {len(losses)} losses, at {len(did)} of their {len(found.asked)} strengths,"
    does = f"{who} {'does' if len(did) == 1 else 'do'} what {'it asks' if len(did) == 1 else 'they ask'} for"
    costs = {name: 100 * found.tests[name]["accuracy"].difference for name in did if name in found.changed_accuracy}
    if not costs:
        return f"{does}, on test faces too; on accuracy, {seeds_counted(found.seeds)} show no difference."
    if len(costs) > MOST_NAMED:
        ends = f"{min(costs.values()):+.1f} to {max(costs.values()):+.1f}"
        return f"{does}, on test faces too; the accuracy of {len(costs)} of them changed, by {ends} points."
    told = " and ".join(f"that of {method_label(name)} by {cost:+.1f} points" for name, cost in costs.items())
    others = f"; on that of the others, {seeds_counted(found.seeds)} show no difference" if many else ""
    return f"{does}, on test faces too; accuracy changed: {told}{others}."


def _moved_as_asked(found: Findings, seems: list[AskedChange]) -> str:
    """What the losses moved of what they ask for, where there are too few seeds for a test, and what may be chance."""
    names = [change.method for change in seems]
    many = len({without_strength(name) for name in names}) > MOST_NAMED
    who = f"{len(names)} of {len(found.asked)} methods" if many else listed_by_loss(names)
    numbers = [f"{change.asked.words}: {change.own:.2f} against {change.reference:.2f}" for change in seems]
    told = f" ({'; '.join(numbers)})" if len(seems) <= FEW_COMPARISONS else ""
    moves, losses = ("moves", "its loss asks") if len(names) == 1 else ("move", "their losses ask")
    return (
        f"{who} {moves} the space as {losses}, on test faces too{told}; what that does to accuracy, "
        f"{seeds_counted(found.seeds)} cannot tell."
    )


def _moved_spaces(found: Findings) -> str:
    """Of spaces that clearly changed: the tighter ones first, and what that means for accuracy."""
    tighter = [change.method for change in found.spaces if change.direction is Compactness.TIGHTER]
    looser = [change.method for change in found.spaces if change.direction is Compactness.LOOSER]
    who = listed(tighter + looser)
    if found.changed_accuracy:
        return f"{who} reshaped the space, and {listed(found.changed_accuracy)} changed accuracy."
    effect = "reshaped the space"
    if not looser:
        effect = "pulled the classes together"
    elif not tighter:
        effect = "loosened the classes"
    count = seeds_counted(found.seeds)
    if found.has_tests:
        return f"{who} {effect}; on accuracy, {count} show no difference."
    return f"{who} {effect}; whether accuracy changed, {count} cannot tell."


def summary_sentences(found: Findings) -> list[str]:
    """What sums up many tests: how far accuracy and within/between differ, and what else changed."""
    ranges = [
        _range(found, "accuracy", "accuracy", scale=100, unit=" points", digits=1),
        _range(found, "within_between_ratio", "within/between distance ratio"),
    ]
    single = [
        f"{method_label(change.method)} "
        f"({', '.join(f'{label} {difference(test)}' for label, test in change.other_tests.items())})"
        for change in found.spaces
        if change.other_tests
    ]
    beyond = f"Beyond chance in single measures of the space: {'; '.join(single)}." if single else ""
    if len(single) > MOST_NAMED:  # nobody reads so many numbers in a sentence
        beyond = (
            f"{len(single)} methods changed single measures of the space beyond chance: see all comparisons in words."
        )
    return [sentence for sentence in (*ranges, beyond) if sentence]


def _range(found: Findings, measure: str, label: str, scale: float = 1, unit: str = "", digits: int = 3) -> str:
    """The smallest and the largest difference in a measure with their intervals, and how many are beyond chance."""
    tests = {name: by_measure[measure] for name, by_measure in found.tests.items() if measure in by_measure}
    if len(tests) < 2:
        return ""
    low, high = (pick(tests, key=lambda name: tests[name].difference) for pick in (min, max))
    ends = [
        f"{scale * tests[name].difference:+.{digits}f}{unit} ({method_label(name)}, "
        f"{interval(tests[name], scale, digits)})"
        for name in (low, high)
    ]
    real = sum(test.is_real for test in tests.values())
    beyond = "none of them is" if not real else f"{real} of {len(tests)} {'is' if real == 1 else 'are'}"
    return (
        f"Against the same network without the loss, {label} differs by {ends[0]} to {ends[1]}; {beyond} beyond chance "
        "after correction for the number of methods (the intervals are not corrected)."
    )

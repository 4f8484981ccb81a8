"""What a run shows is told from chance before a word is said about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ferlab.report import verdict
from ferlab.report.findings import Compactness, Findings, find
from ferlab.runs import Run, read_run


@pytest.fixture
def run(run_dir) -> Run:
    return read_run(run_dir)


def found(run: Run, ratios: list[float], silhouettes: list[float], accuracies: list[float] | None = None) -> Findings:
    """`tcl-nearest` has these values over the seeds; `ce` has ratio 0.4, silhouette 0.3 and accuracy 0.8, nearly."""
    seeds = len(ratios)
    noise = 0.001 * np.arange(seeds)

    def scores(ratio: Any, silhouette: Any, accuracy: Any) -> dict[str, Any]:
        return {
            "accuracy": spread(accuracy),
            "geometry": {"within_between_ratio": spread(ratio), "silhouette": spread(silhouette)},
        }

    methods = {
        "ce": scores(0.4 + noise, 0.3 + noise, 0.8 + noise),
        "tcl-nearest": scores(ratios, silhouettes, accuracies or list(0.8 - noise)),
    }
    return find(replace(run, summary={"seeds": list(range(seeds)), "methods": methods}))


def spread(values: Any) -> dict[str, Any]:
    return {"mean": float(np.mean(values)), "std": 0.0, "values": [float(value) for value in values]}


@pytest.mark.parametrize(
    ("ratio", "silhouette", "compactness"),
    [
        (0.30, 0.40, Compactness.TIGHTER),
        (0.50, 0.20, Compactness.LOOSER),
        (0.38, 0.31, Compactness.SLIGHT),
        (0.395, 0.31, Compactness.UNCLEAR),
        (0.30, 0.20, Compactness.DISPUTED),  # more compact by the ratio, less so by the silhouette
        (0.38, 0.29, Compactness.UNCLEAR),
    ],
)
def test_compactness_goes_by_the_size_of_the_change_and_needs_agreeing_measures(run, ratio, silhouette, compactness):
    (change,) = found(run, [ratio], [silhouette]).spaces
    assert change.compactness is compactness
    assert (change.direction is not None) == (compactness in (Compactness.TIGHTER, Compactness.LOOSER))


def test_seeds_must_agree_and_the_test_too(run):
    assert found(run, [0.2, 0.45], [0.3, 0.3]).spaces[0].compactness is Compactness.UNCLEAR
    assert found(run, [0.2, 0.3], [0.4, 0.4]).spaces[0].compactness is Compactness.TIGHTER
    steady = found(run, [0.30, 0.302, 0.301], [0.40, 0.41, 0.405]).spaces[0]
    assert steady.direction is Compactness.TIGHTER and steady.ratio_test.is_real and steady.is_clearer is False
    scattered = found(run, [0.10, 0.39, 0.37], [0.4, 0.5, 0.6]).spaces[0]
    assert scattered.compactness is Compactness.UNCLEAR and not scattered.ratio_test.is_real


def test_a_silhouette_beyond_chance_counts_where_the_ratio_does_not(run):
    change = found(run, [0.4, 0.402, 0.401], [0.35, 0.352, 0.353]).spaces[0]
    assert change.direction is None and change.is_clearer


def test_accuracy_counts_from_three_seeds_on(run):
    apart = [0.9, 0.902, 0.901]
    assert found(run, [0.4] * 3, [0.3] * 3, apart).changed_accuracy == ["tcl-nearest"]
    assert found(run, [0.4] * 2, [0.3] * 2, apart[:2]).changed_accuracy == []
    assert found(run, [0.4], [0.3], apart[:1]).tests == {}


def test_without_a_test_over_enough_seeds_nothing_is_said_on_top(run):
    """Three seeds were run, but the method has finished one of them."""
    result = found(run, [0.3] * 3, [0.4] * 3)
    methods = {name: dict(scores) for name, scores in result.methods.items()}
    methods["tcl-nearest"]["geometry"] = {"within_between_ratio": spread([0.3])}
    (change,) = find(replace(run, summary={"seeds": [0, 1, 2], "methods": methods})).spaces
    assert change.compactness is Compactness.TIGHTER and change.direction is None


def asked(run: Run, train: list[float], test: list[float]) -> Run:
    """`tcl-nearest` has these shares of open hinges over the seeds, `ce` .5 nearly; its margins follow them."""
    noise = 0.001 * np.arange(len(test))

    def scores(train_open: Any, test_open: Any) -> dict[str, Any]:
        splits = {"train": np.asarray(train_open), "test": np.asarray(test_open)}
        measures = {
            split: {"open_hinges": spread(values), "mean_margin": spread(values - 1)}
            for split, values in splits.items()
        }
        return {"accuracy": spread(0.8 + noise), "measures": measures}

    methods = {"ce": scores(0.5 + noise, 0.5 + noise), "tcl-nearest": scores(train, test)}
    return replace(run, summary={"seeds": list(range(len(test))), "methods": methods})


@pytest.mark.parametrize(
    ("train", "test", "splits", "says"),
    [
        ([0.1, 0.102, 0.1], [0.3, 0.302, 0.301], ["train", "test"], "does what it asks for, on training and on test"),
        ([0.1, 0.102, 0.1], [0.2, 0.9, 0.4], ["train"], "does what it asks for on training faces alone"),
        (
            [0.2, 0.9, 0.4],
            [0.2, 0.9, 0.4],
            [],
            "does nothing of what it asks for that these seeds could tell from chance",
        ),
        ([0.7, 0.702, 0.7], [0.6, 0.602, 0.6], [], "does nothing of what it asks for"),
        ([0.1], [0.3], ["train", "test"], "one seed, so this may be chance"),
    ],
)
def test_a_loss_did_what_it_asks_for_where_all_its_measures_moved_beyond_chance(run, train, test, splits, says):
    shown = asked(run, train, test)
    findings = find(shown)
    assert [split for split in ("train", "test") if "tcl-nearest" in findings.as_asked(split)] == splits
    said = verdict(shown)
    assert says in said.sentences[0], "it comes first"
    assert ("does what it asks for" in said.headline) == (len(test) > 1 and "test" in splits)


@pytest.mark.parametrize(("test", "told"), [([0.3], True), ([0.47], False), ([0.6], False), ([0.3, 0.31], True)])
def test_with_too_few_seeds_for_a_test_a_clear_move_is_named_and_called_what_it_is(run, test, told):
    headline = verdict(asked(run, test, test)).headline
    assert ("CE + TCL (nearest) moves the space as its loss asks, on test faces too (" in headline) == told
    assert ("cannot tell" in headline) or not told


def test_strengths_of_one_loss_are_named_together(run):
    shown = asked(run, [0.1, 0.102, 0.1], [0.3, 0.302, 0.301])
    methods = shown.summary["methods"]
    methods |= {f"tcl-nearest@{strength}": methods["tcl-nearest"] for strength in (0.5, 2)}
    assert verdict(shown).headline.startswith("CE + TCL (nearest) at strengths 4, 0.5 and 2 do what they ask for")


def test_of_many_losses_the_strengths_are_counted(run):
    shown = asked(run, [0.1, 0.102, 0.1], [0.3, 0.302, 0.301])
    methods = shown.summary["methods"]
    others = [f"tcl-{kind}" for kind in ("fully-synthesized", "semi-synthesized", "predicted")]
    methods |= {name: methods["tcl-nearest"] for name in [*others, "tcl-nearest+pixel", "tcl-predicted@16"]}
    said = verdict(shown)
    assert said.headline.startswith("All 5 losses, at 6 of their 6 strengths, do what they ask for, on test faces too;")
    assert not any("effective rank" in sentence for sentence in said.short), "no wall of numbers on top"


def test_without_these_measures_nothing_is_said_of_them(run):
    assert found(run, [0.3] * 3, [0.4] * 3).asked == {}

"""The dose-response of a run, from a summary whose numbers are known."""

from __future__ import annotations

import pytest

from ferlab.runs.doses import dose_responses, recorded_responses, response
from ferlab.runs.summary import spread


def scores(balanced: list[float], ratio: list[float]) -> dict:
    own = {"balanced_accuracy": spread(balanced), "within_between_ratio": spread(ratio)}
    return {"balanced_accuracy": spread(balanced), "measures": {"train": own, "test": own}}


METHODS = {
    "ce": scores([0.80, 0.82], [0.40, 0.42]),
    "tcl-nearest@6": scores([0.30, 0.32], [0.50, 0.52]),
    "tcl-nearest@0.5": scores([0.79, 0.81], [0.35, 0.37]),
    "tcl-nearest@2": scores([0.78, 0.80], [0.30, 0.32]),
    "tcl-nearest@8": scores([0.10, 0.12], [0.60, 0.62]),
    "tcl-nearest": scores([0.81, 0.83], [0.41, 0.43]),  # as strong as the table says
    "ad-corre@1": scores([0.80, 0.80], [0.40, 0.40]),
}


def test_strengths_are_in_order_and_begin_with_the_control():
    found = dose_responses(METHODS)
    assert list(found) == ["tcl-nearest"]  # of ad-corre there is one strength, and no curve
    doses = found["tcl-nearest"]
    assert [dose.strength for dose in doses.doses] == [0, 0.5, 2, 4, 6, 8]
    assert doses.doses[0].method == doses.control == "ce"
    assert doses.breaks_at == 6  # the first below half of the control's balanced accuracy


def test_a_strength_that_lost_its_network_is_where_it_breaks():
    lost = {"tcl-nearest@5": [1], "ad-corre@64": [0]}
    assert dose_responses(METHODS, lost)["tcl-nearest"].breaks_at == 5
    assert [dose.strength for dose in dose_responses(METHODS, lost)["tcl-nearest"].doses] == [0, 0.5, 2, 4, 6, 8]
    assert recorded_responses(METHODS, {"tcl-nearest@64": [0]})["tcl-nearest"]["breaks_at"] == 6


def test_a_measure_over_the_strengths_has_intervals():
    points = response(METHODS, dose_responses(METHODS)["tcl-nearest"], "test", "within_between_ratio")
    assert [point.mean for point in points] == pytest.approx([0.41, 0.36, 0.31, 0.42, 0.51, 0.61])
    # Student's t with one degree of freedom, 12.706, times .01, the standard error of two values .02 apart
    assert points[0].high - points[0].mean == pytest.approx(0.12706, rel=1e-4)


def test_one_seed_has_no_interval():
    one = {name: scores([0.8], [0.4]) for name in METHODS}
    points = response(one, dose_responses(one)["tcl-nearest"], "train", "within_between_ratio")
    assert {(point.low, point.high) for point in points} == {(None, None)}


def test_the_record_holds_every_measure_of_both_splits():
    record = recorded_responses(METHODS)["tcl-nearest"]
    assert record["control"] == "ce" and record["breaks_at"] == 6
    assert record["strengths"] == [0, 0.5, 2, 4, 6, 8] and record["default"] == 4
    assert record["methods"][:4] == ["ce", "tcl-nearest@0.5", "tcl-nearest@2", "tcl-nearest"]
    assert {split: set(measures) for split, measures in record["measures"].items()} == dict.fromkeys(
        ("train", "test"), {"balanced_accuracy", "within_between_ratio"}
    )


@pytest.mark.parametrize("missing", ["ce", "tcl-nearest@6"])
def test_without_the_control_or_strengths_there_is_no_curve(missing):
    kept = {name: value for name, value in METHODS.items() if name != missing}
    if missing != "ce":
        kept = {name: value for name, value in kept.items() if name in ("ce", "tcl-nearest")}
    assert dose_responses(kept) == {}


def test_a_run_of_an_earlier_version_has_no_measures():
    older = {name: {"balanced_accuracy": value["balanced_accuracy"]} for name, value in METHODS.items()}
    assert recorded_responses(older)["tcl-nearest"]["measures"] == {"train": {}, "test": {}}

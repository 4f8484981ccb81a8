"""The rows of the report's tables are the numbers of the summary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_run import change_summary, write_fake_run

from ferlab.report.evidence import (
    Slice,
    confusions,
    difference_rows,
    recall_rows,
    row_shares,
    score_rows,
    settings_groups,
    slice_groups,
)
from ferlab.report.measures import MEASURES
from ferlab.runs import Run, read_run

CLASSES = 7


@pytest.fixture
def run(run_dir) -> Run:
    return read_run(run_dir)


def with_scores(run: Run, **scores: dict[str, Any]) -> Run:
    """The run with other scores for some methods: `ce={"class_recall": ...}`."""
    methods = {name: {**old, **scores.get(name, {})} for name, old in run.summary["methods"].items()}
    return replace(run, summary={**run.summary, "methods": methods})


def test_scores_have_a_change_against_cross_entropy_and_a_spread_over_seeds(run, tmp_path, faces):
    rows = score_rows(run)
    accuracy = {name: scores["accuracy"]["mean"] for name, scores in run.summary["methods"].items()}
    assert [len(row) for row in rows.values()] == [len(MEASURES)] * 4
    assert rows["ce"][0].change is None and rows["ce"][0].std is None, "one seed has no spread"
    assert rows["ad-corre"][0].change == pytest.approx(accuracy["ad-corre"] - accuracy["ce"])

    several = write_fake_run(tmp_path / "run", faces, seeds=(0, 1))
    change_summary(several, lambda summary: summary["methods"]["ce"]["accuracy"].update(low=0.7, high=0.9))
    change_summary(several, lambda summary: summary["methods"]["ad-corre"].pop("geometry"))
    rows = score_rows(read_run(several))
    assert rows["ce"][0].std > 0 and rows["ce"][0].interval == (0.7, 0.9)
    assert rows["ad-corre"][0].interval is None
    assert rows["ad-corre"][3:] == [None] * 4, "without a geometry none of its measures"


def test_differences_are_those_of_the_summary(run):
    found = {
        "reference": "ce", "seeds": 3, "difference": 0.03, "low": 0.01, "high": 0.05, "p": 0.004, "p_corrected": 0.012,
    }  # fmt: skip
    tested = replace(run, summary={**run.summary, "comparisons": {"tcl-nearest": {"accuracy": found}}})
    difference = difference_rows(tested)["tcl-nearest"]["accuracy"]
    assert difference.difference == 0.03 and difference.is_real
    assert difference_rows(run) == {}


def test_recalls_stand_under_their_classes_also_where_a_method_lacks_one(run):
    changed = with_scores(
        run,
        ce={"class_recall": {"fear": {"mean": 0.5}, "anger": {"mean": 0.8}}},
        **{"ad-corre": {"class_recall": {"anger": {"mean": 0.7}}}},
    )
    assert recall_rows(changed) == (["fear", "anger"], {"ce": [0.5, 0.8], "ad-corre": [None, 0.7]})
    assert recall_rows(run) == ([], {})


def test_slices_are_grouped_by_kind(run):
    def parts(*accuracies: float) -> list[dict]:
        kinds = [("yaw", "below 8", 40), ("yaw", "from 8", 60), ("glasses", "none", 90)]
        return [
            {"kind": kind, "part": part, "faces": faces, "accuracy": {"mean": accuracy}}
            for (kind, part, faces), accuracy in zip(kinds, accuracies, strict=True)
        ]

    changed = with_scores(run, ce={"slices": parts(0.5, 0.6, 0.7)}, **{"ce-heads": {"slices": parts(0.1, 0.2, 0.3)}})
    methods, groups = slice_groups(changed)
    assert methods == ["ce", "ce-heads"]
    assert groups == [
        ("yaw", [Slice("below 8", 40, [0.5, 0.1]), Slice("from 8", 60, [0.6, 0.2])]),
        ("glasses", [Slice("none", 90, [0.7, 0.3])]),
    ]
    assert slice_groups(run) == ([], [])


def test_confusions_have_shares_and_changes_in_points(run):
    counts = {name: np.array(scores["confusion"]) for name, scores in run.summary["methods"].items()}
    tables = {table.method: table for table in confusions(run, CLASSES)}
    assert [table.reference for table in tables.values()] == [None, "ce", "ce-heads", None]
    own, base = row_shares(counts["ad-corre"]), row_shares(counts["ce-heads"])
    for t, (faces, cells) in enumerate(tables["ad-corre"].rows):
        assert faces == counts["ad-corre"][t].sum() and [cell.count for cell in cells] == counts["ad-corre"][t].tolist()
        np.testing.assert_allclose([cell.share for cell in cells], own[t])
        np.testing.assert_allclose([cell.change for cell in cells], 100 * (own - base)[t])
    assert all(cell.change == 0 and not cell.has_changed for _, cells in tables["ce"].rows for cell in cells)


def test_confusions_of_another_number_of_classes_are_left_out(run):
    changed = with_scores(run, ce={"confusion": [[1, 2], [3, 4]]})
    tables = {table.method: table for table in confusions(changed, CLASSES)}
    assert "ce" not in tables and tables["tcl-nearest"].reference is None


def test_settings_are_grouped_and_in_words(run):
    config = {"settings": {"tcl": {"margin": 0.5}, "quick": True}, "note": None, "versions": {"python": "3.11"}}
    groups = settings_groups(replace(run, config=config))
    assert groups == {
        "settings": [("tcl.margin", "0.5"), ("quick", "yes")],
        "run": [("note", "none")],
        "versions": [("python", "3.11")],
        "result": [("dataset", "synthetic"), ("epochs", "12"), ("seeds", "0"), ("seconds", "402.5")],
    }

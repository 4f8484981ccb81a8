"""The verdict claims what the numbers bear out, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from fake_run import METHODS, change_summary, write_fake_run

from ferlab.methods import reference_of
from ferlab.report import verdict
from ferlab.runs import read_run


def with_values(run_dir, metric: dict[str, list[float]], ratios: dict[str, list[float]] | None = None):
    def edit(summary):
        summary["seeds"] = list(range(len(next(iter(metric.values())))))
        for name, values in metric.items():
            summary["methods"][name]["accuracy"] = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
        for name, values in (ratios or {}).items():
            ratio = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
            summary["methods"][name]["geometry"] = {"within_between_ratio": ratio}

    change_summary(run_dir, edit)
    return verdict(read_run(run_dir))


SAME = {name: [0.4] for name in METHODS}


def test_one_seed_claims_no_accuracy_difference_however_large(tmp_path, faces):
    accuracy = {"ce": [0.5], "tcl-nearest": [0.9], "ad-corre": [0.5], "ce-heads": [0.5]}
    said = with_values(write_fake_run(tmp_path / "r", faces), accuracy, SAME)
    assert "90.0 %" in said.sentences[0] and "ranks nothing" in said.sentences[1]
    assert "as far as one seed can tell" in said.headline


def test_a_tie_is_no_range(tmp_path, faces):
    all_alike = {name: [0.2312] for name in METHODS}
    said = with_values(write_fake_run(tmp_path / "r", faces), all_alike, SAME).sentences[0]
    assert "is 23.1 % for all 4 methods." in said and "ranges" not in said


def test_three_agreeing_seeds_make_a_difference(tmp_path, faces):
    accuracy = {
        "ce": [0.700, 0.710, 0.705], "tcl-nearest": [0.750, 0.761, 0.754],
        "ce-heads": [0.70, 0.71, 0.72], "ad-corre": [0.73, 0.70, 0.715],
    }  # fmt: skip
    said = with_values(write_fake_run(tmp_path / "r", faces), accuracy, {k: v * 3 for k, v in SAME.items()})
    tcl, ad_corre = (next(s for s in said.sentences if s.startswith(name)) for name in ("CE + TCL", "CE + Ad-Corre"))
    assert "+5.0 points" in tcl and tcl.endswith("a difference.")
    assert "against CE, k heads" in ad_corre and "no difference" in ad_corre
    assert said.headline == ("CE + TCL (nearest) changed accuracy; how compact the classes are did not change clearly.")


def test_a_silhouette_that_changed_is_named_though_the_ratio_did_not(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1, 2))

    def edit(summary):
        ratio = {"mean": 0.43, "std": 0.0, "values": [0.42, 0.43, 0.44]}
        accuracy = {"mean": 0.81, "std": 0.0, "values": [0.80, 0.81, 0.82]}
        for name, scores in summary["methods"].items():
            values = [0.321, 0.331, 0.342] if name == "tcl-nearest" else [0.290, 0.301, 0.310]
            silhouette = {"mean": float(np.mean(values)), "std": 0.0, "values": values}
            scores["geometry"] = {"within_between_ratio": ratio, "silhouette": silhouette}
            scores["accuracy"] = accuracy

    change_summary(run_dir, edit)
    said = verdict(read_run(run_dir))
    assert said.headline.startswith("CE + TCL (nearest) set the classes apart a little more (silhouette); on accuracy")
    named = [sentence for sentence in said.sentences if "no chance" in sentence]
    assert len(named) == 1 and "Its silhouette rose" in named[0] and "+0.031 (95 % interval" in named[0]


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(0.30, "pulled the classes together"), (0.38, "No clear change"), (0.60, "loosened the classes")],
)
def test_geometry_is_named_by_its_direction(tmp_path, faces, ratio, word):
    ratios = {**SAME, "tcl-nearest": [ratio]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8] for name in METHODS}, ratios)
    assert word in said.headline


def test_a_slight_change_is_named_but_claims_nothing(tmp_path, faces):
    ratios = {**SAME, "tcl-nearest": [0.37]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8] for name in METHODS}, ratios)
    assert said.headline.startswith("No clear change")
    assert any("a little tighter classes (-8%)" in sentence for sentence in said.sentences)


def test_seeds_that_disagree_on_geometry_show_no_change(tmp_path, faces):
    ratios = {**{k: v * 2 for k, v in SAME.items()}, "tcl-nearest": [0.2, 0.45]}
    said = with_values(write_fake_run(tmp_path / "r", faces), {name: [0.8, 0.8] for name in METHODS}, ratios)
    assert said.headline.startswith("No clear change")
    assert any("Two seeds" in sentence for sentence in said.sentences)


def test_networks_at_chance_are_not_compared(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces)
    chance = {"mean": 1 / 7, "std": 0.0, "values": [1 / 7]}
    change_summary(run_dir, lambda summary: summary["methods"]["ce-heads"].update(balanced_accuracy=chance))
    said = verdict(read_run(run_dir))
    assert any(s.startswith("CE, k heads (control) has learned little") for s in said.sentences)
    assert not any(s.startswith("CE + Ad-Corre") for s in said.sentences) and any(
        s.startswith("CE + TCL") for s in said.sentences
    )
    change_summary(
        run_dir, lambda summary: [scores.update(balanced_accuracy=chance) for scores in summary["methods"].values()]
    )
    assert "not learned the classes yet" in verdict(read_run(run_dir)).headline


def test_references():
    assert reference_of("tcl-nearest", METHODS) == "ce"
    assert reference_of("ce-heads", METHODS) is None
    assert reference_of("ad-corre", ["ad-corre"]) is None

"""The search for hyperparameters, on the tiny data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from tiny import read_tiny, write_tiny_folder

from ferlab.data import register_dataset
from ferlab.errors import FerlabError, TrainingDiverged
from ferlab.experiments import tune
from ferlab.experiments.tune import OBJECTIVE, choose, propose, run_tune, search_job
from ferlab.methods import METHODS
from ferlab.runs import RunFolder
from ferlab.settings import TuneSettings
from ferlab.training import TrainSettings

QUIET = Console(quiet=True)
TINY = TrainSettings(batch_size=32, precision="32-true")


def without_test(split, root):
    assert split != "test", "a search that reads the test split is no search"
    return read_tiny(split, root)


register_dataset("without-test", without_test)


def settings(out, **changes) -> TuneSettings:
    plan = {"dataset": "without-test", "methods": ("ce", "tcl-nearest"), "epochs": 2, "trials": 5, "train": TINY}
    return TuneSettings(out, **plan | changes)


def test_every_method_has_the_same_budget_and_the_best_on_validation_is_chosen(tmp_path):
    chosen = run_tune(settings(tmp_path / "search"), QUIET)
    assert json.loads((tmp_path / "search/chosen.json").read_text()) == chosen
    trials = pd.read_csv(tmp_path / "search/trials.csv")
    assert trials.groupby("method").size().to_dict() == {"ce": 5, "tcl-nearest": 5}
    for name in ("ce", "tcl-nearest"):
        mine = trials[trials.method == name]
        for value in METHODS[name].search:
            assert mine[value].iloc[0] == METHODS[name].value_of(value), "the first trial is the table"
            assert mine[value].nunique() > 1
        assert chosen[name][OBJECTIVE] == mine[OBJECTIVE].max()
        assert chosen[name]["trial"] == mine.loc[mine[OBJECTIVE].idxmax(), "trial"]
        assert chosen[name]["learning_rate"] == mine.loc[mine[OBJECTIVE].idxmax(), "learning_rate"]
    assert trials[trials.method == "ce"][["margin", "metric_weight", "warm_up"]].isna().all(axis=None)
    assert not list((tmp_path / "search").rglob("checkpoints"))


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = run_tune(settings(tmp_path / "whole"), QUIET)
    original, left = tune.train, [7]  # the eighth training is never begun

    def stopping(*args, **hooks):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return original(*args, **hooks)

    monkeypatch.setattr(tune, "train", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_tune(settings(tmp_path / "cut"), QUIET)
    monkeypatch.setattr(tune, "train", original)
    with pytest.raises(FerlabError, match="--resume"):
        run_tune(settings(tmp_path / "cut"), QUIET)
    with pytest.raises(FerlabError, match="epochs was 2 and is 3"):
        run_tune(settings(tmp_path / "cut", epochs=3, resume=True), QUIET)
    assert run_tune(settings(tmp_path / "cut", resume=True), QUIET) == whole
    one, two = (pd.read_csv(tmp_path / name / "trials.csv").drop(columns="seconds") for name in ("whole", "cut"))
    pd.testing.assert_frame_equal(one, two)

    run_tune(settings(tmp_path / "cut", trials=6, resume=True), QUIET)
    grown = pd.read_csv(tmp_path / "cut/trials.csv").drop(columns="seconds")
    assert len(grown) == 12
    pd.testing.assert_frame_equal(grown[grown.trial < 5].reset_index(drop=True), two)


def test_a_search_of_another_size_of_embedding(tmp_path, monkeypatch):
    sizes = []

    def watched(method, *args, **hooks):
        sizes.append(method.embedding_size)
        raise TrainingDiverged("Training stopped in epoch 1, batch 1: the loss is not finite.")

    monkeypatch.setattr(tune, "train", watched)
    plan = settings(tmp_path / "search", trials=2, embedding_size=2)
    run_tune(plan, QUIET)
    with pytest.raises(FerlabError, match="embedding_size was 2 and is 3"):
        run_tune(settings(tmp_path / "search", trials=3, embedding_size=3, resume=True), QUIET)
    shutil.rmtree(tmp_path / "search/ce/trial_1")
    search_job(str(tmp_path / "search"), "ce", threads=0)
    assert sizes == [2] * 5
    with pytest.raises(FerlabError, match="cannot have --embedding-size 2"):
        run_tune(settings(tmp_path / "other", methods=("all",), embedding_size=2), QUIET)


def test_later_proposals_follow_the_scores_and_stay_in_the_space():
    records = []
    for number in range(24):
        values = propose(METHODS["ad-corre"], records)
        assert values == propose(METHODS["ad-corre"], records), "the same records, the same proposal"
        if number:
            for name, of in METHODS["ad-corre"].search.items():
                assert of.low <= values[name] <= of.high
                assert values[name] == float(f"{values[name]:.2g}")
        # Best at a low learning rate.
        records.append({"trial": number, **values, OBJECTIVE: -abs(values["learning_rate"] - 0.03)})
    early, late = ([record["learning_rate"] for record in part] for part in (records[1:9], records[-8:]))
    assert sum(late) / 8 < sum(early) / 8


def test_a_trial_that_diverges_is_a_bad_trial(tmp_path, monkeypatch):
    original, calls = tune.train, []

    def exploding(method, *args, **hooks):
        calls.append(method)
        if len(calls) > 1:
            raise TrainingDiverged("Training stopped in epoch 1, batch 2: the loss is not finite.")
        return original(method, *args, **hooks)

    monkeypatch.setattr(tune, "train", exploding)
    chosen = run_tune(settings(tmp_path / "search", methods=("ce",), trials=3), QUIET)
    assert chosen["ce"]["trial"] == 0 and chosen["ce"]["learning_rate"] == METHODS["ce"].learning_rate
    assert pd.read_csv(tmp_path / "search/trials.csv")[OBJECTIVE].tolist()[1:] == [0, 0]


@pytest.mark.slow
def test_methods_are_searched_side_by_side(tmp_path):
    plan = {"epochs": 1, "trials": 2, "train": TrainSettings(batch_size=16, precision="32-true")}
    plan |= {"dataset": "folder", "root": write_tiny_folder(tmp_path / "faces")}
    run_tune(TuneSettings(tmp_path / "search", methods=("ce", "ce-heads"), jobs=2, **plan), QUIET)
    assert pd.read_csv(tmp_path / "search/trials.csv").groupby("method").size().to_dict() == {"ce": 2, "ce-heads": 2}
    assert len(list((tmp_path / "search/jobs").glob("*_result.pkl"))) == 2


def test_folders_of_others_are_left_alone(tmp_path):
    run_tune(settings(tmp_path / "search", methods=("ce",), trials=1), QUIET)
    with pytest.raises(FerlabError, match="not the folder of an earlier run"):
        RunFolder(tmp_path / "search").check_free(overwrite=True, resume=False)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").write_text('{"settings": {"seeds": 1}, "versions": {"ferlab": "0"}}')
    for name in ("file", "run"):
        with pytest.raises(FerlabError, match="is not the folder of a search"):
            run_tune(settings(tmp_path / name, resume=True), QUIET)
        with pytest.raises(FerlabError, match="already exists"):
            run_tune(settings(tmp_path / name), QUIET)


def test_of_equal_trials_the_first_is_chosen():
    table = pd.DataFrame(
        {"method": "ce", "trial": range(3), "learning_rate": [0.1, 0.2, 0.3], OBJECTIVE: [0.5, 0.6, 0.6]}
    )
    assert choose(table)["ce"]["trial"] == 1


def test_bad_options_are_one_sentence(tmp_path):
    with pytest.raises(FerlabError, match="trials must be at least 1"):
        run_tune(settings(tmp_path / "a", trials=0), QUIET)
    with pytest.raises(FerlabError, match="learning_rate is what a search chooses"):
        run_tune(settings(tmp_path / "a", train=TrainSettings(learning_rate=0.1)), QUIET)
    with pytest.raises(FerlabError, match="no method 'nope'"):
        run_tune(settings(tmp_path / "a", methods=("nope",)), QUIET)
    assert not (tmp_path / "a").exists()


def test_the_methods_table_holds_what_the_recorded_search_chose():
    trials = pd.read_csv(Path(__file__).parents[2] / "docs/tuning/synthetic.csv")
    assert set(trials["method"]) == {name for name, row in METHODS.items() if row.tuned}
    assert trials.groupby("method").size().nunique() == 1
    for name, best in choose(trials).items():
        assert METHODS[name].tuned == {value: best[value] for value in METHODS[name].search}, best["trial"]
        assert METHODS[name].trial == best["trial"]

"""The comparison and its command line, on a tiny data set and once for real."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import tiny_faces

from ferlab import cli
from ferlab.errors import FerlabError
from ferlab.experiments import CompareSettings, one_training, run_compare
from ferlab.experiments.evaluate import evaluate_run
from ferlab.experiments.sweep import train_job
from ferlab.methods import METHODS
from ferlab.runs import RunFolder
from ferlab.training import TrainSettings

TINY = TrainSettings(batch_size=32, precision="32-true")
METHOD_NAMES = ("ce", "tcl-nearest", "ad-corre")


def settings(out: Path, **changes) -> CompareSettings:
    """Without figure files, which would take most of the time; see the tests that ask for them."""
    usual = {"dataset": "tiny", "methods": METHOD_NAMES, "epochs": 3, "train": TINY, "no_figures": True}
    return CompareSettings(**({"out": out} | usual | changes))


def test_run_folder_holds_what_it_promises(tmp_path):
    summary = run_compare(settings(tmp_path / "run", seeds=2))
    assert json.loads((tmp_path / "run/summary.json").read_text()) == summary
    assert summary["seeds"] == [0, 1] and summary["epochs"] == 3 and list(summary["methods"]) == list(METHOD_NAMES)
    test_faces = tiny_faces("test", 12)
    rows = pd.read_parquet(tmp_path / "run/embeddings.parquet")
    for name in METHOD_NAMES:
        scores = summary["methods"][name]
        for score in ("accuracy", "balanced_accuracy", "macro_f1"):
            assert len(scores[score]["values"]) == 2
            assert scores[score]["mean"] == pytest.approx(np.mean(scores[score]["values"]))
            assert scores[score]["std"] == pytest.approx(np.std(scores[score]["values"], ddof=1))
        for seed in (0, 1):
            mine = rows[(rows.method == name) & (rows.seed == seed)]
            assert (mine.label.to_numpy() == test_faces.labels).all()
            assert (mine.label == mine.predicted).mean() == pytest.approx(scores["accuracy"]["values"][seed])
            size = METHODS[name].heads * METHODS[name].embedding_size
            assert {len(vector) for vector in mine.embedding} == {size}
            assert mine[["x", "y"]].notna().all(axis=None) == (seed == 0)
        network, classes, _ = RunFolder(tmp_path / "run").network(name, seed=1)
        assert classes == test_faces.classes and not network.training
    history = pd.read_parquet(tmp_path / "run/history.parquet")
    assert len(history) == len(METHOD_NAMES) * 2 * 3
    assert history.query("method == 'ad-corre' and epoch > 1")[["FD", "MD", "ED"]].notna().all(axis=None)
    epochs = pd.read_parquet(tmp_path / "run/epochs.parquet")
    assert epochs.groupby("method", sort=False)["epoch"].max().to_dict() == dict.fromkeys(METHOD_NAMES, 3)
    validation = tiny_faces("validation", 12)
    assert (epochs["label"] == validation.labels[epochs["index"]]).all() and epochs[["x", "y"]].notna().all(axis=None)
    for name in METHOD_NAMES:
        log = EventAccumulator(str(tmp_path / "run" / name / "seed_1/tensorboard")).Reload()
        logged = [event.value for event in log.Scalars("validation_accuracy")]
        own = history[(history.method == name) & (history.seed == 1)]
        assert logged == pytest.approx(own["validation_accuracy"].tolist())
    assert (tmp_path / "run/report.html").stat().st_size > 10_000
    assert json.loads((tmp_path / "run/config.json").read_text())["settings"]["seeds"] == 2
    assert not list((tmp_path / "run").rglob("*.partial"))


def test_without_figure_files_the_report_stays_and_they_can_come_later(tmp_path):
    run = tmp_path / "run"
    run_compare(settings(run, methods=("ce",), epochs=1))
    assert (run / "report.html").is_file() and not (run / "figures").exists()
    run_compare(settings(run, methods=("ce",), epochs=1, resume=True, no_figures=False))  # no other settings
    assert (run / "figures/learning_curves_train_loss.png").is_file()


def test_strengths_are_a_dimension_of_a_comparison(tmp_path):
    strengths = (0.0, 1.0, 8.0)
    summary = run_compare(
        settings(tmp_path / "run", methods=("tcl-nearest", "ad-corre"), strengths=strengths, epochs=4, no_figures=False)
    )
    assert list(summary["methods"]) == [
        "ce", "tcl-nearest@1", "tcl-nearest@8", "ce-heads", "ad-corre@1", "ad-corre@8",
    ]  # fmt: skip
    for name, control in (("tcl-nearest", "ce"), ("ad-corre", "ce-heads")):
        doses = summary["doses"][name]
        assert doses["control"] == control and doses["strengths"] == [0, 1, 8]
        assert [point["strength"] for point in doses["measures"]["train"]["silhouette"]] == [0, 1, 8]
        assert doses["measures"]["test"]["accuracy"][0]["mean"] == summary["methods"][control]["accuracy"]["mean"]
    # A dose as strong as that is seen in what the loss asks for, on the faces that it acts on.
    heads = summary["doses"]["ad-corre"]["measures"]["train"]["correlation_of_heads"]
    assert heads[2]["mean"] < heads[0]["mean"]
    assert (tmp_path / "run/figures/dose_response.png").is_file()
    # Going on with more of them keeps what there is.
    more = settings(tmp_path / "run", methods=("ad-corre",), strengths=(2.0,), epochs=4, resume=True)
    assert run_compare(more)["doses"]["ad-corre"]["strengths"] == [0, 1, 2, 8]


def test_a_strength_that_breaks_the_network_leaves_the_others(tmp_path, capsys, monkeypatch):
    changes = {"methods": ("tcl-nearest",), "strengths": (0.0, 0.5, 1.0, 1e6), "epochs": 4}
    summary = run_compare(settings(tmp_path / "run", **changes))
    assert list(summary["methods"]) == ["ce", "tcl-nearest@0.5", "tcl-nearest@1"]
    assert "tcl-nearest@1e+06, seed 0: Training stopped in epoch" in " ".join(capsys.readouterr().out.split())
    assert summary["diverged"] == {"tcl-nearest@1e+06": [0]}
    assert summary["doses"]["tcl-nearest"]["breaks_at"] == 1e6
    assert not evaluate_run(tmp_path / "run").differences
    # The same numbers would break it again: nothing is left to train.
    monkeypatch.setattr(one_training, "train", lambda *args, **kwargs: pytest.fail("trained again"))
    again = run_compare(settings(tmp_path / "run", resume=True, **changes))
    assert again["methods"] == summary["methods"] and again["diverged"] == summary["diverged"]


def test_the_same_comparison_twice_gives_the_same_numbers(tmp_path):
    first, again = (run_compare(settings(tmp_path / name)) for name in "ab")
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    a, b = (pd.read_parquet(tmp_path / name / "embeddings.parquet") for name in "ab")
    np.testing.assert_array_equal(a[["x", "y"]], b[["x", "y"]])


def test_ctrl_c_keeps_the_finished_methods(tmp_path, monkeypatch):
    original = one_training.train

    def stop_at_ad_corre(method, *args, **kwargs):
        if method is METHODS["ad-corre"]:
            raise KeyboardInterrupt
        return original(method, *args, **kwargs)

    monkeypatch.setattr(one_training, "train", stop_at_ad_corre)
    with pytest.raises(KeyboardInterrupt):
        run_compare(settings(tmp_path / "run"))
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert list(summary["methods"]) == ["ce", "tcl-nearest"]
    assert (tmp_path / "run/report.html").is_file()
    assert RunFolder(tmp_path / "run").network("ce")


def test_an_existing_folder_is_kept_unless_overwritten(tmp_path):
    run = tmp_path / "run"
    run_compare(settings(run, methods=("ce",), epochs=1))
    (run / "note.txt").write_text("mine")
    with pytest.raises(FerlabError, match="--overwrite"):
        run_compare(settings(run, methods=("ce",), epochs=1))
    assert (run / "note.txt").read_text() == "mine"
    run_compare(settings(run, methods=("ce",), epochs=1, overwrite=True))
    assert not (run / "note.txt").exists()


def test_a_folder_that_is_no_run_is_never_deleted(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "config.json").write_text('{"settings": {}, "model_type": "bert"}')  # others have such a file too
    with pytest.raises(FerlabError, match="not the folder of an earlier run"):
        run_compare(settings(tmp_path, overwrite=True))
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def command(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and error text of ``ferlab ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["ferlab", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "ce,triplet"], "no method 'triplet'"),
        (["--methods", "ce,ce"], "each method once"),
        (["--methods", ","], "each method once"),
        (["--dataset", "imagenet"], "no data set 'imagenet'"),
        (["--dataset", "fer2013"], "root"),
        (["--dataset", "fer2013", "--root", "nowhere"], "nowhere"),
        (["--seeds", "0"], "seeds must be at least 1"),
        (["--strengths", "1,-2"], "A strength is a number from 0 on"),
        (["--strengths", "1,much"], "numbers with commas between them"),
        (["--strengths", "1,nan"], "A strength is a number from 0 on"),
        (["--strengths", "2", "--methods", "ce,ce-heads"], "nothing to give a strength to"),
        (["--strengths", "2", "--methods", "ad-corre@4"], "ad-corre@4 has a strength already"),
        (["--methods", "ce@2"], "has no metric loss, so it has no strength"),
        (["--epochs", "0"], "epochs must be at least 1"),
        (["--batches", "per-class"], "at most 4 x 7 classes"),
        (["--batches", "sorted"], "shuffled, class-balanced, per-class"),
        (["--jobs", "2", "--devices", "2"], "one of --jobs and --devices"),
        (["--resume", "--overwrite"], "one of --resume and --overwrite"),
    ],
)
def test_bad_options_are_one_sentence_and_write_nothing(monkeypatch, capsys, tmp_path, arguments, words):
    code, text = command(monkeypatch, capsys, "compare", "--out", str(tmp_path / "run"), *arguments)
    assert code == 2 and words in text
    assert len(text.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_an_output_folder_in_use_exits_with_2(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("x")
    code, text = command(monkeypatch, capsys, "compare", "--out", str(tmp_path))
    assert code == 2 and "already exists" in text and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_sentence(monkeypatch, capsys, tmp_path):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_settings", full)
    code, text = command(monkeypatch, capsys, "compare", "--out", str(tmp_path / "run"))
    assert code == 2 and "disk is full" in text


def test_quick_comparison_for_real(tmp_path):
    """The command as a user types it, on the built-in faces."""
    done = subprocess.run(
        [sys.executable, "-m", "ferlab", "compare", "--quick", "--methods", "ce,ad-corre", "--out", "run"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert list(summary["methods"]) == ["ce", "ad-corre"]
    for name, scores in summary["methods"].items():
        assert scores["accuracy"]["mean"] > 0.3, f"{name} is near chance on the built-in faces"
        assert f"{scores['accuracy']['mean']:.3f}" in done.stdout
    assert (tmp_path / "run/report.html").is_file() and not (tmp_path / "run/epochs.parquet").exists()


def test_embeddings_of_two_numbers_are_their_own_map(tmp_path):
    """Also with ``quick``: there is no UMAP to be spared. A run goes on as it began, in a job too."""
    run, methods = RunFolder(tmp_path / "run"), ("ce", "tcl-nearest@1")
    plan = {"embedding_size": 2, "quick": True, "epochs": 2, "no_figures": False}
    run_compare(settings(run.path, methods=methods[:1], **plan))
    run_compare(settings(run.path, methods=methods, resume=True, **plan))
    assert run.settings()["embedding_size"] == 2
    rows, epochs = run.read().embeddings, run.read().epochs
    np.testing.assert_array_equal(rows[["x", "y"]], np.stack(rows["embedding"]))
    followed = epochs.query("method == 'tcl-nearest@1' and epoch == 2")[["x", "y"]]
    np.testing.assert_array_equal(followed, run.training("tcl-nearest@1", 0).load_epochs(2)[1])
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert "UMAP" not in text.partition('id="settings"')[0], "no map stands between the network and the eye"
    assert "two numbers, as they are" in text
    assert (run.path / "figures/embedding_planes.png").is_file()
    assert evaluate_run(run.path).differences == []

    before = run.training("ce", 0).load().embeddings
    shutil.rmtree(run.training("ce", 0).path)
    train_job(str(run.path), "ce", 0, threads=0)
    again = run.training("ce", 0).load().embeddings
    np.testing.assert_array_equal(np.stack(again["embedding"]), np.stack(before["embedding"]))


def test_embeddings_of_three_numbers_have_maps_and_a_picture(tmp_path):
    run_compare(settings(tmp_path, methods=("ce",), epochs=1, embedding_size=3, no_figures=False))
    rows = pd.read_parquet(tmp_path / "embeddings.parquet")
    assert rows[["x", "y"]].notna().all(axis=None) and {len(vector) for vector in rows["embedding"]} == {3}
    assert (tmp_path / "figures/embedding_planes.png").is_file()
    assert "UMAP keeps neighbors" in (tmp_path / "report.html").read_text(encoding="utf-8")

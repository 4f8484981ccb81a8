"""A finished run measured again, and the doctor."""

from __future__ import annotations

import json
import shutil
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import tiny_faces

from ferlab import cli
from ferlab.data import register_dataset
from ferlab.errors import FerlabError
from ferlab.experiments import CompareSettings, doctor, run_compare
from ferlab.experiments.evaluate import evaluate_run
from ferlab.runs import RunFolder, read_settings
from ferlab.training import TrainSettings

TRAIN = TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    methods = ("ce", "tcl-nearest")
    run_compare(CompareSettings(out, "known", methods=methods, seeds=2, epochs=3, train=TRAIN, no_figures=True))
    return out


def known_faces(split, root):
    """Faces of which the person and some more is known."""
    faces = tiny_faces(split, 24 if split == "train" else 12)
    rows = pd.DataFrame({"identity": [i // 4 for i in range(len(faces))], "intensity": 0.5, "yaw": 3.0})
    return type(faces)(faces.name, faces.split, faces.images, faces.labels, faces.classes, rows)


register_dataset("known", known_faces)


def test_the_summary_holds_intervals_recalls_slices_and_comparisons(run):
    summary = json.loads((run / "summary.json").read_text())
    for of in summary["methods"].values():
        for score in ("accuracy", "balanced_accuracy", "macro_f1"):
            assert of[score]["low"] <= of[score]["mean"] <= of[score]["high"]
        assert 0 <= of["calibration_error"]["mean"] <= 1
        recalls = [recall["mean"] for recall in of["class_recall"].values()]
        assert sum(recalls) / 7 == pytest.approx(of["balanced_accuracy"]["mean"])
        assert {part["kind"] for part in of["slices"]} == {"intensity", "yaw (degrees, either side)"}
        assert of["slices"][0]["accuracy"]["values"] == of["accuracy"]["values"], "every face has intensity .5"
    found = summary["comparisons"]["tcl-nearest"]["accuracy"]
    own, other = (summary["methods"][name]["accuracy"]["mean"] for name in ("tcl-nearest", "ce"))
    assert found["reference"] == "ce" and found["difference"] == pytest.approx(own - other)
    report = (run / "report.html").read_text()
    assert f"{100 * found['difference']:+.1f}" in report and "Holm" in report


def test_the_same_numbers_come_out_of_the_weights(run):
    evaluation = evaluate_run(run)
    assert evaluation.differences == [] and evaluation.checked > 200
    assert read_settings(RunFolder(run)).train == TrainSettings(**{**TRAIN.__dict__, "epochs": 3})


def test_other_weights_are_noticed(run, tmp_path, monkeypatch, capsys):
    changed = tmp_path / "changed"
    shutil.copytree(run, changed)
    file = changed / "ce/seed_1/model.safetensors"
    weights = load_file(file)
    weights["classifier.bias"] = torch.tensor([9.0, 0, 0, 0, 0, 0, 0])
    save_file(weights, file)
    (changed / "ce/seed_1/sha256.json").unlink()  # as in a run of an earlier version; else they are refused
    assert any(line.startswith("methods.ce.accuracy.mean") for line in evaluate_run(changed).differences)
    monkeypatch.setattr(sys, "argv", ["ferlab", "evaluate", str(changed)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2 and "have changed since" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["config.json", "summary.json", "ce/seed_0/scores.json"])
def test_an_incomplete_run_is_one_sentence(run, tmp_path, missing):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / missing).unlink()
    with pytest.raises(FerlabError, match=r"config\.json|--resume"):
        evaluate_run(copy)


def test_the_doctor_finds_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(doctor, "NEEDED_DISK", 1e18)
    monkeypatch.setattr(sys, "argv", ["ferlab", "doctor", "--no-self-test", "--dataset", "fer2013", "--root", "none"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 2 and "2 to mend" in said.err
    assert "mend  disk" in said.out and "mend  faces: fer2013" in said.out and "ok    faces: synthetic" in said.out


def test_the_doctor_trains_and_is_content():
    self_test = doctor.training()
    assert self_test.ok, self_test.found


def test_the_doctor_says_why_the_training_failed(monkeypatch):
    def broken(*args):
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr("ferlab.experiments.run_compare", broken)
    self_test = doctor.training()
    assert not self_test.ok and "no kernel image" in self_test.found and self_test.mend

"""The page is complete, asks for nothing from elsewhere, and lets nothing from data become markup."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from fake_run import METHODS, change_summary, fake_faces, payload, write_fake_run
from PIL import Image

from ferlab.errors import FerlabError
from ferlab.report import write_report
from ferlab.report.payload import NAME_LETTERS
from ferlab.texts import shortened


def test_page_is_complete_and_asks_for_nothing(run_dir, faces):
    path = write_report(run_dir, faces)
    text = path.read_text(encoding="utf-8")
    assert path == run_dir / "report.html" and "%%" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text), "everything is inside the file"
    assert not [p for p in run_dir.iterdir() if p.name.endswith(".partial")]
    data = payload(text)
    assert data["panels"] == ["ce", "tcl-nearest", "ad-corre"]
    assert data["labels"] == faces.labels.tolist()
    assert list(data["answers"]) == list(METHODS)
    accuracy = json.loads((run_dir / "summary.json").read_text())["methods"]["ce"]["accuracy"]["mean"]
    assert f"<td>{accuracy:.3f}</td>" in text


def test_sprite_holds_the_faces(run_dir, faces):
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    encoded = re.search(r'src="data:image/\w+;base64,([^"]+)"', text)[1]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"), dtype=float)
    sprite = payload(text)["sprite"]
    for i in (0, 17, len(faces) - 1):
        top, left = i // sprite["columns"] * sprite["tile"], i % sprite["columns"] * sprite["tile"]
        tile = sheet[top : top + sprite["tile"], left : left + sprite["tile"]]
        face = np.asarray(
            Image.fromarray(faces.images[i]).resize((sprite["tile"],) * 2, Image.Resampling.LANCZOS), dtype=float
        )
        assert np.abs(tile - face).mean() < 8


def test_what_comes_from_data_cannot_become_markup(tmp_path):
    classes = ("</script><script>alert(1)</script>", "a & b", "%%JS%%")
    faces = fake_faces(60, classes=classes)
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("ce", "<img src=x>"))
    change_summary(run_dir, lambda summary: summary.update(dataset="<b>x</b>"))
    (run_dir / "config.json").write_text(json.dumps({"settings": {"<i>": '"><svg>'}}))
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img src=x>" not in text and "<b>x</b>" not in text and "<svg>" not in text
    assert [c["name"] for c in payload(text)["classes"]] == [shortened(name, NAME_LETTERS) for name in classes]
    assert text.count("window.ferlabReport") == 1


def test_gray_images_unknown_methods_missing_metrics_and_several_seeds(tmp_path):
    faces = fake_faces(60, size=48)
    faces = type(faces)(faces.name, faces.split, faces.images[..., :1], faces.labels, faces.classes, faces.metadata)
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("my-loss",), seeds=(0, 1))
    change_summary(
        run_dir, lambda summary: summary["methods"]["my-loss"].update(geometry={"silhouette": {"mean": None}})
    )
    text = write_report(run_dir, faces).read_text(encoding="utf-8")
    assert text.count('<td class="none">n/a</td>') == 4 and "±" in text
    assert payload(text)["panels"] == ["my-loss"]


def test_run_without_maps_still_gives_a_report(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces, mapped=0)
    data = payload(write_report(run_dir, faces).read_text(encoding="utf-8"))
    assert data["answers"] == {} and data["views"] == [] and data["correlations"] is None


def test_history_with_gaps_is_valid_json(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces)
    history = pd.read_parquet(run_dir / "history.parquet")
    history.loc[2, "train_loss"] = np.inf
    history.to_parquet(run_dir / "history.parquet")
    curves = payload(write_report(run_dir, faces).read_text(encoding="utf-8"))["curves"]
    assert curves[0]["values"]["train_loss"][2] is None
    assert "tcl" not in curves[0]["values"] and "tcl" in curves[1]["values"]


def test_other_faces_are_refused(run_dir, faces):
    with pytest.raises(FerlabError, match="not those of"):
        write_report(run_dir, faces.subset(np.arange(50)))
    with pytest.raises(FerlabError, match="not those of"):
        write_report(run_dir, faces.subset(np.random.default_rng(1).permutation(len(faces))))


def test_tables_of_evidence_say_what_the_summary_holds(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1, 2))
    found = {
        "reference": "ce", "seeds": 3, "difference": 0.031, "low": 0.011, "high": 0.051,
        "p": 0.004, "p_corrected": 0.012,
    }  # fmt: skip
    recall = {"mean": 0.875, "std": 0.0, "values": [0.875] * 3}

    def edit(summary):
        summary["comparisons"] = {"tcl-nearest": {"accuracy": found, "silhouette": {**found, "p_corrected": 0.3}}}
        summary["methods"]["ce"]["class_recall"] = {"surprise": recall}
        summary["methods"]["ce"]["slices"] = [
            {"kind": "<yaw>", "part": "below 8", "faces": 1234, "accuracy": recall, "balanced_accuracy": recall}
        ]

    change_summary(run_dir, edit)
    text = write_report(run_dir, faces).read_text()
    assert "<b>+3.1</b>" in text and "+1.1 to +5.1<br>p = 0.012" in text
    assert "<td>+0.031<span" in text, "what the test does not bear out is not bold"
    assert "88 %</td>" in text and "1,234" in text and "&lt;yaw&gt;" in text
    one_seed = write_report(write_fake_run(tmp_path / "one", faces), faces).read_text()
    assert "differences have no interval" in one_seed and "there are no slices" in one_seed


def test_names_of_two_hundred_letters_and_a_hundred_classes(tmp_path):
    names = tuple(f"<b>{'x' * 200}\u202e{k}" for k in range(100))
    dataset = fake_faces(300, classes=names)
    page = write_report(write_fake_run(tmp_path / "run", dataset, methods=("ce",)), dataset).read_text(encoding="utf-8")
    shown = re.sub(r'(title|aria-label)="[^"]*"', "", page)
    assert "x" * 60 not in shown and "\u202e" not in page and "<b>x" not in page
    assert "most frequent confusions" in page and page.count("data-predicted=") == 20


def test_words_of_the_confusions_head_are_not_broken(tmp_path):
    dataset = fake_faces(40)
    page = write_report(write_fake_run(tmp_path / "run", dataset, methods=("ce",)), dataset).read_text(encoding="utf-8")
    assert 'class="confusion upright"' in page and "most frequent confusions" not in page

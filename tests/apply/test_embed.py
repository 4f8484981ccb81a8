"""A folder of images through a trained network."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import tiny_faces

from ferlab import cli
from ferlab.apply.embed import embed_folder, read_face
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.runs import RunFolder


@pytest.fixture
def folder(tmp_path):
    faces = tiny_faces("test", 2)
    for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        (tmp_path / faces.classes[label]).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / faces.classes[label] / f"{i:02d}.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "broken.jpg").write_bytes(b"no image either")
    return tmp_path


def test_rows_are_what_the_network_says(run, folder):
    rows, skipped = embed_folder(run, folder, "ad-corre")
    assert [path.name for path in skipped] == ["broken.jpg"] and len(rows) == 14
    network, classes, _ = RunFolder(run).network("ad-corre")
    seen = predict(network, np.stack([read_face(folder / file, 32, 3) for file in rows["file"]]))
    np.testing.assert_array_equal(np.stack(rows["embedding"]), seen.embeddings)
    assert rows["predicted"].tolist() == [classes[i] for i in seen.predicted]
    np.testing.assert_allclose(rows[[f"p_{name}" for name in classes]].sum(axis=1), 1, atol=1e-5)
    assert rows[["x", "y"]].notna().all(axis=None)
    assert (rows["predicted"] == rows["file"].str.split("/").str[0]).mean() > 0.5, "the tiny faces are easy"


def test_any_size_shape_and_mode_becomes_a_square_face(tmp_path):
    wide = np.zeros((40, 100, 4), np.uint8)
    wide[:, 30:70] = 255  # the middle square
    Image.fromarray(wide, "RGBA").save(tmp_path / "wide.png")
    assert read_face(tmp_path / "wide.png", 16, 3).min() > 200, "the black sides are cut off"
    assert read_face(tmp_path / "wide.png", 16, 1).shape == (16, 16, 1)


def test_the_command_writes_a_table(run, folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "faces.parquet"
    monkeypatch.setattr(sys, "argv", ["ferlab", "embed", str(run), str(folder), "--out", str(out)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 0 and "14 faces" in said.out and "broken.jpg cannot be decoded" in said.err
    assert len(pd.read_parquet(out)) == 14


def test_too_few_images_for_a_map_still_have_embeddings(run, tmp_path):
    Image.fromarray(tiny_faces().images[0]).save(tmp_path / "one.png")
    rows, _ = embed_folder(run, tmp_path)
    assert len(rows) == 1 and rows[["x", "y"]].isna().all(axis=None) and len(rows["embedding"][0]) == 128


def test_what_is_missing_is_one_sentence(run, tmp_path):
    with pytest.raises(FerlabError, match="no tcl-nearest with seed 0; trained are: ad-corre, seed 0, .*, ce, seed 0"):
        embed_folder(run, tmp_path, "tcl-nearest")
    with pytest.raises(FerlabError, match="no image files"):
        embed_folder(run, tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(FerlabError, match="none of its 1 image files"):
        embed_folder(run, tmp_path)
    with pytest.raises(FerlabError, match="no folder"):
        embed_folder(run, tmp_path / "none")
    for content in (None, "{}", '{"methods": {}}', "[]"):
        if content is not None:
            (tmp_path / "summary.json").write_text(content)
        with pytest.raises(FerlabError, match="no readable summary.json"):
            embed_folder(tmp_path, tmp_path)

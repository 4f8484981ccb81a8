"""A folder of images through a trained network."""

from __future__ import annotations

import os
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import tiny_faces

from ferlab import cli
from ferlab.apply import embed
from ferlab.apply.embed import embed_folder, no_map_sentence, read_face
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


def test_names_that_are_not_utf_8_stop_nothing(run, folder):
    first = sorted(folder.rglob("*.png"))[0]
    try:
        os.rename(first, os.path.join(os.fsencode(first.parent), b"\xff.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    rows, _ = embed_folder(run, folder, "ce")
    assert len(rows) == 14 and rows["file"].str.contains(r"\\xff\.png").sum() == 1
    rows.to_parquet(folder / "rows.parquet")


def test_a_map_that_takes_long_is_made_when_it_is_asked_for(run, folder, monkeypatch):
    monkeypatch.setattr("ferlab.projection.cost.LONG", 0.001)
    rows, _ = embed_folder(run, folder, "ce")
    assert rows["x"].isna().all() and "A map of these 14 faces takes about" in no_map_sentence(rows)
    rows, _ = embed_folder(run, folder, "ce", mapped=True)
    assert rows["x"].notna().all() and no_map_sentence(rows) == ""
    assert "at least 10 faces" in no_map_sentence(rows.head(3).assign(x=np.nan))


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
        with pytest.raises(FerlabError, match="summary.json is (missing|damaged)"):
            embed_folder(tmp_path, tmp_path)


# ------------------------------------------------------------------------- files as people have them
def test_images_are_known_by_their_content_and_of_any_depth(run, tmp_path):
    faces = tiny_faces("test", 2).images[:3]
    Image.fromarray(faces[0]).save(tmp_path / "a.jfif", "PNG")
    Image.fromarray(faces[0]).save(tmp_path / "without_suffix", "PNG")
    gray = np.asarray(Image.fromarray(faces[0]).convert("L"))
    Image.fromarray(gray).save(tmp_path / "gray 8.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "gray 16.png")
    Image.fromarray((gray / 255).astype(np.float32)).save(tmp_path / "gray float.tif")
    rows, skipped = embed_folder(run, tmp_path)
    by_name = rows.set_index("file")["embedding"]
    assert len(rows) == 5 and not skipped
    np.testing.assert_array_equal(by_name["a.jfif"], by_name["without_suffix"])
    for name in ("gray 16.png", "gray float.tif"):
        np.testing.assert_allclose(by_name[name], by_name["gray 8.png"], atol=1e-6)


def test_what_is_left_out_is_told_with_its_reason(run, folder, tmp_path, monkeypatch, capsys):
    deep = np.full((8, 8), 512, np.float32)
    Image.fromarray(deep).save(folder / "deep.tif")
    (folder / "phone.heic").write_bytes(b"ftypheic")
    Image.new("L", (30, 30)).save(folder / "wide.png")
    out = tmp_path / "table.parquet"
    command = ["ferlab", "embed", str(run), str(folder), "--out", str(out), "--no-map", "--megapixels", "0.0011"]
    monkeypatch.setattr(sys, "argv", [*command])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr().err
    assert stop.value.code == 0
    for sentence in (
        "broken.jpg cannot be decoded, and was left out.",
        "phone.heic cannot be decoded, and was left out.",
        "deep.tif holds floating-point numbers from 512 to 512, of which ferlab cannot know what is white, and was",
        f"{folder} has 1 other file, no image, left out: notes.txt",
    ):
        assert sentence in said
    assert "wide.png" not in said and "A map needs" not in said
    assert pd.read_parquet(out)[["x", "y"]].isna().all(axis=None)


def test_few_images_are_in_memory_at_a_time_and_a_bar_counts_them(run, tmp_path, monkeypatch):
    seen, shown = [], []
    monkeypatch.setattr(embed, "AT_ONCE", 4)
    monkeypatch.setattr(embed, "SHOWN_FROM", 10)
    real = embed.predict
    monkeypatch.setattr(embed, "predict", lambda network, faces: seen.append(len(faces)) or real(network, faces))
    monkeypatch.setattr("rich.progress.Progress.advance", lambda self, task, count=1: shown.append(count))
    for number, image in enumerate(tiny_faces("test", 2).images[:11]):
        Image.fromarray(image).save(tmp_path / f"{number:02d}.png")
    (tmp_path / "05.png").write_bytes(b"no image")
    rows, skipped = embed_folder(run, tmp_path, mapped=False)
    assert seen == [4, 3, 3] and shown == [4, 4, 3]
    assert rows["file"].tolist() == [f"{number:02d}.png" for number in range(11) if number != 5]
    assert [path.name for path in skipped] == ["05.png"]

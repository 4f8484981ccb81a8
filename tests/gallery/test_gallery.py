"""The gallery: what ships is what its scores say, and belongs to the methods table of today."""

from __future__ import annotations

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.errors import FerlabError
from ferlab.experiments.evaluate import evaluate_run
from ferlab.gallery import open_gallery, opening, packing, seeds_summary
from ferlab.methods import ALL_METHODS, METHODS
from ferlab.report import verdict
from ferlab.runs import RunFolder, read_run


@pytest.fixture
def gallery(opened_gallery):
    return opened_gallery


def test_it_is_of_todays_methods(gallery):
    run = read_run(gallery)
    assert run.methods == list(ALL_METHODS) == list(seeds_summary()["methods"])
    table = RunFolder(gallery).settings()["table"]
    assert table == {name: METHODS[name].recorded() for name in ALL_METHODS}, (
        "make it anew: data_scripts/make_gallery.py"
    )
    assert len(seeds_summary()["seeds"]) >= 3
    assert seeds_summary()["epochs"] == run.summary["epochs"]


def test_its_seeds_are_summed_up_with_intervals(gallery):
    said = verdict(dataclasses.replace(read_run(gallery), summary=seeds_summary()))
    assert len(said.sentences) > 5
    for sentence, measure in zip(said.short[1:3], ("accuracy", "within/between"), strict=True):
        assert measure in sentence and sentence.count("95 % interval") == 2 and "beyond chance" in sentence


def test_it_has_maps_and_epochs(gallery):
    run = read_run(gallery)
    assert run.mapped_methods == run.methods
    assert set(run.epochs["epoch"]) == set(range(1, run.summary["epochs"] + 1))
    for name in run.methods:
        epochs = RunFolder(gallery).training(name, packing.SEED).load_epochs(run.summary["epochs"])
        assert len(epochs) == run.summary["epochs"] and np.isfinite(epochs).all()


def test_it_is_near_the_seeds_it_stands_for(gallery):
    # Rounded to half precision, a network may answer differently for a few of 3,000 faces.
    for name, scores in read_run(gallery).summary["methods"].items():
        full = seeds_summary()["methods"][name]["accuracy"]["values"][packing.SEED]
        assert abs(scores["accuracy"]["mean"] - full) < 2e-3, name


@pytest.mark.slow
def test_every_number_can_be_computed_again(gallery):
    evaluation = evaluate_run(gallery)
    assert evaluation.differences == [] and evaluation.checked > 500


def test_opened_once(gallery):
    before = (gallery / "embeddings.parquet").stat().st_mtime_ns
    assert open_gallery(gallery) == gallery
    assert (gallery / "embeddings.parquet").stat().st_mtime_ns == before
    assert not list(gallery.parent.glob(".gallery.*")), "nothing half written stays beside it"


def test_opened_by_two_notebooks_at_once(tmp_path):
    with ThreadPoolExecutor(max_workers=2) as threads:
        opened = [threads.submit(open_gallery, tmp_path / "gallery") for _ in range(2)]
        assert [of.result() for of in opened] == [tmp_path / "gallery"] * 2
    assert read_run(tmp_path / "gallery").mapped_methods
    assert [path.name for path in tmp_path.iterdir()] == ["gallery"]


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("my thesis")
    with pytest.raises(FerlabError, match="something else"):
        open_gallery(tmp_path)
    with pytest.raises(FerlabError, match="something else"):
        open_gallery(tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "my thesis"


@pytest.mark.parametrize("damaged", ["ce.safetensors", "gallery.json"])
def test_damaged_files_are_a_sentence(tmp_path, monkeypatch, damaged):
    files = tmp_path / "files"
    shutil.copytree(opening.FILES, files)
    (files / damaged).write_bytes((files / damaged).read_bytes()[:1000])
    monkeypatch.setattr(opening, "FILES", files)
    with pytest.raises(FerlabError, match="restore it"):
        open_gallery(tmp_path / "gallery")
    assert not (tmp_path / "gallery").exists()


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_packed_epochs_are_within_half_a_step(seed, scale):
    epochs = [scale * np.random.default_rng(seed + i).normal(size=(5, 3)).astype(np.float32) for i in range(2)]
    back = packing.unpack_epochs(packing.pack_epochs(epochs))
    for given_epoch, of in zip(epochs, back, strict=True):
        assert np.abs(given_epoch - of).max() <= 0.5001 * np.abs(given_epoch).max() / 127

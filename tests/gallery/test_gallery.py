"""The gallery: what ships is what its scores say, and belongs to the methods table of today."""

from __future__ import annotations

import dataclasses
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.errors import FerlabError, UnreadableFile
from ferlab.experiments.evaluate import evaluate_run
from ferlab.gallery import PARTS, open_gallery, opening, packing, seeds_summary
from ferlab.methods import ALL_METHODS, DEFAULT_METHODS, without_strength
from ferlab.report import verdict
from ferlab.runs import RunFolder, read_run
from ferlab.runs.plan import planned_method
from ferlab.settings import CompareSettings, TrainSettings


@pytest.fixture
def gallery(opened_gallery):
    return opened_gallery


@pytest.fixture(params=PARTS)
def part(request, opened_parts):
    return opened_parts[request.param]


def test_it_is_of_todays_methods(gallery):
    run = read_run(gallery)
    # A new row of the table comes into the gallery when that is made anew.
    assert run.methods == [name for name in ALL_METHODS if name in run.methods] and set(DEFAULT_METHODS) <= {
        *run.methods
    }
    assert set(DEFAULT_METHODS) <= set(seeds_summary()["methods"]) and len(seeds_summary()["seeds"]) >= 3
    assert seeds_summary()["epochs"] == run.summary["epochs"] == TrainSettings().epochs


def test_every_part_is_of_todays_recipe(part):
    settings = RunFolder(part).settings()
    table = {name: planned_method(CompareSettings(embedding_size=settings["embedding_size"]), name).recorded()
             for name in settings["methods"]}  # fmt: skip
    assert settings["table"] == table, "make it anew: data_scripts/make_gallery.py"
    usual = json.loads(json.dumps(dataclasses.asdict(TrainSettings())))
    assert settings["train"] == usual | {"epochs": settings["epochs"]}


def test_strengths_run_from_the_control_to_a_strong_dose(opened_parts):
    for summary in (read_run(opened_parts["strengths"]).summary, seeds_summary()):
        for name in ("tcl-nearest", "ad-corre"):
            doses = summary["doses"][name]
            assert doses["strengths"][0] == 0 and len(doses["strengths"]) >= 4 and max(doses["strengths"]) >= 4
            assert doses["default"] in doses["strengths"]


def test_the_losses_do_what_they_ask_for():
    """What the whole lab is for: over the strengths hinges close, and correlations between the classes fall."""
    doses = seeds_summary()["doses"]
    for split in ("train", "test"):
        open_hinges = [point["mean"] for point in doses["tcl-nearest"]["measures"][split]["open_hinges"]]
        assert open_hinges[0] > 0.9 and open_hinges[-1] < 0.7 * open_hinges[0]
        assert open_hinges == sorted(open_hinges, reverse=True)
        ratio = [point["mean"] for point in doses["ad-corre"]["measures"][split]["within_between_ratio"]]
        assert ratio[-1] < 0.9 * ratio[0]


def test_planes_are_two_numbers(opened_parts):
    run = read_run(opened_parts["plane"])
    assert run.has_planes and {"ce", "tcl-nearest"} <= set(map(without_strength, run.methods))


def test_its_seeds_are_summed_up_with_intervals(gallery):
    said = verdict(dataclasses.replace(read_run(gallery), summary=seeds_summary()))
    assert len(said.sentences) > 5
    for sentence, measure in zip(said.short[1:3], ("accuracy", "within/between"), strict=True):
        assert measure in sentence and sentence.count("95 % interval") == 2 and "beyond chance" in sentence


def test_it_has_maps_and_epochs(part):
    run = read_run(part)
    assert run.mapped_methods == run.methods
    assert set(run.epochs["epoch"]) == set(range(1, run.summary["epochs"] + 1))
    for name in run.methods:
        epochs = RunFolder(part).training(name, packing.SEED).load_epochs(run.summary["epochs"])
        assert len(epochs) == run.summary["epochs"] and np.isfinite(epochs).all()


def test_it_is_near_the_seeds_it_stands_for(gallery):
    # Rounded to half precision, a network may answer differently for a few of 3,000 faces.
    for name in set(DEFAULT_METHODS) & set(seeds_summary()["methods"]):
        scores = read_run(gallery).summary["methods"][name]
        full = seeds_summary()["methods"][name]["accuracy"]["values"][packing.SEED]
        assert abs(scores["accuracy"]["mean"] - full) < 2e-3, name


@pytest.mark.slow
def test_every_number_can_be_computed_again(opened_parts):
    evaluation = evaluate_run(opened_parts["strengths"])  # it has what all others have
    assert evaluation.differences == [] and evaluation.checked > 500


def test_opened_once(gallery):
    before = (gallery / "embeddings.parquet").stat().st_mtime_ns
    assert open_gallery(gallery) == gallery
    assert (gallery / "embeddings.parquet").stat().st_mtime_ns == before
    assert not list(gallery.parent.glob(".gallery.*")), "nothing half written stays beside it"


def test_opened_by_two_notebooks_at_once(tmp_path):
    with ThreadPoolExecutor(max_workers=2) as threads:
        opened = [threads.submit(open_gallery, tmp_path / "gallery", "plane") for _ in range(2)]  # the smallest part
        assert [of.result() for of in opened] == [tmp_path / "gallery"] * 2
    assert read_run(tmp_path / "gallery").has_planes
    assert [path.name for path in tmp_path.iterdir()] == ["gallery"]


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("my thesis")
    with pytest.raises(FerlabError, match="something else"):
        open_gallery(tmp_path)
    with pytest.raises(FerlabError, match="something else"):
        open_gallery(tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "my thesis"


def test_no_such_part_is_a_sentence(tmp_path):
    with pytest.raises(FerlabError, match="no part 'seeds'; choose from: methods, strengths, plane"):
        open_gallery(tmp_path / "gallery", part="seeds")


@pytest.mark.parametrize("damaged", ["*.ce.safetensors", "gallery.json", "methods.maps.parquet"])
def test_damaged_files_are_a_sentence(tmp_path, monkeypatch, damaged):
    files = tmp_path / "files"
    shutil.copytree(opening.FILES, files)
    for file in files.glob(damaged):
        file.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setattr(opening, "FILES", files)
    with pytest.raises(FerlabError, match="restore it"):
        open_gallery(tmp_path / "gallery")
    assert not (tmp_path / "gallery").exists()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (["seeds_summary", "methods"], {}, r"its field seeds_summary\.methods should"),
        (["seeds_summary", "seeds"], ["0"], r"its field seeds_summary\.seeds\.0 should be a valid integer"),
        (["parts", "methods", "files", "ce"], "../ce.safetensors", r"its field parts\.methods\.files\.ce should match"),
        (["parts", "methods", "files", "ce"], "no.safetensors", r"its field trainings\.no\.safetensors is missing"),
        (["parts", "methods", "config", "settings", "train"], 3, r"its field parts\.methods\.config\.settings\.train"),
        (["parts", "methods"], None, r"its field parts\.methods should"),
        (["parts"], {}, r"its field parts\.methods is missing"),
        (["trainings"], [], r"its field trainings should be"),
        (["trainings"], ..., r"its field trainings is missing"),
    ],
)
def test_a_record_of_another_shape_names_its_field(tmp_path, monkeypatch, place, value, said):
    record = json.loads((opening.FILES / packing.RECORD).read_text(encoding="utf-8"))
    inner = record
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    if value is ...:
        del inner[place[-1]]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / packing.RECORD).write_text(json.dumps(record), encoding="utf-8")
    for maps in opening.FILES.glob("methods.*.parquet"):
        shutil.copy(maps, tmp_path / "files")
    monkeypatch.setattr(opening, "FILES", tmp_path / "files")
    with pytest.raises(UnreadableFile, match=rf"gallery\.json is damaged, {said}.*restore it"):
        open_gallery(tmp_path / "gallery")
    assert not (tmp_path / "gallery").exists()


def test_a_record_that_is_nested_deeply_is_damaged(tmp_path, monkeypatch):
    (tmp_path / packing.RECORD).write_text("[" * 100_000)
    monkeypatch.setattr(opening, "FILES", tmp_path)
    with pytest.raises(UnreadableFile, match=r"gallery\.json is damaged, it is no JSON: recursion limit.*restore it"):
        seeds_summary()


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.integers(1, 60))
def test_packed_epochs_are_near(seed, scale, size):
    """Of at most 40 dimensions all are kept, and every face is within half a step along each of them."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(2, 50, min(size, 30))) @ rng.normal(size=(2, min(size, 30), size))
    epochs = (scale * hidden).astype(np.float32)
    back = packing.unpack_epochs(packing.pack_epochs(epochs))
    largest = np.linalg.norm(epochs - epochs.mean(axis=1, keepdims=True), axis=2).max()
    assert np.linalg.norm(epochs - back, axis=2).max() <= largest * (0.51 / 127 * size**0.5 + 2e-3)


def test_an_epoch_of_equal_faces_is_packed_too():
    epochs = np.full((1, 4, 3), 2.5, dtype=np.float32)
    np.testing.assert_allclose(packing.unpack_epochs(packing.pack_epochs(epochs)), epochs, rtol=1e-6)

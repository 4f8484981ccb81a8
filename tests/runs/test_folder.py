"""The run folder by itself: places, settings, networks; what comparisons do with it is in tests/experiments."""

from __future__ import annotations

import json

import pytest
import torch

from ferlab.errors import FerlabError
from ferlab.methods import get_method
from ferlab.models import ExpressionNetwork
from ferlab.runs import RunFolder, TrainingFolder, read_settings
from ferlab.runs.plan import check_settings, recorded
from ferlab.settings import CompareSettings

PML = "pml:SupConLoss(temperature=0.1)"


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def with_settings(run: RunFolder, **changes) -> dict:
    settings = CompareSettings(run.path, **changes)
    names, train = check_settings(settings)
    return recorded(settings, names, train)


def test_every_method_has_a_place_that_any_system_can_name(run):
    names = ["ce", "ad-corre@0.5+pixel", PML]
    places = [run.training(name, 3).path for name in names]
    assert [place.name for place in places] == ["seed_3"] * 3 and len({place.parent for place in places}) == 3
    assert places[0] == run.path / "ce" / "seed_3"
    assert not set(':*?"<>|') & set("".join(place.relative_to(run.path).as_posix() for place in places))
    for name in names:
        run.training(name, 3).save_network(ExpressionNetwork(2), ("a", "b"), image_size=32)
    assert {(found.method, found.seed) for found in run.trainings()} == {(name, 3) for name in names}


def test_a_network_comes_back_and_a_missing_one_is_told_with_those_that_are_there(run):
    network = ExpressionNetwork(2, embedding_size=8).eval()
    run.training(PML, 0).save_network(network, ("a", "b"), image_size=32)
    stored = run.network(PML)
    images = torch.zeros(2, 3, 32, 32)
    assert torch.equal(stored.network(images).logits, network(images).logits)
    assert stored.classes == ("a", "b") and stored.image_size == 32 and not stored.network.training
    with pytest.raises(FerlabError, match=r"no ce with seed 1; trained are: pml:SupConLoss\(temperature=0.1\), seed 0"):
        run.network("ce", seed=1)
    with pytest.raises(FerlabError, match="summary.json is missing"):
        run.network()


def test_settings_come_back(run):
    settings = CompareSettings(run.path, methods=("ad-corre@2.0", PML), seeds=2, epochs=3)
    names, train = check_settings(settings)
    assert names == ("ad-corre@2", PML)
    run.write_settings(recorded(settings, names, train))
    again = read_settings(run)
    assert (again.methods, again.seeds, again.epochs, again.train) == (names, 2, 3, train)
    assert run.is_comparison() and not run.is_search()


def test_other_settings_are_named_and_new_methods_are_not(run):
    run.write_settings(with_settings(run, methods=("ce", "tcl-nearest")))
    run.check_same_settings(with_settings(run, methods=("ce", "center@4"), seeds=3))
    with pytest.raises(FerlabError, match="quick was False and is True"):
        run.check_same_settings(with_settings(run, quick=True, epochs=8))
    changed = with_settings(run, methods=("ce",))
    changed["table"]["ce"] = get_method("ce").changed({"warm_up": 0.5}).recorded()
    with pytest.raises(FerlabError, match=r"table.ce was .*\"warm_up\": 0.25.* and is .*\"warm_up\": 0.5"):
        run.check_same_settings(changed)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"settings": 3}', '{"settings": {"model_type": "bert"}}'])
def test_what_is_no_run_is_left_alone(run, content):
    run.path.mkdir()
    (run.path / "thesis.tex").write_text("years of work")
    if content is not None:
        (run.path / "config.json").write_text(content)
    with pytest.raises(FerlabError, match="already exists"):
        run.check_free(overwrite=False, resume=False)
    with pytest.raises(FerlabError, match="not the folder of an earlier run"):
        run.check_free(overwrite=True, resume=False)


def test_a_held_folder_is_not_held_twice(run):
    folder = run.training("ce", 0)
    again = TrainingFolder(folder.path, "ce", 0)
    with folder.held(), pytest.raises(FerlabError, match="Another process is still training"), again.held():
        pass
    with folder.held():
        pass


def test_strengths_and_bad_options_of_a_plan(run):
    for methods, words in (
        (("ce@1",), "no metric loss"),
        (("ad-corre@-2",), "number from 0 on"),
        (("ad-corre@2", "ad-corre@2.0"), "each method once"),
        (("pml:VICRegLoss",), "cannot be trained beside cross-entropy"),
        ((), "each method once"),
    ):
        with pytest.raises(FerlabError, match=words):
            check_settings(CompareSettings(run.path, methods=methods))
    assert not run.path.exists(), "nothing is written before it is checked"


def test_config_is_plain_json(run):
    config = with_settings(run, methods=("all",))
    assert json.loads(json.dumps(config))["table"]["tcl-semi-synthesized"]["options"]["negatives"].startswith("Semi")

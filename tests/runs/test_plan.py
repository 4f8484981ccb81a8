"""The size of an embedding as a setting of a whole plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferlab.errors import FerlabError
from ferlab.methods import METHODS
from ferlab.runs import RunFolder, read_settings
from ferlab.runs.plan import check_plan, check_settings, planned_method, recorded
from ferlab.settings import CompareSettings, TuneSettings

WITHOUT_HEADS = ("ce", "tcl-nearest")


def settings(out: Path = Path(), **changes) -> CompareSettings:
    return CompareSettings(out, **{"methods": WITHOUT_HEADS, "embedding_size": 2} | changes)


def test_every_row_has_the_size_and_nothing_else_changes():
    row, own = planned_method(settings(), "tcl-nearest@2"), planned_method(settings(embedding_size=None), "ce")
    assert (row.embedding_size, row.metric_weight, row.options["margin"]) == (2, 2, 2)
    assert own is METHODS["ce"]


def test_the_size_comes_back_with_the_run(tmp_path):
    run, plan = RunFolder(tmp_path), settings(tmp_path, strengths=(0, 2))
    names, train = check_settings(plan)
    config = recorded(plan, names, train)
    assert {row["embedding_size"] for row in config["table"].values()} == {2}
    run.write_settings(config)
    again = read_settings(run)
    assert again.embedding_size == 2 and again.methods == names == ("ce", "tcl-nearest@2")
    run.check_same_settings(recorded(settings(tmp_path, methods=("center",)), ("center",), train))
    with pytest.raises(FerlabError, match="embedding_size was 2 and is None"):
        run.check_same_settings(recorded(settings(tmp_path, embedding_size=None), ("center",), train))


def test_a_run_from_before_there_was_a_size_is_read_and_gone_on_with(tmp_path):
    run, plan = RunFolder(tmp_path), settings(tmp_path, embedding_size=None)
    config = recorded(plan, *check_settings(plan))
    run.write_settings({name: value for name, value in config.items() if name != "embedding_size"})
    assert read_settings(run).embedding_size is None
    run.check_same_settings(config)


@pytest.mark.parametrize(("size", "why"), [(2, "degree of freedom"), (3, "on a circle")], ids=["two", "three"])
def test_methods_with_heads_are_refused_below_four(size, why):
    """Also where nobody named them: in the default methods and among all."""
    plans = [settings(methods=CompareSettings().methods), settings(methods=("all",)), TuneSettings(embedding_size=2)]
    for plan in plans:
        check = check_settings if isinstance(plan, CompareSettings) else check_plan
        with pytest.raises(FerlabError, match=r"--methods ce,tcl-nearest.* or take 4 or more") as refused:
            check(type(plan)(methods=plan.methods, embedding_size=size))
        said = str(refused.value)
        assert said.startswith("ce-heads and ad-corre cannot") and why in said
        assert "ad-corre" not in said.partition("--methods")[2], "those that go are named"
    with pytest.raises(FerlabError, match=r"ad-corre@2 cannot .*\(--methods ce,tcl-nearest\)"):
        check_settings(settings(methods=("ad-corre@2",), embedding_size=size))


def test_tuned_methods_have_the_values_of_their_search_and_come_back_with_the_run(tmp_path):
    plan = CompareSettings(tmp_path, methods=("ce", "tcl-nearest", "center"), tuned=True)
    names, train = check_settings(plan)
    row = planned_method(plan, "tcl-nearest")
    assert {name: row.value_of(name) for name in row.tuned} == row.tuned and row.tuned["margin"] != 2
    assert planned_method(plan, "center") == METHODS["center"]  # no search was recorded
    run = RunFolder(tmp_path)
    run.write_settings(recorded(plan, names, train))
    assert read_settings(run).tuned
    for changes in ({"methods": ("tcl-nearest@2",)}, {"strengths": (0.0, 2.0)}):
        with pytest.raises(FerlabError, match="--tuned gives every method a weight of its own, so tcl-nearest@2"):
            check_settings(CompareSettings(tmp_path, **{"methods": ("tcl-nearest",), "tuned": True} | changes))


def test_four_with_heads_and_two_without_are_fine():
    assert planned_method(settings(embedding_size=4), "ad-corre").heads == 7
    check_settings(settings(methods=("ad-corre",), embedding_size=4))
    check_settings(settings(embedding_size=2))


def test_where_the_embedding_is_the_picture_a_loss_has_its_reference_strength():
    names = ("ce", "center", "tcl-nearest@2", "pml:SupConLoss")
    assert check_settings(settings(methods=names, embedding_size=2))[0] == (
        "ce", "center@1", "tcl-nearest@2", "pml:SupConLoss",
    )  # fmt: skip
    assert check_settings(settings(methods=names, embedding_size=4))[0] == names
    dosed = check_settings(settings(methods=("tcl-nearest",), embedding_size=2, strengths=(0.0, 4.0)))[0]
    assert dosed == ("ce", "tcl-nearest")  # as asked for


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_an_embedding_without_a_direction_is_refused(size):
    with pytest.raises(FerlabError, match=f"--embedding-size is at least 2, but is {size}"):
        check_settings(settings(embedding_size=size))

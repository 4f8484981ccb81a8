"""EmbeddingExplorer over strengths: a loss is one map, whose points travel from its control to its strongest dose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_dosed_run, write_fake_run
from from_page import send

from ferlab.errors import FerlabError
from ferlab.widgets import EmbeddingExplorer
from ferlab.widgets.explorer.strengths import Strengths, dose_panels

EPOCHS = 3
DOSED = ("ce", "tcl-nearest@0.5", "tcl-nearest@2", "ce-heads", "ad-corre@0.5", "ad-corre@2", "ad-corre@4")
STOPS = [0.0, 0.5, 2.0, 4.0]


@pytest.fixture(scope="module")
def faces():
    return fake_faces(84)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    folder = write_dosed_run(tmp_path_factory.mktemp("runs") / "dosed", faces, DOSED, epochs=EPOCHS)
    rng = np.random.default_rng(1)
    for method in DOSED:
        (folder / method / "seed_0" / "epochs").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            np.save(folder / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", rng.normal(size=(21, 4)))
    return folder


@pytest.fixture
def explorer(run_dir, faces):
    return EmbeddingExplorer(run_dir, faces, validation=faces)


def plot(explorer, method):
    return explorer.view.maps[method].widget


def heading(explorer, method):
    return explorer.view.maps[method].heading.value


def summary_doses(explorer):
    return explorer.state.points.doses


# ---- which training is shown ---------------------------------------------------------------------------------


def test_every_loss_is_one_map(explorer):
    assert explorer.available_methods == ["ce", "tcl-nearest", "ce-heads", "ad-corre"]
    assert explorer.methods == ["ce", "tcl-nearest", "ad-corre"] and len(explorer.view.grid.children) == 3
    assert explorer.strengths == STOPS and explorer.strength == 4.0
    assert explorer.controls.strength_row.layout.display != "none"


@pytest.mark.parametrize("strength", STOPS)
def test_a_map_shows_the_training_at_that_strength(explorer, run_dir, strength):
    explorer.strength = strength
    rows = pd.read_parquet(run_dir / "embeddings.parquet")
    shown = f"ad-corre@{strength:g}" if strength else "ce-heads"
    wanted = rows[(rows["method"] == shown) & (rows["seed"] == 0)].set_index("index").loc[explorer.points.indices]
    np.testing.assert_allclose(explorer.map_of("ad-corre"), wanted[["x", "y"]], atol=1e-5)
    middle, reach = explorer.state.layouts.frame("umap")
    places = plot(explorer, "ad-corre").points[:, :2]
    np.testing.assert_allclose(places * reach + middle, wanted[["x", "y"]], atol=1e-5)
    explorer.color_by = "predicted class"
    np.testing.assert_array_equal(plot(explorer, "ad-corre").points[:, 2], wanted["predicted"])
    explorer.selection = explorer.points.indices[:9]
    right = (wanted["predicted"] == wanted["label"]).to_numpy()[explorer.state.selected].mean()
    assert explorer.share_right()["ad-corre"] == pytest.approx(right)


def test_titles_name_loss_and_strength(explorer):
    explorer.strength = 2
    assert "<b>CE + TCL (nearest)</b> <small>strength 2 · " in heading(explorer, "tcl-nearest")
    assert "<b>Cross-entropy</b>" in heading(explorer, "ce"), "a control has no strength"
    explorer.strength = 0
    assert "<b>CE + Ad-Corre</b> <small>strength 0: cross-entropy alone · " in heading(explorer, "ad-corre")
    explorer.strength = 4
    assert "strength 2 (4 was not trained)" in heading(explorer, "tcl-nearest")


def test_at_strength_0_a_loss_lies_on_its_control(explorer):
    explorer.strength = 0
    np.testing.assert_array_equal(explorer.map_of("tcl-nearest"), explorer.map_of("ce"))


def test_two_strengths_side_by_side(explorer):
    explorer.methods = ["ad-corre@0.5", "ad-corre@2"]
    assert "CE + Ad-Corre, strength 0.5" in heading(explorer, "ad-corre@0.5")
    before = explorer.map_of("ad-corre@0.5").copy()
    explorer.strength = 0
    np.testing.assert_array_equal(explorer.map_of("ad-corre@0.5"), before)
    explorer.controls.methods["ce"].value = True
    assert explorer.methods == ["ad-corre@0.5", "ad-corre@2", "ce"]


# ---- slider and marker ---------------------------------------------------------------------------------------


def test_the_slider_moves_points_marker_and_titles_and_keeps_the_selection(explorer):
    explorer.selection = explorer.points.indices[:5]
    chosen = explorer.selection
    near = explorer.neighbors(3)
    explorer.controls.strength.value = 0.5
    widget = plot(explorer, "tcl-nearest")
    assert explorer.strength == 0.5 and explorer.view.doses.at == 1
    assert widget.transition_points and widget.transition_points_duration == 700
    np.testing.assert_array_equal(explorer.selection, chosen)
    assert sorted(widget.selection) == [0, 1, 2, 3, 4]
    assert explorer.neighbors(3)["index"].tolist() != near["index"].tolist()
    assert "strength 0.5" in explorer.view.near.html and "strength 0.5" in explorer.view.chosen.html
    plot(explorer, "tcl-nearest").hovering = 6
    assert plot(explorer, "ad-corre").hovering == 6


def test_the_marker_moves_slider_and_points(explorer):
    send(explorer.view.doses, {"type": "stop", "at": 0})
    assert explorer.strength == 0 == explorer.controls.strength.value and explorer.view.doses.at == 0
    assert plot(explorer, "ad-corre").transition_points
    for late in (-1, 4, 0.5, "2", None):
        send(explorer.view.doses, {"type": "stop", "at": late})
    assert explorer.strength == 0


def test_the_tooltip_tells_the_answer_at_the_strength(explorer, faces):
    for strength, method in ((0.0, "ce-heads"), (2.0, "ad-corre@2")):
        explorer.strength = strength
        answer = faces.classes[explorer.points.predicted[method][3]]
        assert explorer.view.describe("ad-corre", 3)["answer"].startswith(answer)


def test_other_views_follow_the_strength(explorer):
    explorer.correlations_shown = True
    cells = explorer.view.correlation_plots["ad-corre"].cells
    explorer.projection = "triplet"
    before = plot(explorer, "ad-corre").points.copy()
    explorer.strength = 0.5
    assert explorer.view.correlation_plots["ad-corre"].cells != cells
    assert explorer.view.correlation_plots["ad-corre"].title == "CE + Ad-Corre · strength 0.5"
    assert not np.array_equal(plot(explorer, "ad-corre").points, before)
    explorer.morph_to("ad-corre")
    explorer.strength = 2
    assert "strength 2" in heading(explorer, None) and plot(explorer, None).transition_points


def test_epochs_are_those_of_the_training_at_that_strength(explorer, run_dir):
    explorer.strength = 2
    explorer.epoch = 2
    assert explorer.strength == 2 and explorer.strengths == STOPS
    for strength, method in ((2.0, "ad-corre@2"), (0.0, "ce-heads")):
        explorer.strength = strength
        rows = pd.read_parquet(run_dir / "epochs.parquet")
        rows = rows[(rows["method"] == method) & (rows["epoch"] == 2)].set_index("index")
        np.testing.assert_allclose(
            explorer.map_of("ad-corre"), rows.loc[explorer.points.indices, ["x", "y"]], atol=1e-5
        )
        space = np.load(run_dir / method / "seed_0" / "epochs" / "epoch_0002.npy")
        own = explorer.state.spaces()["ad-corre"][0]
        at = explorer.points.indices[0] // 4
        np.testing.assert_allclose(own, space[at] / np.linalg.norm(space[at]), atol=1e-5)
    explorer.epoch = None
    assert explorer.strength == 0


# ---- curves --------------------------------------------------------------------------------------------------


def test_curves_of_the_losses_shown(explorer):
    panels = explorer.view.doses.panels
    assert [panel["words"] for panel in panels] == [
        "TCL: share of open hinges", "Ad-Corre: correlation within a class", "within / between", "balanced accuracy",
    ]  # fmt: skip
    doses = summary_doses(explorer)
    points = panels[3]["curves"][1]["points"]
    wanted = doses["ad-corre"]["measures"]["test"]["balanced_accuracy"]
    assert [point["mean"] for point in points] == [row["mean"] for row in wanted]
    assert [STOPS[point["at"]] for point in points] == [0, 0.5, 2, 4]
    assert all(point["low"] < point["mean"] < point["high"] for point in points), "there are two seeds"
    explorer.methods = ["tcl-nearest"]
    assert [panel["words"] for panel in explorer.view.doses.panels][:2] == [
        "TCL: share of open hinges", "TCL: mean margin, / D",
    ]  # fmt: skip
    explorer.methods = ["ce"]
    assert explorer.view.doses.layout.display == "none"


def test_curves_follow_the_theme(explorer):
    explorer.view.theme.dark = True
    assert explorer.view.doses.dark


# ---- what is not there ---------------------------------------------------------------------------------------


def test_a_strength_that_was_not_trained(explorer):
    with pytest.raises(FerlabError, match="strength 3; choose one of: 0, 0.5, 2, 4"):
        explorer.strength = 3
    assert explorer.strength == 4


def test_a_run_without_strengths_has_no_slider_and_says_how_to_make_one(tmp_path, faces):
    explorer = EmbeddingExplorer(write_fake_run(tmp_path / "run", faces, epochs=2), faces)
    assert explorer.strength is None and explorer.strengths == []
    assert explorer.controls.strength_row.layout.display == "none" == explorer.view.doses.layout.display
    with pytest.raises(FerlabError, match="no strengths .* ferlab compare --methods .* --strengths"):
        explorer.strength = 2
    send(explorer.view.doses, {"type": "stop", "at": 0})
    assert explorer.strength is None


def one_family(breaks_at=None, strengths=(0.0, 1.0, 2.0)):
    methods = ["ce", *(f"center@{s:g}" for s in strengths if s)]
    rows = [{"strength": s, "mean": s, "low": None, "high": None} for s in strengths]
    found = {"strengths": list(strengths), "methods": methods, "breaks_at": breaks_at}
    return {"center": {**found, "measures": {"test": {"own_distance": rows}}}}


def test_it_begins_at_the_strongest_that_has_not_broken_the_network():
    methods = ["ce", "center@1", "center@2"]
    assert Strengths(one_family(), methods).first == 2
    assert Strengths(one_family(breaks_at=2.0), methods).first == 1
    assert Strengths(one_family(breaks_at=1.0), methods).first == 2, "where all have broken, the last"
    assert Strengths({}, methods).first is None


def test_where_a_network_is_lost_the_last_whole_one_is_shown_with_a_word():
    both = one_family(breaks_at=4.0) | {"tcl-nearest": one_family(strengths=(0.0, 1.0, 4.0, 8.0))["center"]}
    both["tcl-nearest"]["methods"] = ["ce", "tcl-nearest@1", "tcl-nearest", "tcl-nearest@8"]
    found = Strengths(both, ["ce", "center@1", "center@2", "tcl-nearest@1", "tcl-nearest", "tcl-nearest@8"])
    assert found.stops == [0, 1, 2, 4, 8] and found.first == 2
    assert found.note("center", 8) == "strength 2 (at 4 the network is lost)"
    assert found.note("tcl-nearest", 2) == "strength 1 (2 was not trained)"


def test_trainings_without_a_map_are_no_stops():
    few = Strengths(one_family(), ["ce", "center@2"])
    assert few.stops == [0, 2] and few.trained("center", 1.0) == "ce" and few.nearest(1.5) == 0
    none = Strengths(one_family(), ["center@1", "center@2"])
    assert none.families == {} and none.available == ["center@1", "center@2"], "without the control there is no way"
    panels = dose_panels([*few.families.values()], few.stops)
    assert [point["at"] for point in panels[0]["curves"][0]["points"]] == [0, 1]


# ---- spaces of two dimensions --------------------------------------------------------------------------------


def flat_tables(sizes, count=40):
    rng = np.random.default_rng(0)
    return {
        name: pd.DataFrame({"label": np.arange(count) % 4, "embedding": list(rng.normal(3, 2, size=(count, size)))})
        for name, size in sizes.items()
    }


def test_two_numbers_are_drawn_as_they_are():
    tables = flat_tables({"a": 2, "b": 2})
    explorer = EmbeddingExplorer(tables)
    assert explorer.projection == "embedding" and explorer.messages == [], "no UMAP is needed"
    wanted = np.stack(tables["b"]["embedding"])[explorer.points.indices]
    np.testing.assert_allclose(explorer.map_of("b"), wanted, rtol=1e-5)
    assert ("Embedding", "embedding") in explorer.controls.kind.options
    assert "as they are" in explorer.view.caption.html and "no projection to be measured" in explorer.view.belief.html


def test_the_two_numbers_of_a_run_are_not_called_a_map(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "run", faces, ("ce", "tcl-nearest"), epochs=EPOCHS)
    table = pd.read_parquet(run_dir / "embeddings.parquet")
    table["embedding"] = list(table[["x", "y"]].to_numpy(dtype=np.float32))  # as --embedding-size 2 writes them
    table.to_parquet(run_dir / "embeddings.parquet")
    followed = pd.read_parquet(run_dir / "epochs.parquet")
    for (method, epoch), rows in followed.groupby(["method", "epoch"]):
        (run_dir / method / "seed_0" / "epochs").mkdir(parents=True, exist_ok=True)
        np.save(run_dir / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", rows[["x", "y"]].to_numpy())
    explorer = EmbeddingExplorer(run_dir, faces)
    assert explorer.projection == "embedding" and "umap" not in explorer.state.layouts
    wanted = table[table["method"] == "ce"].set_index("index").loc[explorer.points.indices, ["x", "y"]]
    np.testing.assert_allclose(explorer.map_of("ce"), wanted, rtol=1e-5)
    explorer.epoch = 1
    assert explorer.projection == "embedding"
    wanted = followed[(followed["method"] == "ce") & (followed["epoch"] == 1)].set_index("index")
    np.testing.assert_allclose(explorer.map_of("ce"), wanted.loc[explorer.points.indices, ["x", "y"]], rtol=1e-5)


def test_embedding_is_offered_while_every_space_shown_is_flat():
    explorer = EmbeddingExplorer(flat_tables({"a": 2, "b": 3}), methods=["a"])
    assert explorer.projection == "embedding"
    explorer.methods = ["a", "b"]
    assert explorer.projection == "pca" and ("Embedding", "embedding") not in explorer.controls.kind.options
    with pytest.raises(FerlabError, match="Not every space shown has two dimensions"):
        explorer.projection = "embedding"
    explorer.methods = ["a"]
    explorer.projection = "embedding"
    assert explorer.projection == "embedding"

"""EmbeddingExplorer: its state from Python, what it computes, and what it says where something is missing."""

from __future__ import annotations

import base64
import io
import shutil

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_fake_run
from from_page import on_page, send, shown
from meanwhile import meanwhile
from PIL import Image

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.figures import CLASS_COLORS
from ferlab.palette import CORRECT_COLORS
from ferlab.runs import read_run
from ferlab.widgets import EmbeddingExplorer

EPOCHS = 5


@pytest.fixture(scope="module")
def faces():
    return fake_faces(140)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    """A run whose followed faces are every fourth of `faces`, with their embeddings after every epoch."""
    folder = write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, mapped=100, epochs=EPOCHS)
    rng = np.random.default_rng(1)
    for method in ("ce", "tcl-nearest", "ad-corre"):
        (folder / method / "seed_0" / "epochs").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            np.save(folder / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", rng.normal(size=(35, 4)))
    return folder


@pytest.fixture(scope="module")
def run(run_dir):
    return read_run(run_dir)


@pytest.fixture
def own_explorer(run, faces):
    """A new one, for what cannot be undone: its maps are computed anew."""
    return EmbeddingExplorer(run, faces, validation=faces)


@pytest.fixture(scope="module")
def shared_explorer(run_dir, faces):
    return EmbeddingExplorer(run_dir, faces, validation=faces)


@pytest.fixture
def explorer(shared_explorer):
    """As it is when it is new: whatever the test before has done is undone."""
    shared_explorer.epoch = None
    shared_explorer.morph_to(None)
    shared_explorer.methods = ["ce", "tcl-nearest", "ad-corre"]
    shared_explorer.projection = "umap"
    shared_explorer.selection = []
    shared_explorer.color_by, shared_explorer.person = "true class", None
    shared_explorer.view.theme.dark = False
    plot(shared_explorer, "ce").hovering = -1
    return shared_explorer


def plot(explorer, method):
    return explorer.view.maps[method].widget


def places(explorer, method):
    return plot(explorer, method).points[:, :2]


def chosen_html(explorer):
    return explorer.view.chosen.html


def near_html(explorer):
    return explorer.view.near.html


def hex_colors(widget):
    return ["#" + "".join(f"{round(255 * c):02x}" for c in color[:3]) for color in widget.color]


# ---- maps ----------------------------------------------------------------------------------------------------


def test_three_spaces_in_class_colors(explorer):
    assert explorer.methods == ["ce", "tcl-nearest", "ad-corre"]
    for name in explorer.methods:
        widget = plot(explorer, name)
        assert hex_colors(widget) == [CLASS_COLORS[c] for c in CLASSES]
        np.testing.assert_array_equal(widget.points[:, 2], explorer.points.labels)
        assert widget.points.shape == (100, 4)
        assert widget.opacity == 0.85, "dots can be seen"


def test_maps_are_those_of_the_run_in_one_scale(explorer, run):
    rows = run.map_points()
    middle, reach = explorer.state.layouts.frame("umap")
    for name in explorer.methods:
        wanted = rows[name].set_index("index").loc[explorer.points.indices, ["x", "y"]].to_numpy()
        np.testing.assert_allclose(places(explorer, name) * reach + middle, wanted, atol=1e-5)
        assert np.abs(places(explorer, name)).max() < 1, "nothing lies outside"


def test_the_plots_share_one_copy_of_the_javascript(explorer):
    sizes = {len(on_page(plot(explorer, name), "_esm")) for name in explorer.methods}
    assert max(sizes) < 8_000 < 1_000_000 < len(explorer.view.bundle.source)
    assert {plot(explorer, name).bundle for name in explorer.methods} == {explorer.view.bundle.model_id}


def test_class_names_stand_where_their_points_lie(explorer):
    written = plot(explorer, "ce").labels.drop_duplicates("label").set_index("label")
    assert set(written.index) == set(CLASSES)
    for k, name in enumerate(CLASSES):
        own = places(explorer, "ce")[explorer.points.labels == k]
        place = written.loc[name, ["x", "y"]].to_numpy(dtype=float)
        assert np.linalg.norm(own - place, axis=1).min() < 0.25


def test_methods_can_be_chosen_and_changed(explorer):
    explorer.methods = ["ad-corre", "ce"]
    assert [panel.children[1] for panel in explorer.view.grid.children] == [
        plot(explorer, m) for m in ("ad-corre", "ce")
    ]
    explorer.controls.methods["ce-heads"].value = True
    assert explorer.methods == ["ad-corre", "ce", "ce-heads"]
    for name in ("ce", "ce-heads", "ad-corre"):
        explorer.controls.methods[name].value = False
    assert explorer.methods == ["ad-corre"], "the last one stays"
    assert explorer.controls.methods["ad-corre"].value


def test_one_method_alone(run_dir, faces):
    alone = EmbeddingExplorer(run_dir, faces, ["tcl-nearest"])
    alone.selection = alone.points.indices[:2]
    assert len(alone.neighbors()) and not len(alone.moved_apart())
    alone.morph_to("tcl-nearest")
    assert alone.morphed == "tcl-nearest"


# ---- selection -----------------------------------------------------------------------------------------------


def test_selection_in_one_space_reaches_all_and_the_gallery(explorer, faces):
    plot(explorer, "tcl-nearest").selection = np.array([4, 7, 2], dtype=np.uint32)
    for name in explorer.methods:
        assert sorted(plot(explorer, name).selection) == [2, 4, 7]
    np.testing.assert_array_equal(explorer.selection, np.sort(explorer.points.indices[[2, 4, 7]]))
    np.testing.assert_array_equal(explorer.selected_labels, faces.labels[explorer.selection])
    html = chosen_html(explorer)
    assert html.count("<img") == 3 and "3 faces selected" in html
    for index in explorer.selection:
        assert f"face {index}, {faces.classes[faces.labels[index]]}" in html


def test_selection_from_python_and_clearing(explorer):
    wanted = explorer.points.indices[[5, 9]]
    explorer.selection = wanted[::-1]
    np.testing.assert_array_equal(explorer.selection, np.sort(wanted))
    for name in explorer.methods:
        assert sorted(plot(explorer, name).selection) == [5, 9]
    assert "Clear selection" in chosen_html(explorer)
    send(explorer.view.chosen, {"type": "pick", "what": "clear"})
    assert len(explorer.selection) == 0 and "<img" not in chosen_html(explorer) and not near_html(explorer)
    assert all(len(plot(explorer, name).selection) == 0 for name in explorer.methods)
    assert explorer.share_right() == {} and not len(explorer.neighbors()) and not len(explorer.moved_apart())


def test_gallery_of_many_faces_is_limited_and_says_so(explorer):
    explorer.selection = explorer.points.indices
    assert chosen_html(explorer).count("<img") == 48
    assert "<b>100 faces selected</b>, 48 of them shown" in chosen_html(explorer)
    assert explorer.neighbors().empty, "all are selected, so there is no neighbor"


def test_class_mix_and_share_right(explorer):
    of_class = {k: np.flatnonzero(explorer.points.labels == k) for k in (0, 3)}
    positions = np.concatenate([of_class[3][:5], of_class[0][:2]])
    explorer.selection = explorer.points.indices[positions]
    assert f"5 {CLASSES[3]}, 2 {CLASSES[0]}" in chosen_html(explorer)
    right = explorer.points.predicted["ce"][positions] == explorer.points.labels[positions]
    assert explorer.share_right()["ce"] == pytest.approx(right.mean())


def test_a_face_that_is_not_on_the_maps(explorer, faces):
    absent = next(i for i in range(len(faces)) if i not in set(explorer.points.indices.tolist()))
    for wanted in ([absent], [int(explorer.points.indices[0]), absent], [10_000], [-1]):
        with pytest.raises(FerlabError, match=f"Face {wanted[-1]} is not on the maps"):
            explorer.selection = wanted
    with pytest.raises(FerlabError, match="is not on the maps"):
        explorer.focus = absent


def test_a_click_in_the_legend_selects_a_class(explorer):
    send(explorer.view.legend, {"type": "pick", "what": "2"})
    assert set(explorer.selected_labels) == {2} and len(explorer.selection) == (explorer.points.labels == 2).sum()


def test_hover_reaches_all(explorer):
    plot(explorer, "ce").hovering = 6
    assert plot(explorer, "ad-corre").hovering == 6
    assert explorer.hovered == explorer.points.indices[6]
    plot(explorer, "ad-corre").hovering = -1
    assert explorer.hovered is None and plot(explorer, "ce").hovering == -1


def test_tooltip_shows_the_face_when_it_is_asked_for(explorer, faces):
    sent = []
    widget = plot(explorer, "ce")
    widget.send = lambda content, buffers=None: sent.append(content)
    send(widget, {"type": "tooltip", "index": 8, "preview": "face", "properties": ["class", "answer"]})
    index = explorer.points.indices[8]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent[0]["preview"].split(",")[1]))), dtype=int)
    assert np.abs(image - faces.images[index]).mean() < 12
    answer = faces.classes[explorer.points.predicted["ce"][8]]
    assert sent[0]["properties"]["class"] == faces.classes[faces.labels[index]]
    assert sent[0]["properties"]["answer"].startswith(answer)
    assert widget.tooltip_preview_type == "image"


# ---- neighbors -----------------------------------------------------------------------------------------------


def brute_force(run, method, index):
    rows = run.embeddings
    rows = rows[(rows["method"] == method) & np.isfinite(rows["x"])].set_index("index")
    space = np.stack(rows["embedding"])
    space = space / np.linalg.norm(space, axis=1, keepdims=True)
    distances = pd.Series(1 - space @ space[rows.index.get_loc(index)], rows.index).drop(index).sort_values()
    layout = rows[["x", "y"]].to_numpy()
    on_map = pd.Series(np.linalg.norm(layout - layout[rows.index.get_loc(index)], axis=1), rows.index).drop(index)
    return distances, on_map.rank().astype(int)


def test_neighbors_of_a_face_are_the_nearest_in_the_full_space(explorer, run):
    index = int(explorer.points.indices[11])
    explorer.selection = [index]
    assert explorer.focus == index
    found = explorer.neighbors(5)
    for method in explorer.methods:
        rows = found[found["method"] == method]
        distances, map_ranks = brute_force(run, method, index)
        assert rows["index"].tolist() == distances.index[:5].tolist()
        np.testing.assert_allclose(rows["distance"], distances.iloc[:5], atol=1e-5)
        assert rows["map_rank"].tolist() == map_ranks.loc[rows["index"]].tolist()
    assert f"Nearest to face {index}" in near_html(explorer)


def test_moved_apart_compares_ranks_with_the_first_space(explorer, run):
    index = int(explorer.points.indices[3])
    explorer.selection = [index]
    ranks = {m: brute_force(run, m, index)[0].rank().astype(int) for m in explorer.methods}
    moved = explorer.moved_apart(count=100)
    for method in explorer.methods[1:]:
        wanted = [i for i in ranks["ce"].index if ranks["ce"][i] <= 20 and ranks[method][i] > 60]
        rows = moved[moved["method"] == method]
        assert set(rows["index"]) == set(wanted) and len(wanted) > 1
        assert rows["after"].is_monotonic_decreasing
        assert rows["before"].tolist() == [ranks["ce"][i] for i in rows["index"]]
    assert "Close under Cross-entropy, far now" in near_html(explorer)


def test_neighbors_of_several_faces_are_not_among_them(explorer):
    explorer.selection = explorer.points.indices[:10]
    assert explorer.focus is None and "the middle of the selection" in near_html(explorer)
    assert not set(explorer.neighbors()["index"]) & set(explorer.selection)


def test_a_click_on_a_face_asks_for_its_neighbors(explorer):
    explorer.selection = explorer.points.indices[:10]
    index = int(explorer.selection[4])
    send(explorer.view.chosen, {"type": "pick", "what": str(index)})
    assert explorer.focus == index and f"Nearest to face {index}" in near_html(explorer)
    assert 'aria-pressed="true"' in chosen_html(explorer)
    send(explorer.view.chosen, {"type": "pick", "what": str(index)})
    assert explorer.focus is None


def test_two_faces_are_measured_against_each_other(explorer, run):
    a, b = (int(i) for i in explorer.points.indices[[0, 1]])
    explorer.selection = [a, b]
    distance = brute_force(run, "ce", a)[0][b]
    assert "These two" in near_html(explorer) and f"<td>{distance:.3f}</td>" in near_html(explorer)
    assert 0 <= explorer.state.pairs()[0].space_share <= 1
    explorer.selection = [a]
    assert "These two" not in near_html(explorer)


# ---- colors --------------------------------------------------------------------------------------------------


def test_coloring_right_or_wrong(explorer):
    explorer.color_by = "right or wrong"
    widget = plot(explorer, "ce")
    wrong = explorer.points.predicted["ce"] != explorer.points.labels
    np.testing.assert_array_equal(widget.points[:, 2], wrong)
    np.testing.assert_array_equal(widget.points[:, 3], wrong)
    assert hex_colors(widget) == list(CORRECT_COLORS.values()) and widget.size[1] > widget.size[0]
    assert set(widget.point_order[-wrong.sum() :]) == set(np.flatnonzero(wrong)), "mistakes lie on top"
    assert "wrong" in explorer.view.legend.html


def test_coloring_by_prediction_differs_from_map_to_map(explorer):
    explorer.color_by = "predicted class"
    for name in explorer.methods:
        np.testing.assert_array_equal(plot(explorer, name).points[:, 2], explorer.points.predicted[name])


@pytest.mark.parametrize("name", ["confidence", "intensity"])
def test_coloring_by_a_number_rises_with_it(explorer, name):
    explorer.color_by = name
    values = explorer.points.confidence["ce"] if name == "confidence" else explorer.points.metadata[name].to_numpy()
    codes = plot(explorer, "ce").points[:, 2]
    assert np.corrcoef(codes, values)[0, 1] > 0.99
    assert len(plot(explorer, "ce").color) > codes.max()
    assert "linear-gradient" in explorer.view.legend.html


def test_coloring_by_identity_singles_out_people(explorer):
    explorer.color_by = "identity"
    who = explorer.points.metadata["identity"].to_numpy()
    explorer.selection = explorer.points.indices[[0, 1]]
    np.testing.assert_array_equal(plot(explorer, "ce").points[:, 2] > 0, np.isin(who, who[[0, 1]]))
    explorer.person = int(who[7])
    np.testing.assert_array_equal(plot(explorer, "ce").points[:, 2] > 0, who == who[7])
    assert f"person {who[7]}" in explorer.view.legend.html and "everyone else" in explorer.view.legend.html
    explorer.person = None
    with pytest.raises(FerlabError, match="no person 12345"):
        explorer.person = 12345


def test_unknown_coloring(explorer):
    with pytest.raises(FerlabError, match="right or wrong"):
        explorer.color_by = "mood"


def test_theme_changes_the_background(explorer):
    explorer.color_by = "intensity"
    light = hex_colors(plot(explorer, "ce"))
    explorer.view.theme.dark = True
    assert hex_colors(plot(explorer, "ce")) != light
    for name in explorer.methods:
        assert max(plot(explorer, name).background_color[:3]) < 0.2
        assert not plot(explorer, name).axes and not plot(explorer, name).legend
    explorer.view.theme.dark = False
    assert min(plot(explorer, "ce").background_color[:3]) > 0.9


# ---- epochs --------------------------------------------------------------------------------------------------


def test_epochs_show_the_followed_faces_and_their_maps(explorer, run):
    explorer.selection = explorer.points.indices[:3]
    explorer.epoch = 2
    assert explorer.epoch == 2 and len(explorer.points) == 35 and len(explorer.selection) == 0
    rows = run.epochs
    rows = rows[(rows["method"] == "ad-corre") & (rows["epoch"] == 2)].set_index("index")
    middle, reach = explorer.state.layouts.frame("umap")
    np.testing.assert_allclose(
        places(explorer, "ad-corre") * reach + middle, rows.loc[explorer.points.indices, ["x", "y"]], atol=1e-5
    )
    assert "right or wrong" not in explorer.colorings, "answers after every epoch are not kept"
    explorer.epoch = None
    assert explorer.epoch is None and len(explorer.points) == 100


def test_points_travel_between_epochs_and_not_on_arrival(explorer):
    explorer.controls.view.value = "epochs"
    assert explorer.epoch == EPOCHS and not plot(explorer, "ce").transition_points
    explorer.controls.slider.value = 2
    widget = plot(explorer, "ce")
    assert widget.transition_points and widget.transition_points_duration == 400
    explorer.controls.play.playing = True
    explorer.controls.slider.value = 3
    assert widget.transition_points_duration == 900
    assert "epoch 3" in explorer.view.maps["ce"].heading.value


def test_neighbors_follow_the_epoch(explorer, run_dir):
    explorer.epoch = 1
    explorer.selection = explorer.points.indices[:1]
    first = explorer.neighbors(3)
    explorer.epoch = 4
    later = explorer.neighbors(3)
    assert first["index"].tolist() != later["index"].tolist()
    space = np.load(run_dir / "ce" / "seed_0" / "epochs" / "epoch_0004.npy")
    space /= np.linalg.norm(space, axis=1, keepdims=True)
    at = int(explorer.focus) // 4  # every fourth face is followed
    nearest = np.argsort(-space @ space[at])[1:4] * 4
    assert later[later["method"] == "ce"]["index"].tolist() == nearest.tolist()


def test_epochs_out_of_range(explorer):
    for epoch in (0, EPOCHS + 1):
        with pytest.raises(FerlabError, match=f"no epoch {epoch}; choose one from 1 to {EPOCHS}"):
            explorer.epoch = epoch


def test_a_run_without_epochs_says_so(run_dir, faces, tmp_path):
    folder = shutil.copytree(run_dir, tmp_path / "run")
    (folder / "epochs.parquet").unlink()
    explorer = EmbeddingExplorer(folder, faces)
    explorer.controls.view.value = "epochs"
    assert explorer.controls.view.value == "test" and explorer.epoch is None
    assert "no maps over the epochs" in explorer.view.message.html
    with pytest.raises(FerlabError, match="no maps over the epochs"):
        explorer.epoch = 1


def test_without_embeddings_of_the_epochs_the_maps_are_still_shown(run_dir, faces, tmp_path):
    folder = shutil.copytree(run_dir, tmp_path / "run")
    for method in ("ce", "tcl-nearest", "ad-corre"):
        shutil.rmtree(folder / method)
    explorer = EmbeddingExplorer(folder, faces, validation=faces)
    explorer.epoch = 3
    explorer.selection = explorer.points.indices[:2]
    assert "embeddings were not kept" in near_html(explorer) and explorer.controls.again.disabled
    with pytest.raises(FerlabError, match="without embeddings"):
        explorer.recompute()


# ---- morphing ------------------------------------------------------------------------------------------------


def test_one_map_travels_from_space_to_space(explorer):
    explorer.morph_to("ce")
    assert explorer.morphed == "ce" and len(explorer.view.grid.children) == 1
    large = plot(explorer, None)
    before = large.points.copy()
    assert not large.transition_points
    explorer.controls.stops.value = "ad-corre"
    assert explorer.morphed == "ad-corre" and large.transition_points and large.transition_points_duration > 1000
    assert not np.array_equal(large.points, before)
    np.testing.assert_array_equal(large.points[:, :2], places(explorer, "ad-corre"))
    explorer.selection = explorer.points.indices[:4]
    assert sorted(large.selection) == [0, 1, 2, 3]
    explorer.controls.stage.value = "side"
    assert explorer.morphed is None and len(explorer.view.grid.children) == 3
    assert sorted(plot(explorer, "ce").selection) == [0, 1, 2, 3]


def test_the_tour_goes_through_all_spaces(explorer):
    explorer.controls.stage.value = "morph"
    for at, name in enumerate(explorer.methods):
        explorer.controls.tour.value = at
        assert explorer.morphed == name == explorer.controls.stops.value


def test_what_plays_stops_with_its_view(explorer):
    explorer.morph_to("ce")
    explorer.controls.tour.playing = True
    explorer.morph_to(None)
    assert not explorer.controls.tour.playing
    explorer.controls.tour.value = 1
    assert explorer.morphed is None, "a step that was on its way does not bring the large map back"
    explorer.epoch = 2
    explorer.controls.play.playing = True
    explorer.epoch = None
    assert not explorer.controls.play.playing


def test_morphing_to_a_space_that_is_not_shown(explorer):
    with pytest.raises(FerlabError, match="'ce-heads' is not among the spaces shown"):
        explorer.morph_to("ce-heads")


# ---- projections ---------------------------------------------------------------------------------------------


def test_trustworthiness_is_that_of_scikit_learn(explorer):
    from sklearn.manifold import trustworthiness

    explorer.wait()
    for name, value in explorer.trustworthiness.items():
        space, layout = explorer.points.spaces[name][0], explorer.points.layouts[name][0]
        assert value == pytest.approx(trustworthiness(space, layout, n_neighbors=15, metric="cosine"), abs=1e-3)
    assert len(explorer.trustworthiness) == 3
    assert f"trustworthiness {explorer.trustworthiness['ce']:.2f}" in explorer.view.maps["ce"].heading.value
    assert f"{explorer.trustworthiness['ce']:.3f}" in explorer.view.belief.html


def test_principal_components(explorer):
    from sklearn.decomposition import PCA

    umap = places(explorer, "ce").copy()
    explorer.projection = "pca"
    assert explorer.projection == "pca" and plot(explorer, "ce").transition_points
    own = PCA(2).fit_transform(explorer.points.spaces["ce"][0])
    ratio = np.linalg.norm(explorer.map_of("ce"), axis=1) / np.linalg.norm(own, axis=1)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
    explorer.controls.kind.value = "umap"
    np.testing.assert_allclose(places(explorer, "ce"), umap)
    with pytest.raises(FerlabError, match="choose one of: embedding, umap, pca"):
        explorer.projection = "t-SNE"


@pytest.mark.slow
def test_umap_anew_in_the_background(own_explorer):
    from ferlab.projection import aligned_layouts

    explorer = own_explorer

    explorer.projection = "pca"
    explorer.recompute(n_neighbors=8, min_dist=0.3, metric="correlation", seed=4)
    assert any("being computed" in sentence for sentence in explorer.messages) and explorer.controls.again.disabled
    explorer.wait()
    assert explorer.messages == [] and not explorer.controls.again.disabled and explorer.projection == "umap"
    spaces = {name: epochs[0] for name, epochs in explorer.points.spaces.items()}
    wanted = aligned_layouts(spaces, 4, 8, 0.3, "correlation")
    for name in explorer.methods:
        np.testing.assert_array_equal(explorer.map_of(name), wanted[name])


def test_umap_settings_out_of_range(explorer):
    for wrong, message in (
        ({"n_neighbors": 1}, "n_neighbors is 1; choose from 2 to"),
        ({"min_dist": 2.0}, "min_dist is 2.0"),
        ({"metric": "jaccard"}, "metric is 'jaccard'; choose from cosine"),
        ({"seed": -1}, "seed is -1"),
    ):
        with pytest.raises(FerlabError, match=message):
            explorer.recompute(**wrong)
    assert explorer.messages == []


# ---- somebody's own points -----------------------------------------------------------------------------------


def own_table(n=60, size=5, seed=0, **columns):
    rng = np.random.default_rng(seed)
    label = np.array(["cat", "dog", "owl"])[np.arange(n) % 3]
    space = rng.normal(size=(3, size))[np.arange(n) % 3] + 0.3 * rng.normal(size=(n, size))
    return pd.DataFrame({"label": label, "embedding": list(space), **columns})


def with_map(table, seed=0):
    x, y = np.random.default_rng(seed).normal(size=(2, len(table)))
    return table.assign(x=x, y=y)


def test_a_table_without_pictures(tmp_path):
    explorer = EmbeddingExplorer(with_map(own_table(weight=np.arange(60) / 60)))
    explorer.selection = [0, 3]
    assert explorer.methods == ["embedding"] and explorer.classes == ("cat", "dog", "owl")
    assert "<img" not in chosen_html(explorer) and "face 3, cat" in chosen_html(explorer)
    assert explorer.colorings == ["true class", "weight"] and explorer.controls.view.layout.display == "none"
    explorer.color_by = "weight"
    with pytest.raises(FerlabError, match="Only a run has epochs"):
        explorer.epoch = 1
    assert "60 points" in repr(explorer)


def test_tables_with_pictures_and_answers(faces):
    table = with_map(own_table().drop(columns="label")).assign(
        index=np.arange(60)[::-1].copy(), label=faces.labels[:60][::-1].copy(), predicted=0, confidence=0.5
    )
    explorer = EmbeddingExplorer({"a": table, "b": table.sample(frac=1, random_state=0)}, faces)
    explorer.color_by = "right or wrong"
    explorer.selection = [7]
    assert explorer.classes == faces.classes and explorer.share_right() == {"a": 1.0, "b": 1.0}
    np.testing.assert_allclose(places(explorer, "a"), places(explorer, "b"), atol=1e-5)  # rows are matched by index
    images = EmbeddingExplorer(table, faces.images)
    images.selection = [7]
    assert "<img" in chosen_html(images)


@pytest.mark.slow
def test_points_without_a_map_get_one():
    explorer = EmbeddingExplorer({"a": own_table(), "b": own_table(seed=1)})
    assert explorer.projection == "pca" and any("UMAP is being computed" in m for m in explorer.messages)
    explorer.wait()
    assert explorer.projection == "umap" and explorer.messages == []
    assert explorer.trustworthiness["a"] > 0.8


def test_unequal_points_are_cut_to_those_shared():
    explorer = EmbeddingExplorer({"a": with_map(own_table(60)), "b": with_map(own_table(45))})
    assert len(explorer.points) == 45 and "the 45 that all of them have are shown" in explorer.view.message.html
    apart = with_map(own_table(60)).assign(index=np.arange(100, 160))
    explorer = EmbeddingExplorer({"a": with_map(own_table(60)), "b": apart})
    assert explorer.methods == ["a"] and "b has no point in common with a" in explorer.view.message.html


def test_a_missing_class_and_few_points():
    few = with_map(own_table(8))
    few = few[few["label"] != "dog"].assign(predicted="dog")
    explorer = EmbeddingExplorer(few)
    explorer.selection = [0]
    assert explorer.classes == ("cat", "dog", "owl") and "dog" in explorer.view.legend.html
    with pytest.raises(FerlabError, match="at least 10 points, but there are"):
        explorer.recompute()


def test_few_points_without_a_map_are_shown_by_pca():
    explorer = EmbeddingExplorer(own_table(8))
    assert explorer.projection == "pca" and "UMAP needs at least 10 points" in explorer.view.message.html


@pytest.mark.slow
def test_fewer_points_than_neighbors():
    explorer = EmbeddingExplorer(with_map(own_table(12)))
    explorer.recompute(n_neighbors=15)
    explorer.wait()
    assert "only 12 points, so UMAP looks at 11 neighbors instead of 15" in explorer.view.message.html


def test_umap_that_fails_is_a_sentence(monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("no room")

    monkeypatch.setattr("ferlab.widgets.explorer.layouts.aligned_layouts", fail)
    explorer = EmbeddingExplorer(with_map(own_table()))
    explorer.recompute()
    explorer.wait()
    assert "UMAP stopped: no room" in explorer.view.message.html and not explorer.controls.again.disabled


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "nothing to explore"),
        (pd.DataFrame({"x": [0.0], "y": [0.0]}), "no column label"),
        (pd.DataFrame({"label": ["a"]}), "needs columns x and y, or embedding"),
        (with_map(own_table()).assign(index=0), "names point 0 twice"),
    ],
)
def test_tables_that_cannot_be_shown(tables, message):
    with pytest.raises(FerlabError, match=message):
        EmbeddingExplorer(tables)


def test_more_points_than_images(faces):
    with pytest.raises(FerlabError, match="goes up to 59, but there are 20 images"):
        EmbeddingExplorer(with_map(own_table()), faces.images[:20])


# ---- runs that do not fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["ce", "tcl-predicted"], "no map of 'tcl-predicted'; there is: ce"),
        ([], "one to six"),
        (["ce", "ce"], "one to six"),
    ],
)
def test_unknown_methods(run_dir, faces, methods, message):
    with pytest.raises(FerlabError, match=message):
        EmbeddingExplorer(run_dir, faces, methods)


def test_other_faces_are_refused(run_dir, faces):
    with pytest.raises(FerlabError, match="not those of"):
        EmbeddingExplorer(run_dir, faces.subset(np.arange(60)))
    with pytest.raises(FerlabError, match="give what load_dataset returns"):
        EmbeddingExplorer(run_dir, faces.images)


def test_faces_that_cannot_be_loaded_leave_the_points(run_dir):
    explorer = EmbeddingExplorer(run_dir)  # its config names a data set whose faces are not these
    assert "test faces could not be loaded" in explorer.view.message.html
    explorer.selection = explorer.points.indices[:3]
    assert "3 faces selected" in chosen_html(explorer) and "<img" not in chosen_html(explorer)


def test_names_from_data_are_escaped(tmp_path):
    faces = fake_faces(30, classes=("<img src=x>", "b"))
    explorer = EmbeddingExplorer(write_fake_run(tmp_path / "run", faces, methods=("<svg>",)), faces, ["<svg>"])
    explorer.selection = explorer.points.indices[:2]
    explorer.wait()
    said = explorer.view.legend.html + chosen_html(explorer) + near_html(explorer) + explorer.view.belief.html
    said += explorer.view.maps["<svg>"].heading.value
    assert "<img src=x>" not in said and "<svg>" not in said and "&lt;img src=x&gt;" in said and "&lt;svg&gt;" in said


# ---- where nothing moves -------------------------------------------------------------------------------------


def test_a_picture_stands_in_where_no_widget_can(explorer):
    import matplotlib

    matplotlib.use("Agg")
    bundle = shown(explorer)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
    assert picture.shape[1] > 800 and picture.std() > 5
    assert "CE + Ad-Corre" in bundle["text/plain"]


def test_shepard_figure(explorer):
    figure = explorer.shepard_figure()
    assert len(figure.axes) == 3 and "distance on the map" in figure.axes[0].get_ylabel()
    without = EmbeddingExplorer(with_map(own_table()).drop(columns="embedding"))
    with pytest.raises(FerlabError, match="embeddings were not kept"):
        without.shepard_figure()
    with pytest.raises(FerlabError, match="there is no PCA"):
        without.projection = "pca"


def test_a_cell_and_the_page_take_turns(explorer):
    explorer.epoch = 1

    def page(turn: int) -> None:
        plot(explorer, "ce").selection = np.arange(turn % 30)

    def cell(turn: int) -> None:
        explorer.epoch = (None, 1)[turn % 2]
        explorer.methods = (["ce"], ["ce", "ad-corre"])[turn % 2]
        assert len(explorer.selected_labels) < 30 and set(explorer.share_right()) <= {"ce", "ad-corre"}

    assert meanwhile(page, cell, 12) == []
    assert explorer.epoch == 1 and len(plot(explorer, "ad-corre").points) == len(explorer.points)

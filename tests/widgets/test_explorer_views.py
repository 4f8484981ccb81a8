"""EmbeddingExplorer's views with the losses' own eyes: TCL's plane, the class-mean plane, Ad-Corre's correlations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_fake_run
from from_page import on_page, send

from ferlab.errors import FerlabError
from ferlab.projection import class_mean_plane, open_hinges, triplet_plane
from ferlab.projection.captions import CAPTIONS
from ferlab.widgets import EmbeddingExplorer
from ferlab.widgets.explorer.correlations import CorrelationFaces
from ferlab.widgets.explorer.layouts import MARGIN, PROJECTIONS
from ferlab.widgets.explorer.plot import FAST_ROWS, SLOW_ROWS, Bundle

SIZES = {"ce": 6, "ad-corre": 14}  # of ad-corre two numbers a head
EPOCHS = 3


@pytest.fixture(scope="module")
def faces():
    return fake_faces(70)


@pytest.fixture(scope="module")
def tables(faces):
    rng = np.random.default_rng(0)
    made = {}
    for name, size in SIZES.items():
        space = 3 * rng.normal(size=(7, size))[faces.labels] + rng.normal(size=(70, size))
        x, y = rng.normal(size=(2, 70))
        made[name] = pd.DataFrame({"label": faces.labels, "embedding": list(space), "x": x, "y": y})
    return made


@pytest.fixture
def explorer(tables, faces):
    return EmbeddingExplorer(tables, faces)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    """Spaces that grow from epoch to epoch, of 18 followed faces."""
    folder = write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, ("ce", "ad-corre"), epochs=EPOCHS)
    rng = np.random.default_rng(1)
    for method in ("ce", "ad-corre"):
        (folder / method / "seed_0" / "epochs").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            space = epoch * rng.normal(size=(18, 4))
            np.save(folder / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", space)
    return folder


def plot(explorer, method):
    return explorer.view.maps[method].widget


def space_of(tables, explorer, method):
    """(N, D) in the order of the points, not scaled."""
    return np.stack(tables[method]["embedding"])[explorer.points.indices]


# ---- planes --------------------------------------------------------------------------------------------------


def test_tcls_plane_shows_roots_of_squared_distances_of_embeddings_that_are_not_scaled(explorer, tables):
    explorer.projection = "triplet"
    for name in SIZES:
        wanted = triplet_plane(space_of(tables, explorer, name), explorer.points.labels)
        np.testing.assert_allclose(explorer.map_of(name), np.sqrt(wanted), rtol=1e-3, atol=1e-3)
        share = open_hinges(wanted, MARGIN)
        assert f"hinge open: {share:.0%}" in explorer.view.maps[name].heading.value
    assert "not measured as a map" in explorer.view.belief.html and explorer.trustworthiness == {}


def test_the_hinges_curve_parts_open_from_shut_in_the_same_place_on_every_map(explorer):
    explorer.projection = "triplet"
    lines = [[line.vertices for line in plot(explorer, name).annotations] for name in SIZES]
    assert lines[0] == lines[1], "one ruler"
    curve = np.array(lines[0][-1])
    slopes = np.diff(curve[:, 1]) / np.diff(curve[:, 0])
    assert slopes[0] < 0.2 and (np.diff(slopes) > -1e-9).all(), "flat at first, then steeper: a curve"
    seen = 0
    for name in SIZES:
        places, squares = plot(explorer, name).points[:, :2], explorer.map_of(name) ** 2
        gap = squares[:, 1] - squares[:, 0] - MARGIN
        clear = (np.abs(gap) > 0.02 * MARGIN) & (places[:, 0] < curve[-1, 0])
        above = places[:, 1] > np.interp(places[:, 0], *curve.T)
        np.testing.assert_array_equal(above[clear], gap[clear] > 0)
        seen += clear.sum()
    assert seen > 50
    explorer.projection = "umap"
    assert not plot(explorer, "ce").annotations


def test_numbers_at_the_axes_are_squared_distances_beside_their_marks(explorer):
    explorer.projection = "triplet"
    middle, half = explorer.state.layouts.frame("triplet")
    for name in SIZES:
        written = plot(explorer, name).labels.drop_duplicates()
        numbers = written[written["label"].str.fullmatch(r"[0-9.]+")]
        along = numbers[numbers["y"] == numbers["y"].min()]
        assert len(along) >= 3
        at = along["x"].to_numpy() * half + middle[0]
        np.testing.assert_allclose(at**2, along["label"].astype(float), atol=1e-3, rtol=1e-3)
        marks = [line.vertices for line in plot(explorer, name).annotations[2:-1]]
        assert {round(x, 4) for (x, _), _ in marks} >= {round(x, 4) for x in along["x"].tolist()[1:]}
        assert (np.abs(written[["x", "y"]].to_numpy()) < 1).all()


def test_what_stays_is_not_sent_again(explorer):
    explorer.projection = "triplet"
    widget, sent = plot(explorer, "ce"), []
    widget.observe(lambda change: sent.append(change["name"]), names=["labels", "annotations", "color", "points"])
    explorer.view.draw_maps(400)
    assert sent == [], "names, lines, colors and points are those that the page has"


def test_the_points_of_all_maps_are_sent_before_any_names(explorer):
    order = []
    for name in SIZES:
        plot(explorer, name).observe(lambda change: order.append(change["name"]), names=["labels", "points"])
    explorer.projection = "pca"
    assert order == ["points"] * len(SIZES) + ["labels"] * len(SIZES)


def test_rows_of_points_are_taken_apart_without_an_iterator_each():
    source = Bundle().source
    assert FAST_ROWS in source, "jupyter-scatter's JavaScript has changed: mend SLOW_ROWS"
    assert SLOW_ROWS not in source


def test_the_class_mean_plane_has_one_unit_over_the_spaces(tables, faces):
    larger = {**tables, "larger": tables["ce"].assign(embedding=[7 * row for row in tables["ce"]["embedding"]])}
    explorer = EmbeddingExplorer(larger, faces)
    explorer.projection = "class-means"
    np.testing.assert_allclose(explorer.map_of("larger"), explorer.map_of("ce"), atol=1e-3)
    wanted = class_mean_plane(space_of(tables, explorer, "ce"), explorer.points.labels)
    np.testing.assert_allclose(np.abs(explorer.map_of("ce")), np.abs(wanted), atol=1e-3)


@pytest.mark.parametrize("kind", ["umap", "pca", "class-means", "triplet"])
def test_every_projection_says_what_it_can_show(explorer, kind):
    explorer.controls.kind.value = kind
    assert explorer.projection == kind
    assert CAPTIONS[kind][:40] in explorer.view.caption.html.replace("&#39;", "'")
    places = np.concatenate([plot(explorer, name).points[:, :2] for name in SIZES])
    assert (np.abs(places) < 1).mean() > 0.98, "one frame holds the points of all spaces"


def test_every_projection_has_a_sentence():
    assert set(PROJECTIONS) < set(CAPTIONS)


def test_planes_follow_the_epochs(run_dir, faces):
    explorer = EmbeddingExplorer(run_dir, faces, validation=faces)
    explorer.epoch = 1
    explorer.projection = "triplet"
    for epoch in range(1, EPOCHS + 1):
        explorer.controls.slider.value = epoch
        space = np.load(run_dir / "ce" / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy")
        wanted = triplet_plane(space, faces.labels[::4])[np.searchsorted(np.arange(0, 70, 4), explorer.points.indices)]
        np.testing.assert_allclose(explorer.map_of("ce"), np.sqrt(wanted), rtol=1e-3, atol=1e-3)
    assert "hinge open" in explorer.view.maps["ce"].heading.value


def test_planes_of_one_class_are_refused_with_a_sentence(tables):
    one = EmbeddingExplorer(tables["ce"].assign(label="only"))
    one.controls.kind.value = "triplet"
    assert one.projection == "umap" and "needs faces of at least two" in one.view.message.html
    assert one.controls.kind.value == "umap"


@pytest.mark.slow
def test_densmap_is_computed_in_the_background_and_kept(explorer):
    explorer.controls.kind.value = "densmap"
    assert "densMAP is being computed" in explorer.view.message.html and explorer.projection == "umap"
    explorer.wait()
    assert explorer.projection == "densmap" and explorer.messages == []
    kept = explorer.map_of("ce")
    explorer.projection = "umap"
    explorer.projection = "densmap"
    assert explorer.map_of("ce") is kept


# ---- correlations --------------------------------------------------------------------------------------------


def test_correlations_are_drawn_only_while_they_are_unfolded(explorer):
    assert explorer.view.correlation_plots == {}
    explorer.view.correlations.selected_index = 0
    assert explorer.correlations_shown and list(explorer.view.correlation_plots) == list(SIZES)
    explorer.correlations_shown = False
    assert explorer.view.correlations.selected_index is None


def test_the_matrix_is_sorted_by_class_and_correlates_head_by_head(explorer, tables):
    explorer.correlations_shown = True
    order = explorer.state.correlation_faces.order
    assert (np.diff(explorer.points.labels[order]) >= 0).all()
    widget = explorer.view.correlation_plots["ad-corre"]
    cells = np.frombuffer(on_page(widget, "cells"), dtype=np.uint8).reshape(widget.size, widget.size)
    heads = space_of(tables, explorer, "ad-corre")[order].reshape(70, 7, 2)
    wanted = np.mean([np.corrcoef(heads[:, k]) for k in range(7)], axis=0)
    np.testing.assert_allclose(cells / 127.5 - 1, wanted, atol=0.005)
    assert len(widget.heads) == 7 and explorer.view.correlation_plots["ce"].heads == []
    assert [block["count"] for block in widget.blocks] == [10] * 7
    tops = {plot.top for plot in explorer.view.correlation_plots.values()}
    assert len(tops) == 1, "one height of the histograms over the spaces"


def test_a_cell_under_the_cursor_shows_its_two_faces_and_marks_the_first(explorer):
    explorer.correlations_shown = True
    widget, sent = explorer.view.correlation_plots["ce"], []
    widget.send = lambda content, buffers=None: sent.append(content)
    send(widget, {"type": "hover", "row": 3, "column": 40})
    a, b = explorer.points.indices[explorer.state.correlation_faces.order[[3, 40]]]
    assert explorer.hovered == a and sent[0]["html"].count("<img") == 2
    assert f"face {a}," in sent[0]["html"] and f"face {b}," in sent[0]["html"]
    assert (sent[0]["row"], sent[0]["column"]) == (3, 40)
    send(widget, {"type": "hover", "row": None, "column": None})
    assert explorer.hovered is None and len(sent) == 1


@pytest.mark.parametrize("cell", [(70, 0), (-1, 0), ("3", 1), (1.5, 2)])
def test_cells_that_are_not_there_are_none(explorer, cell):
    explorer.correlations_shown = True
    send(explorer.view.correlation_plots["ce"], {"type": "hover", "row": cell[0], "column": cell[1]})
    assert explorer.hovered is None


def test_a_block_selects_its_faces_in_all_maps(explorer):
    explorer.correlations_shown = True
    widget = explorer.view.correlation_plots["ad-corre"]
    send(widget, {"type": "select", "spans": [[0, 10], [20, 30]]})
    assert set(explorer.selected_labels) == {0, 2} and len(explorer.selection) == 20
    for name in SIZES:
        assert len(plot(explorer, name).selection) == 20
        assert explorer.view.correlation_plots[name].marked == [*range(10), *range(20, 30)]
    for nonsense in ("all", [[1]], [["a", "b"]], 7):
        send(widget, {"type": "select", "spans": nonsense})
    assert len(explorer.selection) == 20
    send(widget, {"type": "select", "spans": [[60, 500]]})
    assert len(explorer.selection) == 10, "as far as it lies in the picture"


def test_a_selection_on_a_map_is_marked_in_the_matrices(explorer):
    explorer.selection = explorer.points.indices[:4]
    explorer.correlations_shown = True
    wanted = np.flatnonzero(np.isin(explorer.state.correlation_faces.order, range(4))).tolist()
    assert explorer.view.correlation_plots["ce"].marked == wanted


def test_correlations_follow_spaces_and_epochs(run_dir, faces):
    explorer = EmbeddingExplorer(run_dir, faces, validation=faces)
    explorer.correlations_shown = True
    explorer.methods = ["ad-corre"]
    assert list(explorer.view.correlation_grid.children) == [explorer.view.correlation_plots["ad-corre"]]
    explorer.epoch = 1
    first = explorer.view.correlation_plots["ad-corre"].cells
    explorer.epoch = 2
    assert explorer.view.correlation_plots["ad-corre"].cells != first
    assert explorer.view.correlation_plots["ad-corre"].size == 18


def test_points_without_embeddings_have_no_correlations(tables):
    explorer = EmbeddingExplorer(tables["ce"].drop(columns="embedding"))
    assert explorer.view.correlations.layout.display == "none"
    explorer.correlations_shown = True
    assert explorer.view.correlation_plots == {}
    with pytest.raises(FerlabError, match="without embeddings"):
        explorer.projection = "triplet"
    with pytest.raises(FerlabError, match="embeddings were not kept"):
        explorer.correlation_figure()


def test_at_most_five_hundred_faces_the_same_in_every_space():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"label": np.arange(1400) % 7, "embedding": list(rng.normal(size=(1400, 4)))})
    x, y = rng.normal(size=(2, 1400))
    explorer = EmbeddingExplorer({"a": table.assign(x=x, y=y)})
    found = CorrelationFaces(explorer.points)
    assert len(found.order) == 497 and [block.count for block in found.blocks] == [71] * 7


def test_figures_of_the_views(explorer):
    explorer.projection = "triplet"
    assert "hinge open" in "".join(text.get_text() for ax in explorer.figure().axes for text in ax.texts)
    assert len(explorer.correlation_figure().axes) >= 6

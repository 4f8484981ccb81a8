"""What an explorer shows and finds out, without a single widget."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from fake_run import fake_faces, write_fake_run

from ferlab.errors import FerlabError
from ferlab.widgets.explorer import colors, layouts, neighbors, points, source, state
from ferlab.widgets.explorer.neighbors import (
    CLOSE,
    FAR,
    distances_from,
    moved_apart,
    moved_table,
    near_table,
    nearest,
    pair_in,
    shares_right,
)
from ferlab.widgets.explorer.source import PointSource
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.kit.background import Background


@pytest.mark.parametrize("module", [colors, layouts, neighbors, points, source, state])
def test_no_widget_is_imported(module):
    assert not re.search(r"^\s*(import|from) (ipywidgets|anywidget|jscatter)", inspect.getsource(module), re.MULTILINE)


# ---- neighbors -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spaces():
    """Two spaces of 80 points each, rows of length 1."""
    rng = np.random.default_rng(0)
    found = {name: rng.normal(size=(80, 5)) for name in ("first", "second")}
    return {name: space / np.linalg.norm(space, axis=1, keepdims=True) for name, space in found.items()}


def sorted_by_distance(space, at, left_out):
    """All points but some, the nearest to a place first: the slow way."""
    distance = {i: 1 - float(space[i] @ at) for i in range(len(space)) if i not in left_out}
    return sorted(distance, key=distance.get), distance


def test_nearest_to_one_point(spaces):
    asked = np.array([7])
    maps = {name: space[:, :2] for name, space in spaces.items()}
    found = nearest({n: distances_from(space, asked) for n, space in spaces.items()}, maps, asked, count=6)
    assert [near.method for near in found] == ["first", "second"]
    for near in found:
        order, distance = sorted_by_distance(spaces[near.method], spaces[near.method][7], {7})
        assert near.positions.tolist() == order[:6]
        np.testing.assert_allclose(near.distances, [distance[i] for i in order[:6]])
        on_map = np.linalg.norm(maps[near.method] - maps[near.method][7], axis=1)
        ranks = [1 + sum(on_map[j] < on_map[i] for j in range(80) if j != 7) for i in near.positions]
        assert near.map_ranks.tolist() == ranks


def test_nearest_to_the_middle_of_several_are_none_of_them(spaces):
    asked = np.array([3, 11, 40])
    middle = spaces["first"][asked].mean(axis=0)
    order, _ = sorted_by_distance(spaces["first"], middle / np.linalg.norm(middle), set(asked))
    (near,) = nearest(
        {"first": distances_from(spaces["first"], asked)}, {"first": spaces["first"][:, :2]}, asked, count=10
    )
    assert near.positions.tolist() == order[:10] and not set(near.positions) & set(asked)


def test_there_are_no_more_neighbors_than_points(spaces):
    asked = np.arange(78)
    (near,) = nearest(
        {"first": distances_from(spaces["first"], asked)}, {"first": spaces["first"][:, :2]}, asked, count=6
    )
    assert sorted(near.positions) == [78, 79]


def test_moved_apart_finds_who_was_close_and_is_far(spaces):
    asked = np.array([7])
    (moved,) = moved_apart({n: distances_from(space, asked) for n, space in spaces.items()}, asked, count=100)
    before, _ = sorted_by_distance(spaces["first"], spaces["first"][7], {7})
    after, _ = sorted_by_distance(spaces["second"], spaces["second"][7], {7})
    wanted = {i: (before.index(i) + 1, after.index(i) + 1) for i in before[:CLOSE] if after.index(i) + 1 > FAR}
    assert wanted, "else this test says nothing"
    assert {int(i): (b, a) for i, b, a in zip(moved.positions, moved.before, moved.after, strict=True)} == wanted
    assert moved.method == "second" and (np.diff(moved.after) < 0).all(), "the farthest first"
    (few,) = moved_apart({n: distances_from(space, asked) for n, space in spaces.items()}, asked, count=1)
    assert few.positions.tolist() == moved.positions[:1].tolist()
    assert moved_apart({"first": distances_from(spaces["first"], asked)}, asked, count=6) == [], "nothing to compare"


def test_a_pair_is_measured_in_the_space_and_on_the_map():
    space, layout = np.eye(3), np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    pair = pair_in("own", space, layout, at=[0, 1], sample=(np.array([0.5, 1.5]), np.array([1.0, 2.0, 6.0, 7.0])))
    assert (pair.method, pair.in_space, pair.space_share, pair.on_map, pair.map_share) == ("own", 1.0, 0.5, 5.0, 0.5)


def test_shares_right():
    predicted, labels = {"a": np.array([0, 1, 2, 0]), "b": np.array([0, 0, 0, 0])}, np.array([0, 1, 1, 1])
    assert shares_right(predicted, labels, np.array([0, 1, 2])) == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert shares_right(predicted, labels, np.array([], dtype=int)) == {}


def test_tables_name_points_by_their_index(spaces):
    asked, indices, labels = np.array([7]), np.arange(80) + 1000, np.arange(80) % 3
    distances = {name: distances_from(space, asked) for name, space in spaces.items()}
    found = nearest(distances, {name: space[:, :2] for name, space in spaces.items()}, asked, count=4)
    table = near_table(found, indices, labels)
    assert table["index"].tolist() == [1000 + at for near in found for at in near.positions]
    assert (table["label"] == (table["index"] - 1000) % 3).all() and len(table) == 8
    moved = moved_table(moved_apart(distances, asked, count=3), indices, labels)
    assert set(moved["method"]) == {"second"} and (moved["before"] <= CLOSE).all() and (moved["after"] > FAR).all()
    assert near_table([], indices, labels).empty and moved_table([], indices, labels).empty


# ---- state ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces():
    return fake_faces(60)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, epochs=3)


@pytest.fixture
def shown(run_dir, faces):
    return ExplorerState(PointSource(run_dir, faces, faces), None, Background())


def test_it_begins_with_the_finished_networks(shown):
    assert shown.methods == ["ce", "tcl-nearest", "ad-corre"] and shown.epoch is None and shown.kind == "umap"
    assert shown.color_by == "true class" and not len(shown.selected) and shown.messages == []
    assert set(shown.maps()) == set(shown.spaces()) == set(shown.methods)


def test_selecting_says_whether_that_is_a_change(shown):
    assert shown.select(np.array([5, 3, 5])) and shown.selected.tolist() == [3, 5] and shown.focus is None
    assert not shown.select(np.array([3, 5])), "the same again"
    assert not shown.select(np.array([60])) and shown.selected.tolist() == [3, 5], "no such point"
    assert shown.select(np.array([4])) and shown.focus == 4, "one alone is asked about"
    assert shown.hover(7) and not shown.hover(7) and shown.hover(60) and shown.hovered is None


def test_neighbors_of_the_focus_or_of_the_selections_middle(shown):
    assert not len(shown.asked) and shown.distances() == {} and shown.pairs() == []
    shown.select(np.array([3, 5]))
    assert shown.asked.tolist() == [3, 5] and len(shown.pairs()) == 3
    shown.focus = 9
    assert shown.asked.tolist() == [9]
    assert shown.distances()["ce"][9] == pytest.approx(0, abs=1e-6)


def test_other_points_take_no_selection_along(shown):
    shown.select(np.array([3, 5]))
    shown.hover(2)
    shown.choose_coloring("right or wrong")
    shown.choose_person(shown.points.people[0])
    shown.show_followed()
    assert shown.epoch == 3 and len(shown.points) == 15 and not len(shown.selected)
    assert (shown.focus, shown.hovered, shown.person) == (None, None, None)
    assert shown.color_by == "true class", "answers after every epoch are not kept"
    shown.show_finished()
    assert shown.epoch is None and len(shown.points) == 60


def test_a_large_map_stays_with_a_space_that_is_shown(shown):
    shown.morph_to("ad-corre")
    shown.choose_methods(["tcl-nearest", "ce"])
    assert shown.morphed == "tcl-nearest"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda shown: shown.choose_methods([]), "one to six"),
        (lambda shown: shown.choose_methods(["ce", "own"]), "no map of 'own'"),
        (lambda shown: shown.morph_to("ce-heads"), "not among the spaces shown"),
        (lambda shown: shown.choose_coloring("mood"), "no coloring 'mood'"),
        (lambda shown: shown.choose_person(12345), "no person 12345"),
    ],
)
def test_what_cannot_be_changes_nothing(shown, change, said):
    before = (shown.methods, shown.morphed, shown.color_by, shown.person)
    with pytest.raises(FerlabError, match=said):
        change(shown)
    assert (shown.methods, shown.morphed, shown.color_by, shown.person) == before


def test_points_without_spaces_have_no_neighbors_and_no_components():
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    table = pd.DataFrame({"label": ["a", "b"] * 6, "x": x, "y": y})
    shown = ExplorerState(PointSource(table, None, None), None, Background())
    shown.select(np.array([1, 2]))
    assert shown.spaces() == {} and shown.distances() == {} and shown.pairs() == []
    with pytest.raises(FerlabError, match="there is no PCA"):
        shown.choose_projection("pca")
    assert shown.kind == "umap"
    with pytest.raises(FerlabError, match="Only a run has epochs"):
        shown.show_followed()

"""The explorer on tables of one's own: what can be shown is shown, and what cannot is gray, counted and said."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.images import as_pictures
from ferlab.palette import NO_CLASS, UNLABELLED_COLORS
from ferlab.projection.cost import map_cost
from ferlab.texts import MISSING
from ferlab.widgets import EmbeddingExplorer
from ferlab.widgets.explorer.colors import color_points, colorings, legend_of
from ferlab.widgets.explorer.layouts import Layouts
from ferlab.widgets.explorer.tables import table_points

N = 30
GRAY = "#eceef1"


def table(n=N, **columns):
    rng = np.random.default_rng(0)
    found = {
        "label": np.array(["cat", "dog", "owl"])[np.arange(n) % 3],
        "x": rng.normal(size=n),
        "y": rng.normal(size=n),
    }
    return pd.DataFrame({name: values for name, values in (found | columns).items() if values is not None})


def in_turn(*values):
    return [values[i % len(values)] for i in range(N)]


def points_of(own, dataset=None):
    return table_points(own if isinstance(own, dict) else {"embedding": own}, dataset)


def colors_by(points, name):
    """The color of each point, in the order of the table, and the legend's entries."""
    coloring = color_points(points, name, method=points.methods[0], dark=False, people=[])
    colors = np.array(coloring.colors)[coloring.codes]
    return colors[np.argsort(points.indices)].tolist(), legend_of(points, name, dark=False, people=[])


# ---- columns to color by -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (in_turn(None, "left", "right"), ["left", "right"]),
        (in_turn(np.nan, "left", "right"), ["left", "right"]),
        (pd.array(in_turn(pd.NA, "left", "right"), dtype="string"), ["left", "right"]),
        (pd.Categorical(in_turn(None, "lo", "hi"), ["lo", "mid", "hi"]), ["lo", "hi"]),
        (pd.Categorical(in_turn(None, 3, 1), [3, 1]), ["3", "1"]),
        (in_turn(None, True, False), ["False", "True"]),
        (pd.array(in_turn(None, True, False), dtype="boolean"), ["False", "True"]),
        (in_turn(None, datetime.date(2020, 1, 2), "a"), ["2020-01-02", "a"]),
    ],
)
def test_a_category_with_missing_values_has_a_gray_entry_for_them(column, names):
    points, notes = points_of(table(side=column))
    colors, legend = colors_by(points, "side")
    assert [(name, count) for _, name, count in legend.entries] == [(name, 10) for name in names] + [(MISSING, 10)]
    assert set(colors[::3]) == {UNLABELLED_COLORS[MISSING]} and UNLABELLED_COLORS[MISSING] not in colors[1::3]
    assert notes == []


@pytest.mark.parametrize(
    ("column", "ends"),
    [
        (in_turn(10**400, 2, 1), ("1", "2")),
        (pd.Series([datetime.date(2020, 1, 1 + k % 3) for k in range(N)], dtype=pd.ArrowDtype(pa.date32())),
         ("2020-01-01 00:00", "2020-01-03 00:00")),
        (pd.Series(range(N), dtype="int8[pyarrow]"), ("0", "29")),
        (in_turn(Decimal("1.5"), Decimal("nan"), 3), ("1.5", "3")),
    ],
)  # fmt: skip
def test_numbers_and_days_of_any_type_are_a_scale(column, ends):
    points, notes = points_of(table(own=column))
    _, legend = colors_by(points, "own")
    assert legend.ends == ends and notes == []


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (in_turn(b"left", b"\xff", b"left"), ["\\xff", "left"]),
        (pd.Series(in_turn(True, False, None), dtype="bool[pyarrow]"), ["False", "True", MISSING]),
        (pd.Series(in_turn("b", "a", None), dtype="string[pyarrow]"), ["a", "b", MISSING]),
    ],
)
def test_names_of_any_type_are_classes(column, names):
    points, _ = points_of(table(own=column))
    assert [name for _, name, _ in colors_by(points, "own")[1].entries] == names


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.struct([("a", pa.int64())])])
def test_lists_and_dicts_of_arrow_are_told_too(kind):
    value = [1] if pa.types.is_list(kind) else {"a": 1}
    points, notes = points_of(table(own=pd.Series([value] * N, dtype=pd.ArrowDtype(kind))))
    assert "own" not in colorings(points) and "cannot be colored by own" in notes[0]


def test_complex_numbers_are_no_places():
    with pytest.raises(FerlabError, match="No point of the table can be drawn: in every row x or y is missing"):
        points_of(table(x=np.arange(N) * 1j))


def test_booleans_are_two_classes():
    points, _ = points_of(table(flag=np.arange(N) % 2 == 0))
    _, legend = colors_by(points, "flag")
    assert [(name, count) for _, name, count in legend.entries] == [("False", 15), ("True", 15)]


@pytest.mark.parametrize(
    ("column", "gray", "said"),
    [
        ([np.inf, *range(N - 1)], [0], "infinite"),
        ([-np.inf, np.nan, *range(N - 2)], [0, 1], "missing or infinite"),
        (pd.array([None, *range(N - 1)], dtype="Int64"), [0], "missing"),
        (pd.array([None, *np.arange(N - 1) / 2], dtype="Float64"), [0], "missing"),
        ([None, *map(Decimal, range(N - 1))], [0], "missing"),
        (pd.Series([None, *range(N - 1)], dtype=object), [0], "missing"),
        ([pd.NaT, *pd.date_range("2020-01-01", periods=N - 1)], [0], "missing"),
        ([pd.NaT, *pd.date_range("2020-01-01", periods=N - 1, tz="Europe/Berlin")], [0], "missing"),
        ([pd.NaT, *pd.to_timedelta(np.arange(N - 1), "h")], [0], "missing"),
    ],
)
def test_one_value_that_is_no_number_takes_no_color_from_the_others(column, gray, said):
    points, _ = points_of(table(weight=column))
    colors, legend = colors_by(points, "weight")
    assert [i for i, color in enumerate(colors) if color == GRAY] == gray
    assert len(set(colors)) > 20, "all others keep colors of their own"
    assert list(legend.entries) == [(GRAY, said, len(gray))] and np.isfinite([legend.low, legend.high]).all()


def test_the_ends_of_a_scale_are_read_as_what_they_are():
    points, _ = points_of(
        table(when=pd.date_range("2020-01-01", periods=N), took=pd.to_timedelta(np.arange(N), "h"), weight=np.arange(N))
    )
    ends = {name: colors_by(points, name)[1].ends for name in ("when", "took", "weight")}
    assert ends == {
        "when": ("2020-01-01 00:00", "2020-01-30 00:00"),
        "took": ("0 days 00:00:00", "1 days 05:00:00"),
        "weight": ("0", "29"),
    }


def test_the_largest_numbers_overflow_nothing():
    points, _ = points_of(table(weight=[1.7e308, -1.7e308, *[0.0] * (N - 2)]))
    colors, _ = colors_by(points, "weight")
    assert len(set(colors)) == 3 and GRAY not in colors


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, {1}, np.arange(3)])
def test_lists_and_dicts_are_no_colors_and_that_is_said(cell):
    points, notes = points_of(table(box=[cell] * N, weight=np.arange(N)))
    assert colorings(points) == ["true class", "weight"]
    assert notes == ["Points cannot be colored by box: no single numbers or names stand there."]


def test_more_names_than_colors_is_said():
    city, file = [f"city {k % 13}" for k in range(N)], [f"{k}.png" for k in range(N)]
    points, notes = points_of(table(city=city, file=file))
    assert "city" not in colorings(points)
    assert notes == [
        "Points cannot be colored by city: more than 12 different names stand there, too many for colors to tell "
        "apart; a column with fewer groups can be."
    ]


def test_columns_may_be_named_by_anything():
    more = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 5)), columns=[0, "0", None, ("a", 1), "b\x1b"])
    points, _ = points_of(table().join(more))
    assert colorings(points)[1:] == ["0", "0 (2)", "None", "a, 1", "b\\x1b"]
    points, _ = points_of(table(**{"true class": np.arange(N)}))
    assert colorings(points) == ["true class", "true class (column)"]


@pytest.mark.parametrize("who", [in_turn(None, "ada", "bo"), in_turn(np.nan, 4.0, 7.0), in_turn(None, 4, "ada")])
def test_people_may_be_names_and_missing(who):
    points, _ = points_of(table(identity=who))
    assert len(points.people) == 2 and colorings(points) == ["true class", "identity"]
    person = points.people[0]
    coloring = color_points(points, "identity", method="embedding", dark=False, people=[person])
    legend = legend_of(points, "identity", dark=False, people=[person])
    assert (coloring.codes > 0).sum() == 10 and [count for _, _, count in legend.entries] == [10, 20]


# ---- places and embeddings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        [np.nan, np.inf, *range(N - 2)],
        [None, "far", *range(N - 2)],
        pd.array([None, None, *range(N - 2)], dtype="Int64"),
        [1e200, -1e30, *range(N - 2)],
    ],
)
def test_points_without_a_place_are_counted_and_the_others_shown(x):
    points, notes = points_of(table(x=x))
    assert sorted(points.indices) == list(range(2, N)) and np.isfinite(points.layouts["embedding"][0]).all()
    assert notes == ["2 of the 30 points of the table are not drawn: x or y is missing, NaN or infinite there."]


def test_one_point_is_one_point():
    _, notes = points_of(table(x=[np.nan, *range(N - 1)]))
    assert notes == ["1 of the 30 points of the table is not drawn: x or y is missing, NaN or infinite there."]


def test_places_far_from_the_origin_keep_their_differences():
    points, _ = points_of(table(x=1.7e9 + np.arange(N)))
    x = points.layouts["embedding"][0][:, 0][np.argsort(points.indices)]
    np.testing.assert_allclose(np.diff(x), 1, atol=1e-4)


def vectors(n=N, size=4):
    return list(np.random.default_rng(1).normal(size=(n, size)))


@pytest.mark.parametrize("bad", [None, np.nan, [np.nan] * 4, [np.inf, 0, 0, 0], [1e300, 0, 0, 0]])
def test_points_without_an_embedding_are_counted(bad):
    points, notes = points_of(table(x=None, y=None, embedding=[bad, *vectors(N - 1)]))
    assert 0 not in points.indices and len(points) == N - 1 and "1 of the 30 points" in notes[0]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["[0.1 0.2]"] * N, "came through a CSV file"),
        ([[1.0], *vectors(N - 1)], r"different lengths: 4 \(29 rows\), 1 \(1 rows\)"),
        ([np.eye(2)] * N, r"one has shape \(2, 2\)"),
        (list(range(N)), r"one has shape \(\)"),
        ([[]] * N, r"one has shape \(0,\)"),
        ([{"a": 1}] * N, "no vector of numbers"),
        ([None] * N, "No point of the table can be drawn"),
    ],
)
def test_embeddings_that_are_no_vectors_are_refused_with_the_reason(column, said):
    with pytest.raises(FerlabError, match=said):
        points_of(table(x=None, y=None, embedding=column))


def test_the_output_of_embed_on_eight_images_is_shown():
    own = pd.DataFrame(
        {
            "file": [f"{i}.png" for i in range(8)], "predicted": ["anger", "fear"] * 4, "confidence": 0.5,
            "p_anger": 0.5, "p_fear": 0.5, "embedding": vectors(8), "x": np.nan, "y": np.nan,
        }
    )  # fmt: skip
    explorer = EmbeddingExplorer(own)
    assert explorer.projection == "pca" and len(explorer.view.maps["embedding"].widget.points) == 8
    assert explorer.color_by == "predicted class" and "right or wrong" not in explorer.colorings
    assert explorer.share_right() == {} and explorer.classes == ("fear", "anger", NO_CLASS)
    for said in ("no column label", "x and y of the table hold no numbers", "PCA is shown instead"):
        assert said in explorer.view.message.html
    explorer.selection = [0, 3]
    assert (
        "2 faces selected" in explorer.view.chosen.html and "right" not in explorer.view.maps["embedding"].heading.value
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_hardly_any_points(n):
    assert len(EmbeddingExplorer(table(n)).points) == n


@pytest.mark.parametrize("index", [[f"row {i}" for i in range(N)], [np.nan, *range(N - 1)], np.arange(N) + 0.5])
def test_an_index_that_counts_nothing(index):
    points, notes = points_of(table(index=index))
    assert sorted(points.indices) == list(range(N)) and "rows are counted, from 0" in notes[0]
    with pytest.raises(FerlabError, match="must say which face a row is"):
        points_of(table(index=index), np.zeros((N, 4, 4, 3), np.uint8))


def test_an_index_of_whole_floats_counts_and_a_negative_one_is_refused():
    assert sorted(points_of(table(index=np.arange(N) + 5.0))[0].indices) == list(range(5, N + 5))
    with pytest.raises(FerlabError, match="begins at -1"):
        points_of(table(index=np.arange(N) - 1), np.zeros((N, 4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"a": [1, 2]}, "is of type list; give a pandas DataFrame"),
        (pd.concat([table(), table()[["label"]]], axis=1), "several columns called label"),
        (table(0), "The table has no rows"),
        (table(predicted=np.arange(N) % 3), "label or predicted mixes .* give numbers or names, not both"),
    ],
)
def test_tables_that_are_none(own, said):
    with pytest.raises(FerlabError, match=said):
        points_of(own)


# ---- labels ------------------------------------------------------------------------------------------------------


def test_what_a_clustering_left_out_is_gray():
    points, _ = points_of(table(label=np.arange(N) % 3 - 1))
    colors, legend = colors_by(points, "true class")
    assert points.classes == ("class 0", "class 1", NO_CLASS) and set(colors[::3]) == {UNLABELLED_COLORS[NO_CLASS]}
    assert [count for _, _, count in legend.entries] == [10, 10, 10]


def test_missing_labels_and_answers_are_neither_right_nor_wrong():
    explorer = EmbeddingExplorer(
        table(
            label=in_turn("cat", "cat", None), predicted=in_turn("cat", None, "cat"), confidence=in_turn(0.5, None, 0.5)
        )
    )
    assert explorer.view.maps["embedding"].heading.value.count("100% right") == 1
    explorer.selection = range(N)
    assert explorer.share_right() == {"embedding": 1.0}
    explorer.color_by = "right or wrong"
    assert (explorer.view.maps["embedding"].widget.points[:, 2] == 2).sum() == 20
    assert "not known" in explorer.view.legend.html and "✗" not in explorer.view.chosen.html
    explorer.color_by = "confidence"
    assert "not known" in explorer.view.legend.html


def dataset(n=N):
    labels = np.arange(n) % 3
    return FaceDataset(
        "own", "test", np.zeros((n, 4, 4, 3), np.uint8), labels, ("a", "b", "c"), pd.DataFrame(index=range(n))
    )


@pytest.mark.parametrize(
    "label", [np.arange(N) % 3, np.arange(N) % 3 * 1.0, in_turn("a", "b", "c"), pd.Categorical(in_turn("a", "b", "c"))]
)
def test_labels_of_a_data_set_are_its_numbers_or_names(label):
    points, _ = points_of(table(label=label), dataset())
    assert points.classes == ("a", "b", "c") and points.labels[np.argsort(points.indices)].tolist() == in_turn(0, 1, 2)


def test_labels_beside_those_of_a_data_set():
    points, _ = points_of(table(label=in_turn(0, -1, None)), dataset())
    assert points.classes == ("a", "b", "c", NO_CLASS) and (points.labels == 3).sum() == 20
    with pytest.raises(FerlabError, match="The column label holds 7, which is none of the 3 classes: a, b, c"):
        points_of(table(label=7), dataset())


def test_several_tables_are_named_in_sentences():
    _, notes = points_of({"one": table(), "two": table(x=[np.nan, *range(N - 1)])})
    assert notes[0].startswith("1 of the 30 points of the table two is not drawn")
    assert notes[1] == "The spaces do not hold the same points: the 29 that all of them have are shown."


def test_names_that_are_not_utf_8_are_escaped():
    explorer = EmbeddingExplorer(
        table(
            label=pd.Series(in_turn("a\udce4", "b"), dtype=object),
            file=pd.Series(in_turn("\udcff", "x\x1b"), dtype=object),
        )
    )
    explorer.color_by = "file"
    assert explorer.classes == ("a\\xe4", "b")
    (explorer.view.legend.html + "".join(explorer.controls.color_by.options[1])).encode("utf-8")
    assert "\\xff" in explorer.view.legend.html and "x\\x1b" in explorer.view.legend.html


def test_long_names_and_many_classes_do_not_fill_the_page():
    names = [f"{'n' * 200}{i}" for i in range(200)]
    explorer = EmbeddingExplorer({"s" * 200: table(200, label=names, x=np.arange(200), y=np.arange(200) % 7)})
    explorer.selection = range(100)
    assert "and 140 more" in explorer.view.legend.html
    assert (
        "other classes" in explorer.view.chosen.html.split("</p>")[0]
        and len(explorer.controls.methods["s" * 200].description) < 40
    )
    names, _ = explorer.state.layouts.names(*explorer.state.map_of("s" * 200))
    assert all(len(name) < 30 for name in names)


# ---- pictures ----------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(2)
EIGHT = RNG.integers(0, 256, (3, 6, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "images",
    [
        EIGHT / 255, (EIGHT / 255).astype(np.float16), EIGHT / 127.5 - 1, EIGHT.astype(float), EIGHT.astype(np.int64),
        EIGHT.astype(np.uint16) * 257, np.moveaxis(EIGHT, -1, 1), np.moveaxis(EIGHT / 255, -1, 1).astype(np.float32),
        np.concatenate([EIGHT, np.full((3, 6, 5, 1), 255, np.uint8)], axis=-1), list(EIGHT),
    ],
)  # fmt: skip
def test_pictures_in_any_usual_form_are_the_same_pictures(images):
    pictures = as_pictures(images)
    assert pictures.dtype == np.uint8 and pictures.shape == EIGHT.shape
    assert np.abs(pictures.astype(int) - EIGHT).max() <= 1


def test_pictures_without_channels_transparent_or_of_booleans():
    assert as_pictures(EIGHT[..., 0]).shape == (3, 6, 5, 1)
    assert as_pictures(EIGHT[..., 0] > 100).max() == 255
    assert (as_pictures(np.zeros((2, 4, 4, 4), np.uint8)) == 255).all(), "transparent black is white"
    assert as_pictures(np.zeros((2, 4, 4, 2), np.uint8)).shape == (2, 4, 4, 1)
    assert (as_pictures(np.full((2, 4, 4, 3), np.nan)) == 0).all()
    assert as_pictures(EIGHT) is not None and np.shares_memory(as_pictures(EIGHT), EIGHT)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (RNG.normal(size=(3, 6, 5, 3)) * 2, "undo the normalization"),
        (-EIGHT.astype(int), "not clear what is black"),
        ([np.zeros((3, 3)), np.zeros((4, 4))], "all of one size"),
        (np.zeros((3, 8)), "all of one size"),
        (np.zeros((3, 8, 8, 7)), "1 to 4 channels"),
        (np.array([["a", "b"]]), "array of numbers"),
    ],
)
def test_pictures_that_are_none(images, said):
    with pytest.raises(FerlabError, match=said):
        as_pictures(images)


def test_float_and_transparent_pictures_are_shown():
    for images in (RNG.random((N, 8, 8, 3)), RNG.integers(0, 255, (N, 8, 8, 4), dtype=np.uint8)):
        explorer = EmbeddingExplorer(table(), images)
        explorer.selection = [3]
        assert "data:image/jpeg" in explorer.view.chosen.html


# ---- what takes long ---------------------------------------------------------------------------------------------


def test_costs_are_estimated_and_high_ones_are_named():
    assert not map_cost(4000, 128, maps=3).is_high and map_cost(200_000, 128).is_high
    assert map_cost(2000, 64).seconds < map_cost(4000, 64).seconds < map_cost(4000, 64, densmap=True).seconds
    assert map_cost(200_000, 64).memory < 5e9, "the distances are not held all at once"
    assert "hours" in str(map_cost(10**6, 128)) and "seconds" in str(map_cost(1000, 8))


def test_a_umap_that_takes_long_is_not_started_without_being_asked_for(monkeypatch):
    started = []
    monkeypatch.setattr(
        Layouts,
        "compute_optimized",
        lambda self, kind, *rest: started.append(kind) or {"embedding": [np.zeros((N, 2))]},
    )
    monkeypatch.setattr("ferlab.projection.cost.LONG", 0.001)
    explorer = EmbeddingExplorer(table(x=None, y=None, embedding=vectors()))
    explorer.wait()
    assert not started and explorer.projection == "pca"
    assert "UMAP of 30 points takes about 0 seconds" in explorer.messages[0] and "recompute()" in explorer.messages[0]
    for kind in ("umap", "densmap"):
        with pytest.raises(FerlabError, match="choose it once more to start it"):
            explorer.projection = kind
    assert not started
    explorer.projection = "densmap"
    explorer.wait()
    explorer.recompute()
    assert "is being computed (about" in explorer.messages[0]
    explorer.wait()
    assert started == ["densmap", "umap"]

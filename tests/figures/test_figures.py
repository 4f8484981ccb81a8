"""The palette can be told apart, and the figures show what they are given."""

from __future__ import annotations

from html.parser import HTMLParser

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fake_run import METHODS, fake_faces, write_fake_run
from PIL import Image

from ferlab import figures
from ferlab.data.classes import CLASSES, CONTEMPT
from ferlab.errors import FerlabError
from ferlab.figures import show
from ferlab.methods import METHODS as METHOD_TABLE
from ferlab.methods import method_color, method_label, method_style
from ferlab.palette import CLASS_COLORS, class_colors
from ferlab.projection.names import densest
from ferlab.report import save_figures

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(color: str) -> np.ndarray:
    c = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    to_lms = [
        [0.41222147, 0.53633254, 0.05144599],
        [0.2119035, 0.68069955, 0.10739696],
        [0.08830246, 0.28171884, 0.6299787],
    ]
    to_lab = [
        [0.21045426, 0.79361779, -0.00407205],
        [1.9779985, -2.4285922, 0.4505937],
        [0.0259040, 0.78277177, -0.80867577],
    ]
    return np.cbrt(np.clip(rgb, 0, 1) @ np.array(to_lms).T) @ np.array(to_lab).T


@pytest.mark.parametrize("sight", SIGHT)
def test_classes_can_be_told_apart(sight):
    colors = np.array([linear(CLASS_COLORS[name]) for name in (*CLASSES, CONTEMPT)])
    seen = oklab(colors @ np.array(SIGHT[sight]).T)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 0.12


METHOD_COLORS = {name: method.color for name, method in METHOD_TABLE.items()}


@pytest.mark.parametrize("colors", [CLASS_COLORS, METHOD_COLORS], ids=["classes", "methods"])
def test_colors_stand_out_on_light_and_dark(colors):
    for color in colors.values():
        luminance = linear(color) @ [0.2126, 0.7152, 0.0722]
        assert (
            1.05 / (luminance + 0.05) > 2
            and (luminance + 0.05) / (linear("#14161a") @ [0.2126, 0.7152, 0.0722] + 0.05) > 2.7
        )


def test_every_class_and_method_has_its_own():
    assert set(CLASS_COLORS) == {*CLASSES, CONTEMPT}
    labels = {name: method_label(name) for name in METHOD_TABLE}
    styles = {name: method_style(name) for name in METHOD_TABLE}
    for table in (CLASS_COLORS, METHOD_COLORS, labels, styles):
        values = [v for v in table.values() if v != "-"]
        assert len(set(values)) == len(values)
    for name in METHOD_TABLE:  # with each part of the attention too
        variants = [name, *(f"{name}+{part}" for part in ("pixel", "element", "attention"))]
        for look in (method_color, method_label):
            assert len({look(variant) for variant in variants}) == 4
        assert len({method_style(variant) for variant in variants[1:]}) == 3
    unknown = class_colors(["happiness", "calm", "bored"])
    assert unknown[0] == CLASS_COLORS["happiness"] and len(set(unknown)) == 3


def test_embedding_map_shows_every_point_in_its_color():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 10)
    ax = figures.embedding_map(rng.normal(size=(70, 2)), labels, CLASSES, title="map")
    drawn = ax.collections[0]
    assert len(drawn.get_offsets()) == 70 and ax.get_title(loc="left") == "map"
    wanted = {matplotlib.colors.to_hex(c) for c in class_colors(CLASSES)}
    assert {matplotlib.colors.to_hex(c) for c in drawn.get_facecolors()} == wanted
    assert {text.get_text() for text in ax.texts} == set(CLASSES)


def test_name_stands_in_the_larger_piece_of_a_split_class():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(60, 2)), rng.normal(size=(20, 2)) + 30])
    assert np.abs(densest(points)).max() < 3


def test_shepard_diagrams_tell_how_far_a_map_keeps_distances():
    flat = np.random.default_rng(0).normal(size=(60, 2))
    axes = figures.shepard_diagrams({"a": flat, "b": flat}, {"a": 3 * flat, "b": flat[::-1]}, metric="euclidean")
    texts = [ax.texts[0].get_text() for ax in axes]
    assert "rank correlation 1.00" in texts[0] and "rank correlation 1.00" not in texts[1]
    pairs = 60 * 59 // 2
    assert sum(axes[0].collections[0].get_array()) == pytest.approx(pairs)
    x, y = axes[0].lines[0].get_data()
    np.testing.assert_allclose(y[1:-1], 3 * x[1:-1], rtol=0.05)  # the outer parts are wide


@pytest.mark.filterwarnings("error")
def test_a_comparison_of_many_strengths_has_figures_that_can_be_read():
    names = [f"{loss}@{strength}" for loss in ("tcl-nearest", "ad-corre", "center") for strength in (1, 2, 4, 8, 16)]
    rows = [{"method": name, "seed": 0, "epoch": epoch, "train_loss": 1.0} for name in names for epoch in (1, 2)]
    ax = figures.learning_curves(pd.DataFrame(rows), "train_loss")
    ax.figure.canvas.draw()
    lines, legend = ax.get_window_extent(), ax.get_legend().get_window_extent()
    assert legend.x0 > lines.x1 and legend.y0 >= 0, "the names stand beside the lines, all of them"
    places = np.random.default_rng(0).normal(size=(20, 2))
    axes = figures.embedding_maps(dict.fromkeys(names, places), np.arange(20) % 2, ["a", "b"])
    assert len(axes) == 15 and axes[0].figure.get_figwidth() < 20, "four a row"
    assert len({round(ax.get_position().y0, 3) for ax in axes}) == 4


def test_learning_curves_average_the_seeds():
    history = pd.DataFrame(
        {"method": "ce", "seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "validation_accuracy": [0.2, 0.6, 0.4, 0.8]}
    )
    ax = figures.learning_curves(history)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.3, 0.7])
    assert len(ax.collections) == 1, "the band of the seeds"
    with pytest.raises(FerlabError, match="no column 'nothing'"):
        figures.learning_curves(history, "nothing")


def test_confusion_matrix_is_normalized_by_row():
    ax = figures.confusion_matrix(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert [text.get_text() for text in ax.texts] == ["75%\n3", "25%\n1", "", ""]
    np.testing.assert_allclose(np.ravel(ax.collections[0].get_array()), [0.75, 0.25, 0, 0])


@pytest.mark.parametrize("channels", [1, 3])
def test_contact_sheet_puts_faces_into_their_rows(channels):
    images = np.zeros((4, 10, 10, channels), dtype=np.uint8)
    images[:] = np.array([40, 80, 120, 160])[:, None, None, None]
    ax = figures.contact_sheet(images, np.array([1, 0, 1, 1]), ["happiness", "anger"], columns=2)
    sheet = np.asarray(ax.images[0].get_array())
    values = [[set(row[(row[:, 0] == row[:, 1]) & (row[:, 0] < 255), 0].tolist())] for row in (sheet[5], sheet[16])]
    assert values == [[{80}], [{40, 120}]], "two of the three angry faces, in their row"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["happiness", "anger"]


def test_stripes_are_the_numbers_of_an_embedding():
    images, embeddings = np.full((2, 8, 8, 3), 90, np.uint8), np.array([[0.5, -2.0, 0.0], [1.0, 0.0, 0.1]])
    axes = figures.embedding_stripes(images, embeddings, ["happiness", "anger"])
    assert axes.shape == (2, 2) and [ax.get_ylabel() for ax in axes[:, 0]] == ["happiness", "anger"]
    for (_, stripes), embedding in zip(axes, embeddings, strict=True):
        np.testing.assert_array_equal(np.asarray(stripes.images[0].get_array())[0], embedding)
        assert stripes.images[0].get_clim() == (-2.0, 2.0), "one scale for all faces"


def test_image_grid_names_rows_and_columns():
    axes = figures.image_grid(
        [[np.full((8, 8, 3), 90, np.uint8)] * 2, [np.zeros((8, 8, 1), np.uint8)]], ["a", "b"], ["x", "y"]
    )
    assert axes.shape == (2, 2) and not axes[1, 1].images
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["a", "b"] and [ax.get_title() for ax in axes[0]] == ["x", "y"]


def test_image_grid_writes_below_each_picture():
    face = np.zeros((8, 8, 3), np.uint8)
    axes = figures.image_grid([[face, face], [face]], captions=[["one", "two"], ["three"]])
    assert [ax.get_xlabel() for ax in axes.flat] == ["one", "two", "three", ""]


def test_shown_figures_carry_their_words(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    ax = figures.class_counts({"happiness": 3})
    show(ax, alt='bars of "happiness"')
    picture = attributes_of_picture(shown[0].data)
    assert picture["alt"] == 'bars of "happiness"' and picture["src"].startswith("data:image/png;base64,")
    assert not plt.fignum_exists(ax.figure.number)


def attributes_of_picture(html: str) -> dict[str, str]:
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    assert [tag for tag, _ in found] == ["img"]
    return found[0][1]


def test_class_counts():
    ax = figures.class_counts({"happiness": 30, "fear": 10})
    assert [bar.get_width() for bar in ax.patches] == [30, 10]
    assert "30 (75%)" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.embedding_map(np.zeros((3, 3)), np.zeros(3, int), CLASSES),
        lambda: figures.confusion_matrix(np.zeros((3, 3)), CLASSES),
        lambda: figures.contact_sheet(np.zeros((3, 8, 8)), np.zeros(3, int), CLASSES),
        lambda: figures.class_counts({}),
        lambda: figures.embedding_stripes(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((3, 4))),
        lambda: figures.metric_bars({"methods": {"ce": {}}}, "accuracy"),
    ],
)
def test_bad_input_is_a_sentence(draw):
    with pytest.raises(FerlabError):
        draw()


def test_saved_figures_are_pictures_and_the_same_again(tmp_path):
    faces = fake_faces(140)
    run_dir = write_fake_run(tmp_path / "run", faces)
    written = save_figures(run_dir, faces)
    names = {path.name for path in written}
    assert {
        "embedding_maps.png",
        "embedding_maps.svg",
        "confusion_matrices.png",
        "learning_curves_validation_accuracy.png",
        "faces.png",
    } <= names
    assert {path.name for path in (run_dir / "figures").iterdir()} == names
    for path in written:
        if path.suffix == ".png":
            assert np.asarray(Image.open(path).convert("L")).std() > 5
    before = {path: path.read_bytes() for path in written if path.suffix == ".svg"}
    save_figures(run_dir, faces)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_maps_may_hold_fewer_faces_than_were_tested(tmp_path):
    names = {path.name for path in save_figures(write_fake_run(tmp_path / "run", fake_faces(70), mapped=30))}
    assert {"embedding_maps.png", "pair_distances.png"} <= names


def test_saved_figures_of_a_run_with_one_method_and_no_maps(tmp_path):
    run_dir = write_fake_run(tmp_path / "run", fake_faces(70), methods=METHODS[:1], mapped=0)
    assert "embedding_maps.png" not in {path.name for path in save_figures(run_dir)}

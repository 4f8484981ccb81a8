"""The widgets: their state from Python, and what a person sees and does in JupyterLab."""

from __future__ import annotations

import base64
import io
import json
import time

import numpy as np
import pytest
from fake_run import fake_faces, write_fake_run
from PIL import Image

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.figures import CLASS_COLORS
from ferlab.widgets import action_unit_slider, ask, check_selection, check_within_between, embedding_views


@pytest.fixture(scope="module")
def faces():
    return fake_faces(140)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, faces):
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, mapped=100)


@pytest.fixture
def views(run_dir, faces):
    return embedding_views(run_dir, faces)


def widget(views, method):
    return views.scatters[method].widget


def html(views) -> str:
    return views._gallery.value


def test_three_spaces_in_class_colors(views):
    assert views.methods == list(views.scatters) == ["ce", "tcl-nearest", "ad-corre"]
    for name in views.methods:
        colors = ["#" + "".join(f"{round(255 * c):02x}" for c in color[:3]) for color in widget(views, name).color]
        assert colors == [CLASS_COLORS[c] for c in CLASSES]
        assert widget(views, name).points.shape[0] == 100
        assert widget(views, name).opacity == 0.85, "dots can be seen"


def test_the_plots_share_one_copy_of_the_javascript(views):
    sizes = {len(widget(views, name)._esm) for name in views.methods}
    assert max(sizes) < 5_000 < 1_000_000 < len(views._bundle.source)
    assert {widget(views, name).bundle for name in views.methods} == {views._bundle.model_id}


def test_all_spaces_have_one_scale(views):
    domains = {
        tuple(widget(views, name).x_scale_domain) + tuple(widget(views, name).y_scale_domain) for name in views.methods
    }
    assert len(domains) == 1


def test_selection_in_one_space_reaches_all_and_the_gallery(views, faces):
    widget(views, "tcl-nearest").selection = np.array([4, 7, 2], dtype=np.uint32)
    for name in views.methods:
        assert sorted(widget(views, name).selection) == [2, 4, 7]
    assert len(views.selection) == 3
    np.testing.assert_array_equal(views.selection, views._indices[[2, 4, 7]])
    assert html(views).count("<img") == 3 and "3 faces selected" in html(views)
    for index in views.selection:
        assert f'alt="face {index}, {faces.classes[faces.labels[index]]}"' in html(views)


def test_selection_from_python_and_clearing(views):
    wanted = views._indices[[5, 9]]
    views.selection = wanted[::-1]
    np.testing.assert_array_equal(views.selection, wanted)
    for name in views.methods:
        assert sorted(widget(views, name).selection) == [5, 9]
    views._clear.click()
    assert len(views.selection) == 0 and "<img" not in html(views)
    assert all(len(widget(views, name).selection) == 0 for name in views.methods)


def test_gallery_of_many_faces_is_limited_and_says_so(views):
    views.selection = views._indices
    assert html(views).count("<img") == 60 and "100 faces selected, 60 of them shown" in html(views)


def test_a_face_that_is_not_on_the_maps(views, faces):
    absent = next(i for i in range(len(faces)) if i not in set(views._indices.tolist()))
    with pytest.raises(FerlabError, match=f"Face {absent} is not on the maps"):
        views.selection = [absent]


def test_hover_reaches_all(views):
    widget(views, "ce").hovering = 6
    assert widget(views, "ad-corre").hovering == 6
    assert views.hovered == views._indices[6]


def test_tooltip_shows_the_face(views, faces):
    row = views.scatters["ce"]._data.iloc[8]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["face"].split(",")[1]))), dtype=int)
    assert np.abs(image - faces.images[views._indices[8]]).mean() < 12
    assert row["true class"] == faces.classes[faces.labels[views._indices[8]]]
    assert widget(views, "ce").tooltip_preview_type == "image"


def test_coloring(views):
    views.color_by = "right or wrong"
    assert len(widget(views, "ce").color) == 2 and "wrong" in views._legend.value
    views.color_by = "predicted class"
    assert len(widget(views, "ce").color) == len(CLASSES)
    with pytest.raises(FerlabError, match="right or wrong"):
        views.color_by = "mood"


def test_theme_changes_the_background_and_nothing_else(views):
    before = {name: (widget(views, name).axes, widget(views, name).legend) for name in views.methods}
    views._theme.dark = True
    for name in views.methods:
        assert max(widget(views, name).background_color[:3]) < 0.2
        assert (widget(views, name).axes, widget(views, name).legend) == before[name] == (False, False)
    views._theme.dark = False
    assert min(widget(views, "ce").background_color[:3]) > 0.9


def test_a_picture_stands_in_where_no_widget_can(views):
    import matplotlib

    matplotlib.use("Agg")
    bundle = views._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
    assert picture.shape[1] > 800 and picture.std() > 5
    assert "CE + Ad-Corre" in bundle["text/plain"]


def test_names_from_data_are_escaped(tmp_path):
    faces = fake_faces(30, classes=("<img src=x>", "b"))
    views = embedding_views(write_fake_run(tmp_path / "run", faces, methods=("<svg>",)), faces, methods=["<svg>"])
    views.selection = [0, 1]
    titles = "".join(
        title.value for title in [views._legend, views._gallery, *[p.children[0] for p in views.children[2].children]]
    )
    assert "<img src=x>" not in titles and "<svg>" not in titles and "&lt;img src=x&gt;" in titles


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["ce", "tcl-predicted"], "no map of 'tcl-predicted'; it has: ce"),
        ([], "one to six"),
        (["ce", "ce"], "one to six"),
    ],
)
def test_unknown_methods(run_dir, faces, methods, message):
    with pytest.raises(FerlabError, match=message):
        embedding_views(run_dir, faces, methods)


def test_other_faces_are_refused(run_dir, faces):
    with pytest.raises(FerlabError, match="not those of"):
        embedding_views(run_dir, faces.subset(np.arange(60)))


def test_action_unit_slider_moves_the_face():
    face = action_unit_slider("AU26", size=48)
    face.intensity = 0.0
    closed = face.image.astype(int)
    face.intensity = 1.0
    mouth, forehead = (
        np.abs(face.image.astype(int) - closed).mean(axis=(1, 2))[rows].max() for rows in (slice(28, 46), slice(0, 10))
    )
    assert mouth > 5 > forehead
    assert 'alt="The face with AU26 (jaw drop) at 1.00"' in face._moved.value and "base64," in face._moved.value
    face.unit = "AU4"
    assert not np.array_equal(face.image, closed) and "AU4" in face._moved.value
    with pytest.raises(FerlabError, match="no action unit 'AU99'"):
        action_unit_slider("AU99")


# ---- exercises -----------------------------------------------------------------------------------------------


def test_selection_check_says_what_to_change(views, faces):
    labels = faces.labels[views._indices]
    name = dict(enumerate(faces.classes))

    def chosen(**numbers):
        take = [views._indices[labels == k][: numbers.get(name[k], 0)] for k in name]
        views.selection = np.concatenate(take)
        return check_selection(views, ("surprise", "fear"), at_least=10)

    assert "Nothing is selected" in chosen()
    assert "selected 5 faces; take at least 10" in chosen(surprise=3, fear=2)
    assert "Most of the others are anger" in chosen(surprise=5, fear=2, anger=6, neutral=1)
    assert "Only 1 of your 11 faces are fear" in chosen(surprise=10, fear=1)
    answer = chosen(surprise=7, fear=6, anger=1)
    assert answer.startswith("Well found: 14 faces") and "CE + Ad-Corre" in answer


def ratio(embeddings, labels, power=1.0, keep_own=False, turned=False):
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in np.unique(labels)])
    within = (np.linalg.norm(embeddings - means[labels], axis=1) ** power).mean()
    distances = np.linalg.norm(means[:, None] - means[None], axis=2) ** power
    between = distances.mean() if keep_own else distances[~np.eye(len(means), dtype=bool)].mean()
    return between / within if turned else within / between


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (ratio, "Right: "),
        (lambda e, y: None, "returns None"),
        (lambda e, y: "high", "one number, but returned str"),
        (lambda e, y: 1 / 0, "stopped with ZeroDivisionError"),
        (lambda e, y: ratio(e, y, turned=True), "Turn the fraction round"),
        (lambda e, y: ratio(e, y, power=2.0), "squared"),
        (lambda e, y: ratio(e, y, keep_own=True), "itself"),
        (lambda e, y: 0.123, "Cross-entropy you get 0.123"),
    ],
)
def test_ratio_check_names_the_mistake(run_dir, function, message):
    assert message in check_within_between(function, run_dir)


def test_ratio_check_agrees_with_the_measure_in_the_table(run_dir):
    from ferlab.evaluation.geometry import within_between_ratio

    assert check_within_between(within_between_ratio, run_dir).startswith("Right")


def test_a_question_has_no_answer_until_one_is_chosen():
    question = ask("Which?", ["a", "b"])
    assert question.value is None
    question.value = "b"
    assert question.value == "b"


# ---- in JupyterLab -------------------------------------------------------------------------------------------


def colored(picture: bytes) -> float:
    """Share of strongly colored pixels."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("HSV"), dtype=int)
    return float(((pixels[..., 1] > 90) & (pixels[..., 2] > 90)).mean())


@pytest.mark.browser
@pytest.mark.slow
def test_lasso_in_jupyterlab_selects_in_the_kernel(lab_server, page, run_dir, faces, build_folder):
    import nbformat
    from jupyterlab_driver import run_all_cells

    np.save(lab_server.folder / "images.npy", faces.images)
    setup = f"""
import numpy as np, pandas as pd
from ferlab.data import CLASSES, FaceDataset
from ferlab.widgets import embedding_views
images = np.load({str(lab_server.folder / "images.npy")!r})
nothing = pd.DataFrame(index=range(len(images)))
faces = FaceDataset("synthetic", "test", images, np.arange(len(images)) % 7, CLASSES, nothing)
views = embedding_views({str(run_dir)!r}, faces)
views"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(setup), nbformat.v4.new_code_cell("")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab_server.folder / "widget.ipynb")

    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab_server.address}/lab/tree/widget.ipynb?token={lab_server.token}&reset")
    run_all_cells(page)
    page.locator(".jp-OutputArea canvas").nth(2).wait_for(timeout=120_000)
    page.wait_for_timeout(3000)
    plots = [
        c for c in page.locator(".jp-OutputArea canvas").all() if c.is_visible() and c.bounding_box()["height"] > 150
    ]
    assert len({round(plot.bounding_box()["x"]) for plot in plots}) == 3
    first, last = plots[0], plots[-1]
    assert colored(first.screenshot()) > 0.002 and colored(last.screenshot()) > 0.002
    before = last.screenshot()

    box = first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 15)
    page.mouse.down()
    for fx, fy in ((0.55, 0.05), (0.55, 0.95), (0.2, 0.95), (0.2, 0.2)):
        page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"], steps=8)
        page.wait_for_timeout(100)
    page.mouse.up()
    note = page.locator(".ferlab-note", has_text="faces selected").first
    note.wait_for(timeout=20_000)
    assert page.locator(".ferlab-faces img").count() >= 3
    page.wait_for_timeout(1000)
    assert last.screenshot() != before, "the others show the selection too"
    page.screenshot(path=build_folder / "widget_selected.png")

    code = page.locator(".jp-CodeCell .cm-content").last
    code.click()
    page.keyboard.type("len(views.selection)")
    page.keyboard.press("Shift+Enter")
    end = time.monotonic() + 60
    counted = None
    while time.monotonic() < end and counted is None:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        saved = json.loads((lab_server.folder / "widget.ipynb").read_text(encoding="utf-8"))
        for cell in saved["cells"]:
            if "".join(cell["source"]) == "len(views.selection)" and cell["outputs"]:
                counted = int("".join(cell["outputs"][0]["data"]["text/plain"]))
    assert counted is not None and f"{counted} faces selected" in note.inner_text()
    assert not errors

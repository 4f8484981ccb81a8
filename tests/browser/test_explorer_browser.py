"""EmbeddingExplorer in JupyterLab: driven by mouse and keyboard, checked on the screen and in the kernel."""

from __future__ import annotations

import io
import json
import time
from contextlib import contextmanager

import nbformat
import numpy as np
import pandas as pd
import pytest
from fake_run import write_dosed_run, write_fake_run
from jupyterlab_driver import CHROMIUM_FLAGS, run_all_cells
from PIL import Image
from playwright.sync_api import TimeoutError

from ferlab.data import load_dataset

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EPOCHS = 4
SOON = 10_000  # milliseconds, for what is on the screen or has just gone
METHODS = ("ce", "tcl-nearest", "ad-corre")
DOSED = ("ce", "tcl-nearest@0.5", "tcl-nearest@2", "ce-heads", "ad-corre@0.5", "ad-corre@2")
FACE_IN_TOOLTIP = """() => [...document.querySelectorAll(".ferlab-x-explorer div")].some(
    (element) => element.style.backgroundImage.startsWith('url("data:image/jpeg') && element.checkVisibility())"""

COUNT_TRAVELS = """() => { globalThis.ferlabTravels = 0; for (const element of document.querySelectorAll("div"))
    element.api?.subscribe("transitionEnd", () => { globalThis.ferlabTravels += 1; }); }"""

PLOTS = """[...document.querySelectorAll(".ferlab-x-explorer div")].filter((element) => element.api)"""
SLOW_FRAMES = """() => { const soon = requestAnimationFrame;
    globalThis.requestAnimationFrame = (draw) => setTimeout(() => soon(draw), 400); }"""


@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    return CHROMIUM_FLAGS


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    faces = load_dataset("synthetic", "test").subset(np.arange(300))
    folder = write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces, METHODS, epochs=EPOCHS)
    rng = np.random.default_rng(1)
    for method in METHODS:
        (folder / method / "seed_0" / "epochs").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            np.save(folder / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", rng.normal(size=(75, 6)))
    followed = pd.read_parquet(folder / "epochs.parquet")  # a class in one place would hide below its name
    followed[["x", "y"]] += 0.3 * rng.normal(size=(len(followed), 2))
    followed.to_parquet(folder / "epochs.parquet")
    return folder


@pytest.fixture
def lab(lab_server, page, run_dir):
    """JupyterLab with an explorer on the screen, in light colors before and after."""
    with opened_explorer(lab_server, page, run_dir) as lab:
        yield lab


@pytest.fixture
def dosed_lab(lab_server, page, tmp_path):
    """The same of a run with strengths."""
    faces = load_dataset("synthetic", "test").subset(np.arange(300))
    with opened_explorer(lab_server, page, write_dosed_run(tmp_path / "dosed", faces, DOSED)) as lab:
        yield lab


@contextmanager
def opened_explorer(lab_server, page, run_dir):
    cell = f"""
import numpy as np
from ferlab.data import load_dataset
from ferlab.widgets import EmbeddingExplorer
faces = load_dataset("synthetic", "test").subset(np.arange(300))
explorer = EmbeddingExplorer({str(run_dir)!r}, faces, validation=faces)
hovered = []
last_map = explorer.view.maps["ad-corre"].widget
last_map.observe(lambda change: hovered.append([change["new"], explorer.hovered]), names="hovering")
explorer"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell("")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab_server.folder / "notebooks" / "explorer.ipynb")
    page.set_viewport_size({"width": 1280, "height": 1300})
    lab = Lab(page)
    page.goto(
        f"{lab_server.address}/lab/workspaces/explorer/tree/notebooks/explorer.ipynb?token={lab_server.token}&reset"
    )
    run_all_cells(page)
    yield lab
    if lab.dark:
        lab.theme("JupyterLab Light")


class Lab:
    """The page, with what these tests do on it again and again."""

    def __init__(self, page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.dark = False
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def plots(self, number: int) -> list:
        """The canvases of so many maps, left to right, once their points are drawn."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            canvases = self.page.locator(".ferlab-x-explorer canvas").all()
            try:
                plots = [canvas for canvas in canvases if tall(canvas)][::2]  # names lie above
                if len(plots) == number and all(colored(plot.screenshot(timeout=SOON)) > 0.002 for plot in plots):
                    return plots
            except TimeoutError:
                continue  # one of them has been taken away meanwhile
            self.page.wait_for_timeout(500)
        pytest.fail(f"There are no {number} maps with points on the screen.")

    def ask(self, expression: str):
        """The value of an expression in the kernel."""
        cell = self.page.locator(".jp-CodeCell").last
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        mark = f"asked {time.monotonic_ns()}"
        self.page.keyboard.insert_text(f"import json; print('{mark}', json.dumps({expression}))")
        self.page.keyboard.press("Control+Enter")
        answer = cell.locator(".jp-OutputArea-output", has_text=mark)
        answer.wait_for()
        return json.loads(answer.inner_text().split(mark)[1])

    def wait_for(self, expression: str, wanted, seconds: float = 240) -> None:
        """Wait until the kernel gives that value."""
        end = time.monotonic() + seconds
        while (value := self.ask(expression)) != wanted:
            assert time.monotonic() < end, f"{expression} is {value!r}, not {wanted!r}"
            self.page.wait_for_timeout(300)

    def press(self, name: str) -> None:
        self.page.locator(".ferlab-x-explorer").get_by_role("button", name=name, exact=True).last.click()

    def lasso(self, plot, corners) -> None:
        box = plot.bounding_box()
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        self.page.mouse.move(*at[0])
        self.page.mouse.down()
        for place in [*at[1:], at[0]]:
            self.page.mouse.move(*place, steps=8)
            self.page.wait_for_timeout(80)
        self.page.mouse.up()

    def theme(self, name: str) -> None:
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-item", has_text=name).first.click()
        self.dark = "Dark" in name
        self.page.wait_for_timeout(2000)

    def still(self, plot) -> bytes:
        """A picture of a plot once its points rest."""
        before = plot.screenshot()
        for _ in range(40):
            self.page.wait_for_timeout(400)
            now = plot.screenshot()
            if now == before:
                return now
            before = now
        pytest.fail("The points do not come to rest.")


def tall(canvas) -> bool:
    box = canvas.bounding_box(timeout=SOON) if canvas.is_visible() else None
    return box is not None and min(box["width"], box["height"]) > 150


def colored(picture: bytes) -> float:
    """Share of strongly colored pixels."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("HSV"), dtype=int)
    return float(((pixels[..., 1] > 90) & (pixels[..., 2] > 90)).mean())


def test_lasso_color_morph_epochs_and_projection(lab, build_folder):
    page = lab.page
    first, second, last = lab.plots(3)
    assert len({round(plot.bounding_box()["y"]) for plot in (first, second, last)}) == 1, "side by side"

    # A lasso in one map selects in all, in the kernel, and lists the faces.
    before = lab.still(last)
    lab.lasso(first, ((0.5, 0.02), (0.98, 0.02), (0.98, 0.5), (0.5, 0.5)))
    said = page.locator(".ferlab-x b", has_text="faces selected").first
    said.wait_for()
    number = lab.ask("len(explorer.selection)")
    assert number >= 10 and f"{number} faces selected" in said.inner_text()
    assert page.locator(".ferlab-x-grid img").count() == min(number, 48)
    assert lab.still(last) != before, "the others show the selection too"
    page.screenshot(path=build_folder / "explorer_selected_1280.png")

    # A face in the list shows its neighbors; by keyboard too.
    face = page.locator(".ferlab-x-grid button").nth(2)
    face.click()
    index = int(face.get_attribute("data-pick"))
    page.get_by_text(f"Nearest to face {index}").wait_for()
    assert lab.ask("explorer.focus") == index
    face.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nearest to the middle of the selection").wait_for()

    # Hovering shows a face and marks it in the other maps.
    lab.press("Clear selection")
    lab.wait_for("len(explorer.selection)", 0)
    hover_a_point(lab, first)
    page.screenshot(path=build_folder / "explorer_hover_1280.png")
    page.mouse.move(5, 5)
    position, index = lab.ask("next(h for h in hovered if h[1] is not None)")
    assert lab.ask(f"int(explorer.points.indices[{position}])") == index, "the last map was told of it"

    # Colors.
    before = lab.still(first)
    page.get_by_label("Color by").select_option("right or wrong")
    page.locator(".ferlab-x-legend", has_text="wrong").wait_for()
    assert lab.ask("explorer.color_by") == "right or wrong" and lab.still(first) != before
    page.get_by_label("Color by").select_option("true class")

    # One map whose points travel.
    lab.press("One map, morphing")
    (large,) = lab.plots(1)
    assert large.bounding_box()["width"] > 2 * 300
    start = lab.still(large)
    page.evaluate(COUNT_TRAVELS)
    lab.press("CE + Ad-Corre")
    lab.wait_for("explorer.morphed", "ad-corre")
    assert lab.still(large) != start and page.evaluate("ferlabTravels") == 1, "points travel, they do not jump"
    page.screenshot(path=build_folder / "explorer_morphed_1280.png")
    lab.press("Side by side")
    lab.plots(3)

    # Epochs: a key on the slider, then the play button.
    lab.press("Validation faces, epoch by epoch")
    first, *_ = lab.plots(3)
    lab.wait_for("explorer.epoch", EPOCHS)
    before = lab.still(first)
    page.evaluate(COUNT_TRAVELS)
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("Home")
    lab.wait_for("explorer.epoch", 1)
    assert lab.still(first) != before
    page.screenshot(path=build_folder / "explorer_epochs_1280.png")
    page.locator(
        ".ferlab-x-explorer .jupyter-widgets-play button, .ferlab-x-explorer .widget-play button"
    ).first.click()
    lab.wait_for("explorer.epoch", EPOCHS)
    lab.still(first)
    assert page.evaluate("ferlabTravels") >= 3 * 2, "in every map, also while playing"
    lab.press("Test faces, finished networks")
    lab.wait_for("explorer.epoch", None)

    # Another projection, then UMAP with other settings while the page stays alive.
    first, *_ = lab.plots(3)
    page.get_by_text("Projection, and how far to believe it").click()
    before = lab.still(first)
    lab.press("PCA")
    lab.wait_for("explorer.projection", "pca")
    assert lab.still(first) != before
    page.get_by_label("seed").fill("3")
    page.keyboard.press("Tab")
    lab.press("Compute UMAP anew")
    page.locator(".ferlab-x-message", has_text="UMAP is being computed").wait_for()
    page.get_by_label("Color by").select_option("confidence")  # answered meanwhile
    page.locator(".ferlab-x-ramp").wait_for()
    page.locator(".ferlab-x-message").wait_for(state="detached")
    assert lab.ask("[explorer.projection, explorer.messages, explorer.controls.settings['seed'].value]") == [
        "umap",
        [],
        3,
    ]
    assert lab.errors == []


def test_views_with_the_losses_own_eyes(lab, build_folder):
    page = lab.page
    first, *_ = lab.plots(3)
    assert not page.get_by_label("Strength, on its curves").is_visible(), "a run without strengths has no slider"
    before = lab.still(first)
    for name, kind in (("Class-mean plane", "class-means"), ("TCL's plane", "triplet")):
        lab.press(name)
        lab.wait_for("explorer.projection", kind)
        assert lab.still(first) != before, "the points travel to their new places"
        before = lab.still(first)
    assert "hinge open" in page.locator(".ferlab-x-title small").first.inner_text()
    assert "Above it the hinge is shut" in page.locator(".ferlab-x-caption").first.inner_text()
    page.screenshot(path=build_folder / "explorer_triplet_1280.png")

    # TCL's plane over the epochs.
    lab.press("Validation faces, epoch by epoch")
    first, *_ = lab.plots(3)
    lab.wait_for("explorer.epoch", EPOCHS)
    before = lab.still(first)
    page.get_by_role("slider").first.focus()
    page.keyboard.press("Home")
    lab.wait_for("[explorer.epoch, explorer.projection]", [1, "triplet"])
    assert lab.still(first) != before
    lab.press("Test faces, finished networks")
    lab.plots(3)

    # Ad-Corre's picture: a cell shows its two faces; a press selects the faces of a block, in the maps too.
    page.get_by_text("Correlations: the spaces as Ad-Corre sees them").click()
    matrix = page.locator(".ferlab-x-matrix canvas").first
    matrix.wait_for()
    matrix.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    box = matrix.bounding_box()
    x, y = box["x"] + 22 + 0.05 * (box["width"] - 22), box["y"] + 0.5 * (box["height"] - 22)
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y, steps=3)
    page.locator(".ferlab-x-pair img").nth(1).wait_for()
    assert page.locator(".ferlab-x-pair:visible").count() == 1
    page.screenshot(path=build_folder / "explorer_correlations_1280.png")
    page.mouse.click(x, y)
    page.locator(".ferlab-x b", has_text="faces selected").first.wait_for()
    chosen = lab.ask("sorted({int(k) for k in explorer.selected_labels})")
    assert len(chosen) == 2, "those of the two classes that the block belongs to"
    assert lab.ask("sorted({len(explorer.view.maps[m].widget.selection) for m in explorer.methods})") == lab.ask(
        "[len(explorer.selection)]"
    )
    # By keyboard: the first block.
    lab.ask("setattr(explorer, 'selection', [])")
    matrix.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    lab.wait_for("sorted({int(k) for k in explorer.selected_labels})", [0])
    assert lab.errors == []


def test_slider_and_curves_of_the_strengths(dosed_lab, build_folder):
    lab, page = dosed_lab, dosed_lab.page
    curves = page.get_by_label("Strength, on its curves")
    curves.wait_for()
    first, second, _ = lab.plots(3)
    lab.ask("setattr(explorer, 'selection', explorer.points.indices[:20])")
    assert lab.ask("[explorer.strength, explorer.view.doses.at]") == [2, 2]

    # The slider moves points and marker.
    before = lab.still(second)
    page.evaluate(COUNT_TRAVELS)
    slider = page.get_by_role("slider", name="Strength").first
    slider.focus()
    page.keyboard.press("Home")
    lab.wait_for("explorer.strength", 0)
    assert lab.still(second) != before and page.evaluate("ferlabTravels") >= 1, "points travel, they do not jump"
    assert curves.get_attribute("aria-valuetext") == "strength 0"
    assert lab.ask("len(explorer.selection)") == 20
    page.get_by_text("cross-entropy alone").first.wait_for()

    # The marker moves points and slider: dragged, and by keyboard.
    before = lab.still(second)
    box = curves.locator(".ferlab-x-doses-panels svg").nth(1).bounding_box()
    at = [box["x"] + box["width"] * x / 250 for x in (48, 143, 238)]
    middle = box["y"] + box["height"] / 2
    page.mouse.move(at[0], middle)
    page.mouse.down()
    page.mouse.move(at[1], middle, steps=6)
    page.wait_for_timeout(500)
    page.mouse.move(at[2], middle, steps=6)
    page.mouse.up()
    lab.wait_for("[explorer.strength, explorer.controls.strength.value]", [2, 2])
    assert lab.still(second) != before
    page.screenshot(path=build_folder / "explorer_strengths_1280.png")
    curves.focus()
    page.keyboard.press("ArrowLeft")
    lab.wait_for("[explorer.strength, explorer.view.doses.at]", [0.5, 1])
    assert curves.get_attribute("aria-valuetext") == "strength 0.5"
    assert lab.errors == []


def test_maps_may_be_taken_away_while_they_are_still_being_drawn(lab):
    page = lab.page
    lab.plots(3)
    lab.press("One map, morphing")
    lab.plots(1)
    page.evaluate(SLOW_FRAMES)
    lab.press("Side by side")
    page.wait_for_function(f"({PLOTS}).length >= 3")  # drawn, and waiting to be drawn in their final size
    lab.press("One map, morphing")
    page.wait_for_timeout(4000)
    assert lab.errors == []


def test_it_fits_and_follows_the_theme(lab, build_folder):
    page = lab.page
    lab.plots(3)
    lab.ask("setattr(explorer, 'selection', explorer.points.indices[:24])")
    page.locator(".ferlab-x b", has_text="24 faces selected").first.wait_for()
    for theme in ("dark", "light"):
        lab.theme(f"JupyterLab {theme.capitalize()}")
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1300})
            plots = lab.plots(3)
            lab.still(plots[0])
            shown = np.asarray(Image.open(io.BytesIO(plots[0].screenshot())).convert("L"))
            assert (np.median(shown) < 60) == (theme == "dark"), f"{theme}: the maps have the color of the page"
            cell = page.locator(".ferlab-x-explorer").bounding_box()
            for part in page.locator(".ferlab-x-explorer > *, .ferlab-x-face").all():
                box = part.bounding_box()
                if box is not None:
                    right = cell["x"] + cell["width"] + 1
                    assert box["x"] + box["width"] <= right, f"{theme}, {width}: nothing runs out of the cell"
            page.screenshot(path=build_folder / f"explorer_{theme}_{width}.png")
    assert lab.errors == []


def hover_a_point(lab: Lab, plot) -> None:
    """Move the cursor onto one of the points, found by its color."""
    pixels = np.asarray(Image.open(io.BytesIO(plot.screenshot())).convert("HSV"), dtype=int)
    rows, columns = np.nonzero((pixels[..., 1] > 90) & (pixels[..., 2] > 90))
    box = plot.bounding_box()
    for at in range(0, len(rows), max(1, len(rows) // 12)):
        x, y = box["x"] + float(columns[at]), box["y"] + float(rows[at])
        lab.page.mouse.move(x - 4, y)
        lab.page.mouse.move(x, y, steps=4)
        lab.page.wait_for_timeout(1000)
        if lab.page.evaluate(FACE_IN_TOOLTIP):
            return
    pytest.fail("No point answered to the cursor.")

"""The loss playground in JupyterLab: what a person drags, presses and types, on the screen and in the kernel."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyterlab_driver import run_all_cells

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SETUP = """
import json, os, threading, time
from pathlib import Path
from ferlab.widgets import LossPlayground

playground = LossPlayground("tcl-nearest")

answers = 0

def note(change=None):
    global answers
    answers += 1
    state = dict(answers=answers, pid=os.getpid(),
        loss=playground.loss, value=playground.value, margin=playground.margin, steps=playground.steps,
        playing=playground.playing, selected=playground.selected, moving=playground.moving,
        points=playground.points.tolist(), centers=playground.centers.tolist(), profiles=playground.profiles.tolist(),
        correlations=playground.correlations.tolist(),
    )
    Path("state.part").write_text(json.dumps(state))
    os.replace("state.part", "playground_state.json")

def choose():  # as a cell would: the test asks by a file
    while True:
        for path in Path().glob("choose.txt"):
            playground.loss = path.read_text()
            path.unlink()
        time.sleep(0.1)

playground.observe(note, "_scene")
note()
threading.Thread(target=choose, daemon=True).start()
playground
"""


class Playground:
    """The widget on a page, and what its kernel wrote down last."""

    def __init__(self, page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.root = page.locator(".ferlab-playground")
        self.points = self.root.locator(".node.points")
        self.centers = self.root.locator(".node.centers")
        self.loss = self.root.get_by_label("Loss", exact=True)

    @property
    def kernel(self) -> dict:
        return json.loads((self.folder / "playground_state.json").read_text())

    def wait(self, what: Callable[[dict], bool], seconds: float = 120) -> dict:
        """The kernel's state once it is as wanted and the screen shows its loss."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.kernel
            if what(state) and self.number() == f"{state['value']:.3f}":
                return state
            self.page.wait_for_timeout(50)
        pytest.fail(f"The kernel holds {self.kernel}, the screen shows {self.number()}.")

    def number(self) -> str:
        return self.root.locator(".fp-value .number").inner_text()

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=re.compile(name)).click()

    def drag(self, node, dx: float, dy: float) -> None:
        node.scroll_into_view_if_needed()
        box = node.locator(".hit, .chart-ground").first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=8)
        self.page.mouse.up()

    def per_pixel(self) -> float:
        """How far a pixel of the screen is on the plane: 576 of the drawing's 600 pixels are 10 wide."""
        return 10 / (self.root.locator("svg.plane").bounding_box()["width"] * 576 / 600)


@pytest.fixture(scope="module")
def errors() -> list[str]:
    return []


@pytest.fixture(scope="module")
def playground(browser, lab_server, errors) -> Iterator[Playground]:
    folder = lab_server.folder / "notebooks"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SETUP)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "playground.ipynb")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(180_000)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(
        f"{lab_server.address}/lab/workspaces/playground/tree/notebooks/playground.ipynb?token={lab_server.token}&reset"
    )
    run_all_cells(page)
    page.locator(".ferlab-playground svg.plane").wait_for(timeout=120_000)
    errors.clear()  # of JupyterLab's own start
    yield Playground(page, folder)
    context.close()


@pytest.fixture(autouse=True)
def fresh(playground, errors) -> Iterator[None]:
    """Every test begins at the start, and ends without an error in the console."""
    playground.loss.select_option("tcl-nearest")
    playground.press("Reset")
    playground.root.get_by_label("Margin m").fill("4")
    playground.wait(lambda state: (state["loss"], state["steps"], state["margin"]) == ("tcl-nearest", 0, 4))
    yield
    assert errors == []


def test_dragging_a_point_moves_it_in_the_kernel(playground):
    before = playground.kernel
    playground.drag(playground.points.nth(2), 60, -45)
    after = playground.wait(lambda state: state["points"] != before["points"] and state["selected"] == 2)
    scale = playground.per_pixel()
    wanted = [before["points"][2][0] + 60 * scale, before["points"][2][1] + 45 * scale]
    playground.wait(lambda state: state["points"][2] == pytest.approx(wanted, abs=2 * scale))
    assert [p for i, p in enumerate(after["points"]) if i != 2] == [p for i, p in enumerate(before["points"]) if i != 2]
    assert after["value"] != before["value"]
    assert re.search(r"Point surprise 3, x \S+, y \S+, loss", playground.points.nth(2).get_attribute("aria-label"))
    assert (
        playground.root.get_by_role("button", name=re.compile("^surprise 3, loss")).get_attribute("aria-pressed")
        == "true"
    )


def test_dragging_a_center_turns_every_arrow_of_its_class(playground):
    before, arrows = playground.kernel, playground.root.locator("path.arrow.points")
    drawn = [arrow.get_attribute("d") for arrow in arrows.all()]
    playground.drag(playground.centers.first, -80, 50)
    playground.wait(lambda state: state["centers"] != before["centers"] and state["value"] != before["value"])
    moved = [arrow.get_attribute("d") for arrow in arrows.all()]
    assert any(now and now != then for now, then in zip(moved[:4], drawn[:4], strict=True))


def test_points_move_with_the_keyboard(playground):
    before = playground.kernel
    playground.centers.last.focus()
    playground.page.keyboard.press("Tab")
    playground.wait(lambda state: state["selected"] == 0)
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp"):
        playground.page.keyboard.press(key)
    wanted = [before["points"][0][0] + 0.1, before["points"][0][1] + 0.25]
    playground.wait(lambda state: state["points"][0] == pytest.approx(wanted, abs=2e-3))
    playground.page.keyboard.press(" ")
    playground.wait(lambda state: state["steps"] >= 2)
    if playground.kernel["playing"]:
        playground.page.keyboard.press(" ")
    playground.wait(lambda state: not state["playing"])
    assert playground.page.locator(".ferlab-playground :focus").count() == 1, "JupyterLab does not take the keys"


def test_step_play_and_pause(playground):
    rate = playground.root.get_by_label("Learning rate")
    rate.focus()
    for _ in range(30):
        playground.page.keyboard.press("ArrowLeft")
    start = playground.kernel["value"]
    playground.press("Step")
    first = playground.wait(lambda state: state["steps"] == 1)
    assert first["value"] < start
    playground.press("Play")
    playground.wait(lambda state: state["steps"] >= 8, seconds=120)
    playground.press("Pause")
    paused = playground.wait(lambda state: not state["playing"])
    playground.page.wait_for_timeout(500)
    assert playground.kernel["steps"] == paused["steps"]
    assert paused["value"] < first["value"]
    assert playground.root.locator("path.trail").first.get_attribute("d").count("L") >= 5


def test_margin_slider(playground):
    before = playground.kernel
    margin = playground.root.get_by_label("Margin m")
    margin.focus()
    for _ in range(5):
        playground.page.keyboard.press("ArrowRight")
    after = playground.wait(lambda state: state["margin"] == pytest.approx(before["margin"] + 0.5))
    assert after["value"] > before["value"]


def test_synthesized_negative_shows_where_its_coordinates_come_from(playground):
    playground.loss.select_option("tcl-fully-synthesized")
    playground.wait(lambda state: state["loss"] == "tcl-fully-synthesized")
    words = playground.root.locator("svg.plane text.name").all_text_contents()
    assert any(word.startswith("x of ") for word in words) and any(word.startswith("y of ") for word in words)
    assert "negative" in words and playground.root.locator("path.guide.coordinate").count() == 2


def test_hinge_that_is_shut_is_hollow(playground):
    playground.root.get_by_label("Margin m").focus()
    playground.page.keyboard.press("Home")
    state = playground.wait(lambda state: state["margin"] == 0)
    hollow = playground.root.locator(".node.points.shut").count()
    rows = [float(text) for text in playground.root.locator(".fp-row output").all_text_contents()]
    assert 0 < hollow == sum(value == 0 for value in rows) < len(state["points"])


def test_a_loss_that_compares_points_has_no_losses_of_single_ones(playground):
    name = "pml:SupConLoss(temperature=0.5)"
    (playground.folder / "choose.part").write_text(name)
    (playground.folder / "choose.part").replace(playground.folder / "choose.txt")
    before = playground.wait(lambda state: state["loss"] == name)
    assert playground.loss.input_value() == name and playground.root.locator(".fp-list").is_hidden()
    assert playground.centers.count() == 0 and playground.root.locator("path.level-line").count() >= 3
    assert "the loss compares" in playground.root.locator(".explanation").inner_text()
    playground.drag(playground.points.nth(2), 60, -45)
    playground.wait(lambda state: state["points"] != before["points"] and state["value"] != before["value"])
    assert re.fullmatch(r"Point surprise 3, x \S+, y \S+", playground.points.nth(2).get_attribute("aria-label"))


def test_profiles_change_their_correlations(playground):
    playground.loss.select_option("ad-corre")
    before = playground.wait(lambda state: state["loss"] == "ad-corre")
    cells = playground.root.locator(".cell .number")
    numbers = cells.all_text_contents()
    playground.drag(playground.root.locator(".chart").nth(2), 0, -14)
    after = playground.wait(lambda state: state["profiles"] != before["profiles"])
    assert after["correlations"] != before["correlations"] and after["selected"] == 1
    assert cells.all_text_contents() != numbers
    playground.page.keyboard.press("ArrowRight")
    playground.page.keyboard.press("ArrowDown")
    playground.wait(lambda state: state["profiles"] != after["profiles"])
    playground.press("Step")
    stepped = playground.wait(lambda state: state["steps"] == 1)
    assert stepped["value"] != after["value"]


def test_a_kernel_that_is_busy_gets_one_drag_not_a_pile(playground):
    before = playground.kernel
    kernel = psutil.Process(before["pid"])
    kernel.suspend()  # a cell that runs would not do: JupyterLab lets widgets talk past it
    try:
        for _ in range(3):
            playground.drag(playground.points.nth(1), 10, 10)
        playground.root.get_by_text("The kernel does not answer").wait_for()
    finally:
        kernel.resume()
    way = 30 * playground.per_pixel()
    wanted = [before["points"][1][0] + way, before["points"][1][1] - way]
    after = playground.wait(lambda state: state["points"][1] == pytest.approx(wanted, abs=0.06))
    assert after["answers"] <= before["answers"] + 4, "of 24 moves, the selection, the first and the last one"
    assert playground.root.get_by_text("The kernel does not answer").count() == 0


def test_looks(playground, build_folder):
    """Pictures for a look, and nothing that sticks out of the cell."""
    page = playground.page
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1000})
            for loss in ("tcl-semi-synthesized", "tcl-predicted", "ad-corre"):
                playground.loss.select_option(loss)
                playground.wait(lambda state, loss=loss: state["loss"] == loss)
                page.wait_for_timeout(300)
                name = f"playground_{loss}_{theme.split()[1].lower()}_{width}.png"
                playground.root.screenshot(path=build_folder / name)
                box = playground.root.bounding_box()
                for part in playground.root.locator("svg.plane, svg.profiles, .fp-side, .fp-bar").all():
                    inside = part.bounding_box()
                    assert inside["x"] >= box["x"] - 1
                    assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 1, (loss, width)
    page.set_viewport_size({"width": 1280, "height": 900})
    use_theme(page, "JupyterLab Light")


def use_theme(page, name: str) -> None:
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
    light = "false" if name.endswith("Dark") else "true"
    page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

"""FaceLab in JupyterLab: what a person moves there arrives in the kernel, and what the kernel finds on the screen."""

from __future__ import annotations

import json
import shutil
import time

import nbformat
import numpy as np
import pytest
from jupyterlab_driver import run_all_cells
from PIL import Image
from tiny_spaces import write_tiny_spaces

from ferlab.rendering import EXPRESSIONS

SETUP = """
import json
from pathlib import Path
from ferlab.widgets import FaceLab
lab = FaceLab({run!r})
def note(change):
    answer = lab.get_state("_answer")["_answer"]
    state = dict(
        number=answer["number"], caption=answer["caption"],
        units={{u: v for u, v in lab.units.items() if v}}, pose=lab.pose, identity=lab.identity,
        positions={{name: at.tolist() for name, at in lab.positions.items()}},
        trace=len(lab.trace["ce"]), brightness=float(lab.image.mean()),
    )
    partial = Path("state.partial")
    partial.write_text(json.dumps(state))
    partial.replace("state.json")
lab.observe(note, names=["_answer", "_film"])
note(None)
lab"""


class Kernel:
    """What the kernel last wrote down of the widget's state."""

    def __init__(self, path, page) -> None:
        self.path, self.page = path, page

    def __call__(self) -> dict:
        return json.loads(self.path.read_text())

    def wait(self, condition, seconds: float = 240) -> dict:
        end = time.monotonic() + seconds
        while not condition(state := self()):
            assert time.monotonic() < end, f"the kernel has stayed at {state}"
            self.page.wait_for_timeout(100)
        return state


@pytest.fixture
def opened(lab_server, page, tmp_path):
    """(page, the widget in it, the kernel, errors of the page)."""
    run = write_tiny_spaces(lab_server.folder / "tiny_spaces")
    cells = [nbformat.v4.new_code_cell(SETUP.format(run=str(run))), nbformat.v4.new_code_cell("")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab_server.folder / "notebooks" / "face_lab.ipynb")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": 1280, "height": 1250})
    page.goto(
        f"{lab_server.address}/lab/workspaces/face-lab/tree/notebooks/face_lab.ipynb?token={lab_server.token}&reset"
    )
    run_all_cells(page)
    widget = page.locator(".ferlab-face-lab").first
    widget.wait_for()
    widget.locator("img.face[src]").wait_for()
    errors.clear()  # of JupyterLab's own start
    yield page, widget, Kernel(lab_server.folder / "notebooks" / "state.json", page), errors
    shutil.rmtree(run)


@pytest.mark.browser
@pytest.mark.slow
def test_face_lab_in_jupyterlab(opened, build_folder, tmp_path):
    page, widget, kernel, errors = opened
    face = widget.locator("img.face")
    maps = widget.locator("section > canvas")
    assert maps.count() == 3 and widget.locator(".bars li.best").count() == 3

    # A slider, by keyboard: the kernel moves the face, its picture and its point follow.
    before = kernel()
    pictures = [face.get_attribute("src"), *(of.screenshot() for of in maps.all())]
    smile = widget.get_by_role("slider", name="AU12 lip corner puller")
    smile.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    state = kernel.wait(lambda state: state["units"].get("AU12") == 0.5)
    assert state["positions"]["ce"] != before["positions"]["ce"]
    widget.locator("figcaption", has_text="AU12 0.50").first.wait_for()  # the last of ten answers is on the page
    assert state["caption"] == "AU12 0.50" and face.get_attribute("src") != pictures[0]
    page.wait_for_timeout(300)
    assert all(of.screenshot() != picture for of, picture in zip(maps.all(), pictures[1:], strict=True))
    best = widget.locator(".bars li.best .share").first.inner_text()
    assert f", {best}" in maps.first.get_attribute("aria-label"), "said to those who do not see the map"

    # Another one, by mouse: dragged to the right end.
    box = widget.get_by_role("slider", name="AU26 jaw drop").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 7, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=6)
    page.mouse.move(box["x"] + box["width"] + 5, middle, steps=6)
    page.mouse.up()
    kernel.wait(lambda state: state["units"] == {"AU12": 0.5, "AU26": 1})

    # More moves than can be drawn: the last one counts, and those that came too fast were not worked on one by one.
    number = kernel()["number"]
    smile.evaluate(
        """async (range) => {
            for (let i = 1; i <= 80; i += 1) {
                range.value = i % 2 ? 0.9 : 0.2;
                range.dispatchEvent(new Event("input", { bubbles: true }));
                if (i % 8 === 0) await new Promise((done) => setTimeout(done, 4));
            }
            range.value = 0.3;
            range.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    state = kernel.wait(lambda state: state["units"].get("AU12") == 0.3)
    page.wait_for_timeout(1000)
    assert kernel() == state, "nothing was left to do"
    assert state["number"] - number < 40

    # From the input to the new picture, the way over the kernel and back.
    taken = smile.evaluate(
        """async (range) => {
            const picture = range.closest(".ferlab-face-lab").querySelector("img.face"), taken = [];
            for (let i = 1; i <= 12; i += 1) {
                const start = performance.now();
                range.value = i / 20;
                range.dispatchEvent(new Event("input", { bubbles: true }));
                await new Promise((done) => {
                    const watch = new MutationObserver(() => { watch.disconnect(); requestAnimationFrame(done); });
                    watch.observe(picture, { attributes: true, attributeFilter: ["src"] });
                });
                taken.push(performance.now() - start);
            }
            return taken;
        }"""
    )
    (build_folder / "face_lab_milliseconds.json").write_text(json.dumps([round(value) for value in taken]))
    assert np.median(taken) < 2500, "even on a busy machine"

    # An expression, another person, the head.
    widget.get_by_role("button", name="surprise", exact=True).click()
    kernel.wait(lambda state: state["units"] == next(iter(EXPRESSIONS["surprise"].values())))
    assert widget.get_by_role("slider", name="AU12 lip corner puller").input_value() == "0"
    assert widget.get_by_role("button", name="surprise", exact=True).get_attribute("aria-pressed") == "true"
    widget.get_by_label("Variant of the expression").select_option(index=1)
    kernel.wait(lambda state: "AU27" in state["units"])
    widget.get_by_role("button", name="Somebody else").click()
    kernel.wait(lambda state: state["identity"] == 4)
    widget.get_by_role("tab", name="Action units").focus()
    page.keyboard.press("ArrowRight")
    turn = widget.get_by_role("slider", name="turn (yaw)")
    turn.focus()
    page.keyboard.press("End")
    kernel.wait(lambda state: state["pose"] == {"yaw": 32, "pitch": 0, "roll": 0})
    widget.screenshot(path=build_folder / "face_lab_head.png")
    widget.get_by_role("button", name="Reset head").click()
    kernel.wait(lambda state: state["pose"]["yaw"] == 0)
    widget.get_by_role("tab", name="Action units").click()

    # A walk: it plays, leaves its trace, and stands still where one puts it.
    without = maps.first.screenshot()
    widget.get_by_role("button", name="Walk", exact=True).click()
    kernel.wait(lambda state: state["trace"] == 25)
    step = widget.get_by_label("Step of the walk")
    page.wait_for_function("range => Number(range.value) > 3", arg=step.element_handle())
    assert maps.first.screenshot() != without
    widget.screenshot(path=build_folder / "face_lab_walking.png")
    page.wait_for_function("range => range.value === range.max", arg=step.element_handle())
    kernel.wait(lambda state: state["units"] == next(iter(EXPRESSIONS["surprise"].values())))
    step.focus()
    page.keyboard.press("Home")
    kernel.wait(lambda state: state["units"] == {})
    assert step.get_attribute("aria-valuetext") == "step 1 of 25"
    widget.get_by_role("button", name="Clear trace").click()
    kernel.wait(lambda state: state["trace"] == 0)

    # A photo, and a file that is none.
    from matplotlib.cbook import get_sample_data

    widget.get_by_role("tab", name="Photo").click()
    rendered = kernel()["brightness"]
    chooser = widget.get_by_label("Photo file")
    chooser.set_input_files(get_sample_data("grace_hopper.jpg", asfileobj=False))
    state = kernel.wait(lambda state: state["caption"] == "Photo: grace_hopper.jpg")
    assert state["brightness"] != rendered
    widget.locator("figcaption", has_text="Photo: grace_hopper.jpg").wait_for()
    page.wait_for_function("picture => picture.src.startsWith('data:image/jpeg')", arg=face.element_handle())
    widget.screenshot(path=build_folder / "face_lab_photo.png")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    chooser.set_input_files(letter)
    widget.get_by_role("status").filter(has_text="no image that can be read").wait_for()

    # From Python to the screen, which leaves the photo.
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.type("lab.units = {'AU4': 1.0}")
    page.keyboard.press("Shift+Enter")
    kernel.wait(lambda state: state["units"] == {"AU4": 1})
    page.wait_for_function(
        "root => root.querySelector('[aria-label^=\"AU4 \"]').value === '1'", arg=widget.element_handle()
    )
    widget.locator("figcaption", has_text="AU4 1.00").wait_for()

    # As it looks, light and dark, narrow and wide; nothing runs out of it.
    widget.get_by_role("tab", name="Action units").click()
    widget.get_by_role("button", name="happiness", exact=True).click()
    kernel.wait(lambda state: state["units"] == next(iter(EXPRESSIONS["happiness"].values())))
    for theme in ("Dark", "Light"):  # light again for the tests after this one
        choose_theme(page, theme)
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1250})
            page.wait_for_timeout(800)
            path = build_folder / f"face_lab_{theme.lower()}_{width}.png"
            widget.screenshot(path=path)
            corner = np.asarray(Image.open(path).convert("L"), dtype=float)[-4:, :4].mean()
            assert corner > 200 if theme == "Light" else corner < 80
            assert widget.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert errors == []


def choose_theme(page, name: str) -> None:
    page.locator(".lm-MenuBar-item", has_text="Settings").click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    item = page.locator(".lm-Menu-item", has_text=f"JupyterLab {name}").last
    item.wait_for()
    item.click()
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg="true" if name == "Light" else "false"
    )
    page.wait_for_timeout(1500)

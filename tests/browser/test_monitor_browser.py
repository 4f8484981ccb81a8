"""The training monitor as a person uses it: start, look, pause, resume, stop, while a cell of the notebook waits."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import nbformat
import pytest
from jupyterlab_driver import run_all_cells

EPOCHS, STEPS = 6, 2
SETUP = f"""
import json, pathlib, sys, threading, time
import numpy as np
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from stand_in import acting
from ferlab.data import load_dataset
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor
from ferlab.widgets.monitor.session import MonitorState

faces, few = (load_dataset("synthetic", split) for split in ("train", "validation"))
faces = faces.subset(np.concatenate([np.flatnonzero(faces.labels == c)[:10] for c in range(7)]))
few = few.subset(np.arange(60))
settings = TrainSettings(epochs={EPOCHS}, batch_size=32, batches="class-balanced", learning_rate=0.05)
monitor = TrainingMonitor("ad-corre", settings, faces, few, out="watched")

def until(state):
    while monitor.state != state:
        time.sleep(0.02)

# However slow the page is: the training waits in its fourth epoch until it is paused, in its fifth until it is stopped.
pausing = acting({3 * STEPS + 1}, lambda: until(MonitorState.PAUSED))
monitor.session.train = acting({4 * STEPS + 1}, lambda: until(MonitorState.STOPPING), like=pausing)

def tell():  # the test reads what the kernel thinks
    path = pathlib.Path("monitor_state.json")
    while True:
        state = dict(status=monitor.status, epoch=monitor.epoch, batch=monitor.batch, shown=monitor.shown_epoch)
        path.with_suffix(".new").write_text(json.dumps(state))
        path.with_suffix(".new").replace(path)
        time.sleep(0.05)
threading.Thread(target=tell, daemon=True).start()
monitor"""
WAIT = """
import asyncio
while monitor.status == "waiting":
    await asyncio.sleep(0.1)
print("waited:", await monitor)"""


@pytest.mark.browser
@pytest.mark.slow
def test_a_person_watches_pauses_and_stops_a_training(lab_server, page, build_folder):
    folder = lab_server.folder / "notebooks"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (SETUP, WAIT)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "monitor.ipynb")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    def kernel() -> dict:
        return json.loads((folder / "monitor_state.json").read_text())

    def until(condition, seconds: float = 240) -> dict:
        end = time.monotonic() + seconds
        while not condition(state := kernel()):
            assert time.monotonic() < end, state
            page.wait_for_timeout(50)
        return state

    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(
        f"{lab_server.address}/lab/workspaces/monitor/tree/notebooks/monitor.ipynb?token={lab_server.token}&reset"
    )
    run_all_cells(page)
    monitor = page.locator(".ferlab-monitor")
    monitor.wait_for()
    errors.clear()  # of JupyterLab's own start
    assert kernel()["status"] == "waiting" and monitor.get_by_role("button", name="Stop").is_disabled()

    monitor.get_by_role("button", name="Start").click()
    until(lambda state: state["status"] == "training" and state["epoch"] == 3)
    monitor.get_by_text(re.compile(r"after epoch \d+")).first.wait_for()
    assert monitor.locator(".class").count() == 7
    assert monitor.locator(".chart path").count() >= 5 and monitor.locator(".chart circle").count() >= 12

    monitor.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    until(lambda state: state["status"] == "paused", seconds=60)
    before = until(lambda state: state["batch"] == 1)  # the batch that was being computed
    page.wait_for_timeout(500)
    assert kernel() == before, "not a batch while paused"
    monitor.locator(".state", has_text="paused").wait_for()
    screenshots(page, monitor, build_folder, "paused")

    at_newest = monitor.locator("canvas").screenshot()
    slider = monitor.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    until(lambda state: state["shown"] == 1, seconds=60)
    page.wait_for_timeout(1200)
    assert monitor.locator("canvas").screenshot() != at_newest
    assert "after epoch 1" in monitor.inner_text()
    page.keyboard.press("End")
    until(lambda state: state["shown"] is None, seconds=60)

    one = monitor.get_by_role("button", name="happiness")
    one.click()
    assert one.get_attribute("aria-pressed") == "true"
    one.click()

    monitor.get_by_role("button", name="Resume").click()
    until(lambda state: state["status"] == "training" and state["epoch"] > before["epoch"])
    monitor.get_by_role("button", name="Stop").click()
    stopped = until(lambda state: state["status"] == "stopped", seconds=60)
    page.get_by_text("waited: stopped").wait_for()
    assert f"Go on continues with epoch {stopped['epoch'] + 1}" in monitor.locator(".sentence").inner_text()

    monitor.get_by_role("button", name="Go on").click()
    until(lambda state: state["status"] == "finished")
    saved_formats(page, folder / "monitor.ipynb", {"image/png", "application/vnd.jupyter.widget-view+json"})
    # JupyterLab draws the widget anew when the picture beside it changes; it is the same one.
    assert page.locator(".ferlab-monitor").count() == 1
    assert f"Finished after {EPOCHS} of {EPOCHS} epochs" in monitor.inner_text()
    screenshots(page, monitor, build_folder, "finished")
    assert errors == []


def saved_formats(page, path, wanted: set[str], seconds: float = 120) -> None:
    """Save until an output of the first cell holds the wanted formats."""
    end = time.monotonic() + seconds
    while True:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(300)
        try:
            outputs = json.loads(path.read_text())["cells"][0]["outputs"]
        except ValueError:  # it is being written
            outputs = []
        if any(wanted <= output.get("data", {}).keys() for output in outputs):
            return
        assert time.monotonic() < end, outputs


def screenshots(page, monitor, folder, name: str) -> None:
    """In light and dark, at 1280 and 1920 pixels."""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.get_by_role("menuitem", name="Settings", exact=True).click()
        page.locator(".lm-Menu-item[data-type=submenu]", has_text=re.compile("^Theme$")).hover()
        page.locator(".lm-Menu-item", has_text=theme).first.click()
        for width in (1920, 1280):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_timeout(300)
            monitor.scroll_into_view_if_needed()
            page.screenshot(path=folder / f"monitor_{name}_{theme.split()[1].lower()}_{width}.png")

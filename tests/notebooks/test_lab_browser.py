"""``make lab`` as a person meets it: the first notebook, run from top to bottom in a real browser."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
from executed_notebooks import FIRST
from jupyterlab_driver import CHROMIUM_FLAGS, run_all_cells, wait_until_run
from PIL import Image

from ferlab.errors import FerlabError
from ferlab.lab import FIRST_NOTEBOOK, lab_command

LIMIT = 1200  # seconds for the whole notebook, many times what two cores take when nothing else runs
EXPLORERS = (2, 2, 3)  # how many maps the explorers of the notebook show: two over strengths, one of what was trained
# Of the explorers' canvases all but those of the correlations.
MAPS = ".ferlab-x-explorer canvas:not(.ferlab-x-matrix canvas):not(.ferlab-x-matrix ~ canvas)"
# Of the processor, for all that the kernel does from its start until points travel over the strengths: two cores that
# do nothing else are through with it well within two minutes. (Of the clock it would depend on what else runs.)
SECONDS_TO_THE_SLIDER = 60


@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    return CHROMIUM_FLAGS


@pytest.fixture
def first_notebook(executed_notebooks):
    """Call it with the notebook that has run; other tests wait for that, or for the test's end."""
    kept = []

    def keep(notebook: dict) -> None:
        kept.append(notebook)
        executed_notebooks.keep(FIRST, notebook)

    yield keep
    if not kept:
        executed_notebooks.keep(FIRST, None)


def test_lab_command_is_for_this_computer_only(tmp_path, monkeypatch):
    monkeypatch.delenv("BROWSER", raising=False)
    notebook = tmp_path / "mine.ipynb"
    notebook.write_text("{}")
    command = lab_command([str(notebook), "--port=9000"])
    assert "--ServerApp.ip=127.0.0.1" in command
    assert not any("token" in word.lower() or "password" in word.lower() for word in command)
    assert f"--ServerApp.root_dir={tmp_path.resolve()}" in command
    assert "--LabApp.default_url=/lab/tree/mine.ipynb" in command
    assert command[-1] == "--port=9000" and "--no-browser" not in command
    monkeypatch.setenv("BROWSER", "none")
    assert "--no-browser" in lab_command([str(notebook)])


def test_lab_command_prefers_the_notebooks_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / FIRST_NOTEBOOK).write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert f"--ServerApp.root_dir={tmp_path}" in lab_command()


def test_lab_command_says_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(FerlabError, match=r"none\.ipynb"):
        lab_command([str(tmp_path / "none.ipynb")])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FerlabError, match="pip install jupyterlab"):
        lab_command()


@pytest.mark.browser
def test_server_is_closed_to_others(lab_server):
    for path in ("/api/contents", "/api/kernels"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(lab_server.address + path)
        assert refused.value.code == 403
    for path in ("/lab", "/files/notebooks/00_start_here.ipynb"):
        with urllib.request.urlopen(lab_server.address + path) as answer:
            assert "/login" in answer.url, "without the token there is only the login page"
    processes = [lab_server.process, *lab_server.process.children(recursive=True)]
    listening = {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


@pytest.mark.browser
@pytest.mark.slow(150)
def test_first_notebook_runs_in_the_browser(lab_server, page, build_folder, first_notebook):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab_server.address}/?token={lab_server.token}")  # as printed: leads to the first notebook
    page.wait_for_url("**/lab/tree/notebooks/00_start_here.ipynb*")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    assert page.get_by_text("Jupyter news").count() == 0, "nothing asks for the network"
    page.screenshot(path=build_folder / "lab_opened.png")

    turn_the_losses_up(page, lab_server, build_folder)
    run_all_cells(page)
    notebook = wait_until_run(page, lab_server.folder / FIRST_NOTEBOOK, LIMIT)
    first_notebook(notebook)

    plots = iter(visible_plots(page, sum(EXPLORERS)))
    for explorer, number in enumerate(EXPLORERS):
        shown = [next(plots) for _ in range(number)]
        shown[0].scroll_into_view_if_needed()
        for place, plot in enumerate(shown):
            wait_until_drawn(plot, build_folder / f"lab_scatter_{explorer}_{place}.png")
        page.screenshot(path=build_folder / f"lab_scatters_{explorer}.png")
        boxes = [plot.bounding_box() for plot in shown]
        assert len({round(box["y"]) for box in boxes}) == 1, "the spaces stand side by side"
        assert boxes[-1]["x"] + boxes[-1]["width"] <= 1600, "all fit into the window"
    # anywidget says this of a widget that takes more than two seconds, and then shows it all the same.
    assert [error for error in errors if error != "[anywidget] Failed to initialize model."] == []
    assert "Error displaying widget" not in json.dumps(notebook)


def turn_the_losses_up(page, lab_server, build_folder: Path) -> None:
    """Run the cells down to the first explorer and move its slider: the points travel, and nothing has been trained."""
    cells = json.loads((lab_server.folder / FIRST_NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    place = next(k for k, cell in enumerate(cells) if "turned_up = EmbeddingExplorer(" in "".join(cell["source"]))
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Escape")
    for _ in range(place + 1):
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(100)
    slider = page.get_by_role("slider", name="Strength").first
    slider.wait_for(timeout=1000 * LIMIT)
    alone, with_loss = visible_plots(page, EXPLORERS[0])
    alone.scroll_into_view_if_needed()
    for plot in (alone, with_loss):
        wait_until_drawn(plot, build_folder / "lab_strengths.png")
    before = with_loss.screenshot()
    slider.focus()
    page.keyboard.press("End")
    page.get_by_text("strength 16 (at 64 the network is lost)").first.wait_for()
    page.wait_for_timeout(2000)  # the points travel
    assert with_loss.screenshot() != before, "the points stayed where they were"
    page.screenshot(path=build_folder / "lab_strengths.png")
    kernels = [process.cpu_times() for process in lab_server.process.children(recursive=True)]
    spent = sum(times.user + times.system for times in kernels)
    assert spent < SECONDS_TO_THE_SLIDER, f"the slider took {spent:.0f} s of the processor"
    assert not (lab_server.folder / "notebooks" / "runs" / "start_here").exists(), "something has been trained"


def visible_plots(page, number: int, seconds: float = 180) -> list:
    """Canvases of the first maps; a cell that was never on the screen is drawn when it comes there."""
    end = time.monotonic() + seconds
    plots: list = []
    while len(plots) < number and time.monotonic() < end:
        page.mouse.move(330, 500)  # beside the cells: over a plot the wheel would zoom
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(500)
        plots = [canvas for canvas in page.locator(MAPS).all() if is_plot(canvas)][::2]  # names lie above the points
    assert len(plots) >= number, f"only {len(plots)} maps of {number} came into view"
    return plots[:number]


def is_plot(canvas) -> bool:
    """Large enough; the legends and buttons beside a plot have canvases too."""
    box = canvas.bounding_box() if canvas.is_visible() else None
    return box is not None and min(box["width"], box["height"]) > 150


def wait_until_drawn(plot, path: Path, seconds: float = 30) -> None:
    """Wait for points of several classes: many pixels unlike the background, in at least three hues."""
    end = time.monotonic() + seconds
    while True:
        picture = Image.open(io.BytesIO(plot.screenshot(path=path))).convert("HSV")
        pixels = np.asarray(picture, dtype=np.int64).reshape(-1, 3)
        colored = pixels[(pixels[:, 1] > 90) & (pixels[:, 2] > 90)]
        hues = np.bincount(colored[:, 0] * 12 // 256, minlength=12)
        # On the scale of a strong TCL the faces under cross-entropy are a small cloud.
        if len(colored) > 0.0005 * len(pixels) and (hues > 0.02 * len(colored)).sum() >= 3:
            return
        assert time.monotonic() < end, f"no points are drawn in {path}"
        time.sleep(0.5)

"""How long EmbeddingExplorer takes until 10,000 points in three spaces are on the screen, in a headless Chromium.

    python benchmarks/widget_explorer_browser.py

JupyterLab runs a notebook whose first cell makes the data of widget_explorer.py. Timed are the second one, from the key
that starts it until all three maps hold all points; Ad-Corre's picture of 500 faces, from the press that unfolds it
until all three matrices are drawn; and a step of the epoch slider and, of a run with strengths, of the strength slider,
from the key until the points of the first and of all three maps begin to travel and until they have arrived (they
travel for 400 and 700 ms). The browser draws without a graphics card. The limits are those of widget_explorer.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from in_browser import opened_notebook
from widget_explorer import told

SETUP = """
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from widget_explorer import DOSED, EmbeddingExplorer, dosed_run, large_run, many_faces
faces = many_faces({points})
folder = tempfile.TemporaryDirectory()
run = {make}(Path(folder.name), faces)
EmbeddingExplorer(run, faces)._repr_mimebundle_()
print("ready")
"""
SHOW = """
explorer = EmbeddingExplorer(run, faces, list(DOSED) if "doses" in run.summary else None, validation=faces)
explorer
"""
UNFOLD = """() => new Promise((resolve) => {
    const start = performance.now();
    const middle = (canvas) => canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3];
    const look = () => {
        const matrices = [...document.querySelectorAll(".ferlab-x-matrix canvas")];
        const drawn = matrices.length === 3 && matrices.every((canvas) => canvas.width && middle(canvas));
        if (drawn) resolve(performance.now() - start);
        else requestAnimationFrame(look);
    };
    [...document.querySelectorAll(".lm-AccordionPanel-title, .jupyter-widget-Collapse-header")]
        .find((title) => title.textContent.includes("Correlations")).click();
    look();
})"""
DRAWN = """(points) => [...document.querySelectorAll("div")].filter(
    (element) => element.api?.get("points").length === points).length === 3"""
LISTEN = """() => { globalThis.steps = { begun: [], arrived: [] };
    addEventListener("keydown", () => { steps.start = performance.now(); steps.begun = []; steps.arrived = []; }, true);
    for (const element of document.querySelectorAll("div")) {
    element.api?.subscribe("transitionStart", () => steps.begun.push(performance.now() - steps.start));
    element.api?.subscribe("transitionEnd", () => steps.arrived.push(performance.now() - steps.start)); } }"""


@contextmanager
def shown_explorer(make: str, points: int) -> Iterator:
    """The page of a notebook whose first cell has made a run, `large_run` or `dosed_run`; the second is to be run."""
    setup = SETUP.format(benchmarks=str(Path(__file__).parent), points=points, make=make)
    with opened_notebook([setup, SHOW]) as page:
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea-output", has_text="ready").wait_for()
        page.wait_for_timeout(2000)
        yield page


def time_opening(page, points: int) -> float:
    """Show the explorer anew: from the key until all maps hold all points."""
    start = time.perf_counter()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => !document.querySelector('.ferlab-x-explorer')")
    page.wait_for_function(DRAWN, arg=points)
    took = 1000 * (time.perf_counter() - start)
    page.wait_for_timeout(3000)
    return took


def time_steps(page, slider, name: str, turns: int) -> dict[str, list[float]]:
    """Steps of a slider: two back, two forth, and so on; name of a line -> milliseconds of every step."""
    lines = [f"{name}, first map begins", f"{name}, all maps begun", f"{name}, points arrived"]
    times: dict[str, list[float]] = {line: [] for line in lines}
    page.evaluate(LISTEN)
    for turn in range(turns):
        slider.focus()
        page.keyboard.press("ArrowLeft" if turn % 4 < 2 else "ArrowRight")
        page.wait_for_function("() => steps.arrived.length >= 3")
        steps = page.evaluate("() => steps")
        moments = min(steps["begun"]), max(steps["begun"]), max(steps["arrived"])
        for line, value in zip(lines, moments, strict=True):
            times[line].append(value)
        page.wait_for_timeout(1500)
    return times


def measure(points: int, turns: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"open": [], "correlations of 500": []}
    with shown_explorer("large_run", points) as page:
        for _ in range(turns):
            times["open"].append(time_opening(page, points))
            times["correlations of 500"].append(page.evaluate(UNFOLD))
        time_opening(page, points)
        page.get_by_role("button", name="Validation faces, epoch by epoch").click()
        page.wait_for_timeout(8000)
        times |= time_steps(page, page.get_by_role("slider").first, "epoch", turns)
    with shown_explorer("dosed_run", points) as page:
        time_opening(page, points)
        slider = page.locator(".widget-slider", has_text="Strength").get_by_role("slider")
        return times | time_steps(page, slider, "strength", turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000, help="points (10,000)")
    parser.add_argument("--turns", type=int, default=4, help="turns of each line (4)")
    arguments = parser.parse_args()
    times = measure(arguments.points, arguments.turns)
    print(f"{arguments.points:,} points, 3 spaces, in the browser; milliseconds, median (largest) of {arguments.turns}")
    for name, values in times.items():
        print(told(name, values))


if __name__ == "__main__":
    main()

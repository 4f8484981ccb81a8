"""How long EmbeddingExplorer takes until 10,000 points in three spaces are on the screen, in a headless Chromium.

    python benchmarks/widget_explorer_browser.py

JupyterLab runs a notebook whose first cell makes the data of widget_explorer.py. Timed are the second one, from the key
that starts it until all three maps hold all points; and a step of the epoch slider, from the key until the points of
the first and of all three maps begin to travel and until they have arrived (they travel for 400 ms). The browser draws
without a graphics card.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from in_browser import opened_notebook

SETUP = """
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from widget_explorer import EPOCHS, EmbeddingExplorer, large_run, many_faces
faces = many_faces({points})
folder = tempfile.TemporaryDirectory()
run = large_run(Path(folder.name), faces)
EmbeddingExplorer(run, faces)._repr_mimebundle_()
print("ready")
"""
SHOW = """
explorer = EmbeddingExplorer(run, faces, validation=faces)
explorer
"""
DRAWN = """(points) => [...document.querySelectorAll("div")].filter(
    (element) => element.api?.get("points").length === points).length === 3"""
LISTEN = """() => { globalThis.steps = { begun: [], arrived: [] };
    addEventListener("keydown", () => { steps.start = performance.now(); steps.begun = []; steps.arrived = []; }, true);
    for (const element of document.querySelectorAll("div")) {
    element.api?.subscribe("transitionStart", () => steps.begun.push(performance.now() - steps.start));
    element.api?.subscribe("transitionEnd", () => steps.arrived.push(performance.now() - steps.start)); } }"""
LINES = ("open", "epoch, first map begins", "epoch, all maps begun", "epoch, points arrived")


def measure(page, points: int, turns: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in LINES}
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="ready").wait_for()
    page.wait_for_timeout(2000)
    for _ in range(turns):
        start = time.perf_counter()
        page.keyboard.press("Control+Enter")
        page.wait_for_function("() => !document.querySelector('.ferlab-x-explorer')")
        page.wait_for_function(DRAWN, arg=points)
        times["open"].append(1000 * (time.perf_counter() - start))
        page.wait_for_timeout(3000)
    page.get_by_role("button", name="Validation faces, epoch by epoch").click()
    page.wait_for_timeout(8000)
    slider = page.get_by_role("slider").first
    page.evaluate(LISTEN)
    for turn in range(turns):
        slider.focus()
        page.keyboard.press("ArrowLeft" if turn % 4 < 2 else "ArrowRight")
        page.wait_for_function("() => steps.arrived.length >= 3")
        steps = page.evaluate("() => steps")
        moments = min(steps["begun"]), max(steps["begun"]), max(steps["arrived"])
        for name, value in zip(LINES[1:], moments, strict=True):
            times[name].append(value)
        page.wait_for_timeout(1500)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000, help="points (10,000)")
    parser.add_argument("--turns", type=int, default=4, help="turns of each line (4)")
    arguments = parser.parse_args()
    setup = SETUP.format(benchmarks=str(Path(__file__).parent), points=arguments.points)
    with opened_notebook([setup, SHOW]) as page:
        times = measure(page, arguments.points, arguments.turns)
    print(f"{arguments.points:,} points, 3 spaces, in the browser; milliseconds, median (largest) of {arguments.turns}")
    for name, values in times.items():
        print(f"  {name:24} {statistics.median(values):8.0f} ({max(values):.0f})")


if __name__ == "__main__":
    main()

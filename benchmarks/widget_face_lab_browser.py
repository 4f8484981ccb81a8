"""How long a slider's move takes until FaceLab shows it, in a headless Chromium.

    python benchmarks/widget_face_lab_browser.py

JupyterLab runs a notebook with FaceLab and the gallery's networks. Every move is another intensity of another action
unit. The clock starts when the page is told of the move; it is read when the kernel's answer has reached the page, and
when a frame with the new face has been drawn. The browser draws as Chromium does by itself without a graphics card.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from in_browser import opened_notebook
from jupyterlab_driver import PLAIN_FLAGS, run_all_cells

SHOW = """
from ferlab.gallery import open_gallery
from ferlab.widgets import FaceLab
FaceLab(open_gallery("gallery"))
"""
LIMIT = 250  # milliseconds that a move may take until it is on the screen
MOVE = """async ([turn, value]) => {
    const lab = document.querySelector(".ferlab-face-lab"), face = lab.querySelector("img.face");
    const ranges = [...lab.querySelectorAll("input[type=range]")].filter((range) => /^AU/.test(range.ariaLabel));
    const range = ranges[turn % ranges.length];
    const start = performance.now();
    range.value = value;
    range.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => {
        const watch = new MutationObserver(() => { watch.disconnect(); done(); });
        watch.observe(face, { attributes: true, attributeFilter: ["src"] });
    });
    const answered = performance.now() - start;
    // A frame is drawn after the callbacks for it: the second one begins when the first is drawn.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return [answered, performance.now() - start];
}"""


def measure(page, moves: int) -> list[tuple[float, float]]:
    """Of each move, milliseconds until the answer has come and until the frame is drawn."""
    run_all_cells(page)
    page.locator(".ferlab-face-lab img.face[src]").first.wait_for()
    page.wait_for_timeout(3000)
    taken = []
    for turn in range(moves):
        taken.append(tuple(page.evaluate(MOVE, [turn, 0.05 + 0.9 * (turn % 7) / 7])))
        page.wait_for_timeout(150)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=60, help="moves (60)")
    arguments = parser.parse_args()
    with opened_notebook([SHOW], PLAIN_FLAGS) as page:
        answered, drawn = zip(*measure(page, arguments.moves), strict=True)
    print(f"{arguments.moves} moves, three networks, in the browser; milliseconds, median, 95 %, largest")
    for name, values in (("answer in the page", answered), ("frame with it drawn", drawn)):
        print(f"  {name:20} {statistics.median(values):6.0f} {np.quantile(values, 0.95):6.0f} {max(values):6.0f}")
    print(f"  {np.mean(np.array(drawn) <= LIMIT):.0%} drawn within {LIMIT} ms")


if __name__ == "__main__":
    main()

"""Milliseconds from a moved slider to the new state on its way to the page, in FaceLab, and where they go.

    python benchmarks/widget_face_lab.py [RUN]

RUN is a run folder of ``ferlab compare``; without one, the gallery's networks are taken. Kernel time only: a slider's
message is handed to the widget as Jupyter does, and the clock stops when the widget has handed its answer over. What
the browser adds is measured by widget_face_lab_browser.py. Every move is another intensity of another
action unit. Placing is timed against the peer that makes the map anew.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ferlab.gallery import open_gallery
from ferlab.images import data_uri
from ferlab.projection import aligned_layouts
from ferlab.rendering import ACTION_UNITS, Scene, random_identity, render
from ferlab.widgets import FaceLab
from ferlab.widgets.face_lab.portraits import PICTURE_SIDE

METHODS = ("ce", "tcl-nearest", "ad-corre")
LIMIT = 250  # what a move may take until it is on the screen


def milliseconds(action: Callable[[int], object], times: int) -> list[float]:
    """Of every call but the first, which compiles and fills caches."""
    taken = []
    for i in range(times + 1):
        start = time.perf_counter()
        action(i)
        taken.append(1000 * (time.perf_counter() - start))
    return taken[1:]


def row(name: str, taken: list[float]) -> None:
    slow = float(np.quantile(taken, 0.95))
    print(f"{name:<46} {statistics.median(taken):>8.1f} {slow:>8.1f} {max(taken):>8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="run folder of ferlab compare (the gallery)")
    parser.add_argument("--moves", type=int, default=60, help="moves (60)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.run or open_gallery(Path(folder) / "gallery"), arguments.moves)


def measure(run: str | Path, count: int) -> None:
    start = time.perf_counter()
    lab = FaceLab(run, METHODS)
    opening = time.perf_counter() - start
    faces = len(lab.spaces.labels)
    print(
        f"{', '.join(METHODS)}; {faces:,} faces on each map; {torch.get_num_threads()} threads; made in {opening:.1f} s"
    )
    print(f"{'milliseconds':<46} {'median':>8} {'95 %':>8} {'max':>8}")

    def units(i: int) -> dict[str, float]:
        return {**dict.fromkeys(ACTION_UNITS, 0.0), ACTION_UNITS[i % len(ACTION_UNITS)]: 0.05 + 0.9 * (i % 7) / 7}

    controls = lab.get_state("_controls")["_controls"]

    def move(i: int) -> None:
        lab.set_state({"_controls": {**controls, "units": units(i)}})

    busy = time.process_time()
    moves = milliseconds(move, count)
    busy = 1000 * (time.process_time() - busy) / len(moves)
    row("slider to answer", moves)
    print(f"  processor time of a move, which other programs do not lengthen: {busy:.0f}")
    who = random_identity(np.random.default_rng(3))
    size, scene = lab.spaces.size, Scene(background=who.seed, blur=0.22, noise=0.006)
    row(
        f"  render {size} px for the networks",
        milliseconds(lambda i: render(who, units(i), size=size, scene=scene), 20),
    )
    row(
        f"  render {PICTURE_SIDE} px for people",
        milliseconds(lambda i: render(who, units(i), size=PICTURE_SIDE, supersample=1), 20),
    )
    row("  three networks and three placings", milliseconds(lambda i: lab.spaces.see(lab.image[None]), 20))
    on_map = lab.spaces.maps["ad-corre"]
    row("  of these, one placing", milliseconds(lambda i: on_map.place(on_map.references[i : i + 1]), 20))
    picture = render(who, size=PICTURE_SIDE, supersample=1)
    row("  encode the two pictures", milliseconds(lambda i: (data_uri(lab.image), data_uri(picture)), 20))
    row("peer of placing: the map made anew", milliseconds(lambda i: aligned_layouts({"x": on_map.references}), 2))
    start = time.perf_counter()
    steps = len(lab.walk()["ce"])
    print(f"a walk of {steps} steps: {time.perf_counter() - start:.1f} s until it plays")
    share = float(np.mean(np.array(moves) <= LIMIT))
    print(f"{share:.0%} of the moves within {LIMIT} ms")


if __name__ == "__main__":
    main()

"""Milliseconds of kernel time that the loss playground needs for one answer to the page.

    python benchmarks/widget_playground.py

Every loss, with three and with seven classes: a step of gradient descent, and the drag of a point (with Ad-Corre of an
entry), each from the page's message to the new scene as JSON. The median of many, and the slowest of them; what the
page takes to draw the scene is not in it. The bound is 50 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch

from ferlab.widgets import LossPlayground
from ferlab.widgets.playground.drawable import drawable_methods

BOUND = 50.0


def answer(playground: LossPlayground, message: dict) -> None:
    """As if the page had asked."""
    content = {**message, "reply": ["benchmark", time.perf_counter_ns()]}
    playground.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    json.dumps(playground.get_state("_scene"))


def milliseconds(act: Callable[[int], None], times: int) -> tuple[float, float]:
    """Median and maximum, after a warm-up."""
    act(0)
    took = []
    for turn in range(1, times + 1):
        start = time.perf_counter()
        act(turn)
        took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took), max(took)


def drag(playground: LossPlayground) -> Callable[[int], None]:
    """Moves to and fro, so that no move is without effect."""

    def move(turn: int) -> None:
        at = 0.5 + 0.01 * (turn % 7)
        if playground.loss == "ad-corre":
            answer(playground, {"type": "entry", "face": 0, "head": 1, "entry": 3, "to": at})
        else:
            answer(playground, {"type": "move", "what": "points", "index": 1, "to": [at, -at]})

    return move


def step(playground: LossPlayground) -> Callable[[int], None]:
    """Steps so small that they never come to an end."""
    playground.learning_rate = 1e-3
    return lambda turn: answer(playground, {"type": "step"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="answers a cell of the table (100)")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; median (slowest) of {arguments.times}, in ms")
    print(f"{'loss':<24}{'classes':>8}{'step':>18}{'drag':>18}")
    slowest = 0.0
    for loss in drawable_methods():
        for classes in (3, 7):
            cells = []
            for act in (step, drag):
                median, most = milliseconds(act(LossPlayground(loss, classes=classes)), arguments.times)
                slowest = max(slowest, median)
                cells.append(f"{median:.1f} ({most:.1f})")
            print(f"{loss:<24}{classes:>8}{cells[0]:>18}{cells[1]:>18}")
    print(f"slowest median: {slowest:.1f} ms, {'within' if slowest <= BOUND else 'above'} the bound of {BOUND:.0f} ms")


if __name__ == "__main__":
    main()

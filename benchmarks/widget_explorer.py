"""How long EmbeddingExplorer takes in the kernel: 10,000 points in three spaces.

    python benchmarks/widget_explorer.py

Opening is timed from data in memory to the moment at which the widget and its static picture are ready to be sent;
imports and the reading of the run are not part of it. Each other line is one change of state, until all messages to
the page are made: positions and colors of the points, names on the maps, and the neighbors of a selection of 30 faces.
What the page then does with them is not timed here. The limits are the project's: 3 s to
open, 1 s for Ad-Corre's picture, 150 ms for an epoch or a strength.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data import FaceDataset, load_dataset
from ferlab.runs.reading import Run
from ferlab.widgets import EmbeddingExplorer

METHODS = {"ce": 128, "tcl-nearest": 128, "ad-corre": 448}
STRENGTHS = [0.0, 0.5, 1.0, 2.0, 4.0]
DOSED = {"tcl-nearest": ("ce", 128), "center": ("ce", 128), "ad-corre": ("ce-heads", 448)}  # loss -> control, size
LIMITS = {"open": 3000, "correlations": 1000, "epoch": 150, "strength": 150}  # milliseconds, by a line's first word
EPOCHS = 4
FIRST_TIMES = (
    ("correlations of 500", "correlations_shown", True),
    ("class-mean plane", "projection", "class-means"),
    ("TCL's plane", "projection", "triplet"),
)


def many_faces(count: int) -> FaceDataset:
    """The built-in test faces, again and again."""
    faces = load_dataset("synthetic", "test")
    return dataclasses.replace(faces.subset(np.arange(count) % len(faces)), split="test")


def large_run(folder: Path, faces: FaceDataset, methods: Mapping[str, int] = METHODS) -> Run:
    """A run of invented embeddings: classes that come apart over the epochs, all faces on the maps.

    Args:
        folder: where the embeddings of the epochs are written.
        faces: what the embeddings are of.
        methods: name -> size of the embeddings.
    """
    rng = np.random.default_rng(0)
    count, classes = len(faces), len(faces.classes)
    rows, epochs = [], []
    for method, size in methods.items():
        centers = rng.normal(size=(classes, size))
        flat = rng.normal(size=(size, 2)) / size**0.5
        (folder / method / "seed_0" / "epochs").mkdir(parents=True)
        for epoch in range(1, EPOCHS + 1):
            space = (epoch * centers[faces.labels] + 2 * rng.normal(size=(count, size))).astype(np.float32)
            np.save(folder / method / "seed_0" / "epochs" / f"epoch_{epoch:04d}.npy", space)
            x, y = (space @ flat).T.astype(np.float32)
            place = {"method": method, "index": np.arange(count), "label": faces.labels, "x": x, "y": y}
            epochs.append(pd.DataFrame({**place, "epoch": epoch}))
        answers = {"predicted": faces.labels, "confidence": rng.uniform(0.3, 1, count), "seed": 0}
        rows.append(pd.DataFrame({**place, **answers, "embedding": list(space)}))
    summary = {"methods": {name: {} for name in methods}, "seeds": [0], "classes": list(faces.classes)}
    return Run(folder, summary, {}, pd.DataFrame(), pd.concat(rows), pd.concat(epochs))


def dosed_run(folder: Path, faces: FaceDataset) -> Run:
    """The same with three losses at five strengths each, so that all three maps move."""
    trained = {
        name: [control, *(f"{name}@{strength:g}" for strength in STRENGTHS[1:])] for name, (control, _) in DOSED.items()
    }
    sizes = {method: DOSED[name][1] for name, methods in trained.items() for method in methods}
    run = large_run(folder, faces, sizes)
    rows = [{"strength": strength, "mean": strength, "low": None, "high": None} for strength in STRENGTHS]
    run.summary["doses"] = {
        name: {
            "strengths": STRENGTHS, "methods": methods, "breaks_at": None,
            "measures": {"test": {"open_hinges": rows, "balanced_accuracy": rows}},
        }
        for name, methods in trained.items()
    }  # fmt: skip
    return run


def told(name: str, values: list[float]) -> str:
    """A line of the answer: median, largest and the limit."""
    is_whole = "first map" not in name and "arrived" not in name
    limit = LIMITS.get(name.split()[0].rstrip(",")) if is_whole else None
    return f"  {name:26} {statistics.median(values):8.0f} ({max(values):.0f})" + (
        f"   limit {limit:,}" if limit else ""
    )


def milliseconds(change: Callable[[], object]) -> float:
    start = time.perf_counter()
    change()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000, help="points (10,000)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each line (5)")
    arguments = parser.parse_args()
    faces = many_faces(arguments.points)
    with tempfile.TemporaryDirectory() as folder:
        run = large_run(Path(folder), faces)

        def opened() -> EmbeddingExplorer:
            explorer = EmbeddingExplorer(run, faces, validation=faces)
            explorer._repr_mimebundle_()
            return explorer

        opened().wait()  # imports
        times = {"open": [milliseconds(opened) for _ in range(arguments.turns)]}
        explorer = opened()
        explorer.wait()

        def time_changes(name: str, changes: list[Callable[[], object]]) -> None:
            times[name] = []
            for turn in range(arguments.turns):
                times[name].append(milliseconds(changes[turn % len(changes)]))
                explorer.wait()

        def setting(name: str, values: list) -> list[Callable[[], object]]:
            return [lambda value=value: setattr(explorer, name, value) for value in values]

        def first_time(name: str, value: object) -> float:
            """A change that is quicker ever after: of a new explorer, each time."""
            new = EmbeddingExplorer(run, faces, validation=faces)
            new.wait()
            return milliseconds(lambda: setattr(new, name, value))

        for line, name, value in FIRST_TIMES:
            times[line] = [first_time(name, value) for _ in range(arguments.turns)]
        time_changes("select 30 faces", setting("selection", [range(30), range(30, 60)]))
        time_changes("color by", setting("color_by", ["right or wrong", "intensity"]))
        time_changes("morph", [lambda: explorer.morph_to("ce"), lambda: explorer.morph_to("ad-corre")])
        explorer.morph_to(None)
        explorer.epoch = EPOCHS
        explorer.selection = range(30)
        explorer.wait()
        time_changes("epoch, measured first", setting("epoch", list(range(1, EPOCHS))))
        time_changes("epoch", setting("epoch", list(range(1, EPOCHS + 1))))
        explorer.projection = "triplet"
        time_changes("epoch, TCL's plane", setting("epoch", list(range(1, EPOCHS + 1))))
    with tempfile.TemporaryDirectory() as folder:
        explorer = EmbeddingExplorer(dosed_run(Path(folder), faces), faces, list(DOSED), validation=faces)
        explorer.selection = range(30)
        explorer.wait()
        time_changes("strength", setting("strength", STRENGTHS))
    print(f"{arguments.points:,} points, {len(METHODS)} spaces; milliseconds, median (largest) of {arguments.turns}")
    for name, values in times.items():
        print(told(name, values))


if __name__ == "__main__":
    main()

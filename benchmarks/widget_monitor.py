"""What it costs to watch a training with a TrainingMonitor.

    python benchmarks/widget_monitor.py

The same training on the same built-in faces, in turn, in one Jupyter kernel: in the kernel's main thread, in a thread
of its own, and with a monitor, which trains in a thread so that the notebook can be used meanwhile, and really packs
and sends all that it shows. All write a checkpoint after every epoch. The ratio, of the last two, is the median over
the turns, so that it holds when the machine's speed drifts. On a busy machine it says little; therefore the last
column: the processor time that the training's thread spends in the monitor's own code, as a share of the whole
training's. The page's own work (drawing in the browser) is in none of them, nor is the picture that is kept with the
notebook: it is drawn once, when the training is over, and has a line of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# Name -> size of its embedding: the fewest loss parts, the most, and an embedding that is watched as it is.
METHODS: dict[str, int | None] = {"ce": None, "ad-corre": None, "center": 2}


def measure(faces: int, epochs: int, turns: int) -> None:
    """In the kernel: print the table."""
    from IPython.display import display

    from ferlab.data import load_dataset
    from ferlab.methods import get_method
    from ferlab.runs.plan import sized
    from ferlab.training import TrainResult, TrainSettings, train
    from ferlab.widgets import TrainingMonitor

    train_set = load_dataset("synthetic", "train").subset(np.arange(faces))
    validation_set = load_dataset("synthetic", "validation")
    settings = dataclasses.replace(TrainSettings(), epochs=epochs, accelerator="cpu")

    def plain(name: str) -> float:
        method, size = get_method(name), METHODS[name]
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            train(method if size is None else sized(method, size), train_set, validation_set, settings, Path(folder))
            return time.perf_counter() - began

    own: list[float] = []  # processor seconds of every call of the monitor by the training

    def counted(hook: Callable) -> Callable:
        def call(*arguments) -> None:
            began = time.thread_time()
            hook(*arguments)
            own.append(time.thread_time() - began)

        return call

    def threaded(method: str) -> float:
        began = time.perf_counter()
        thread = threading.Thread(target=plain, args=(method,))
        thread.start()
        thread.join()
        return time.perf_counter() - began

    pictures: list[float] = []

    def watched(method: str) -> float:
        monitor = TrainingMonitor(method, settings, train_set, validation_set, embedding_size=METHODS[method])

        def counting(*arguments, **hooks: Callable) -> TrainResult:
            return train(*arguments, **{name: counted(hook) for name, hook in hooks.items()})

        monitor.session.train = counting
        began = time.perf_counter()
        display(monitor)
        monitor.start()
        monitor.session.join()
        ended = time.perf_counter()
        if monitor.wait() != "finished":
            raise RuntimeError(monitor.error)
        pictures.append(time.perf_counter() - ended)
        return ended - began

    plain("ce")  # warm up
    print(f"{faces} faces, {epochs} epochs, {len(validation_set)} validation faces, {turns} turns")
    heads = (
        f"{'main thread':>11}  {'thread':>9}  {'monitor':>9}  {'more time on the clock':>28}  {'in the monitor':>14}"
    )
    print(f"{'method':>10}  {heads}")
    for method in METHODS:
        main, alone, beside, more, inside = [], [], [], [], []
        for _ in range(turns):
            main.append(plain(method))
            alone.append(threaded(method))
            own.clear()
            processor = time.process_time()
            beside.append(watched(method))
            inside.append(sum(own) / (time.process_time() - processor))
            more.append(beside[-1] / alone[-1] - 1)
        spread = f"{100 * statistics.median(more):+.1f} % ({100 * min(more):+.1f} to {100 * max(more):+.1f})"
        print(
            f"{method:>10}  {statistics.median(main):>9.2f} s  {statistics.median(alone):>7.2f} s  "
            f"{statistics.median(beside):>7.2f} s  {spread:>28}  "
            f"{100 * statistics.median(inside):>12.2f} %"
        )
    print(f"the picture afterwards: {statistics.median(pictures):.2f} s")


def main() -> None:
    import nbformat
    from nbclient import NotebookClient

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=4096, help="training faces (4096)")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of one training (3)")
    parser.add_argument("--turns", type=int, default=5, help="turns (5)")
    arguments = parser.parse_args()
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"from widget_monitor import measure\nmeasure({arguments.faces}, {arguments.epochs}, {arguments.turns})"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=None).execute()
    print("".join(output["text"] for output in notebook.cells[0].outputs if output.output_type == "stream").strip())


if __name__ == "__main__":
    main()

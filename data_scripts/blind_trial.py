"""Can a space that a loss has reshaped be told from its control's by eye, and in which picture?

From a run with several seeds, pairs of pictures are drawn without titles and numbers, the two in random order: a loss
at its default strength and its control, in the loss's own view, on the plane of the class means, by densMAP and UMAP.
Whoever has not seen them answers, for each pair, which of the two the loss has shaped: a file with lines such as
``07,A``. Then the answers are counted, view by view::

    python data_scripts/blind_trial.py draw RUN FOLDER
    python data_scripts/blind_trial.py count FOLDER answers.csv
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from ferlab.data import FaceDataset, load_dataset
from ferlab.evaluation import predict
from ferlab.figures import class_mean_planes, correlation_views, embedding_maps, triplet_planes
from ferlab.methods import get_method
from ferlab.projection import aligned_layouts, class_means
from ferlab.runs import RunFolder
from ferlab.vectors import random_part

LOSSES = ("tcl-nearest", "ad-corre")
OWN_VIEW = {"tcl-nearest": "TCL's plane", "ad-corre": "correlations"}
OTHERS = ("class-mean plane", "densMAP", "UMAP")
ASKED = {
    "tcl-nearest": "Triplet-Center Loss asks that a face is nearer to its own class center than to the nearest other "
    "one, by a margin",
    "ad-corre": "Ad-Corre asks that faces of one class correlate, those of two classes do not, and that the heads of "
    "the network differ",
}
KEY = "key.json"  # not for the one who answers
DPI = 70

Spaces = dict[str, np.ndarray]


def training_means(run: RunFolder, method: str, seed: int, faces: FaceDataset) -> np.ndarray:
    """Class means (K, D) of some training faces: the ruler of the lab's own pictures."""
    embeddings = predict(run.training(method, seed).load_network().network, faces.images).embeddings
    return class_means(embeddings, faces.labels, len(faces.classes))


def drawers(
    run: RunFolder, loss: str, seed: int, train: FaceDataset, test: FaceDataset
) -> dict[str, Callable[[Spaces], Any]]:
    """View -> what draws two spaces in it, side by side on one scale."""

    def own(spaces: Spaces) -> Any:
        if loss == "ad-corre":
            return correlation_views(spaces, test.labels, test.classes, caption=False)
        means = {name: training_means(run, name, seed, train) for name in spaces}
        return triplet_planes(spaces, test.labels, test.classes, means, caption=False)

    def plane(spaces: Spaces) -> Any:
        return class_mean_planes(spaces, test.labels, test.classes, caption=False)

    def maps(spaces: Spaces, densmap: bool = False) -> Any:
        return embedding_maps(aligned_layouts(spaces, seed=seed, densmap=densmap), test.labels, test.classes)

    return {
        OWN_VIEW[loss]: own,
        "class-mean plane": plane,
        "densMAP": lambda spaces: maps(spaces, densmap=True),
        "UMAP": maps,
    }


def blind(axes: Any) -> plt.Figure:
    """The figure with "A" and "B" for its titles, and no number or legend that would tell."""
    grid = np.asarray(axes)
    firsts = grid[:, 0] if grid.ndim == 2 and grid.shape[1] == 3 else grid.ravel()
    for ax in grid.ravel():
        if ax.get_legend() is not None:
            ax.get_legend().remove()
        for text in list(ax.texts):
            if any(letter.isdigit() for letter in text.get_text()):
                text.remove()
        for patch in ax.patches:  # a distribution in its method's color
            patch.set_color("0.45")
        ax.set_title("", loc="left")
        if any(letter.isdigit() for letter in ax.get_xlabel()):
            ax.set_xlabel("")
    for letter, ax in zip("AB", firsts, strict=True):
        ax.set_title(letter, fontsize=16)
    return firsts[0].figure


def draw(run: RunFolder, out: Path, order: int) -> None:
    """Every pair of pictures, the questions about them, and the key."""
    out.mkdir(parents=True, exist_ok=True)
    test, train = load_dataset("synthetic", "test"), load_dataset("synthetic", "train")
    train = train.subset(random_part(len(train), len(test)))
    rng = np.random.default_rng(order)
    pairs = []
    for loss in LOSSES:
        control = get_method(loss).control
        assert control is not None
        for seed in run.summary()["seeds"]:
            spaces = {
                name: np.stack(rows["embedding"])
                for name in (control, loss)
                for rows in [run.finished([(name, seed)])[0].embeddings]
            }
            for view, drawer in drawers(run, loss, seed, train, test).items():
                names = [str(name) for name in rng.permutation([control, loss])]
                pairs.append((loss, view, seed, names, blind(drawer({name: spaces[name] for name in names}))))
                plt.close("all")
    key, questions = {}, []
    for number, place in enumerate(rng.permutation(len(pairs)), start=1):
        loss, view, seed, names, figure = pairs[place]
        figure.savefig(out / f"{number:02d}.png", dpi=DPI)
        key[f"{number:02d}"] = {"loss": loss, "view": view, "seed": int(seed), "right": "AB"[names.index(loss)]}
        questions.append(f"{number:02d}.png, {view}: {ASKED[loss]}. Which of the two has it shaped, A or B?")
    (out / KEY).write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    (out / "questions.txt").write_text("\n".join(questions) + "\n", encoding="utf-8")


def count(out: Path, answers: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """(Loss, view) -> how many pairs were told apart, and of how many."""
    key = json.loads((out / KEY).read_text(encoding="utf-8"))
    with answers.open(newline="", encoding="utf-8") as file:
        given = {row[0].strip(): row[1].strip().upper() for row in csv.reader(file) if len(row) >= 2}
    if missing := sorted(set(key) - set(given)):
        raise SystemExit(f"{answers} has no answer to {', '.join(missing)}.")
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for number, of in key.items():
        right, asked = found.get((of["loss"], of["view"]), (0, 0))
        found[of["loss"], of["view"]] = right + (given[number] == of["right"]), asked + 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, dest="step")
    drawing = steps.add_parser("draw", help="draw the pairs of a run")
    drawing.add_argument("run", type=Path)
    drawing.add_argument("out", type=Path)
    drawing.add_argument("--order", type=int, default=0, help="another order of the pictures")
    counting = steps.add_parser("count", help="count the answers")
    counting.add_argument("out", type=Path)
    counting.add_argument("answers", type=Path)
    given = parser.parse_args()
    if given.step == "draw":
        draw(RunFolder(given.run), given.out, given.order)
        return
    for (loss, view), (right, asked) in count(given.out, given.answers).items():
        print(f"{loss:12} {view:18} {right} of {asked}")


if __name__ == "__main__":
    main()

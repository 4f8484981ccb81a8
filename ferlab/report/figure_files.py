"""The figures of a run, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ferlab.data.dataset import FaceDataset
from ferlab.files import atomic_path
from ferlab.runs.reading import Run, first_seed_spaces, read_run


def save_figures(run: Run | str | Path, dataset: FaceDataset | None = None) -> list[Path]:
    """Write the figures of a run to its `figures/` folder, as PNG and, but for the faces, as SVG.

    Args:
        run: a run, or its folder.
        dataset: the test split that the run was evaluated on, for the sheet of faces and the class counts.

    Returns:
        The files written.

    Raises:
        FerlabError: the run folder is missing or damaged.
    """
    import matplotlib

    from ferlab.figures import maps, scores, spaces

    if not isinstance(run, Run):
        run = read_run(run)
    if dataset is not None:
        classes = list(dataset.classes)
    else:
        from ferlab.data.classes import CLASSES

        size = max((len(of.get("confusion") or []) for of in run.summary["methods"].values()), default=0)
        classes = list(run.summary.get("classes") or CLASSES[: size or None])

    figures: dict[str, Callable] = {}
    if run.mapped_methods:
        points = run.map_points()

        labels = next(iter(points.values()))["label"].to_numpy()
        layouts = {name: of[["x", "y"]].to_numpy() for name, of in points.items()}
        figures["embedding_maps"] = lambda: maps.embedding_maps(layouts, labels, classes)[0]
    for column in ("validation_accuracy", "train_loss"):
        if column in run.history and run.history[column].notna().any():
            figures[f"learning_curves_{column}"] = lambda c=column: maps.learning_curves(run.history, c)
    confusions = {
        name: np.asarray(of["confusion"]) for name, of in run.summary["methods"].items() if of.get("confusion")
    }
    if confusions:
        figures["confusion_matrices"] = lambda: maps.confusion_matrices(confusions, classes)[0]
    methods = run.summary["methods"]
    if recalls := {name: of["class_recall"] for name, of in methods.items() if of.get("class_recall")}:
        figures["class_recall"] = lambda: scores.class_recall(recalls)
    if parts := {name: of["slices"] for name, of in methods.items() if of.get("slices")}:
        figures["accuracy_by_slice"] = lambda: scores.slice_accuracy(parts)[0]
    if compared := {name: of for name, of in run.summary.get("comparisons", {}).items() if of}:
        figures["method_differences"] = lambda: scores.method_differences(compared)[0]
    embeddings, all_labels = first_seed_spaces(run)  # of all faces, the maps may hold fewer
    if len(np.unique(all_labels)) > 1:
        figures["pair_distances"] = lambda: spaces.pair_distance_distributions(embeddings, all_labels)[0]
    if dataset is not None:
        figures["faces"] = lambda: maps.contact_sheet(dataset.images, dataset.labels, classes)
        figures["class_counts"] = lambda: maps.class_counts(
            dataset.class_counts(), title=f"{dataset.name}, {dataset.split}"
        )

    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    written = []
    # Text as text and a fixed salt: small files that are the same again for the same run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ferlab"}):
        for name, draw in figures.items():
            figure = draw().figure.figure  # of a subfigure too
            for suffix in ("png",) if name == "faces" else ("png", "svg"):  # faces are pixels anyway
                target = folder / f"{name}.{suffix}"
                options = {"metadata": {"Date": None}} if suffix == "svg" else {}
                with atomic_path(target) as beside:
                    figure.savefig(
                        beside, dpi=130, bbox_inches="tight" if name == "faces" else None, format=suffix, **options
                    )
                written.append(target)
            maps.plt.close(figure)
    return written

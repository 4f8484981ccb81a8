"""The figures of a run, as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ferlab import figures
from ferlab.checksums import recorded_path
from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.report.measures import DOSE_MEASURES
from ferlab.runs.reading import Run, first_seed_spaces, read_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class RunFigure:
    """A figure of a run.

    Attributes:
        name: of its file.
        is_possible: whether the run holds what it shows.
        draw: draws it; one Axes of it, or an array of them.
        is_photo: pixels alone, so that it makes no SVG and has no margin.
    """

    name: str
    is_possible: bool
    draw: Callable[[], Axes | np.ndarray]
    is_photo: bool = False


def save_figures(
    run: Run | str | Path, dataset: FaceDataset | None = None, train_set: FaceDataset | None = None
) -> list[Path]:
    """Write the figures of a run to its `figures/` folder, as PNG and, but for the faces, as SVG.

    Args:
        run: a run, or its folder.
        dataset: the test split that the run was evaluated on, for the sheet of faces and the class counts.
        train_set: the split that it was trained on, for the picture of embeddings of two or three numbers.

    Returns:
        The files written.

    Raises:
        FerlabError: the run folder is missing or damaged.
    """
    import matplotlib  # takes a second

    if not isinstance(run, Run):
        run = read_run(run)
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    # Text as text and a fixed salt: small files that are the same again for the same run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ferlab"}):
        drawable = [figure for figure in run_figures(run, dataset, train_set) if figure.is_possible]
        return [path for figure in drawable for path in _save(figure, folder)]


def run_figures(run: Run, dataset: FaceDataset | None = None, train_set: FaceDataset | None = None) -> list[RunFigure]:
    """Every figure that a run can have, whether this one allows it or not; the arguments of :func:`save_figures`."""
    classes = list(dataset.classes) if dataset is not None else _classes(run)
    points = run.map_points() if run.mapped_methods else {}
    confusions = {name: np.asarray(counts) for name, counts in _of_methods(run, "confusion").items()}
    recalls, slices = _of_methods(run, "class_recall"), _of_methods(run, "slices")
    differences = {name: tests for name, tests in run.summary.get("comparisons", {}).items() if tests}
    doses = run.summary.get("doses", {})
    spaces, labels = first_seed_spaces(run)  # of all faces, the maps may hold fewer

    def embedding_maps() -> np.ndarray:
        layouts = {name: rows[["x", "y"]].to_numpy() for name, rows in points.items()}
        return figures.embedding_maps(layouts, next(iter(points.values()))["label"].to_numpy(), classes)

    def embedding_planes() -> np.ndarray:
        assert train_set is not None
        return figures.embedding_planes(figures.low_spaces(run, train_set), classes)

    sizes = {space.shape[1] for space in spaces.values()}
    is_drawn_as_it_is = train_set is not None and sizes in ({2}, {3})
    listed = [
        RunFigure("embedding_maps", bool(points), embedding_maps),
        RunFigure("embedding_planes", is_drawn_as_it_is, embedding_planes),
        _learning_curves(run, "validation_accuracy"),
        _learning_curves(run, "train_loss"),
        RunFigure("confusion_matrices", bool(confusions), lambda: figures.confusion_matrices(confusions, classes)),
        RunFigure("class_recall", bool(recalls), lambda: figures.class_recall(recalls)),
        RunFigure("accuracy_by_slice", bool(slices), lambda: figures.slice_accuracy(slices)),
        RunFigure("method_differences", bool(differences), lambda: figures.method_differences(differences)),
        RunFigure("dose_response", bool(doses), lambda: figures.dose_panels(doses, DOSE_MEASURES)),
        RunFigure("trade_off", bool(doses), lambda: figures.trade_off(doses)),
        RunFigure(
            "pair_distances",
            len(np.unique(labels)) > 1,
            lambda: figures.pair_distance_distributions(spaces, labels),
        ),
    ]
    return listed if dataset is None else listed + _dataset_figures(dataset)


def _learning_curves(run: Run, column: str) -> RunFigure:
    is_recorded = column in run.history and bool(run.history[column].notna().any())
    return RunFigure(f"learning_curves_{column}", is_recorded, lambda: figures.learning_curves(run.history, column))


def _dataset_figures(dataset: FaceDataset) -> list[RunFigure]:
    title = f"{dataset.name}, {dataset.split}"
    return [
        RunFigure(
            "faces",
            True,
            lambda: figures.contact_sheet(dataset.images, dataset.labels, list(dataset.classes)),
            is_photo=True,
        ),
        RunFigure("class_counts", True, lambda: figures.class_counts(dataset.class_counts(), title=title)),
    ]


def _of_methods(run: Run, key: str) -> dict[str, Any]:
    """Method -> what its part of the summary holds under a key, of the methods that have it."""
    return {name: scores[key] for name, scores in run.summary["methods"].items() if scores.get(key)}


def _classes(run: Run) -> list[str]:
    """The names of the classes as the summary has them, or the usual ones."""
    most = max((len(counts) for counts in _of_methods(run, "confusion").values()), default=0)
    return list(run.summary.get("classes") or CLASSES[: most or None])


def _save(drawable: RunFigure, folder: Path) -> list[Path]:
    import matplotlib.pyplot as plt  # takes a second

    drawn = drawable.draw()
    axes = drawn.flat[0] if isinstance(drawn, np.ndarray) else drawn
    figure = axes.figure.figure  # of a subfigure too
    written = []
    for suffix in ("png",) if drawable.is_photo else ("png", "svg"):
        target = folder / f"{drawable.name}.{suffix}"
        with recorded_path(folder.parent, f"{folder.name}/{target.name}") as beside:
            figure.savefig(
                beside,
                dpi=130,
                bbox_inches="tight" if drawable.is_photo else None,
                format=suffix,
                metadata={"Date": None} if suffix == "svg" else None,
            )
        written.append(target)
    plt.close(figure)
    return written

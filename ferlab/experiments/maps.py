"""Aligned maps of the spaces of a run; of spaces of two dimensions the spaces themselves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ferlab.data import FaceDataset
from ferlab.projection.aligned import MINIMUM_POINTS
from ferlab.runs import EPOCH_FACES, FinishedTraining, RunFolder
from ferlab.runs.reading import PLANE
from ferlab.vectors import random_part

# More points make the maps slower and harder to read, not truer.
MAP_POINTS = 3000


def are_planes(spaces: Iterable[np.ndarray]) -> bool:
    """Whether every one of some spaces, arrays (N, D), has two dimensions and needs no map."""
    return all(space.shape[1] == PLANE for space in spaces)


def add_maps(runs: list[FinishedTraining], faces: int) -> pd.DataFrame:
    """The rows of all runs, with map coordinates ``x, y`` for the first seed of each method (else NaN).

    They are aligned maps, or the embeddings themselves where all have two dimensions.
    """
    from ferlab.projection import aligned_layouts

    shown = random_part(faces, MAP_POINTS)
    first_seed = min(run.seed for run in runs)
    mapped = {run.method: np.stack(run.embeddings["embedding"])[shown] for run in runs if run.seed == first_seed}
    layouts = mapped if are_planes(mapped.values()) else aligned_layouts(mapped, seed=0)
    tables = []
    for run in runs:
        table = run.embeddings.assign(x=np.float32("nan"), y=np.float32("nan"))
        if run.seed == first_seed:
            table.loc[shown, ["x", "y"]] = layouts[run.method]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def epoch_maps(runs: list[FinishedTraining], folder: RunFolder, validation_set: FaceDataset) -> pd.DataFrame:
    """Map coordinates of the followed validation faces after every epoch, for the first seed of each method.

    They are aligned maps, or the embeddings themselves where all have two dimensions; none where there are too few
    validation faces for a map.
    """
    from ferlab.projection import epoch_layouts

    columns = ["method", "epoch", "index", "label", "x", "y"]
    if len(validation_set) < MINIMUM_POINTS:
        return pd.DataFrame(columns=columns)
    first_seed = min(run.seed for run in runs)
    spaces = {
        run.method: folder.training(run.method, run.seed).load_epochs(len(run.history))
        for run in runs
        if run.seed == first_seed
    }
    spaces = {method: epochs for method, epochs in spaces.items() if epochs}
    is_drawn_as_it_is = are_planes(space for epochs in spaces.values() for space in epochs)
    maps = spaces if is_drawn_as_it_is else epoch_layouts(spaces) if spaces else {}
    shown = random_part(len(validation_set), EPOCH_FACES)
    tables = [
        pd.DataFrame(
            {
                "method": method,
                "epoch": epoch,
                "index": shown,
                "label": validation_set.labels[shown],
                "x": layout[:, 0].astype(np.float32),
                "y": layout[:, 1].astype(np.float32),
            }
        )
        for method, layouts in maps.items()
        for epoch, layout in enumerate(layouts, start=1)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

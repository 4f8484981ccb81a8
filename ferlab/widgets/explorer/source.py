"""Where an explorer's points come from: a run folder and its faces, or tables of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.labels import MOST_CLASSES
from ferlab.runs import Run, RunFolder, load_splits, read_run, read_settings
from ferlab.widgets.explorer.points import Points, epoch_points, run_points
from ferlab.widgets.explorer.tables import table_points


class PointSource:
    """The points of a run, or of tables.

    Args:
        source: a run folder (its path or a `ferlab.runs.reading.Run`), a table of points, or ``{name: table}``.
        dataset: the faces that points are counted in; None: loaded for a run, and none for tables.
        validation: the faces that a run followed over the epochs; loaded when None.
        most: how many classes are plausible in tables.

    Attributes:
        points: those that are there from the beginning: the test faces of a run.
        run: None for tables.
        notes: sentences about what is missing.

    Raises:
        FerlabError: no such run, a run without maps, faces that are not the run's, a table without needed columns.
    """

    def __init__(
        self,
        source: str | Path | Run | pd.DataFrame | Mapping[str, pd.DataFrame],
        dataset: FaceDataset | np.ndarray | None,
        validation: FaceDataset | None,
        most: int = MOST_CLASSES,
    ) -> None:
        self._validation = validation
        self.run: Run | None = None
        self.notes: list[str] = []
        if isinstance(source, pd.DataFrame):
            source = {"embedding": source}
        if isinstance(source, Mapping):
            self.points, self.notes = table_points(source, dataset, most=most)
            return
        if isinstance(dataset, np.ndarray):
            raise FerlabError(
                "Images alone do not say which faces a run was tested on; give what load_dataset returns, or nothing."
            )
        self.run = source if isinstance(source, Run) else read_run(source)
        self.points = self._read("test", dataset, run_points)

    def followed(self) -> Points:
        """The validation faces that a run followed over its epochs; reads them.

        Raises:
            FerlabError: no run, or one without maps over the epochs; faces that are not the run's.
        """
        if self.run is None:
            raise FerlabError("Only a run has epochs to move through; these are tables of points.")
        return self._read("validation", self._validation, epoch_points)

    def _read(
        self, split: str, dataset: FaceDataset | None, read: Callable[[Run, FaceDataset | None], Points]
    ) -> Points:
        """Points with the faces given, or the run's own; where these cannot be had, without, and a sentence why."""
        if dataset is not None:
            return read(self.run, dataset)
        try:
            return read(self.run, load_splits(read_settings(RunFolder(self.run.path)), [split])[split])
        except (FerlabError, OSError) as error:
            points = read(self.run, None)
            self.notes.append(f"The {split} faces could not be loaded, so there are points only: {error}")
            return points

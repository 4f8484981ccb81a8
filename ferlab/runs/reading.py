"""Reading the folder that a comparison writes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.checksums import changed
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.files import read_json
from ferlab.runs.schema import Summary, read_config, read_table

FINISH = "finish the comparison with --resume, or run it again"
TABLES = ("history.parquet", "embeddings.parquet")
PLANE = 2  # dimensions of a space that is its own map


@dataclass(frozen=True)
class Run:
    """A finished comparison.

    Attributes:
        path: the run folder.
        summary: `summary.json`: per method the metrics as mean, std and values over seeds.
        config: `config.json`: settings, versions, machine.
        history: one row a (method, seed, epoch).
        embeddings: one row a (method, seed, test image), with x and y of the aligned maps (NaN: not on the map).
        epochs: one row a (method, epoch, validation image) with x and y, empty where no maps over epochs were made.
    """

    path: Path
    summary: dict[str, Any]
    config: dict[str, Any]
    history: pd.DataFrame
    embeddings: pd.DataFrame
    epochs: pd.DataFrame

    @property
    def methods(self) -> list[str]:
        """The methods in the order in which they ran."""
        return list(self.summary["methods"])

    @property
    def mapped_methods(self) -> list[str]:
        """The methods that have a map."""
        on_map = self.embeddings.loc[np.isfinite(self.embeddings["x"]), "method"]
        present = set(on_map.unique())
        return [name for name in self.methods if name in present]

    @property
    def has_planes(self) -> bool:
        """Whether all spaces have two dimensions: their maps are then the embeddings themselves."""
        if "embedding" not in self.embeddings:
            return False
        return {len(embedding) for embedding in self.embeddings["embedding"].dropna()} == {PLANE}

    def map_points(self) -> dict[str, pd.DataFrame]:
        """Method -> rows on its map (columns index, label, predicted, confidence, x, y), the same images in the same
        order for every method.

        Raises:
            FerlabError: no image lies on the maps of all methods.
        """
        columns = ["index", "label", "predicted", "confidence", "x", "y"]
        frames = {}
        for name in self.mapped_methods:
            rows = self.embeddings[(self.embeddings["method"] == name) & np.isfinite(self.embeddings["x"])]
            first = rows["seed"].iloc[0]
            frames[name] = rows.loc[rows["seed"] == first, columns].set_index("index", drop=False)
        common = None
        for frame in frames.values():
            common = frame.index if common is None else common.intersection(frame.index, sort=False)
        if common is None or not len(common):
            raise FerlabError(
                f"{self.path} holds no maps: embeddings.parquet has no image with x and y in every method."
            )
        common = common.sort_values()
        return {name: frame.loc[common].reset_index(drop=True) for name, frame in frames.items()}


def read_run(run_dir: str | Path) -> Run:
    """Read a run folder.

    Raises:
        FerlabError: the folder or one of its files is missing or damaged; the sentence names file and field.

    Example:
        >>> read_run("runs/none")
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: There is no run folder runs/none; write one with "ferlab compare --out runs/none".
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise FerlabError(f'There is no run folder {path}; write one with "ferlab compare --out {path}".')
    summary = read_summary(path)
    config = read_config(path / "config.json", mend=FINISH) if (path / "config.json").exists() else {}
    has_epochs = (path / "epochs.parquet").exists()
    epochs = read_table(path / "epochs.parquet", mend=FINISH) if has_epochs else pd.DataFrame()
    history, embeddings = (read_table(path / name, mend=FINISH, of_a_run=True) for name in TABLES)
    for name in changed(path, ("summary.json", "config.json", "epochs.parquet", *TABLES)):
        said = f"{path / name} is not as ferlab wrote it: somebody or something has changed it."
        warnings.warn(said, FerlabWarning, stacklevel=2)
    return Run(path, summary, config, history, embeddings, epochs)


def read_summary(run: Path) -> dict[str, Any]:
    """The content of ``summary.json`` alone.

    Raises:
        UnreadableFile: there is none, it is damaged, or a field of it is not what it should be.
    """
    return dict(read_json(run / "summary.json", Summary, mend=FINISH))


def first_seed_spaces(run: Run) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Method -> embeddings (N, D_m) of its first seed, and the labels (N,) that they share.

    A method with other faces than the first one's is left out.
    """
    spaces: dict[str, np.ndarray] = {}
    labels = np.empty(0, dtype=np.int64)
    for name, rows in run.embeddings.groupby("method", sort=False):
        rows = rows[rows["seed"] == rows["seed"].min()].sort_values("index")
        if not spaces:
            labels = rows["label"].to_numpy()
        if np.array_equal(rows["label"], labels):
            spaces[name] = np.stack(rows["embedding"].to_numpy())
    return spaces, labels

"""Reading the folder that a comparison writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError

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
        return {len(embedding) for embedding in self.embeddings["embedding"]} == {PLANE}

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
        FerlabError: the folder or one of its files is missing or damaged.

    Example:
        >>> read_run("runs/none")
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: There is no run folder runs/none; write one with "ferlab compare --out runs/none".
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise FerlabError(f'There is no run folder {path}; write one with "ferlab compare --out {path}".')
    summary = _json(path / "summary.json")
    if not isinstance(summary.get("methods"), dict) or not summary["methods"]:
        raise FerlabError(f"{path / 'summary.json'} names no methods; run the comparison again.")
    config = _json(path / "config.json") if (path / "config.json").exists() else {}
    epochs = _table(path / "epochs.parquet") if (path / "epochs.parquet").exists() else pd.DataFrame()
    return Run(path, summary, config, _table(path / "history.parquet"), _table(path / "embeddings.parquet"), epochs)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FerlabError(f"{path} is missing; the comparison did not finish: run it again.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FerlabError(f"{path} is damaged ({error}); run the comparison again.") from error
    if not isinstance(values, dict):
        raise FerlabError(f"{path} is damaged (no object); run the comparison again.")
    return values


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise FerlabError(f"{path} is missing; the comparison did not finish: run it again.")
    try:
        return pd.read_parquet(path)
    except Exception as error:  # pyarrow raises several kinds
        raise FerlabError(f"{path} is damaged; run the comparison again.") from error


def read_summary(run: Path) -> dict[str, Any]:
    """The content of ``summary.json`` alone.

    Raises:
        FerlabError: there is none, or it is damaged.
    """
    try:
        summary: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        if not summary["methods"]:
            raise ValueError("it names no methods")
        return summary
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FerlabError(f"{run} has no readable summary.json ({error}): finish it with --resume.") from error


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

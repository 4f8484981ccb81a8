"""The points that an explorer shows, read from a run; those of tables of one's own: :mod:`.tables`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.labels import is_unlabelled, natural
from ferlab.runs import Run, RunFolder
from ferlab.runs.reading import PLANE
from ferlab.vectors import unit_rows
from ferlab.widgets.explorer.strengths import Strengths


@dataclass
class Points:
    """The same faces in the spaces of several methods, at one or more epochs.

    Attributes:
        indices: int64 (N,), positions in the data set. In random order, so that no class is drawn over the others.
        labels: int64 (N,), indices into `classes`.
        classes: class names.
        layouts: method -> one float32 array (N, 2) an epoch; a single one where there are no epochs.
        spaces: method -> one float array (N, D) an epoch, rows of length 1; empty where embeddings were not kept.
        lengths: method -> one float array (N,) an epoch, how long the rows were; see :meth:`vectors`.
        predicted, confidence: method -> array (N,); empty where not known.
        metadata: one row a point.
        images: uint8 (n, H, W, C) of the whole data set, or None.
        doses: the strengths of the run's losses, as in ``summary.json``; empty where there are none.
    """

    indices: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    layouts: dict[str, list[np.ndarray]]
    spaces: dict[str, list[np.ndarray]] = field(default_factory=dict)
    lengths: dict[str, list[np.ndarray]] = field(default_factory=dict)
    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    confidence: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: pd.DataFrame = field(default_factory=pd.DataFrame)
    images: np.ndarray | None = None
    doses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _pictures: dict[int, str] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def methods(self) -> list[str]:
        """The spaces that these points lie in, by method as it was trained."""
        return list(self.layouts or self.spaces)

    @cached_property
    def strengths(self) -> Strengths:
        """What maps there are of them: a loss with several strengths is one."""
        return Strengths(self.doses, self.methods)

    @cached_property
    def people(self) -> list[Any]:
        """Who is shown, where that is known: numbers or names."""
        if "identity" not in self.metadata:
            return []
        try:
            found = self.metadata["identity"].dropna().unique().tolist()
        except TypeError:  # lists, or the like
            return []
        whole = [int(who) if isinstance(who, float) and who.is_integer() else who for who in found]
        return sorted(whole, key=lambda who: natural(str(who)))

    def is_person(self, who: Any) -> np.ndarray:
        """bool (N,): the points that show somebody."""
        shown = self.metadata["identity"].astype(object)
        return shown.map(lambda one: one == who, na_action="ignore").eq(True).to_numpy(bool)

    @cached_property
    def is_labelled(self) -> np.ndarray:
        """bool (N,): the points whose class is known."""
        return ~is_unlabelled(self.labels, self.classes)

    def is_answered(self, method: str) -> np.ndarray:
        """bool (N,): the points of which class and answer are known, so that the answer is right or wrong."""
        return self.is_labelled & ~is_unlabelled(self.predicted[method], self.classes)

    @property
    def epochs(self) -> int:
        return max((self.epochs_of(method) for method in self.methods), default=0)

    def epochs_of(self, method: str) -> int:
        """How many epochs of a method are known; it may have stopped early."""
        return len((self.layouts or self.spaces)[method])

    def picture(self, position: int) -> str | None:
        """The face of a point for a page, None without pictures."""
        if self.images is None:
            return None
        if position not in self._pictures:
            self._pictures[position] = data_uri(self.images[self.indices[position]])
        return self._pictures[position]

    def positions(self, indices: Iterable[int]) -> np.ndarray:
        """Where faces of the data set stand among the points: int array.

        Raises:
            FerlabError: a face that is none of them.
        """
        wanted = np.array([int(index) for index in indices], dtype=np.int64)
        order = np.argsort(self.indices)
        places = order[np.searchsorted(self.indices, wanted, sorter=order).clip(max=len(order) - 1)]
        if len(unknown := wanted[self.indices[places] != wanted]):
            raise FerlabError(f"Face {unknown[0]} is not on the maps; choose from the {len(self)} that are.")
        return places

    def space(self, method: str, epoch: int) -> np.ndarray | None:
        """The space after an epoch (from 1; a method that stopped earlier stays at its last), or None."""
        epochs = self.spaces.get(method)
        return epochs[min(epoch, len(epochs)) - 1] if epochs else None

    def vectors(self, method: str) -> list[np.ndarray]:
        """One float array (N, D) an epoch: the embeddings as the network gives them, not scaled."""
        pairs = zip(self.spaces[method], self.lengths[method], strict=True)
        return [space * length[:, None] for space, length in pairs]


# ---- from a run --------------------------------------------------------------------------------------------------


def run_points(run: Run, dataset: FaceDataset | None) -> Points:
    """The test faces of a run, in the spaces of all methods that have a map.

    Raises:
        FerlabError: a run without maps, faces that are not the run's.
    """
    tables = run.map_points()
    first = next(iter(tables.values()))
    _check_faces(dataset, first["index"], first["label"], run)
    order = shuffled(len(first))
    tables = {name: table.iloc[order].reset_index(drop=True) for name, table in tables.items()}
    indices = first["index"].to_numpy(dtype=np.int64)[order]
    labels = first["label"].to_numpy(dtype=np.int64)[order]
    spaces = {}
    if "embedding" in run.embeddings:
        for name in tables:
            rows = run.embeddings[(run.embeddings["method"] == name) & np.isfinite(run.embeddings["x"])]
            rows = rows[rows["seed"] == rows["seed"].iloc[0]].set_index("index")
            spaces[name] = [_stacked(rows["embedding"].loc[indices])]
    return Points(
        indices=indices,
        labels=labels,
        classes=_classes_of(run, dataset, labels),
        layouts=_maps({name: [table[["x", "y"]].to_numpy(dtype=np.float32)] for name, table in tables.items()}, spaces),
        spaces=of_length_one(spaces),
        lengths=lengths_of(spaces),
        predicted={name: table["predicted"].to_numpy(dtype=np.int64) for name, table in tables.items()},
        confidence={name: table["confidence"].to_numpy(dtype=float) for name, table in tables.items()},
        metadata=metadata_of(dataset, indices),
        images=None if dataset is None else dataset.images,
        doses=run.summary.get("doses", {}),
    )


def epoch_points(run: Run, dataset: FaceDataset | None) -> Points:
    """The validation faces that a run followed over its epochs.

    Raises:
        FerlabError: a run without maps over the epochs, faces that are not the run's.
    """
    rows = run.epochs
    if not len(rows):
        raise FerlabError(
            f"{run.path} holds no maps over the epochs (epochs.parquet); the maps of the finished networks are shown."
        )
    methods = [name for name in run.methods if (rows["method"] == name).any()]
    own = {name: rows[rows["method"] == name] for name in methods}
    first = own[methods[0]]
    first = first[first["epoch"] == first["epoch"].min()]
    _check_faces(dataset, first["index"], first["label"], run)
    order = shuffled(len(first))
    indices = first["index"].to_numpy(dtype=np.int64)[order]
    labels = first["label"].to_numpy(dtype=np.int64)[order]
    layouts = {
        name: [
            of_epoch.set_index("index").loc[indices, ["x", "y"]].to_numpy(dtype=np.float32)
            for _, of_epoch in table.groupby("epoch", sort=True)
        ]
        for name, table in own.items()
    }
    followed = {name: _followed_spaces(run, name, len(epochs), order) for name, epochs in layouts.items()}
    spaces = {name: epochs for name, epochs in followed.items() if epochs}
    return Points(
        indices=indices,
        labels=labels,
        classes=_classes_of(run, dataset, labels),
        layouts=_maps(layouts, spaces),
        spaces=of_length_one(spaces),
        lengths=lengths_of(spaces),
        metadata=metadata_of(dataset, indices),
        images=None if dataset is None else dataset.images,
        doses=run.summary.get("doses", {}),
    )


def _maps(layouts: dict[str, list[np.ndarray]], spaces: Mapping[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """The maps that came with a run; where every space has two dimensions, they are its numbers again, and no maps."""
    flat = [name for name, epochs in spaces.items() if epochs[0].shape[1] == PLANE]
    return {} if flat and set(flat) == set(layouts) else layouts


def _followed_spaces(run: Run, method: str, epochs: int, order: np.ndarray) -> list[np.ndarray]:
    spaces = RunFolder(run.path).training(method, min(run.summary.get("seeds", [0]))).load_epochs(epochs)
    fitting = all(len(space) == len(order) for space in spaces)
    return [space[order].astype(np.float32) for space in spaces] if fitting else []


def _check_faces(dataset: FaceDataset | None, indices: pd.Series, labels: pd.Series, run: Run) -> None:
    if dataset is None:
        return
    indices = indices.to_numpy(dtype=np.int64)
    if indices.max() >= len(dataset) or not np.array_equal(dataset.labels[indices], labels.to_numpy()):
        raise FerlabError(
            f"The faces given ({dataset.name}, {dataset.split}) are not those of {run.path}; "
            "load the split that it was tested on."
        )


def _classes_of(run: Run, dataset: FaceDataset | None, labels: np.ndarray) -> tuple[str, ...]:
    if dataset is not None:
        return tuple(dataset.classes)
    sizes = [len(of.get("confusion") or []) for of in run.summary["methods"].values()]
    return tuple(run.summary.get("classes") or CLASSES[: max([*sizes, int(labels.max()) + 1])])


# ---- parts -----------------------------------------------------------------------------------------------------


def metadata_of(dataset: FaceDataset | None, indices: np.ndarray) -> pd.DataFrame:
    if dataset is None:
        return pd.DataFrame(index=range(len(indices)))
    return dataset.metadata.iloc[indices].reset_index(drop=True)


def _stacked(vectors: pd.Series) -> np.ndarray:
    return np.stack(vectors.to_numpy()).astype(np.float32)


def of_length_one(spaces: Mapping[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {name: [unit_rows(space) for space in epochs] for name, epochs in spaces.items()}


def lengths_of(spaces: Mapping[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {name: [np.linalg.norm(space, axis=1) for space in epochs] for name, epochs in spaces.items()}


def shuffled(count: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(count)

"""The points that an explorer shows: read from a run or from tables of one's own, and asked for their neighbors."""

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
from ferlab.projection import procrustes
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

    @property
    def people(self) -> list[int]:
        """Who is shown, where that is known."""
        return sorted(self.metadata["identity"].unique().tolist()) if "identity" in self.metadata else []

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
    order = _shuffled(len(first))
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
        spaces=_of_length_one(spaces),
        lengths=_lengths(spaces),
        predicted={name: table["predicted"].to_numpy(dtype=np.int64) for name, table in tables.items()},
        confidence={name: table["confidence"].to_numpy(dtype=float) for name, table in tables.items()},
        metadata=_metadata(dataset, indices),
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
    order = _shuffled(len(first))
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
        spaces=_of_length_one(spaces),
        lengths=_lengths(spaces),
        metadata=_metadata(dataset, indices),
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


# ---- from tables -------------------------------------------------------------------------------------------------

_KNOWN = {"index", "label", "predicted", "confidence", "x", "y", "embedding"}


def table_points(
    tables: Mapping[str, pd.DataFrame], dataset: FaceDataset | np.ndarray | None
) -> tuple[Points, list[str]]:
    """Points from tables of one's own, and sentences about what was left out.

    Tables that hold different points are cut to those they share; one that shares none with the first is left out.
    Positions `x`, `y` are turned onto the first table's by Procrustes analysis, so that maps can be compared.

    Raises:
        FerlabError: no table, a table without label, without x, y and embedding, or naming a point twice.
    """
    if not tables:
        raise FerlabError("There is nothing to explore; give a run folder, a table, or a dict of tables.")
    if empty := [name for name, table in tables.items() if not len(table)]:
        raise FerlabError(f"The table {empty[0]} has no rows.")
    named = {name: _indexed(name, table) for name, table in tables.items()}
    kept, notes = _shared(named)
    first = next(iter(kept.values()))
    kept = {name: table.iloc[_shuffled(len(first))] for name, table in kept.items()}
    first = next(iter(kept.values()))
    indices = first.index.to_numpy(dtype=np.int64)
    images = dataset.images if isinstance(dataset, FaceDataset) else dataset
    if images is not None and len(indices) and not 0 <= indices.min() <= indices.max() < len(images):
        raise FerlabError(f"The column index goes up to {indices.max()}, but there are {len(images)} images.")
    classes = _class_names(kept, dataset)
    labels = _coded(first["label"], classes)
    differing = [name for name, table in kept.items() if not np.array_equal(_coded(table["label"], classes), labels)]
    if differing:
        notes.append(f"{differing[0]} gives some points other labels; those of {next(iter(kept))} are shown.")
    with_spaces = all("embedding" in table for table in kept.values())
    with_maps = all({"x", "y"} <= set(table) for table in kept.values())
    if not with_spaces and not with_maps:
        raise FerlabError(
            "Some tables have x and y, the others only embedding: give all of them x and y, or all of them embedding."
        )
    layouts = {name: [table[["x", "y"]].to_numpy(dtype=np.float32)] for name, table in kept.items() if with_maps}
    reference = next(iter(layouts.values()))[0] if layouts else None
    for name in list(layouts)[1:]:
        layouts[name] = [procrustes(reference, layouts[name][0])[0].astype(np.float32)]
    spaces = {name: [_stacked(table["embedding"])] for name, table in kept.items()} if with_spaces else {}
    metadata = _metadata(dataset if isinstance(dataset, FaceDataset) else None, indices)
    for column in first:
        if column not in _KNOWN:
            metadata[column] = first[column].to_numpy()
    points = Points(
        indices=indices,
        labels=labels,
        classes=classes,
        layouts=layouts,
        spaces=_of_length_one(spaces),
        lengths=_lengths(spaces),
        predicted={name: _coded(table["predicted"], classes) for name, table in kept.items() if "predicted" in table},
        confidence={n: t["confidence"].to_numpy(dtype=float) for n, t in kept.items() if "confidence" in t},
        metadata=metadata,
        images=images,
    )
    return points, notes


def _indexed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    if "label" not in table:
        raise FerlabError(f"The table {name} has no column label; it has: {', '.join(map(str, table.columns))}.")
    if "embedding" not in table and not {"x", "y"} <= set(table):
        raise FerlabError(f"The table {name} needs columns x and y, or embedding with one vector a row.")
    indices = table["index"].to_numpy() if "index" in table else np.arange(len(table))
    table = table.set_index(pd.Index(indices, dtype=np.int64, name="point"))
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise FerlabError(f"The table {name} names point {twice} twice in its column index.")
    return table


def _shared(tables: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The tables cut to the points of all, in one order, and sentences about what was left out."""
    name, first = next(iter(tables.items()))
    common, kept, notes = first.index, [name], []
    for other, table in list(tables.items())[1:]:
        both = common.intersection(table.index, sort=False)
        if len(both):
            common, kept = both, [*kept, other]
        else:
            notes.append(f"{other} has no point in common with {name} and is left out.")
    largest = max(len(tables[name]) for name in kept)
    if len(common) < largest:
        notes.append(f"The spaces do not hold the same points: the {len(common):,} that all of them have are shown.")
    return {name: tables[name].loc[common] for name in kept}, notes


def _class_names(tables: dict[str, pd.DataFrame], dataset: FaceDataset | np.ndarray | None) -> tuple[str, ...]:
    if isinstance(dataset, FaceDataset):
        return tuple(dataset.classes)
    values = pd.unique(
        pd.concat([table[column] for table in tables.values() for column in ("label", "predicted") if column in table])
    )
    if all(isinstance(value, str) for value in values):
        known = [name for name in CLASSES if name in values]
        return tuple(known + sorted(set(values) - set(known)))
    return tuple(f"class {k}" for k in range(int(max(values)) + 1))


def _coded(values: pd.Series, classes: tuple[str, ...]) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        codes = values.to_numpy(dtype=np.int64)
    else:
        codes = pd.Categorical(values, list(classes)).codes.astype(np.int64)
    if len(codes) and not (codes.min() >= 0 and codes.max() < len(classes)):
        raise FerlabError(f"A label is none of the {len(classes)} classes: {', '.join(classes)}.")
    return codes


def _metadata(dataset: FaceDataset | None, indices: np.ndarray) -> pd.DataFrame:
    if dataset is None:
        return pd.DataFrame(index=range(len(indices)))
    return dataset.metadata.iloc[indices].reset_index(drop=True)


def _stacked(vectors: pd.Series) -> np.ndarray:
    return np.stack(vectors.to_numpy()).astype(np.float32)


def _of_length_one(spaces: Mapping[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {name: [unit_rows(space) for space in epochs] for name, epochs in spaces.items()}


def _lengths(spaces: Mapping[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {name: [np.linalg.norm(space, axis=1) for space in epochs] for name, epochs in spaces.items()}


def _shuffled(count: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(count)

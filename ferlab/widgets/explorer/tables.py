"""Points from tables of one's own, in whatever form: what can be shown is shown, and what cannot is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset, printable_table
from ferlab.errors import FerlabError
from ferlab.images import as_pictures
from ferlab.labels import MOST_CLASSES, class_labels, column_names
from ferlab.palette import NO_CLASS
from ferlab.projection import procrustes
from ferlab.texts import distinct, printable
from ferlab.widgets.explorer.colors import (
    MOST_CATEGORIES,
    RESERVED,
    as_float,
    numbers_in,
    with_too_many_names,
    without_coloring,
)
from ferlab.widgets.explorer.points import Points, lengths_of, metadata_of, of_length_one, shuffled

_KNOWN = ("index", "label", "predicted", "confidence", "x", "y", "embedding")
FARTHEST = 1e18  # beyond, squares of distances do not fit into the numbers of a map


@dataclass(frozen=True)
class _Table:
    """What is known of the points of one table, a row each.

    Attributes:
        called: what it is called in sentences.
        columns: all columns, by names that are texts.
        places: float64 (N, 2), NaN where a point has none; None: the table has no map.
        vectors: float32 (N, D), NaN where a point has none; None: the table has no embeddings.
    """

    called: str
    columns: pd.DataFrame
    places: np.ndarray | None
    vectors: np.ndarray | None

    @property
    def is_shown(self) -> np.ndarray:
        """bool (N,): the points that have all of what the table gives to its points."""
        given = [array for array in (self.places, self.vectors) if array is not None]
        return np.all([np.isfinite(array).all(axis=1) for array in given], axis=0)

    def at(self, rows: np.ndarray) -> _Table:
        places, vectors = (None if array is None else array[rows] for array in (self.places, self.vectors))
        return _Table(self.called, self.columns.iloc[rows], places, vectors)


def table_points(
    tables: Mapping[str, pd.DataFrame], dataset: FaceDataset | np.ndarray | None, *, most: int = MOST_CLASSES
) -> tuple[Points, list[str]]:
    """Points from tables of one's own, and sentences about what was left out.

    Tables that hold different points are cut to those they share; one that shares none with the first is left out.
    Points without a place or an embedding (missing, NaN, infinite) are left out too. A table without a label is shown
    by its `predicted`. Positions `x`, `y` are turned onto the first table's by Procrustes analysis, so that maps can be
    compared.

    Raises:
        FerlabError: no table, a table without label and predicted, without x, y and embedding, or naming a point twice;
            labels that are no classes, embeddings that are no vectors, pictures that are none.
    """
    if not tables:
        raise FerlabError("There is nothing to explore; give a run folder, a table, or a dict of tables.")
    notes: list[str] = []
    titles = distinct(printable(name) for name in tables)
    with_faces = dataset is not None
    read = {
        title: _read(f"the table {title}" if len(tables) > 1 else "the table", table, notes)
        for title, table in zip(titles, tables.values(), strict=True)
    }
    kept = _shared(_indexed(read, with_faces, notes), notes)
    first = next(iter(kept.values()))
    order = shuffled(len(first.columns))
    kept = {name: table.at(order) for name, table in kept.items()}
    first = next(iter(kept.values()))
    indices = first.columns.index.to_numpy(dtype=np.int64)
    images = as_pictures(dataset.images if isinstance(dataset, FaceDataset) else dataset) if with_faces else None
    if images is not None:
        _check_images(indices, images)
    labels, predicted, classes = _classes({n: t.columns for n, t in kept.items()}, dataset, notes, most)
    layouts, spaces = _maps_and_spaces(kept)
    metadata = metadata_of(dataset if isinstance(dataset, FaceDataset) else None, indices)
    for column in first.columns:
        if column not in _KNOWN:
            name = f"{column} (column)" if column in RESERVED else column
            metadata[name] = first.columns[column].array
    if absent := without_coloring(metadata):
        notes.append(f"Points cannot be colored by {', '.join(absent)}: no single numbers or names stand there.")
    if many := with_too_many_names(metadata):
        notes.append(
            f"Points cannot be colored by {', '.join(many)}: more than {MOST_CATEGORIES} different names stand there, "
            "too many for colors to tell apart; a column with fewer groups can be."
        )
    points = Points(
        indices=indices,
        labels=labels,
        classes=classes,
        layouts=layouts,
        spaces=of_length_one(spaces),
        lengths=lengths_of(spaces),
        predicted=predicted,
        confidence={n: _numbers(t.columns["confidence"]) for n, t in kept.items() if "confidence" in t.columns},
        metadata=metadata,
        images=images,
    )
    return points, notes


# ---- one table ---------------------------------------------------------------------------------------------------


def _read(called: str, table: pd.DataFrame, notes: list[str]) -> _Table:
    begin = f"{called[0].upper()}{called[1:]}"
    if not isinstance(table, pd.DataFrame):
        raise FerlabError(f"{begin} is of type {type(table).__name__}; give a pandas DataFrame, a row a point.")
    columns = printable_table(table.set_axis(column_names(table.columns), axis=1))
    if twice := [name for name in _KNOWN if list(map(str, table.columns)).count(name) > 1]:
        raise FerlabError(f"{begin} has several columns called {twice[0]}; keep one of them.")
    if not len(columns):
        raise FerlabError(f"{begin} has no rows.")
    if "label" not in columns and "predicted" not in columns:
        raise FerlabError(f"{begin} has no column label; it has: {', '.join(columns)}.")
    has_map, has_vectors = {"x", "y"} <= set(columns), "embedding" in columns
    if not has_map and not has_vectors:
        raise FerlabError(f"{begin} needs columns x and y, or embedding with one vector a row.")
    places = np.stack([_numbers(columns[axis]) for axis in "xy"], axis=1) if has_map else None
    vectors = _vectors(called, columns["embedding"]) if has_vectors else None
    if places is not None:
        places[np.abs(places) > FARTHEST] = np.nan
    if places is not None and vectors is not None:
        # Where one of the two is empty, the other shows all points.
        if not np.isfinite(places).all(axis=1).any():
            places = None
            notes.append(f"x and y of {called} hold no numbers, so its points are shown by their embeddings alone.")
        elif not np.isfinite(vectors).all(axis=1).any():
            vectors = None
            notes.append(
                f"The column embedding of {called} holds no vectors of finite numbers, so its map is shown alone."
            )
    found = _Table(called, columns, places, vectors)
    absent = int((~found.is_shown).sum())
    where = {(True, True): "x, y or embedding", (True, False): "x or y", (False, True): "embedding"}[
        places is not None, vectors is not None
    ]
    if absent == len(columns):
        raise FerlabError(f"No point of {called} can be drawn: in every row {where} is missing, NaN or infinite.")
    if absent:
        notes.append(
            f"{absent:,} of the {len(columns):,} points of {called} {'is' if absent == 1 else 'are'} not drawn: "
            f"{where} is missing, NaN or infinite there."
        )
    return found


def _numbers(column: pd.Series) -> np.ndarray:
    """float64 (N,): NaN where there is no finite number."""
    numbers = numbers_in(column)
    if numbers is None:
        numbers = np.array([as_float(value) for value in column.astype(object)])
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _vectors(called: str, column: pd.Series) -> np.ndarray:
    """float32 (N, D), NaN where a row has no vector.

    Raises:
        FerlabError: texts, single numbers, matrices, vectors of several lengths.
    """
    values = list(column)
    if text := next((value for value in values if isinstance(value, str)), None):
        raise FerlabError(
            f"The column embedding of {called} holds text ({printable(text)[:20]} ..), as tables have that came "
            "through a CSV file: keep the vectors in Parquet (table.to_parquet), or turn each text into an array again."
        )
    try:
        rows = [None if _is_missing(value) else np.asarray(value, dtype=np.float64) for value in values]
    except (TypeError, ValueError, RuntimeError) as error:  # PyTorch refuses what is on a GPU or has a gradient
        raise FerlabError(
            f"The column embedding of {called} holds what is no vector of numbers ({error}); give one array a row."
        ) from error
    given = Counter(row.shape for row in rows if row is not None)
    if any(len(shape) != 1 or not shape[0] for shape in given):
        shape = next(shape for shape in given if len(shape) != 1 or not shape[0])
        raise FerlabError(
            f"The column embedding of {called} must hold one vector a row, but one has shape {shape}; flatten them."
        )
    if len(given) > 1:
        sizes = ", ".join(f"{shape[0]} ({count:,} rows)" for shape, count in given.most_common(4))
        raise FerlabError(f"The vectors in the column embedding of {called} have different lengths: {sizes}.")
    size = next(iter(given), (1,))[0]
    vectors = np.full((len(rows), size), np.nan, dtype=np.float32)
    for at, row in enumerate(rows):
        if row is not None and np.isfinite(row).all() and np.abs(row).max() < FARTHEST:
            vectors[at] = row
    return vectors


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


# ---- several tables ----------------------------------------------------------------------------------------------


def _indexed(tables: dict[str, _Table], with_faces: bool, notes: list[str]) -> dict[str, _Table]:
    """The tables, their columns indexed by the positions of their points, without the points that cannot be drawn."""
    found = {name: _positions(table.called, table.columns, with_faces) for name, table in tables.items()}
    if unnumbered := [name for name, positions in found.items() if positions is None]:
        called = tables[unnumbered[0]].called
        notes.append(
            f"The column index of {called} holds other things than whole numbers, so rows are counted, from 0."
        )
        found = {name: np.arange(len(table.columns)) for name, table in tables.items()}
    indexed = {}
    for name, table in tables.items():
        columns = table.columns.set_axis(pd.Index(found[name], dtype=np.int64, name="point"), axis=0)
        if columns.index.has_duplicates:
            twice = columns.index[columns.index.duplicated()][0]
            raise FerlabError(
                f"{table.called[0].upper()}{table.called[1:]} names point {twice} twice in its column index."
            )
        shown = np.flatnonzero(table.is_shown)
        indexed[name] = _Table(table.called, columns, table.places, table.vectors).at(shown)
    return indexed


def _positions(called: str, columns: pd.DataFrame, with_faces: bool) -> np.ndarray | None:
    """int64 (N,); None where the column index holds something else and no faces are counted by it."""
    if "index" not in columns:
        return np.arange(len(columns))
    numbers = _numbers(columns["index"])
    is_whole = np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53)
    if is_whole.all():
        return numbers.astype(np.int64)
    if with_faces:
        row = int(np.flatnonzero(~is_whole)[0])
        raise FerlabError(
            f"The column index of {called} must say which face a row is, as a whole number from 0, but holds "
            f"{printable(columns['index'].iloc[row])!r} in row {row}."
        )
    return None


def _shared(tables: dict[str, _Table], notes: list[str]) -> dict[str, _Table]:
    """The tables cut to the points of all, in one order."""
    name, first = next(iter(tables.items()))
    common, kept = first.columns.index, [name]
    for other, table in list(tables.items())[1:]:
        both = common.intersection(table.columns.index, sort=False)
        if len(both):
            common, kept = both, [*kept, other]
        else:
            notes.append(f"{other} has no point in common with {name} and is left out.")
    largest = max(len(tables[name].columns) for name in kept)
    if len(common) < largest:
        notes.append(f"The spaces do not hold the same points: the {len(common):,} that all of them have are shown.")
    return {name: tables[name].at(tables[name].columns.index.get_indexer(common)) for name in kept}


def _check_images(indices: np.ndarray, images: np.ndarray) -> None:
    if indices.min() < 0:
        raise FerlabError(f"The column index begins at {indices.min()}; the first image is number 0.")
    if indices.max() >= len(images):
        raise FerlabError(f"The column index goes up to {indices.max()}, but there are {len(images)} images.")


def _maps_and_spaces(kept: dict[str, _Table]) -> tuple[dict[str, list[np.ndarray]], dict[str, list[np.ndarray]]]:
    """The maps, turned onto the first one, and the spaces, of tables that all have the one or the other."""
    with_maps = all(table.places is not None for table in kept.values())
    with_spaces = all(table.vectors is not None for table in kept.values())
    if not with_spaces and not with_maps:
        raise FerlabError(
            "Some tables have x and y, the others only embedding: give all of them x and y, or all of them embedding."
        )
    layouts: dict[str, list[np.ndarray]] = {}
    reference: np.ndarray | None = None
    for name, table in kept.items() if with_maps else ():
        if reference is None:
            reference = _near_the_middle(table.places).astype(np.float32)
            layouts[name] = [reference]
        else:
            layouts[name] = [procrustes(reference, _near_the_middle(table.places))[0].astype(np.float32)]
    return layouts, {name: [table.vectors] for name, table in kept.items()} if with_spaces else {}


def _near_the_middle(places: np.ndarray) -> np.ndarray:
    """Places whose differences float32 can hold: far from the origin (times, coordinates) they are moved to it."""
    reach = np.ptp(places, axis=0).max()
    is_far = np.abs(places).max() > 1e4 * reach
    return places - places.mean(axis=0) if is_far else places


# ---- classes -----------------------------------------------------------------------------------------------------


def _classes(
    tables: Mapping[str, pd.DataFrame], dataset: FaceDataset | np.ndarray | None, notes: list[str], most: int
) -> tuple[np.ndarray, dict[str, np.ndarray], tuple[str, ...]]:
    """Labels of the first table, answers of all that have some, and the class names that both index."""
    columns = {
        (name, what): table[what] for name, table in tables.items() for what in ("label", "predicted") if what in table
    }
    known = dataset.classes if isinstance(dataset, FaceDataset) else None
    codes, classes = _codes_together(columns, known, most)
    first = next(iter(tables))
    labels = codes.get((first, "label"))
    if labels is None:
        classes = classes if NO_CLASS in classes else (*classes, NO_CLASS)
        labels = np.full(len(tables[first]), classes.index(NO_CLASS), dtype=np.int64)
        notes.append("There is no column label, so the points are shown by what was predicted for them.")
    differing = [
        name for name in tables if (name, "label") in codes and not np.array_equal(codes[name, "label"], labels)
    ]
    if differing and (first, "label") in codes:
        notes.append(f"{differing[0]} gives some points other labels; those of {first} are shown.")
    return labels, {name: codes[name, "predicted"] for name in tables if (name, "predicted") in codes}, classes


_Columns = Mapping[tuple[str, str], pd.Series]
_Codes = dict[tuple[str, str], np.ndarray]


def _codes_together(columns: _Columns, known: tuple[str, ...] | None, most: int) -> tuple[_Codes, tuple[str, ...]]:
    """Class numbers of several columns, and the names that all of them index: those known, or those of all values."""
    called = {key: f"{key[1]}{_of(key[0], columns)}" for key in columns}
    for key, column in columns.items():  # what is no class is refused with the name of the column that holds it
        class_labels(column, classes=known, name=called[key], most=most)
    parts = list(columns.values())
    if len({part.dtype if isinstance(part.dtype, pd.CategoricalDtype) else None for part in parts}) > 1:
        parts = [part.astype(object) for part in parts]  # their categories differ
    elif not isinstance(parts[0].dtype, pd.CategoricalDtype):
        parts = [part.astype(object) for part in parts]  # floats would merge whole numbers beyond 2**53
    codes, classes = class_labels(
        pd.concat(parts, ignore_index=True), classes=known, name=" or ".join(called.values()), most=most
    )
    ends = np.cumsum([len(column) for column in columns.values()])[:-1]
    return dict(zip(columns, np.split(codes, ends), strict=True)), classes


def _of(table: str, columns: Mapping[tuple[str, str], Any]) -> str:
    """Which table is meant, where there are several."""
    return f" of the table {table}" if len({name for name, _ in columns}) > 1 else ""

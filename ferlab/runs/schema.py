"""What the files of a run hold, field by field: whatever reads one has it checked against this first.

A run can come from anybody, or be of an earlier version. So every field that the code counts on is named here with its
type, and every file is read through :func:`read_config` and the like, which name the file and the field that is wrong.
Fields that are not named here are left as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, RootModel

from ferlab.errors import UnreadableFile
from ferlab.files import read_json
from ferlab.settings import TrainSettings

LARGEST_NETWORK = 65_536  # classes, heads, numbers in an embedding: more than any has
LARGEST_IMAGE = 4_096  # pixels a side
Number = float | None  # None is what a file has in place of a number that could not be computed
Count = Field(ge=0, le=2**53)


class Part(BaseModel):
    """A part of a file: fields beside those named may be there."""

    model_config = ConfigDict(extra="allow", strict=True)


# ---- summary.json


class Spread(Part):
    """A score over the seeds."""

    mean: Number
    std: Number = None
    values: list[Number] = []
    low: Number = None
    high: Number = None


class Slice(Part):
    """Scores on some of the test faces, such as those with glasses."""

    kind: str
    part: str | float | bool
    accuracy: Spread
    balanced_accuracy: Spread | None = None


class MethodSummary(Part):
    """One method in ``summary.json``."""

    accuracy: Spread
    balanced_accuracy: Spread
    macro_f1: Spread
    geometry: dict[str, Spread] = {}
    calibration_error: Spread | None = None
    class_recall: dict[str, Spread] = {}
    slices: list[Slice] = []
    confusion: list[list[int]] = []
    measures: dict[str, dict[str, Spread]] = {}


class ComparisonOf(Part):
    """A method against its reference in one measure."""

    reference: str
    difference: Number


class Dosed(Part):
    """A measure at one strength."""

    strength: float
    mean: Number
    low: Number = None
    high: Number = None


class Doses(Part):
    """What a metric loss does at its strengths."""

    control: str = ""
    strengths: list[float]
    methods: list[str]
    default: Number = None
    breaks_at: Number = None
    measures: dict[str, dict[str, list[Dosed]]]


class Summary(Part):
    """``summary.json``."""

    dataset: str
    epochs: int = Count
    seeds: list[int] = Field(min_length=1)
    seconds: float
    methods: dict[str, MethodSummary] = Field(min_length=1)
    comparisons: dict[str, dict[str, ComparisonOf]] = {}
    doses: dict[str, Doses] = {}
    diverged: dict[str, list[int]] = {}
    classes: list[str] | None = None


# ---- config.json


class SplitRecord(Part):
    """Of one split: how many faces it has, and the checksum of their pixels, labels and class names."""

    faces: int = Count
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Config(Part):
    """``config.json``, of whatever was begun in the folder."""

    settings: dict[str, Any]
    versions: dict[str, Any] = {}
    machine: dict[str, Any] = {}
    data: dict[str, SplitRecord] = {}


class PlanRecord(Part):
    """What a comparison and a search have in common in ``config.json``."""

    dataset: str
    root: str
    methods: list[str]
    embedding_size: int | None = None
    epochs: int = Count
    quick: bool
    train: TrainSettings
    table: dict[str, dict[str, Any]]


class ComparisonRecord(PlanRecord):
    """``settings`` in the ``config.json`` of a comparison."""

    seeds: int = Field(ge=1, le=1_000_000)
    table: dict[str, dict[str, Any]] = {}  # earlier versions had none: such a run can be read, not gone on with


class SearchRecord(PlanRecord):
    """``settings`` in the ``config.json`` of a search."""

    trials: int = Field(ge=1, le=1_000_000)


class ComparisonConfig(Config):
    """``config.json`` of a comparison."""

    settings: ComparisonRecord


class SearchConfig(Config):
    """``config.json`` of a search."""

    settings: SearchRecord


# ---- one training


class Divergence(Part):
    """``diverged.json``: why a training ended without a network."""

    reason: str


class SliceScores(Part):
    """Scores of one training on some of the test faces."""

    kind: str
    part: str | float | bool
    accuracy: Number
    balanced_accuracy: Number


class Scores(Part):
    """``scores.json`` of a training of a comparison."""

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    calibration_error: Number
    class_recall: dict[str, Number]
    geometry: dict[str, Number]
    slices: list[SliceScores]
    confusion: list[list[int]] = Field(min_length=2)
    measures: dict[str, dict[str, Number]] = {}


class TrialScores(Part):
    """``scores.json`` of a trial of a search."""

    method: str
    trial: int = Count
    validation_balanced_accuracy: float
    seconds: float


class NetworkRecord(BaseModel):
    """How a network is built. Nothing else may stand there: no weights are ever fetched when a run is read."""

    model_config = ConfigDict(extra="forbid", strict=True)

    num_classes: int = Field(ge=2, le=LARGEST_NETWORK)
    embedding_size: int = Field(ge=1, le=LARGEST_NETWORK)
    heads: int = Field(ge=1, le=LARGEST_NETWORK)
    in_channels: int = Field(ge=1, le=16)
    backbone: str = Field(max_length=200)
    attention: list[Literal["pixel", "element"]] = Field(max_length=2)
    input_size: int = Field(ge=0, le=LARGEST_IMAGE)


class ModelRecord(Part):
    """``model.json``."""

    network: NetworkRecord
    classes: list[str] = Field(min_length=2)
    image_size: int = Field(ge=1, le=LARGEST_IMAGE)


class MonitoredFaces(Part):
    """A split in ``training.json``."""

    name: str
    classes: list[str]
    faces: str


class MonitoredRecord(Part):
    """``training.json`` of a training that a notebook follows: what is trained there, and one field a split."""

    __pydantic_extra__: dict[str, MonitoredFaces]

    method: str
    settings: dict[str, Any]


# ---- what lies beside runs


class GalleryTraining(Part):
    """One training in ``gallery.json``."""

    network: NetworkRecord
    history: dict[str, list[str | float | None]]
    scores: Scores


class GalleryPart(Part):
    """Trainings in ``gallery.json`` that are opened together; `files` says of each method in which file it lies."""

    config: ComparisonConfig
    files: dict[str, Annotated[str, Field(pattern=r"^[^/\\]+\.safetensors$")]] = Field(min_length=1)
    summary: Summary


class GalleryRecord(Part):
    """``gallery.json``."""

    parts: dict[Literal["methods", "strengths", "plane"], GalleryPart]
    trainings: dict[str, GalleryTraining]
    seeds_summary: Summary


class Answers(RootModel[dict[str, str]]):
    """``guesses.json``: question -> answer."""


# ---- tables

TABLES: dict[str, dict[str, str]] = {
    "history.parquet": {"method": "text", "seed": "whole", "epoch": "whole", "seconds": "number"},
    "embeddings.parquet": {
        "method": "text", "seed": "whole", "index": "whole", "label": "whole", "predicted": "whole",
        "confidence": "number", "embedding": "vector",
    },
    "epochs.parquet": {
        "method": "text", "epoch": "whole", "index": "whole", "label": "whole", "x": "number", "y": "number",
    },
}  # fmt: skip
OF_A_RUN = {"embeddings.parquet": {"x": "number", "y": "number"}}  # beside those of a single training
WORDS = {
    "text": "text",
    "whole": "whole numbers from 0 on",
    "number": "numbers",
    "vector": "vectors, of one length for every method and seed",
}


def read_config(path: Path, *, kind: type[BaseModel] = Config, mend: str) -> dict[str, Any]:
    """``config.json`` as it stands there.

    Raises:
        UnreadableFile: it is missing, damaged, or a field of it is not as in ``kind``.
    """
    return dict(read_json(path, kind, mend=mend))


def read_table(path: Path, *, mend: str, of_a_run: bool = False) -> pd.DataFrame:
    """A table of a run, with the columns and types that :data:`TABLES` gives it.

    Args:
        path: of the Parquet file, with one of the names there.
        mend: what to do when it cannot be read, as the sentence's end.
        of_a_run: whether it is the one that holds all trainings.

    Raises:
        UnreadableFile: it is missing or damaged; a column is missing or of another type.
    """
    if not path.is_file():
        raise UnreadableFile(f"{path} is missing: {mend}.")
    try:
        rows = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises several kinds
        raise UnreadableFile(f"{path} is damaged: {mend}.") from error
    wanted = TABLES[path.name] | (OF_A_RUN.get(path.name, {}) if of_a_run else {})
    for name, kind in wanted.items():
        if name not in rows and of_a_run and kind == "vector":
            continue  # the report shows its maps all the same
        if name not in rows:
            raise UnreadableFile(f"{path} is damaged, its column {name} is missing: {mend}.")
        if len(rows) and not _holds(rows, name, kind):
            raise UnreadableFile(f"{path} is damaged, its column {name} should hold {WORDS[kind]}: {mend}.")
    return rows


def _is_vector(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "fiu"


def _holds(rows: pd.DataFrame, name: str, kind: str) -> bool:
    column = rows[name]
    if kind == "text":
        return bool(column.map(type).eq(str).all())
    if kind == "whole":
        return pd.api.types.is_integer_dtype(column) and bool((column >= 0).all())
    if kind == "number":
        return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column)
    if not column.map(_is_vector).all():
        return False
    return bool((column.map(len).groupby([rows["method"], rows["seed"]]).nunique() == 1).all())

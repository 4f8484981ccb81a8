"""From the gallery's small files to a run folder like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError, UnreadableFile
from ferlab.evaluation import predict
from ferlab.files import atomic_path, is_free, read_json
from ferlab.gallery.packing import RECORD, SEED, load_gallery_network, unpack_epochs
from ferlab.runs import FinishedTraining, RunFolder
from ferlab.runs.schema import GalleryRecord

FILES = Path(__file__).with_name("files")
PARTS = {name: Path("runs") / folder for name, folder in (
    ("methods", "gallery"), ("strengths", "gallery-strengths"), ("plane", "gallery-plane"),
)}  # fmt: skip
MEND = "restore it with `git checkout -- ferlab/gallery`, or install ferlab again"


def open_gallery(folder: str | Path | None = None, part: str = "methods") -> Path:
    """A run folder with trainings of the gallery, written when it is not there yet (some seconds).

    Args:
        folder: where to write it; by default ``runs/gallery``, and ``runs/gallery-<part>`` for the other parts.
        part: ``"methods"``, all methods with one seed; ``"strengths"``, what more of a loss does; ``"plane"``, networks
            whose embedding is two numbers.

    Returns:
        The folder, for :func:`ferlab.runs.read_run`, ``EmbeddingExplorer``, ``FaceLab``, ``ferlab evaluate`` and all
        else that takes a run.

    Raises:
        FerlabError: no such part; something else lies in ``folder``; a file of the gallery is missing or damaged.

    Example:
        >>> run = open_gallery(part="strengths")    # doctest: +SKIP
    """
    if part not in PARTS:
        raise FerlabError(f"The gallery has no part {part!r}; choose from: {', '.join(PARTS)}.")
    folder = (PARTS[part] if folder is None else Path(folder)).expanduser()
    record = _record()
    if part not in record["parts"]:
        raise UnreadableFile(f"{FILES / RECORD} is damaged, its field parts.{part} is missing: {MEND}.")
    config = record["parts"][part]["config"]
    if not is_free(folder):
        if RunFolder(folder).config() != config or not (folder / "summary.json").is_file():
            raise FerlabError(f"{folder} holds something else than the gallery: name another folder for it.")
        return folder
    try:
        # Written beside and moved at the end: a gallery that is there is complete.
        with atomic_path(folder) as beside:
            beside.mkdir()
            _write(RunFolder(beside), record, part, load_dataset("synthetic", "test"))
            if folder.exists() and is_free(folder):
                folder.rmdir()
    except OSError:
        if is_free(folder) or RunFolder(folder).config() != config:  # unless another notebook has opened it meanwhile
            raise
    return folder


def seeds_summary() -> dict[str, Any]:
    """``summary.json`` of the same comparison with several seeds: scores and what differs beyond chance.

    Raises:
        FerlabError: the file is missing or damaged.

    Example:
        >>> len(seeds_summary()["seeds"]) > 1
        True
    """
    return _record()["seeds_summary"]


def _record() -> dict[str, Any]:
    return dict(read_json(FILES / RECORD, GalleryRecord, mend=MEND))


def _write(folder: RunFolder, record: dict[str, Any], part: str, test_set: FaceDataset) -> None:
    own = record["parts"][part]
    maps, epochs = (_read_map(FILES / f"{part}.{name}.parquet") for name in ("maps", "epochs"))
    trainings = []
    for name, file in own["files"].items():
        if file not in record["trainings"]:
            raise UnreadableFile(f"{FILES / RECORD} is damaged, its field trainings.{file} is missing: {MEND}.")
        if (count := int((maps["method"] == name).sum())) != len(test_set):
            raise UnreadableFile(
                f"{FILES / part}.maps.parquet is damaged, it has {count:,} faces of {name} in place of "
                f"{len(test_set):,}: {MEND}."
            )
        layout = maps.loc[maps["method"] == name, ["x", "y"]].to_numpy(np.float32)
        trainings.append(_write_training(folder, name, FILES / file, record["trainings"][file], layout, test_set))
    folder.write_config(own["config"])
    folder.write_results(
        history=pd.concat([training.history for training in trainings], ignore_index=True),
        embeddings=pd.concat([training.embeddings for training in trainings], ignore_index=True),
        epochs=epochs.astype({"method": "str", "x": np.float32, "y": np.float32}),
        summary=own["summary"],
    )


def _write_training(
    folder: RunFolder, name: str, path: Path, record: dict[str, Any], layout: np.ndarray, test_set: FaceDataset
) -> FinishedTraining:
    try:
        tensors = load_file(path)
        network = load_gallery_network(tensors, record["network"])
        epochs = unpack_epochs(tensors)
        history = pd.DataFrame(record["history"])
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise FerlabError(f"The gallery's {path} cannot be read ({error}): {MEND}.") from error
    training = folder.training(name, SEED)
    rows = training.face_rows(test_set, predict(network, test_set.images))
    training.save_network(network, test_set.classes, image_size=test_set.images.shape[1])
    for epoch, embeddings in enumerate(epochs, start=1):
        training.save_epoch(epoch, embeddings)
    training.write(history, rows, record["scores"])
    return FinishedTraining(name, SEED, record["scores"], history, rows.assign(x=layout[:, 0], y=layout[:, 1]))


def _read_map(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's are among them
        raise FerlabError(f"The gallery's {path} cannot be read ({error}): {MEND}.") from error
    for name in ("method", "x", "y"):
        if name not in rows or (name != "method" and not pd.api.types.is_numeric_dtype(rows[name])):
            raise UnreadableFile(f"{path} is damaged, it has no column {name} as a map has: {MEND}.")
    return rows

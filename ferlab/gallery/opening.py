"""From the gallery's small files to a run folder like any other."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.files import is_free
from ferlab.gallery.packing import METHOD_FILE, SEED, load_gallery_network, unpack_epochs
from ferlab.runs import FinishedTraining, RunFolder

FILES = Path(__file__).with_name("files")
MEND = "restore it with `git checkout -- ferlab/gallery`, or install ferlab again"


def open_gallery(folder: str | Path = "runs/gallery") -> Path:
    """A run folder with the gallery's trainings, written when it is not there yet (some seconds).

    Args:
        folder: where to write it.

    Returns:
        The folder, for :func:`ferlab.report.read_run`, ``EmbeddingExplorer``, ``FaceLab``, ``ferlab evaluate`` and all
        else that takes a run.

    Raises:
        FerlabError: something else lies in ``folder``, or a file of the gallery is missing or damaged.

    Example:
        >>> run = open_gallery("runs/gallery")    # doctest: +SKIP
    """
    folder = Path(folder).expanduser()
    record = _record()
    if not is_free(folder):
        if RunFolder(folder).config() != record["config"] or not (folder / "summary.json").is_file():
            raise FerlabError(f"{folder} holds something else than the gallery: name another folder for it.")
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved at the end: a gallery that is there is complete.
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(RunFolder(beside), record, load_dataset("synthetic", "test"))
        beside.chmod(0o755)  # mkdtemp's are for their owner alone
        if folder.exists() and is_free(folder):
            folder.rmdir()
        try:
            beside.rename(folder)
        except OSError:
            if RunFolder(folder).config() != record["config"]:  # unless another notebook has opened it meanwhile
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
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
    path = FILES / "gallery.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FerlabError(f"The gallery's {path} cannot be read ({error}): {MEND}.") from error


def _write(folder: RunFolder, record: dict[str, Any], test_set: FaceDataset) -> None:
    trainings = [_write_method(folder, name, method, test_set) for name, method in record["methods"].items()]
    folder.write_config(record["config"])
    folder.write_results(
        history=pd.concat([training.history for training in trainings], ignore_index=True),
        embeddings=pd.concat([training.embeddings for training in trainings], ignore_index=True),
        epochs=pd.read_parquet(FILES / "epochs.parquet"),
        summary=record["summary"],
    )


def _write_method(folder: RunFolder, name: str, record: dict[str, Any], test_set: FaceDataset) -> FinishedTraining:
    path = FILES / METHOD_FILE.format(name)
    try:
        tensors = load_file(path)
        network = load_gallery_network(tensors, record["network"])
        epochs, layout = unpack_epochs(tensors), tensors["map"].numpy()
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise FerlabError(f"The gallery's {path} cannot be read ({error}): {MEND}.") from error
    training = folder.training(name, SEED)
    rows = training.face_rows(test_set, predict(network, test_set.images))
    history = pd.DataFrame(record["history"])
    training.save_network(network, test_set.classes, image_size=test_set.images.shape[1])
    for epoch, embeddings in enumerate(epochs, start=1):
        training.save_epoch(epoch, embeddings)
    training.write(history, rows, record["scores"])
    return FinishedTraining(name, SEED, record["scores"], history, rows.assign(x=layout[:, 0], y=layout[:, 1]))

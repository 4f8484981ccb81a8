"""A finished run made small: half-precision networks, and the epochs' embeddings in bytes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.files import atomic_path, write_json
from ferlab.models import ExpressionNetwork
from ferlab.runs import FinishedTraining, RunFolder
from ferlab.runs.summary import measure, people_of, summarize

METHOD_FILE = "{}.safetensors"
SEED = 0  # of the trainings whose networks are kept


def pack_gallery(run: Path, seeds_run: Path, train_set: FaceDataset, test_set: FaceDataset, files: Path) -> None:
    """Write the gallery's files from a run of all methods with one seed, and one with several.

    Networks are rounded to half precision and their scores measured again, so that the gallery's numbers are those of
    the networks in it.

    Args:
        run: run folder of ``ferlab compare --methods all``.
        seeds_run: run folder of the same with ``--seeds``; its summary alone is kept.
        train_set, test_set: the splits of both.
        files: folder to write.

    Raises:
        FerlabError: a training of ``run`` that is not finished.
    """
    folder = RunFolder(run)
    config, summary = folder.config(), folder.summary()
    config["settings"]["out"] = "runs/gallery"
    maps = pd.read_parquet(run / "embeddings.parquet", columns=["method", "seed", "x", "y"])
    methods: dict[str, Any] = {}
    trainings: list[FinishedTraining] = []
    for name in summary["methods"]:
        training = folder.training(name, SEED)
        if (finished := training.load()) is None:
            raise FerlabError(f"{training.path} is not finished: go on with ferlab compare --resume.")
        network = training.load_network().network
        tensors = {f"network.{key}": _half(value) for key, value in network.state_dict().items()}
        tensors |= pack_epochs(training.load_epochs(len(finished.history)))
        layout = maps.loc[(maps["method"] == name) & (maps["seed"] == SEED), ["x", "y"]]
        tensors["map"] = torch.from_numpy(np.ascontiguousarray(layout, dtype=np.float32))
        with atomic_path(files / METHOD_FILE.format(name)) as beside:
            save_file(tensors, beside)
        rounded = load_gallery_network(tensors, network.settings)
        predictions = predict(rounded, test_set.images)
        scores = measure(rounded, train_set, test_set, predictions, name)
        methods[name] = {
            "network": network.settings,
            "history": finished.history.to_dict("list"),
            "scores": scores,
        }
        rows = finished.embeddings.assign(predicted=predictions.predicted)
        trainings.append(dataclasses.replace(finished, scores=scores, embeddings=rows))
    shutil.copyfile(run / "epochs.parquet", files / "epochs.parquet")
    record = {
        "config": config,
        "summary": summarize(trainings, summary["dataset"], summary["epochs"], summary["seconds"], people_of(test_set)),
        "methods": methods,
        "seeds_summary": RunFolder(seeds_run).summary(),
    }
    write_json(files / "gallery.json", record)


def load_gallery_network(tensors: dict[str, torch.Tensor], settings: dict[str, Any]) -> ExpressionNetwork:
    """The network among a method's tensors, in single precision and evaluation mode."""
    network = ExpressionNetwork(**settings)
    state = {key.removeprefix("network."): value for key, value in tensors.items() if key.startswith("network.")}
    network.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in state.items()})
    return network.eval()


def pack_epochs(epochs: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """Embeddings (n, D) after every epoch as bytes: ``epochs`` (E, n, D) and the value of one step, ``step`` (E,).

    A byte has 255 steps between the largest negative and positive entry of an epoch: 96 % or more of the ten nearest
    faces of a face stay the same (`ce`, `tcl-nearest` and `ad-corre`, every epoch).
    """
    stacked = np.stack(epochs).astype(np.float32)
    step = np.abs(stacked).max(axis=(1, 2)) / 127
    packed = np.round(stacked / step[:, None, None]).astype(np.int8)
    return {"epochs": torch.from_numpy(packed), "step": torch.from_numpy(step)}


def unpack_epochs(tensors: dict[str, torch.Tensor]) -> np.ndarray:
    """What :func:`pack_epochs` packed: float32 (E, n, D)."""
    return (tensors["epochs"].float() * tensors["step"][:, None, None]).numpy()


def _half(value: torch.Tensor) -> torch.Tensor:
    return (value.half() if value.is_floating_point() else value.clone()).contiguous()

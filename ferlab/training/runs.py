"""The run folder: what a comparison leaves on disk, and how it is read again.

::

    config.json             every setting, versions, machine
    summary.json            scores a method, mean and standard deviation over seeds
    history.parquet         one row a method, seed and epoch
    embeddings.parquet      one row a method, seed and test face
    epochs.parquet          one row a method, epoch and face: maps of some validation faces after every epoch
    <method>/seed_<n>/      model.safetensors, model.json, this run's scores, history and embeddings, tensorboard/,
                            epochs/ (embeddings of some validation faces after every epoch);
                            while it trains, checkpoints/ (:mod:`ferlab.training.checkpoints`)
    figures/, report.html
"""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ferlab import __version__
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import (
    Predictions,
    bootstrap_scores,
    calibration_error,
    class_recalls,
    classification_scores,
    comparisons,
    confusion_counts,
    geometry_scores,
    slice_scores,
)
from ferlab.files import atomic_path, write_json
from ferlab.models import ExpressionNetwork
from ferlab.training.methods import reference_of

EPOCH_FACES = 600  # enough to see classes form, few enough for a map after every epoch
SCORES = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True)
class FinishedRun:
    """One method trained with one seed: what ``<method>/seed_<n>/`` holds."""

    method: str
    seed: int
    scores: dict[str, Any]
    history: pd.DataFrame
    embeddings: pd.DataFrame


def run_folder(out: Path, method: str, seed: int) -> Path:
    """Where one training's results lie."""
    return out / method / f"seed_{seed}"


def check_folder(out: Path, overwrite: bool, resume: bool) -> None:
    """A FerlabError unless ``out`` is new, empty, or an earlier run that may be overwritten or resumed."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (overwrite or resume):
        raise FerlabError(
            f"The output folder {out} already exists: name another one with --out, go on with an unfinished run there "
            "with --resume, or insist with --overwrite."
        )
    try:
        config = json.loads((out / "config.json").read_text(encoding="utf-8"))
        is_run = "ferlab" in config["versions"] and "settings" in config
    except (OSError, ValueError, KeyError, TypeError):
        is_run = False
    # A run whose config.json was damaged still shows by its trainings.
    if not is_run and not any(out.glob("*/seed_*/model.safetensors")):
        raise FerlabError(
            f"{out} is not the folder of an earlier run (it has no config.json of one), so it is left alone: "
            "name another one with --out."
        )


def check_same_settings(out: Path, settings: dict[str, Any]) -> None:
    """A FerlabError naming what differs, when the run in ``out`` was started with other settings.

    Other seeds and methods are fine: new ones are trained, and earlier ones kept.
    """
    if (earlier := earlier_settings(out)) is None:
        return
    before = flatten(earlier)
    # As json gives them back, tuples as lists.
    now = flatten(json.loads(json.dumps(settings)))
    free = {"out", "overwrite", "resume", "jobs", "cluster", "seeds", "methods", "train.seed"}
    differing = [name for name in sorted(now.keys() | before.keys()) if now.get(name) != before.get(name)]
    if differing := [name for name in differing if name not in free]:
        changes = ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differing)
        raise FerlabError(f"{out} was started with other settings ({changes}): use those, or another --out.")


def earlier_settings(out: Path) -> dict[str, Any] | None:
    """The settings in ``config.json``, or None where there is none."""
    if not (out / "config.json").is_file():
        return None
    try:
        settings = json.loads((out / "config.json").read_text(encoding="utf-8"))["settings"]
        return {**settings, "methods": list(settings["methods"]), "seeds": int(settings["seeds"])}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise FerlabError(f"{out / 'config.json'} is damaged ({error}): start again with --overwrite.") from error


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names, such as ``train.augmentation.flip``."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def prepare_folder(out: Path, overwrite: bool) -> None:
    """The folder ``out``; an earlier run there, see :func:`check_folder`, is deleted when ``overwrite`` is set."""
    if overwrite and out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def write_config(out: Path, settings: dict[str, Any]) -> None:
    packages = ("torch", "lightning-fabric", "pytorch-metric-learning", "umap-learn", "scikit-learn", "numpy")
    write_json(
        out / "config.json",
        {
            "settings": settings,
            "versions": {"ferlab": __version__, "python": platform.python_version()}
            | {name: version(name) for name in packages},
            "machine": {
                "system": platform.platform(),
                "processor": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
                "threads": torch.get_num_threads(),
                "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            },
        },
    )


def save_run(
    out: Path,
    method: str,
    seed: int,
    network: ExpressionNetwork,
    history: list[dict[str, float]],
    test_set: FaceDataset,
    predictions: Predictions,
) -> FinishedRun:
    """Measure one trained network on the test split and write ``<method>/seed_<n>/``."""
    folder = run_folder(out, method, seed)
    scores = measure(test_set, predictions)
    rows = pd.DataFrame(
        {
            "method": method,
            "seed": seed,
            "index": np.arange(len(test_set)),
            "label": test_set.labels,
            "predicted": predictions.predicted,
            "confidence": predictions.confidence,
            "embedding": list(predictions.embeddings),
        }
    )
    history_rows = pd.DataFrame({"method": method, "seed": seed, **pd.DataFrame(history)})
    save_network(folder, network, test_set.classes, image_size=test_set.images.shape[1])
    write_parquet(folder / "history.parquet", history_rows)
    write_parquet(folder / "embeddings.parquet", rows)
    write_json(folder / "scores.json", scores)  # last: its presence says that the run is finished
    return FinishedRun(method, seed, scores, history_rows, rows)


def measure(test_set: FaceDataset, predictions: Predictions) -> dict[str, Any]:
    """All scores of one network on a split: what ``scores.json`` holds."""
    scores: dict[str, Any] = classification_scores(test_set.labels, predictions)
    scores["calibration_error"] = calibration_error(test_set.labels, predictions)
    recalls = class_recalls(test_set.labels, predictions, len(test_set.classes))
    scores["class_recall"] = dict(zip(test_set.classes, recalls, strict=True))
    scores["geometry"] = geometry_scores(predictions.embeddings, test_set.labels)
    scores["slices"] = slice_scores(test_set.metadata, test_set.labels, predictions.predicted).to_dict("records")
    scores["confusion"] = confusion_counts(test_set.labels, predictions, len(test_set.classes)).tolist()
    return scores


def shown_faces(faces: int) -> np.ndarray:
    """Which validation faces are followed over the epochs: indices, ascending, the same in every run."""
    return np.sort(np.random.default_rng(0).permutation(faces)[:EPOCH_FACES])


def save_epoch(folder: Path, epoch: int, predictions: Predictions) -> None:
    """Half-precision embeddings (n, D) of the followed validation faces after an epoch: ``epochs/epoch_<n>.npy``."""
    with atomic_path(folder / "epochs" / f"epoch_{epoch:04d}.npy") as beside, beside.open("wb") as file:
        np.save(file, predictions.embeddings[shown_faces(len(predictions.embeddings))].astype(np.float16))


def load_epochs(folder: Path, epochs: int) -> list[np.ndarray]:
    """What :func:`save_epoch` wrote, in order; empty unless all ``epochs`` are there."""
    paths = [folder / "epochs" / f"epoch_{epoch:04d}.npy" for epoch in range(1, epochs + 1)]
    return [np.load(path) for path in paths] if all(path.is_file() for path in paths) else []


def load_run(out: Path, method: str, seed: int) -> FinishedRun | None:
    """What :func:`save_run` wrote, or None where the training is not finished or a file of it is damaged."""
    folder = run_folder(out, method, seed)
    try:
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        history, rows = (pd.read_parquet(folder / f"{name}.parquet") for name in ("history", "embeddings"))
        load_network(folder)
    except (OSError, ValueError, FerlabError):  # pyarrow's errors are among the first two
        return None
    return FinishedRun(method, seed, scores, history, rows)


def write_parquet(path: Path, rows: pd.DataFrame) -> None:
    with atomic_path(path) as beside:
        rows.to_parquet(beside, index=False, compression="zstd")


def save_network(folder: Path, network: ExpressionNetwork, classes: tuple[str, ...], image_size: int) -> None:
    try:
        with atomic_path(folder / "model.safetensors") as beside:
            save_file({name: value.contiguous() for name, value in network.state_dict().items()}, beside)
    except SafetensorError as error:
        raise FerlabError(
            f"The network could not be written to {folder} ({error}): free some space there, then go on with --resume."
        ) from error
    description = {"network": network.settings, "classes": list(classes), "image_size": image_size}
    write_json(folder / "model.json", description)


def load_network(folder: Path) -> tuple[ExpressionNetwork, tuple[str, ...]]:
    """The network saved in ``<method>/seed_<n>/``, in evaluation mode, and its class names.

    Raises:
        FerlabError: missing or damaged files.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        network = ExpressionNetwork(**description["network"])
        network.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise FerlabError(f"No network can be read from {folder}: {error} Train it again.") from error
    return network.eval(), tuple(description["classes"])


def summarize(
    runs: list[FinishedRun], dataset: str, epochs: int, seconds: float, people: np.ndarray | None = None
) -> dict[str, Any]:
    """The content of ``summary.json``.

    Args:
        runs: every finished training.
        dataset, epochs, seconds: as they go into the summary.
        people: (N,), the person in each test face, for the intervals; None where that is not known.
    """
    names = list(dict.fromkeys(run.method for run in runs))
    methods = {name: _summarize_method([run for run in runs if run.method == name], people) for name in names}
    references = {name: other for name in names if (other := reference_of(name, names)) is not None}
    return {
        "dataset": dataset,
        "epochs": epochs,
        "seeds": sorted({run.seed for run in runs}),
        "seconds": round(seconds, 1),
        "methods": methods,
        "comparisons": {
            name: {measure: dataclasses.asdict(comparison) for measure, comparison in of.items()}
            for name, of in comparisons(methods, references).items()
        },
    }


def people_of(faces: FaceDataset) -> np.ndarray | None:
    """(N,): the person in each face, or None where the data set does not say."""
    return faces.metadata["identity"].to_numpy() if "identity" in faces.metadata else None


def _summarize_method(runs: list[FinishedRun], people: np.ndarray | None) -> dict[str, Any]:
    scores = [run.scores for run in runs]
    summary: dict[str, Any] = {score: spread([of[score] for of in scores]) for score in (*SCORES, "calibration_error")}
    labels = runs[0].embeddings["label"].to_numpy()
    intervals = bootstrap_scores(
        labels,
        np.stack([run.embeddings["predicted"].to_numpy() for run in runs]),
        np.arange(len(labels)) if people is None else people,
        num_classes=len(scores[0]["confusion"]),
    )
    for score, (low, high) in intervals.items():
        summary[score] |= {"low": low, "high": high}
    summary["geometry"] = {name: spread([of["geometry"][name] for of in scores]) for name in scores[0]["geometry"]}
    summary["class_recall"] = {
        name: spread([of["class_recall"][name] for of in scores])
        for name, recall in scores[0]["class_recall"].items()
        if recall is not None
    }
    summary["slices"] = [
        {**part, **{score: spread([of["slices"][i][score] for of in scores]) for score in SCORES[:2]}}
        for i, part in enumerate(scores[0]["slices"])
    ]
    summary["confusion"] = scores[0]["confusion"]
    return summary


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (0 for one value) and the values."""
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "values": values,
    }

"""The run folder: what a comparison leaves on disk, and how it is read again.

::

    config.json             every setting, versions, machine
    summary.json            scores a method, mean and standard deviation over seeds
    history.parquet         one row a method, seed and epoch
    embeddings.parquet      one row a method, seed and test face
    <method>/seed_<n>/      model.safetensors, model.json, and this run's scores, history and embeddings;
                            while it trains, checkpoints/ (:mod:`ferlab.training.checkpoints`)
    figures/, report.html
"""

from __future__ import annotations

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
from ferlab.evaluation import Predictions, classification_scores, confusion_counts, geometry_scores
from ferlab.files import atomic_path, write_json
from ferlab.models import ExpressionNetwork

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
    if not (out / "config.json").is_file():
        raise FerlabError(
            f"{out} is not the folder of an earlier run (it has no config.json), so it is left alone: "
            "name another one with --out."
        )


def check_same_settings(out: Path, settings: dict[str, Any]) -> None:
    """A FerlabError naming what differs, when the run in ``out`` was started with other settings.

    More seeds or methods than before are fine: the new ones are trained.
    """
    if not (out / "config.json").is_file():
        return
    try:
        earlier = json.loads((out / "config.json").read_text(encoding="utf-8"))["settings"]
        before = flatten(earlier)
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise FerlabError(f"{out / 'config.json'} is damaged ({error}): start again with --overwrite.") from error
    # As json gives them back, tuples as lists.
    now = flatten(json.loads(json.dumps(settings)))
    free = {"out", "overwrite", "resume", "seeds", "methods", "train.seed"}
    differing = [name for name in sorted(now.keys() | before.keys()) if now.get(name) != before.get(name)]
    if differing := [name for name in differing if name not in free]:
        changes = ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differing)
        raise FerlabError(f"{out} was started with other settings ({changes}): use those, or another --out.")


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
    scores: dict[str, Any] = classification_scores(test_set.labels, predictions)
    scores["geometry"] = geometry_scores(predictions.embeddings, test_set.labels)
    scores["confusion"] = confusion_counts(test_set.labels, predictions, len(test_set.classes)).tolist()
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
    save_network(folder, network, test_set.classes)
    write_parquet(folder / "history.parquet", history_rows)
    write_parquet(folder / "embeddings.parquet", rows)
    write_json(folder / "scores.json", scores)  # last: its presence says that the run is finished
    return FinishedRun(method, seed, scores, history_rows, rows)


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


def save_network(folder: Path, network: ExpressionNetwork, classes: tuple[str, ...]) -> None:
    with atomic_path(folder / "model.safetensors") as beside:
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, beside)
    write_json(folder / "model.json", {"network": network.settings, "classes": list(classes)})


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


def summarize(runs: list[FinishedRun], dataset: str, epochs: int, seconds: float) -> dict[str, Any]:
    """The content of ``summary.json``; geometry and scores as mean, standard deviation and values over seeds."""
    methods: dict[str, Any] = {}
    for name in dict.fromkeys(run.method for run in runs):
        own = [run.scores for run in runs if run.method == name]
        methods[name] = {score: spread([scores[score] for scores in own]) for score in SCORES}
        methods[name]["geometry"] = {
            measure: spread([scores["geometry"][measure] for scores in own]) for measure in own[0]["geometry"]
        }
        methods[name]["confusion"] = own[0]["confusion"]
    return {
        "dataset": dataset,
        "epochs": epochs,
        "seeds": sorted({run.seed for run in runs}),
        "seconds": round(seconds, 1),
        "methods": methods,
    }


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (0 for one value) and the values."""
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "values": values,
    }

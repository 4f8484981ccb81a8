"""A run folder with invented numbers, for the tests of figures, report and widgets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.classes import CLASSES
from ferlab.data.dataset import FaceDataset
from ferlab.runs.doses import recorded_responses

METHODS = ("ce", "tcl-nearest", "ad-corre", "ce-heads")


def fake_faces(n: int = 280, size: int = 32, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> FaceDataset:
    """Drawn faces (an oval, two eyes, a mouth that bends with the class) of every class: RGB."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(classes)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    images = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        image = np.full((size, size, 3), rng.uniform(40, 210, 3))
        skin = np.array([1.0, 0.8, 0.66]) * rng.uniform(110, 240)
        image[(x / 0.75) ** 2 + (y / 0.92) ** 2 < 1] = skin
        for side in (-0.32, 0.32):
            image[(x - side) ** 2 + (y + 0.25) ** 2 < 0.012 + 0.004 * label] = 25
        bend = np.linspace(-0.8, 0.8, len(classes))[label]
        image[(np.abs(y - 0.45 - bend * (x**2 - 0.06)) < 0.07) & (np.abs(x) < 0.38)] = (150, 40, 50)
        images[i] = np.clip(image + rng.normal(0, 6, image.shape), 0, 255)
    metadata = pd.DataFrame({"identity": rng.integers(0, 40, n), "intensity": rng.uniform(0.3, 1, n)})
    return FaceDataset("synthetic", "test", images, labels.astype(np.int64), tuple(classes), metadata)


def write_fake_run(
    folder: Path,
    dataset: FaceDataset,
    methods: tuple[str, ...] = METHODS,
    seeds: tuple[int, ...] = (0,),
    epochs: int = 12,
    mapped: int | None = None,
    seed: int = 0,
) -> Path:
    """Write summary.json, config.json, history.parquet and embeddings.parquet to `folder`; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    n, k = len(dataset), len(dataset.classes)
    on_map = np.arange(n) if mapped is None else np.sort(rng.permutation(n)[:mapped])
    angle = 2 * np.pi * np.arange(k) / k
    home = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    person = rng.normal(size=(n, 2))  # the same in every method, so that the maps agree
    summary, histories, rows = {}, [], []
    for m, method in enumerate(methods):
        spread = (0.42, 0.24, 0.28, 0.38)[m % 4]
        accuracies, balanced, f1 = [], [], []
        for s in seeds:
            accuracy = (0.83, 0.832, 0.838, 0.822)[m % 4] + 0.006 * rng.normal()
            predicted = dataset.labels.copy()
            wrong = rng.random(n) > accuracy
            predicted[wrong] = (predicted[wrong] + rng.integers(1, k, wrong.sum())) % k
            right = predicted == dataset.labels
            accuracies.append(right.mean())
            balanced.append(np.mean([right[dataset.labels == c].mean() for c in range(k)]))
            f1.append(balanced[-1] - 0.004)
            if s == seeds[0]:
                confusion = np.zeros((k, k), dtype=int)
                np.add.at(confusion, (dataset.labels, predicted), 1)
            points = home[dataset.labels] + spread * person + 0.05 * rng.normal(size=(n, 2))
            points[wrong] = (0.5 * home[dataset.labels] + 0.5 * home[predicted])[wrong] + 0.15 * person[wrong]
            shown = np.isin(np.arange(n), on_map) & (s == seeds[0])
            rows.append(
                pd.DataFrame(
                    {
                        "method": method, "seed": s, "index": np.arange(n), "label": dataset.labels,
                        "predicted": predicted, "confidence": rng.uniform(0.35, 1, n).astype(np.float32),
                        "embedding": list(rng.normal(size=(n, 4)).astype(np.float32)),
                        "x": np.where(shown, points[:, 0], np.nan).astype(np.float32),
                        "y": np.where(shown, points[:, 1], np.nan).astype(np.float32),
                    }
                )
            )  # fmt: skip
            e = np.arange(1, epochs + 1)
            ce = 1.9 * np.exp(-e / 4) + 0.35 + 0.03 * rng.random(epochs)
            nan = np.full(epochs, np.nan)
            extra = {
                "tcl": 0.6 * np.exp(-e / 5) if method.startswith("tcl") else nan,
                **{
                    p: (v * np.exp(-e / 6) if method == "ad-corre" else nan)
                    for p, v in zip(("FD", "MD", "ED"), (1.0, 0.9, 0.5), strict=True)
                },
            }
            histories.append(
                pd.DataFrame(
                    {
                        "method": method, "seed": s, "epoch": e,
                        "train_loss": ce + np.nansum(list(extra.values()), axis=0),
                        "ce": ce, **extra,
                        "validation_accuracy": accuracy * (1 - 0.7 * np.exp(-e / 3)) + 0.008 * rng.normal(size=epochs),
                        "validation_balanced_accuracy": (accuracy - 0.03) * (1 - 0.75 * np.exp(-e / 3.2))
                        + 0.008 * rng.normal(size=epochs),
                        "seconds": 3.4 * e,
                    }
                )
            )  # fmt: skip

        def of(values):
            values = [float(v) for v in values]
            return {
                "mean": float(np.mean(values)),
                "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
                "values": values,
            }

        jitter = lambda v: of([v * (1 + 0.01 * rng.normal()) for _ in seeds])  # noqa: E731
        summary[method] = {
            "accuracy": of(accuracies), "balanced_accuracy": of(balanced), "macro_f1": of(f1),
            "geometry": {
                "within_between_ratio": jitter((0.45, 0.28, 0.33, 0.44)[m % 4]),
                "silhouette": jitter((0.21, 0.43, 0.37, 0.22)[m % 4]),
                "knn_accuracy": jitter((0.826, 0.829, 0.83, 0.82)[m % 4]),
                "map_at_r": jitter((0.53, 0.66, 0.64, 0.54)[m % 4]),
            },
            "confusion": confusion.tolist(),
        }  # fmt: skip
    (folder / "summary.json").write_text(
        json.dumps(
            {"dataset": dataset.name, "epochs": epochs, "seeds": list(seeds), "seconds": 402.5, "methods": summary}
        )
    )
    (folder / "config.json").write_text(
        json.dumps(
            {
                "settings": {
                    "dataset": dataset.name,
                    "methods": list(methods),
                    "epochs": epochs,
                    "batch_size": 128,
                    "tcl": {"margin": 0.5, "weight": 2.0},
                },
                "versions": {"python": "3.11.4", "ferlab": "0.1.0", "torch": "2.14.1"},
                "machine": {"system": "Linux", "cores": 2},
            }
        )
    )
    followed = np.arange(0, n, 4)
    travelling = [
        pd.DataFrame(
            {
                "method": method, "epoch": e, "index": followed, "label": dataset.labels[followed],
                "x": home[dataset.labels[followed], 0] * e / epochs + 0.1 * m, "y": home[dataset.labels[followed], 1],
            }
        )
        for m, method in enumerate(methods)
        for e in range(1, epochs + 1)
    ]  # fmt: skip
    pd.concat(travelling, ignore_index=True).to_parquet(folder / "epochs.parquet")
    pd.concat(histories, ignore_index=True).to_parquet(folder / "history.parquet")
    pd.concat(rows, ignore_index=True).to_parquet(folder / "embeddings.parquet")
    return folder


def shaped_spaces(labels: np.ndarray) -> dict[str, np.ndarray]:
    """A space for each of the fake run's methods: TCL's twice as tight as CE's, Ad-Corre's as its control's."""
    rng = np.random.default_rng(0)
    sizes = {"ce": 8, "tcl-nearest": 8, "ce-heads": 7 * 6, "ad-corre": 7 * 6}
    spread = {"ce": 1.0, "tcl-nearest": 0.5, "ce-heads": 1.0, "ad-corre": 0.4}
    return {
        name: (4 * np.random.default_rng(1).normal(size=(labels.max() + 1, sizes[name])))[labels]
        + spread[name] * rng.normal(size=(len(labels), sizes[name]))
        for name in METHODS
    }


def replace_spaces(folder: Path, spaces: Mapping[str, np.ndarray]) -> None:
    """Have `embeddings.parquet` hold other embeddings, row i those of face i; the other methods keep theirs."""
    rows = pd.read_parquet(folder / "embeddings.parquet")
    for name, space in spaces.items():
        for place in rows.index[rows["method"] == name]:
            rows.at[place, "embedding"] = space[rows.at[place, "index"]].astype(np.float32)
    rows.to_parquet(folder / "embeddings.parquet")


def payload(page: str) -> dict[str, Any]:
    """What the report's page computes with."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def change_summary(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Have `edit` change the content of a run's summary.json."""
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    edit(summary)
    path.write_text(json.dumps(summary), encoding="utf-8")


DOSE_MEASURES = ("open_hinges", "mean_margin", "correlation_within", "correlation_between", "within_between_ratio")


def write_dosed_run(folder: Path, dataset: FaceDataset, methods: tuple[str, ...], epochs: int = 12) -> Path:
    """As :func:`write_fake_run`, of methods with strengths, with two seeds and what ``summary.json`` says of doses."""
    write_fake_run(folder, dataset, methods, seeds=(0, 1), epochs=epochs)
    rng = np.random.default_rng(0)

    def measured() -> dict[str, Any]:
        values = rng.uniform(0.2, 0.8, 2)
        return {"mean": values.mean(), "std": values.std(ddof=1), "values": values.tolist()}

    def add_doses(summary: dict[str, Any]) -> None:
        for scores in summary["methods"].values():
            own = {measure: measured() for measure in DOSE_MEASURES}
            own["balanced_accuracy"] = scores["balanced_accuracy"]
            scores["measures"] = {"train": own, "test": own}
        summary["doses"] = recorded_responses(summary["methods"])

    change_summary(folder, add_doses)
    return folder

"""A run folder with networks that were never trained: enough to place faces on maps, made in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from fake_run import fake_faces, write_fake_run

from ferlab.data.classes import CLASSES
from ferlab.evaluation import predict
from ferlab.models import ExpressionNetwork
from ferlab.projection import pca_layouts
from ferlab.runs import RunFolder

METHODS = ("ce", "tcl-nearest", "ad-corre")


def write_tiny_spaces(folder: Path, faces: int = 140, size: int = 32, channels: int = 3, dataset: str = "") -> Path:
    """Three methods, the second one with attention; returns the folder."""
    drawn = fake_faces(faces, size)
    images = drawn.images if channels == 3 else drawn.images[..., :1]
    write_fake_run(folder, drawn, METHODS, epochs=2)
    embeddings = {}
    for number, name in enumerate(METHODS):
        network = ExpressionNetwork(
            len(CLASSES), embedding_size=16, heads=2 if name == "ad-corre" else 1, in_channels=channels,
            attention=("pixel", "element") if name == "tcl-nearest" else (), seed=number,
        )  # fmt: skip
        RunFolder(folder).training(name, 0).save_network(network, CLASSES, size)
        embeddings[name] = predict(network, images).embeddings
    layouts = pca_layouts(embeddings)
    rows = pd.read_parquet(folder / "embeddings.parquet")
    rows["embedding"] = [row for name in METHODS for row in embeddings[name]]
    rows[["x", "y"]] = np.concatenate([layouts[name] for name in METHODS])
    rows.to_parquet(folder / "embeddings.parquet")
    if dataset:
        summary = folder / "summary.json"
        summary.write_text(summary.read_text().replace('"synthetic"', f'"{dataset}"', 1))
    return folder

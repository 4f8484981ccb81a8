"""What an embedding space looks like in numbers.

All measures first scale every embedding to unit length, so that spaces of different size and dimension (one vector a
face, or k heads side by side) are measured with one ruler. They look at the faces they are given only: pass a split
that the network has not seen.
"""

from __future__ import annotations

import numpy as np
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from ferlab.errors import FerlabError


def geometry_scores(embeddings: np.ndarray, labels: np.ndarray, neighbours: int = 10) -> dict[str, float]:
    """The geometry of embeddings (N, D) with labels (N,).

    Returns:
        ``within_between_ratio``: mean distance of a face to its class mean, over the mean distance between two class
        means (smaller is more compact). ``silhouette``: mean silhouette (-1..1). ``knn_accuracy``: share of faces
        whose class is the most frequent among their 10 nearest other faces. ``map_at_r``: MAP@R (Musgrave et al., *A
        Metric Learning Reality Check*, ECCV 2020), every face a query among the others.

    Raises:
        FerlabError: embeddings with NaN, or too few faces to measure.
    """
    if not np.isfinite(embeddings).all():
        raise FerlabError("The embeddings hold NaN or infinity, so their geometry cannot be measured.")
    if len(labels) <= neighbours or len(np.unique(labels)) < 2:
        raise FerlabError(
            f"The geometry needs more than {neighbours} faces of at least 2 classes, "
            f"but there are {len(labels)} of {len(np.unique(labels))}."
        )
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    embeddings = (embeddings / np.maximum(norms, 1e-12)).astype(np.float32)
    return {
        "within_between_ratio": within_between_ratio(embeddings, labels),
        "silhouette": float(silhouette_score(embeddings, labels)),
        "knn_accuracy": knn_accuracy(embeddings, labels, neighbours),
        "map_at_r": map_at_r(embeddings, labels),
    }


def within_between_ratio(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance to the own class mean over mean distance between class means."""
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in classes])
    within = np.linalg.norm(embeddings - means[own], axis=1).mean()
    first, second = np.triu_indices(len(classes), k=1)
    between = np.linalg.norm(means[first] - means[second], axis=1).mean()
    return float(within / between)


def knn_accuracy(embeddings: np.ndarray, labels: np.ndarray, neighbours: int = 10) -> float:
    """Leave-one-out accuracy of a vote among the nearest other faces; ties go to the lower class index."""
    # kneighbors() without a query leaves each point itself out.
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(embeddings).kneighbors(return_distance=False)
    votes = np.apply_along_axis(np.bincount, 1, labels[nearest], minlength=labels.max() + 1)
    return float((votes.argmax(axis=1) == labels).mean())


def map_at_r(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Mean average precision at R over all faces as queries among the others."""
    calculator = AccuracyCalculator(
        include=("mean_average_precision_at_r",),
        k="max_bin_count",
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False), batch_size=1024),
        device=torch.device("cpu"),
    )
    scores = calculator.get_accuracy(torch.from_numpy(embeddings), torch.from_numpy(labels))
    return float(scores["mean_average_precision_at_r"])

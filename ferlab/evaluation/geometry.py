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
from scipy.spatial.distance import cdist, pdist
from scipy.special import xlogy
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from ferlab.errors import FerlabError
from ferlab.vectors import unit_rows

NEIGHBORS = 10  # that vote on a face's class; a space of no more faces than that cannot be measured


def geometry_scores(embeddings: np.ndarray, labels: np.ndarray, neighbors: int = NEIGHBORS) -> dict[str, float]:
    """The geometry of embeddings (N, D) with labels (N,).

    Returns:
        ``within_between_ratio``: mean distance of a face to its class mean, over the mean distance between two class
        means (smaller is more compact). ``silhouette``: mean silhouette (-1..1). ``nearest_center_accuracy``: share of
        faces nearer to the mean of their class's other faces than to any other class mean. ``knn_accuracy``: share of
        faces whose class is the most frequent among their 10 nearest other faces. ``precision_at_1`` and ``map_at_r``:
        retrieval, every face a query among the others (Musgrave et al., *A Metric Learning Reality Check*, ECCV 2020).
        ``alignment`` (smaller: faces of a class closer) and ``uniformity`` (smaller: the sphere more evenly used):
        Wang & Isola, ICML 2020. ``effective_rank``: Roy & Vetterli, EUSIPCO 2007.

    Raises:
        FerlabError: embeddings with NaN, or too few faces to measure.
    """
    if not np.isfinite(embeddings).all():
        raise FerlabError("The embeddings hold NaN or infinity, so their geometry cannot be measured.")
    if len(labels) <= neighbors or len(np.unique(labels)) < 2:
        raise FerlabError(
            f"The geometry needs more than {neighbors} faces of at least 2 classes, "
            f"but there are {len(labels)} of {len(np.unique(labels))}."
        )
    embeddings = unit_rows(embeddings).astype(np.float32)
    precision, map_at_r = retrieval_scores(embeddings, labels)
    return {
        "within_between_ratio": within_between_ratio(embeddings, labels),
        "silhouette": float(silhouette_score(embeddings, labels)),
        "nearest_center_accuracy": nearest_center_accuracy(embeddings, labels),
        "knn_accuracy": knn_accuracy(embeddings, labels, neighbors),
        "precision_at_1": precision,
        "map_at_r": map_at_r,
        "alignment": alignment(embeddings, labels),
        "uniformity": uniformity(embeddings),
        "effective_rank": effective_rank(embeddings),
    }


def within_between_ratio(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance to the own class mean over mean distance between class means."""
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([embeddings[labels == c].mean(axis=0) for c in classes])
    within = np.linalg.norm(embeddings - means[own], axis=1).mean()
    first, second = np.triu_indices(len(classes), k=1)
    between = np.linalg.norm(means[first] - means[second], axis=1).mean()
    return float(within / between)


def relative_spread(embeddings: np.ndarray, chosen: np.ndarray) -> float:
    """Mean distance of some faces to their mean, over the same for all faces.

    Args:
        embeddings: (N, D).
        chosen: which faces, as positions or bool (N,).

    >>> round(relative_spread(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 1])), 3)
    0.111
    """

    def spread(rows: np.ndarray) -> float:
        return float(np.linalg.norm(rows - rows.mean(axis=0), axis=1).mean())

    return spread(embeddings[chosen]) / spread(embeddings)


def knn_accuracy(embeddings: np.ndarray, labels: np.ndarray, neighbors: int = 10) -> float:
    """Leave-one-out accuracy of a vote among the nearest other faces; ties go to the lower class index."""
    # kneighbors() without a query leaves each point itself out.
    nearest = NearestNeighbors(n_neighbors=neighbors).fit(embeddings).kneighbors(return_distance=False)
    votes = np.apply_along_axis(np.bincount, 1, labels[nearest], minlength=labels.max() + 1)
    return float((votes.argmax(axis=1) == labels).mean())


def nearest_center_accuracy(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of the nearest class mean, each face left out of its own class's mean; a class of one is left out."""
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.stack([embeddings[labels == c].sum(axis=0) for c in classes])
    to_means = cdist(embeddings, sums / counts[:, None])
    others = np.maximum(counts[own] - 1, 1)[:, None]
    faces = np.arange(len(labels))
    to_means[faces, own] = np.linalg.norm(embeddings - (sums[own] - embeddings) / others, axis=1)
    kept = counts[own] > 1
    return float((to_means.argmin(axis=1) == own)[kept].mean())


def retrieval_scores(embeddings: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Precision at 1 and mean average precision at R over all faces as queries among the others."""
    calculator = AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r"),
        k="max_bin_count",
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False), batch_size=1024),
        device=torch.device("cpu"),
    )
    scores = calculator.get_accuracy(torch.from_numpy(embeddings), torch.from_numpy(labels))
    return float(scores["precision_at_1"]), float(scores["mean_average_precision_at_r"])


def alignment(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of two different faces of one class, over all such pairs."""
    total, pairs = 0.0, 0
    for c in np.unique(labels):
        own = embeddings[labels == c].astype(np.float64)
        # sum over all ordered pairs of |x - y|^2 = 2 n sum |x|^2 - 2 |sum x|^2
        total += 2 * len(own) * (own**2).sum() - 2 * (own.sum(axis=0) ** 2).sum()
        pairs += len(own) * (len(own) - 1)
    return float(total / pairs) if pairs else float("nan")


def uniformity(embeddings: np.ndarray, temperature: float = 2.0) -> float:
    """Logarithm of the mean of ``exp(-temperature |x - y|^2)`` over all pairs of different faces."""
    return float(np.log(np.exp(-temperature * pdist(embeddings, "sqeuclidean")).mean()))


def effective_rank(embeddings: np.ndarray) -> float:
    """Exponential of the entropy of the centered embeddings' singular values: how many directions are in use."""
    values = np.linalg.svd(embeddings - embeddings.mean(axis=0), compute_uv=False)
    if values.sum() == 0:
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-xlogy(shares, shares).sum()))

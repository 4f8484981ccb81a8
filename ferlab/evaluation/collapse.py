"""Neural collapse: how far the spread within the classes has vanished, as the literature measures it."""

from __future__ import annotations

import numpy as np

from ferlab.errors import FerlabError

COLLAPSE_LABELS = {
    "nc1": "NC1, spread within over spread between",
    "nc2_lengths": "NC2, unequal lengths of the class means",
    "nc2_angles": "NC2, unequal angles between the class means",
    "nc2_simplex": "NC2, angles' distance from a simplex",
    "nc3": "NC3, classifier away from the class means",
}


def collapse_scores(
    embeddings: np.ndarray, labels: np.ndarray, classifier: np.ndarray | None = None
) -> dict[str, float]:
    """The measures NC1 to NC3 of Papyan, Han & Donoho, PNAS 2020 (arXiv:2008.08186); all are 0 at full collapse.

    With ``mu_c`` the class means, ``mu`` their mean, ``S_w`` the covariance within classes and ``S_b`` that of the
    class means, over the K classes that are present:

    - ``nc1``: ``trace(S_w pinv(S_b)) / K``, the spread within the classes.
    - ``nc2_lengths``: standard deviation over mean of ``|mu_c - mu|``.
    - ``nc2_angles``: standard deviation of the cosines between two of the ``mu_c - mu``.
    - ``nc2_simplex``: mean of ``|cos + 1 / (K - 1)|`` over the same pairs: 0 where the means are a simplex.
    - ``nc3``: ``|W / |W| - M / |M||`` with Frobenius norms, W the classifier and M the means, both centered over the
      classes; left out without a classifier.

    Unlike :func:`~ferlab.evaluation.geometry_scores` it takes the embeddings at the length that they have, as the
    classifier reads them, and is meant for the training faces, on which a collapse happens.

    Args:
        embeddings: (N, D).
        labels: (N,).
        classifier: (K, D), the weights that make the logits, one row a class; its rows of absent classes are left out.

    Raises:
        FerlabError: NaN, or fewer than two classes.

    Example:
        >>> corners = np.repeat(np.eye(3), 4, axis=0)
        >>> collapse_scores(corners, np.arange(3).repeat(4), np.eye(3))["nc1"]
        0.0
    """
    if not np.isfinite(embeddings).all():
        raise FerlabError("The embeddings hold NaN or infinity, so their collapse cannot be measured.")
    classes, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise FerlabError(f"A collapse is measured between classes, but there is {len(classes)}.")
    embeddings = embeddings.astype(np.float64)
    means = np.stack([embeddings[own == place].mean(axis=0) for place in range(len(classes))])
    within = (embeddings - means[own]) / np.sqrt(len(embeddings))
    centered = means - means.mean(axis=0)
    # trace(S_w pinv(S_b)) with S_b = C'C / K: of C'C there are K - 1 directions, so its inverse is taken among them.
    _, lengths, directions = np.linalg.svd(centered / np.sqrt(len(classes)), full_matrices=False)
    used = lengths > lengths.max() * 1e-10
    spread = np.square(within @ directions[used].T).sum(axis=0) / np.square(lengths[used])
    norms = np.linalg.norm(centered, axis=1)
    first, second = np.triu_indices(len(classes), k=1)
    smallest = np.finfo(np.float64).tiny
    cosines = (centered[first] * centered[second]).sum(axis=1) / np.maximum(norms[first] * norms[second], smallest)
    found = {
        "nc1": spread.sum() / len(classes),
        "nc2_lengths": norms.std() / max(norms.mean(), smallest),
        "nc2_angles": cosines.std(),
        "nc2_simplex": np.abs(cosines + 1 / (len(classes) - 1)).mean(),
    }
    if classifier is not None:
        rows = classifier[classes].astype(np.float64)
        rows = rows - rows.mean(axis=0)  # a shift of all logits says nothing
        found["nc3"] = np.linalg.norm(
            rows / max(np.linalg.norm(rows), smallest) - centered / max(np.linalg.norm(centered), smallest)
        )
    return {name: float(value) for name, value in found.items()}

"""Planes that need no optimization: what a triplet-center loss compares, and where the class means lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ferlab.errors import FerlabError
from ferlab.projection.aligned import check_epochs

CURVE_POINTS = 60  # of the hinge's curve: no corner is seen
MOST_TICKS = 8  # steps of distance along an axis


def class_means(embeddings: np.ndarray, labels: np.ndarray, num_classes: int | None = None) -> np.ndarray:
    """The mean of every class: float64 (K, D), a row of NaN for a class without faces.

    Args:
        embeddings: float array (N, D).
        labels: int array (N,), 0..K-1.
        num_classes: K; None: as many as the labels name.

    >>> class_means(np.array([[0.0, 2.0], [4.0, 0.0], [6.0, 0.0]]), np.array([0, 1, 1])).tolist()
    [[0.0, 2.0], [5.0, 0.0]]
    """
    count = int(labels.max(initial=-1)) + 1 if num_classes is None else num_classes
    members = np.zeros((count, len(labels)))
    members[labels, np.arange(len(labels))] = 1
    totals = members @ np.asarray(embeddings, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # 0 / 0, of a class without faces
        means: np.ndarray = totals / members.sum(axis=1, keepdims=True)
    return means


def triplet_plane(embeddings: np.ndarray, labels: np.ndarray, centers: np.ndarray | None = None) -> np.ndarray:
    """What a triplet-center loss compares of every face: how far its own center is, and how far the nearest other one.

    Distances are squared and divided by D, the units in which a method's margin m is given. The hinge
    ``max(0, d(own) + m - d(other))`` is shut for the points above the line ``y = x + m``; a face below ``y = x`` is
    nearer to another class's center than to its own. Distances are taken as they are: a loss with a fixed margin
    acts on the size of a space too. So where all embeddings have length 1 (the heads of Ad-Corre), all points
    lie near the origin.

    Args:
        embeddings: float array (N, D), not scaled.
        labels: int array (N,).
        centers: float array (K, D), such as the class means of the training faces; a row of NaN is no center. None: the
            class means of the faces themselves, which lie closer to them than any others.

    Returns:
        A float32 array (N, 2): d(own), d(nearest other).

    Raises:
        FerlabError: arrays that do not fit together, NaN or infinite embeddings, fewer than two centers, a face whose
            class has none.

    Reference:
        He et al., *Triplet-Center Loss for Multi-View 3D Object Retrieval*, CVPR 2018.

    Example:
        >>> faces = np.array([[0.0, 1.0], [4.0, 0.0]])
        >>> triplet_plane(faces, np.array([0, 1]), centers=np.array([[0.0, 0.0], [4.0, 0.0]])).tolist()
        [[0.5, 8.5], [0.0, 8.0]]
    """
    embeddings, labels = checked(embeddings, labels)
    centers = class_means(embeddings, labels) if centers is None else np.asarray(centers, dtype=np.float64)
    known = known_means(embeddings, labels, centers)
    size = embeddings.shape[1]
    # By a product of matrices, with the centers' middle as origin: where all lie far from it, digits would be lost.
    middle = centers[known].mean(axis=0)
    faces, hubs = embeddings - middle, np.where(known[:, None], centers - middle, 0.0)
    squared = (faces**2).sum(axis=1)[:, None] + (hubs**2).sum(axis=1)[None] - 2 * faces @ hubs.T
    distances = np.where(known[None], np.maximum(squared, 0.0) / size, np.inf)
    rows = np.arange(len(labels))
    own = distances[rows, labels].copy()
    distances[rows, labels] = np.inf
    return np.stack([own, distances.min(axis=1)], axis=1).astype(np.float32)


def open_hinges(plane: np.ndarray, margin: float) -> float:
    """The share of points of a :func:`triplet_plane` at which a loss with this margin still pulls, 0 to 1.

    >>> open_hinges(np.array([[0.1, 3.0], [0.5, 1.0]]), margin=2.0)
    0.5
    """
    own, other = np.asarray(plane, dtype=np.float64).T
    return float((own + margin > other).mean())


def triplet_reach(planes: Sequence[np.ndarray], margin: float) -> float:
    """How far the axes of several triplet planes go, from 0, that they have one scale and show the hinge's line.

    One face in two hundred of a plane may lie beyond: a few faces far off would press all others into a corner.

    >>> triplet_reach([np.array([[0.0, 1.0], [2.0, 10.0]])], margin=2.0)
    10...
    """
    far = max(float(np.quantile(np.asarray(plane).max(axis=1), 0.995)) for plane in planes)
    return max(1.05 * far, 1.3 * margin)


def on_roots(plane: np.ndarray) -> np.ndarray:
    """A :func:`triplet_plane` as it is drawn: on axes of square roots, which read squared distances.

    The squared distances of spaces that a loss was turned up in are many times those under cross-entropy, whose faces
    would be pressed into the corner of one straight scale for all. On these axes a step is a step of distance.

    >>> on_roots(np.array([[4.0, 9.0]])).tolist()
    [[2.0, 3.0]]
    """
    rooted: np.ndarray = np.sqrt(plane)
    return rooted


def hinge_curve(margin: float, reach: float) -> np.ndarray:
    """The hinge's line ``y = x + margin`` on axes of square roots, where it is a curve: float64 (n, 2).

    It runs from x = 0 to y = `reach` (a squared distance), and is empty where the margin is not below that.

    >>> hinge_curve(margin=3.0, reach=4.0)[[0, -1]].round(3).tolist()
    [[0.0, 1.732], [1.0, 2.0]]
    """
    if reach <= margin:
        return np.empty((0, 2))
    x = np.sqrt(reach - margin) * np.linspace(0, 1, CURVE_POINTS) ** 2  # closer where it is bent
    return np.stack([x, np.sqrt(x**2 + margin)], axis=1)


def root_ticks(reach: float) -> list[float]:
    """The squared distances that are written at axes of square roots up to `reach`: those of whole steps of distance.

    >>> root_ticks(30.0), root_ticks(2.6)
    ([0.0, 1.0, 4.0, 9.0, 16.0, 25.0], [0.0, 0.25, 1.0, 2.25])
    """
    end = float(np.sqrt(reach))
    power = 10 ** np.floor(np.log10(end / MOST_TICKS))
    step = next(by * power for by in (1, 2, 5, 10) if by * power * MOST_TICKS >= end * (1 - 1e-9))
    return [round(float((n * step) ** 2), 12) for n in range(int(end / step + 1e-9) + 1)]


def class_mean_plane(embeddings: np.ndarray, labels: np.ndarray, means: np.ndarray | None = None) -> np.ndarray:
    """A linear map onto the plane in which the class means lie farthest apart.

    That is the plane of the first two principal directions of the class means; their middle is the origin. The unit
    is the mean distance between two class means in the *full* space, not on the plane: a space without a fixed length
    can be larger than another without separating anything better, and in this unit a cloud that looks tighter is
    tighter against the distance between classes, in every space alike. Nothing is bent, so what lies apart here lies
    apart in the space; what lies together may differ in the other directions.

    Args:
        embeddings: float array (N, D), not scaled.
        labels: int array (N,).
        means: float array (K, D), such as the class means of the training faces; a row of NaN is no mean. None: those
            of the faces themselves.

    Returns:
        A float32 array (N, 2).

    Raises:
        FerlabError: as :func:`triplet_plane`; class means that all coincide.

    Example:
        >>> faces = np.array([[-3.0, 0.0, 5.0], [3.0, 0.0, 5.0]])
        >>> np.abs(class_mean_plane(faces, np.array([0, 1]))).tolist()
        [[0.5, 0.0], [0.5, 0.0]]
    """
    return class_mean_epoch_planes({"one": [embeddings]}, labels, None if means is None else {"one": means})["one"][0]


def class_mean_epoch_planes(
    embeddings: Mapping[str, Sequence[np.ndarray]],
    labels: np.ndarray,
    means: Mapping[str, np.ndarray] | None = None,
) -> dict[str, list[np.ndarray]]:
    """:func:`class_mean_plane` of several spaces over their epochs, turned so that the classes lie in like places.

    Every epoch is drawn on the plane of its method's last one, with that one's origin and unit, so that a point's way
    over the map is its true way in that plane. Spaces are turned and reflected onto the first one by their class means
    (orthogonal Procrustes analysis), never scaled.

    Args:
        embeddings: method name -> one float array (N, D) an epoch, not scaled; row i is the same face everywhere.
        labels: int array (N,).
        means: method name -> float array (K, D) of its last epoch; None: of the faces themselves.

    Returns:
        method name -> one float32 array (N, 2) an epoch.

    Raises:
        FerlabError: as :func:`class_mean_plane`; a method without epochs, differing N.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space, labels = rng.normal(size=(40, 8)), np.arange(40) % 4
        >>> planes = class_mean_epoch_planes({"ce": [space], "larger": [3 * space]}, labels)
        >>> bool(np.allclose(planes["ce"][0], planes["larger"][0], atol=1e-5))
        True
    """
    check_epochs(embeddings, at_least=2)
    reference: np.ndarray | None = None
    planes: dict[str, list[np.ndarray]] = {}
    for method, epochs in embeddings.items():
        last, labels = checked(epochs[-1], labels)
        own = class_means(last, labels) if means is None else np.asarray(means[method], dtype=np.float64)
        known = known_means(last, labels, own)
        origin, axes = _plane_of_means(own[known])
        drawn = np.zeros((len(own), 2))
        drawn[known] = (own[known] - origin) @ axes
        if reference is None:
            reference = drawn
        axes = axes @ _turn_onto(reference, drawn)
        planes[method] = [
            ((np.asarray(space, dtype=np.float64) - origin) @ axes).astype(np.float32) for space in epochs
        ]
    return planes


def triplet_epoch_planes(
    embeddings: Mapping[str, Sequence[np.ndarray]], labels: np.ndarray
) -> dict[str, list[np.ndarray]]:
    """:func:`triplet_plane` of several spaces over their epochs, every epoch with its own class means as centers.

    Args:
        embeddings: method name -> one float array (N, D) an epoch, not scaled.
        labels: int array (N,).

    Returns:
        method name -> one float32 array (N, 2) an epoch.

    Raises:
        FerlabError: as :func:`triplet_plane`; a method without epochs, differing N.

    Example:
        >>> space = np.random.default_rng(0).normal(size=(40, 8))
        >>> triplet_epoch_planes({"ce": [space, space]}, np.arange(40) % 4)["ce"][1].shape
        (40, 2)
    """
    check_epochs(embeddings, at_least=2)
    return {method: [triplet_plane(space, labels) for space in epochs] for method, epochs in embeddings.items()}


def checked(embeddings: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A float64 matrix (N, D) and labels (N,) that fit together, or a FerlabError."""
    embeddings, labels = np.asarray(embeddings, dtype=np.float64), np.asarray(labels)
    if embeddings.ndim != 2 or labels.shape != (len(embeddings),) or not len(labels):
        raise FerlabError(
            f"This view needs embeddings (N, D) and labels (N,), but got {embeddings.shape} and {labels.shape}."
        )
    if not np.isfinite(embeddings).all():
        raise FerlabError("The embeddings hold NaN or infinite values; did the training diverge?")
    return embeddings, labels


def known_means(embeddings: np.ndarray, labels: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Which rows of `means` (K, D) are means: bool array (K,). A FerlabError where they do not fit the faces."""
    if means.ndim != 2 or means.shape[1] != embeddings.shape[1]:
        raise FerlabError(
            f"Centers need one row of {embeddings.shape[1]} numbers a class, as the embeddings have, but have shape "
            f"{means.shape}."
        )
    known = np.isfinite(means).all(axis=1)
    if known.sum() < 2:
        raise FerlabError("This view compares classes: it needs faces of at least two.")
    if labels.min() < 0 or labels.max() >= len(means) or not known[labels].all():
        raise FerlabError("Some faces are of a class that has no center.")
    return known


def _plane_of_means(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Origin (D,) and axes (D, 2): a point x lies at ``(x - origin) @ axes``, in units of the means' mean distance."""
    origin = means.mean(axis=0)
    first, second = np.triu_indices(len(means), k=1)
    unit = np.linalg.norm(means[first] - means[second], axis=1).mean()
    if unit <= 1e-12:
        raise FerlabError("All class means coincide, so there is no plane in which they lie apart.")
    _, _, directions = np.linalg.svd(means - origin, full_matrices=False)
    directions = directions[: min(2, len(means) - 1)]  # the last one of K centered means has no length
    axes = np.zeros((len(origin), 2))
    axes[:, : len(directions)] = directions.T
    return origin, axes / unit


def _turn_onto(reference: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The rotation or reflection (2, 2) that brings points (K, 2) closest to a reference, about the origin."""
    u, _, vt = np.linalg.svd(points.T @ reference)
    turn: np.ndarray = u @ vt
    return turn

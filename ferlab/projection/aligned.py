"""The same points in several embedding spaces, as maps that can be compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from ferlab.errors import FerlabError
from ferlab.projection.graph import comparable_rows, nearest_rows, neighbor_graph

MINIMUM_POINTS = 10
DISTANCES = ("cosine", "correlation", "euclidean")
STARTS = ("spectral", "random")


def aligned_layouts(
    embeddings: Mapping[str, np.ndarray],
    seed: int = 0,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: str = "cosine",
    on_space: Callable[[str], None] | None = None,
    start: str = "spectral",
    densmap: bool = False,
) -> dict[str, np.ndarray]:
    """UMAP of every space, turned so that a point lies in about the same place wherever the spaces agree.

    A first UMAP of the first space is the *common start*. From it every space is optimized on its own neighbor
    graph alone, and then brought onto the first space's map by Procrustes analysis (shift, rotation,
    reflection, one scale), which changes no shape. So what still differs between two maps is what differs
    between the spaces, apart from UMAP's own freedom. `umap.AlignedUMAP` was the other candidate: it took five
    times as long (3,000 points, three spaces) and pulls corresponding points together *while* optimizing, which
    blends the spaces that are to be told apart.

    Neighbors are exact, by cosine distance in every space unless another metric is named: the spaces have different
    sizes, scales and norms (the heads of Ad-Corre are L2-normalized, the others are not), and the angle is the measure
    they share.

    Args:
        embeddings: method name -> float array (N, D_m); row i is the same image in each. The first one is the
            reference.
        seed: same input and seed, same numbers.
        n_neighbors: size of UMAP's neighborhoods; at most N - 1 is used.
        min_dist: UMAP's smallest distance between points of the map.
        metric: "cosine", "correlation" (cosine after taking the mean out of every row) or "euclidean".
        on_space: called with the name of each space when its turn comes.
        start: where the points of the first map begin: "spectral" (the graph's eigenvectors, as UMAP does) or "random",
            which keeps neighbors as well, but not how the clouds lie to each other (Kobak & Linderman, Nature
            Biotechnology 2021).
        densmap: keep densities too, by densMAP: what lies closer together than the rest of its space is drawn smaller,
            where UMAP draws everything about equally dense. Local radii are kept relative to the other points of the
            *same* space; that a whole space has become tighter, densMAP cannot show.

    Returns:
        method name -> float32 array (N, 2), in the order given. The first is centered, with root mean square radius 1;
        all share its scale.

    Raises:
        FerlabError: no space, not a matrix, NaN or infinite values, fewer than 10 points, differing N, settings out
            of range.

    Reference:
        McInnes, Healy & Melville, *UMAP: Uniform Manifold Approximation and Projection*, arXiv:1802.03426; for densMAP
        Narayan, Berger & Cho, *Assessing single-cell transcriptomic variability through density-preserving data
        visualization*, Nature Biotechnology 2021.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space = rng.normal(size=(40, 8))
        >>> maps = aligned_layouts({"ce": space, "ad-corre": space * 3})
        >>> maps["ce"].shape
        (40, 2)
    """
    spaces = checked_spaces(embeddings)
    if n_neighbors < 2:
        raise FerlabError(f"n_neighbors is {n_neighbors}; choose at least 2.")
    if not 0 <= min_dist <= 1:
        raise FerlabError(f"min_dist is {min_dist}; choose a value from 0 to 1.")
    if metric not in DISTANCES:
        raise FerlabError(f"There is no metric {metric!r} here; choose one of: {', '.join(DISTANCES)}.")
    if start not in STARTS:
        raise FerlabError(f"There is no start {start!r} here; choose one of: {', '.join(STARTS)}.")

    lay_out = partial(_umap, epochs=200, seed=seed, n_neighbors=n_neighbors, min_dist=min_dist, metric=metric)
    common_start = None
    layouts: dict[str, np.ndarray] = {}
    reference = None
    for name, space in spaces.items():
        if on_space is not None:
            on_space(name)
        if common_start is None:
            common_start = lay_out(space, start=start)
        # The first space too goes on from there, so that spaces that agree get the same map to the last digit.
        layout = lay_out(space, start=common_start, densmap=densmap)
        if reference is None:
            reference = unit_radius(layout)
            layouts[name] = reference.astype(np.float32)
        else:
            layouts[name] = procrustes(reference, layout)[0].astype(np.float32)
    return layouts


def epoch_layouts(
    embeddings: Mapping[str, Sequence[np.ndarray]],
    seed: int = 0,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: str = "cosine",
    on_space: Callable[[str], None] | None = None,
    densmap: bool = False,
) -> dict[str, list[np.ndarray]]:
    """Maps of every space after every epoch, such that points travel smoothly from one to the next.

    The last epochs are laid out as in :func:`aligned_layouts`, from a common start. Then each method's maps are made
    backwards, every epoch starting from the map of the epoch after it and optimized on its own neighbor graph, and
    turned onto that one by Procrustes analysis. So a point moves between two maps as far as its neighbors change, not
    because UMAP happened to begin elsewhere. All maps of a method keep the radius of its last one: the best scale
    would shrink an early, unordered map to a dot, for the less two maps agree, the smaller it is.

    Args:
        embeddings: method name -> one float array (N, D) an epoch, of the same images in the same order everywhere.
        seed, n_neighbors, min_dist, metric: as for :func:`aligned_layouts`.
        on_space: called with the name of each space before its last epoch and again before the earlier ones.
        densmap: as for :func:`aligned_layouts`.

    Returns:
        method name -> one float32 array (N, 2) an epoch.

    Raises:
        FerlabError: as :func:`aligned_layouts`; a method without epochs.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> last = rng.normal(size=(40, 8))
        >>> maps = epoch_layouts({"ce": [last + rng.normal(size=(40, 8)), last]})
        >>> len(maps["ce"]), maps["ce"][0].shape
        (2, (40, 2))
    """
    check_epochs(embeddings)
    ends = {name: epochs[-1] for name, epochs in embeddings.items()}
    last = aligned_layouts(ends, seed, n_neighbors, min_dist, metric, on_space, densmap=densmap)
    lay_out = partial(
        _umap, epochs=100, seed=seed, n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, densmap=densmap
    )
    layouts: dict[str, list[np.ndarray]] = {}
    for name, epochs in embeddings.items():
        if on_space is not None:
            on_space(name)
        maps = [last[name]]
        radius = np.sqrt(((last[name] - last[name].mean(axis=0)) ** 2).sum(axis=1).mean())
        # UMAP expects a start that spans about 10; the maps are scaled to radius 1.
        for space in reversed(epochs[:-1]):
            layout = lay_out(space, start=5 * maps[0].astype(np.float64))
            maps.insert(0, procrustes(maps[0], radius * unit_radius(layout), scaled=False)[0].astype(np.float32))
        layouts[name] = maps
    return layouts


def procrustes(reference: np.ndarray, points: np.ndarray, scaled: bool = True) -> tuple[np.ndarray, float]:
    """Shift, rotate, reflect and scale `points` onto `reference` with the least squared distance.

    Args:
        reference: float array (N, 2).
        points: float array (N, 2), row i corresponding to row i of the reference.
        scaled: False: keep the size of `points`.

    Returns:
        The moved points (N, 2) and the disparity: the share of the reference's variance that is left as
        distance, 0 for two maps of one shape; scaled, at most 1.

    Example:
        >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        >>> moved, disparity = procrustes(square, square[:, ::-1] * 3 + 7)
        >>> bool(np.allclose(moved, square)), round(disparity, 6)
        (True, 0.0)
    """
    reference = np.asarray(reference, dtype=np.float64)
    turn, shift = similarity(reference, points, scaled)
    moved = np.asarray(points, dtype=np.float64) @ turn + shift
    spread = ((reference - reference.mean(axis=0)) ** 2).sum()
    return moved, float(((moved - reference) ** 2).sum() / max(spread, 1e-12))


def similarity(reference: np.ndarray, points: np.ndarray, scaled: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`procrustes` does to a point: a matrix (2, 2) and a shift (2,); it becomes `x @ matrix + shift`.

    Args:
        reference, points, scaled: as for :func:`procrustes`.
    """
    reference = np.asarray(reference, dtype=np.float64)
    points = np.asarray(points, dtype=np.float64)
    center, own_center = reference.mean(axis=0), points.mean(axis=0)
    a, b = reference - center, points - own_center
    u, s, vt = np.linalg.svd(b.T @ a)
    scale = s.sum() / max((b**2).sum(), 1e-12) if scaled else 1.0
    turn = scale * (u @ vt)
    return turn, center - own_center @ turn


def unit_radius(layout: np.ndarray) -> np.ndarray:
    """The layout with its mean at the origin and a root mean square radius of 1."""
    centered = layout - layout.mean(axis=0)
    return centered / max(np.sqrt((centered**2).sum(axis=1).mean()), 1e-12)


def check_epochs(embeddings: Mapping[str, Sequence[np.ndarray]], at_least: int = MINIMUM_POINTS) -> None:
    """Raise a FerlabError unless every method has epochs, and all of them hold the same images."""
    if empty := [name for name, epochs in embeddings.items() if not len(epochs)]:
        raise FerlabError(f"{', '.join(empty)} has no epochs to lay out.")
    for epoch in range(max(map(len, embeddings.values()), default=0)):
        checked_spaces({name: epochs[epoch] for name, epochs in embeddings.items() if epoch < len(epochs)}, at_least)


def checked_spaces(embeddings: Mapping[str, np.ndarray], at_least: int = MINIMUM_POINTS) -> dict[str, np.ndarray]:
    """The spaces as float64 matrices of the same N, or a FerlabError that says what is wrong with them."""
    if not embeddings:
        raise FerlabError("There is no embedding space to lay out; give at least one.")
    spaces: dict[str, np.ndarray] = {}
    first_name, first_size = "", 0
    for name, values in embeddings.items():
        space = np.asarray(values, dtype=np.float64)
        if space.ndim != 2:
            raise FerlabError(f"The embeddings of {name} must be a matrix (N, D), but have shape {space.shape}.")
        if not spaces:
            first_name, first_size = name, len(space)
        if len(space) != first_size:
            raise FerlabError(
                f"{name} has {len(space)} points and {first_name} has {first_size}; to be compared, every space "
                "needs the same images in the same order."
            )
        if not np.isfinite(space).all():
            raise FerlabError(f"The embeddings of {name} hold NaN or infinite values; did its training diverge?")
        spaces[name] = space
    if first_size < at_least:
        raise FerlabError(f"A map needs at least {at_least} points, but there are {first_size}.")
    return spaces


def _umap(
    space: np.ndarray,
    *,
    start: str | np.ndarray,
    epochs: int,
    seed: int,
    n_neighbors: int,
    min_dist: float,
    metric: str,
    densmap: bool = False,
) -> np.ndarray:
    """One layout, float64 (N, 2). UMAP's own steps, but with exact neighbors by matrix product: as UMAP()
    compiles and runs a neighbor search of its own, this is several times quicker at a few thousand points."""
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    points = comparable_rows(space, metric)
    n_neighbors = min(n_neighbors, len(points) - 1)
    graph = neighbor_graph(*nearest_rows(points, n_neighbors, metric))
    a, b = find_ab_params(1.0, min_dist)
    densities = _densities(points, graph, metric) if densmap else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "graph is not fully connected": well separated classes are no fault
        layout, _ = simplicial_set_embedding(
            points,
            graph,
            n_components=2,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=epochs,
            init=start,
            random_state=np.random.RandomState(seed),
            metric="euclidean" if metric == "euclidean" else "cosine",
            metric_kwds={},
            densmap=bool(densities),
            densmap_kwds=densities,
            output_dens=False,
            parallel=False,  # in parallel the numbers differ from run to run
        )
    return layout.astype(np.float64)


def _densities(points: np.ndarray, graph: sparse.coo_matrix, metric: str) -> dict[str, Any]:
    """What densMAP needs beside UMAP's graph, with umap's own weights; empty where all points lie equally dense.

    Its criterion is a correlation with the points' local radii, which does not exist where all radii are alike (all
    points identical, for one); there is no density to be kept then.
    """
    rows, columns = graph.row, graph.col
    if metric == "euclidean":
        lengths = np.linalg.norm(points[rows] - points[columns], axis=1)
    else:
        lengths = np.maximum(1.0 - np.einsum("nd,nd->n", points[rows], points[columns]), 0.0)
    radii = np.bincount(rows, graph.data * lengths**2, minlength=len(points))
    if np.ptp(np.log(1e-8 + radii / np.maximum(np.bincount(rows, graph.data, minlength=len(points)), 1e-12))) < 1e-6:
        return {}
    # umap asks for one length after the other, which a dict answers a hundred times as fast as a sparse matrix.
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {
        "lambda": 2.0,
        "frac": 0.3,
        "var_shift": 0.1,
        "graph_dists": dict(zip(pairs, lengths.astype(np.float64).tolist(), strict=True)),
    }

"""The spaces as the page draws them: with the losses' own eyes, and by UMAP; Ad-Corre's correlations."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.methods import heads_of, reference_of, strength_of
from ferlab.projection import (
    PairHistograms,
    class_mean_epoch_planes,
    class_mean_plane,
    correlation_order,
    face_correlations,
    head_correlations,
    open_hinges,
    pair_histograms,
    split_heads,
    triplet_plane,
)
from ferlab.projection.captions import CAPTIONS
from ferlab.projection.planes import on_roots, triplet_reach
from ferlab.runs.reading import Run

# Of the correlation matrix: so many rows are still some pixels wide each on half a page, and take 20 kB.
MATRIX_FACES = 140
BINS = 60
# Places are sent as 16-bit numbers, no farther from the frame's middle than this, in units of its half width.
FARTHEST = 4.0
# A space of which the class means nearly coincide is huge in their distance, and would shrink all others to dots.
LARGEST_OF_MEDIAN = 3.0
NO_EMBEDDINGS = "This run holds no embeddings of its test faces, so their maps alone can be drawn."
ONE_CLASS = "All faces shown are of one class, and the other views compare classes."


@dataclass(frozen=True)
class View:
    """One way of looking at the spaces, on one scale for all of them.

    Attributes:
        key: as in :data:`ferlab.projection.captions.CAPTIONS`.
        name: for people.
        places: method -> float array (N, 2), row i the same face everywhere.
        middle, reach: of the square that all maps are drawn in: its middle (x, y) and half its width.
        notes: method -> what is written into its map.
        missing: method -> why it cannot be seen this way.
        hinge: of TCL's plane, where places are the roots of squared distances: the margin, a squared one; else None.
    """

    key: str
    name: str
    places: dict[str, np.ndarray]
    middle: tuple[float, float]
    reach: float
    notes: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    hinge: float | None = None


def space_views(run: Run, points: Mapping[str, pd.DataFrame]) -> tuple[list[View], str]:
    """The views of a run, the first one to be shown first, and a sentence why there are no others ("" where there are).

    Args:
        run: the run.
        points: method -> the faces on its map, the same ones in the same order, as `Run.map_points` gives them.
    """
    if not points:
        return [], ""
    layouts = {name: rows[["x", "y"]].to_numpy(dtype=np.float64) for name, rows in points.items()}
    is_plane = run.has_planes
    own_map = _framed("embedding" if is_plane else "umap", "Embedding" if is_plane else "UMAP", layouts)
    labels = next(iter(points.values()))["label"].to_numpy(dtype=np.int64)
    spaces = spaces_of(run, points)
    if not spaces:
        return [own_map], NO_EMBEDDINGS
    if len(np.unique(labels)) < 2:
        return [own_map], ONE_CLASS
    triplet = _triplet_view(spaces, labels)
    if is_plane:  # the plane of its class means would be the embedding itself, turned
        return [view for view in (own_map, triplet) if view.places], ""
    return [view for view in (triplet, _class_mean_view(spaces, labels), own_map) if view.places], ""


def spaces_of(run: Run, points: Mapping[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """Method -> embeddings (N, D_m) of the faces on its map, not scaled; none of a run that kept none."""
    spaces: dict[str, np.ndarray] = {}
    if "embedding" not in run.embeddings:
        return spaces
    for name, rows in points.items():
        own = run.embeddings[(run.embeddings["method"] == name) & np.isfinite(run.embeddings["x"])]
        own = own[own["seed"] == own["seed"].iloc[0]].set_index("index")["embedding"].loc[rows["index"]]
        if own.notna().all():
            spaces[name] = np.stack(own.to_numpy()).astype(np.float64)
    return spaces


def view_payload(view: View) -> dict[str, Any]:
    """A view as report.js takes it; :func:`coded` says how the places are written."""
    every = np.concatenate(list(view.places.values()))
    middle = np.array(view.middle)
    every = np.clip(every, middle - FARTHEST * view.reach, middle + FARTHEST * view.reach)
    low = every.min(axis=0)
    span = np.maximum(every.max(axis=0) - low, 1e-12)
    return {
        "key": view.key,
        "name": view.name,
        "caption": CAPTIONS[view.key],
        "middle": list(view.middle),
        "reach": view.reach,
        "low": low.tolist(),
        "span": span.tolist(),
        "places": {name: coded(places, low, span) for name, places in view.places.items()},
        "notes": view.notes,
        "missing": view.missing,
        "hinge": view.hinge,
    }


def coded(places: np.ndarray, low: np.ndarray, span: np.ndarray) -> str:
    """Places (N, 2) as base64 of 16-bit numbers x y x y .., 0 at `low` and 65535 at `low + span`.

    >>> base64.b64decode(coded(np.array([[1.0, 5.0]]), low=np.array([0.0, 5.0]), span=np.array([1.0, 1.0])))
    b'\\xff\\xff\\x00\\x00'
    """
    shares = np.clip((places - low) / span, 0, 1)
    return base64.b64encode(np.rint(65535 * shares).astype("<u2").tobytes()).decode()


# ---- views -------------------------------------------------------------------------------------------------------


def _triplet_view(spaces: Mapping[str, np.ndarray], labels: np.ndarray) -> View:
    from ferlab.figures.own_views import MARGIN  # matplotlib takes a second

    planes: dict[str, np.ndarray] = {}
    missing: dict[str, str] = {}
    for name, space in spaces.items():
        try:
            planes[name] = triplet_plane(space, labels)
        except FerlabError as error:
            missing[name] = str(error)
    end = triplet_reach(list(planes.values()), MARGIN) ** 0.5 if planes else 1.0
    # The names and numbers of the axes stand to the left and below, where no point is.
    return View(
        "triplet",
        "TCL's plane",
        {name: on_roots(plane) for name, plane in planes.items()},
        middle=(0.44 * end, 0.44 * end),
        reach=0.58 * end,
        notes={name: f"hinge open: {100 * open_hinges(plane, MARGIN):.0f} %" for name, plane in planes.items()},
        missing=missing,
        hinge=MARGIN,
    )


def _class_mean_view(spaces: Mapping[str, np.ndarray], labels: np.ndarray) -> View:
    drawable: dict[str, list[np.ndarray]] = {}
    missing: dict[str, str] = {}
    for name, space in spaces.items():
        try:
            class_mean_plane(space, labels)  # by itself: one space that cannot be drawn leaves the others
            drawable[name] = [space]
        except FerlabError as error:
            missing[name] = str(error)
    planes = class_mean_epoch_planes(drawable, labels) if drawable else {}
    return _framed("class-means", "Class means", {name: epochs[0] for name, epochs in planes.items()}, missing)


def _framed(key: str, name: str, places: Mapping[str, np.ndarray], missing: Mapping[str, str] | None = None) -> View:
    """A view in the square that holds nearly all points of all maps."""
    ends = [np.quantile(layout, (0.001, 0.999), axis=0) for layout in places.values()]  # (low, high) each
    halves = [float(np.ptp(end, axis=0).max()) / 2 for end in ends]
    if key == "class-means" and halves:
        largest = LARGEST_OF_MEDIAN * float(np.median(halves))
        ends = [end for end, half in zip(ends, halves, strict=True) if half <= largest]
    low = np.min([end[0] for end in ends], axis=0) if ends else np.zeros(2)
    high = np.max([end[1] for end in ends], axis=0) if ends else np.ones(2)
    x, y = ((low + high) / 2).tolist()
    reach = 1.06 * float((high - low).max()) / 2 or 1.0
    return View(key, name, dict(places), (x, y), reach, missing=dict(missing or {}))


# ---- Ad-Corre's own picture ---------------------------------------------------------------------------------------


def correlation_payload(run: Run, points: Mapping[str, pd.DataFrame], num_classes: int) -> dict[str, Any] | None:
    """What report.js draws of the correlations in the spaces with several heads; None for a run without such.

    Args:
        run: the run.
        points: as for :func:`space_views`.
        num_classes: K, names of classes that the data set has.

    Returns:
        ``faces`` (positions among the points, sorted by class), ``methods`` (for each its matrix as base64 of bytes, 0
        for a correlation of -1 and 255 for 1, histograms, means and the heads with each other), ``top`` (the height of
        all histograms), ``shown`` (a control and its loss), ``colors`` (of the scale) and the caption.
    """
    spaces = spaces_of(run, points)
    heads = {name: heads_of(name, space.shape[1]) for name, space in spaces.items()}
    spaces = {name: space for name, space in spaces.items() if heads[name] > 1 and np.isfinite(space).all()}
    if not spaces:
        return None
    labels = next(iter(points.values()))["label"].to_numpy(dtype=np.int64)
    drawn, measured = correlation_order(labels, num_classes, MATRIX_FACES), correlation_order(labels, num_classes)
    pictures: dict[str, dict[str, Any]] = {}
    histograms: dict[str, PairHistograms] = {}
    for name, space in spaces.items():
        vectors = split_heads(space, heads[name])
        matrix = face_correlations(vectors[drawn])
        histograms[name] = pair_histograms(face_correlations(vectors[measured]), labels[measured], BINS)
        pictures[name] = {
            "cells": base64.b64encode(np.rint(127.5 * (matrix + 1)).astype(np.uint8).tobytes()).decode(),
            "heads": head_correlations(vectors[measured]).round(3).tolist(),
            **_histogram_payload(histograms[name]),
        }
    return {
        "faces": drawn.tolist(),
        "methods": pictures,
        "top": max(float(max(found.same.max(), found.other.max())) for found in histograms.values()) or 1.0,
        "shown": control_and_loss(run, list(spaces)),
        "colors": _scale(),
        "caption": CAPTIONS["correlations"],
    }


def control_and_loss(run: Run, methods: list[str]) -> list[str]:
    """Of some methods with heads the two to be seen side by side: a control and its loss, or what there is."""
    pairs = [(reference, name) for name in methods if (reference := reference_of(name, run.methods)) in methods]
    if not pairs:
        return methods[:2]
    of_losses = strongest_unbroken(run, [name for _, name in pairs])
    return next([str(reference), name] for reference, name in pairs if name == of_losses)


def strongest_unbroken(run: Run, methods: list[str]) -> str:
    """Of some methods the one to be shown: without a strength, or with the largest that left the network whole."""
    broken = set(_broken(run))
    whole = [name for name in methods if name not in broken] or methods
    plain = [name for name in whole if strength_of(name) is None]
    return plain[0] if plain else max(whole, key=lambda name: strength_of(name) or 0.0)


def _broken(run: Run) -> Iterator[str]:
    """The methods whose strength is at or beyond the one at which the network breaks."""
    for of in run.summary.get("doses", {}).values():
        for name, strength in zip(of.get("methods", []), of["strengths"], strict=False):
            if of["breaks_at"] is not None and strength >= of["breaks_at"]:
                yield name


def _histogram_payload(found: PairHistograms) -> dict[str, Any]:
    means = {"same_mean": found.same_mean, "other_mean": found.other_mean}
    return {
        "same": found.same.round(3).tolist(),
        "other": found.other.round(3).tolist(),
        **{key: round(mean, 3) if np.isfinite(mean) else None for key, mean in means.items()},
    }


def _scale() -> list[str]:
    """The colors of the correlations from -1 to 1, those of the figures."""
    from matplotlib import colormaps  # takes a second
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in colormaps["RdBu_r"](np.linspace(0, 1, 33))]

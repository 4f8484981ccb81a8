"""Two-dimensional maps of embedding spaces."""

from __future__ import annotations

from ferlab.projection.aligned import DISTANCES, STARTS, aligned_layouts, epoch_layouts, procrustes
from ferlab.projection.correlations import (
    PairHistograms,
    correlation_order,
    face_correlations,
    head_correlations,
    pair_histograms,
    split_heads,
)
from ferlab.projection.graph import link_strengths
from ferlab.projection.linear import pca_epoch_layouts, pca_layouts
from ferlab.projection.placing import FittedMap, PlacingError, place, placing_error
from ferlab.projection.planes import (
    class_mean_epoch_planes,
    class_mean_plane,
    class_means,
    open_hinges,
    triplet_epoch_planes,
    triplet_plane,
)
from ferlab.projection.quality import MapQuality, map_quality, pair_distances

__all__ = [
    "DISTANCES",
    "STARTS",
    "FittedMap",
    "MapQuality",
    "PairHistograms",
    "PlacingError",
    "aligned_layouts",
    "class_mean_epoch_planes",
    "class_mean_plane",
    "class_means",
    "correlation_order",
    "epoch_layouts",
    "face_correlations",
    "head_correlations",
    "link_strengths",
    "map_quality",
    "open_hinges",
    "pair_distances",
    "pair_histograms",
    "pca_epoch_layouts",
    "pca_layouts",
    "place",
    "placing_error",
    "procrustes",
    "split_heads",
    "triplet_epoch_planes",
    "triplet_plane",
]

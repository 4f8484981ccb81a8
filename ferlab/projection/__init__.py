"""Two-dimensional maps of embedding spaces."""

from __future__ import annotations

from ferlab.projection.aligned import DISTANCES, STARTS, aligned_layouts, epoch_layouts, procrustes
from ferlab.projection.graph import link_strengths
from ferlab.projection.linear import pca_epoch_layouts, pca_layouts
from ferlab.projection.placing import FittedMap, PlacingError, place, placing_error
from ferlab.projection.quality import MapQuality, map_quality, pair_distances

__all__ = [
    "DISTANCES",
    "STARTS",
    "FittedMap",
    "MapQuality",
    "PlacingError",
    "aligned_layouts",
    "epoch_layouts",
    "link_strengths",
    "map_quality",
    "pair_distances",
    "pca_epoch_layouts",
    "pca_layouts",
    "place",
    "placing_error",
    "procrustes",
]

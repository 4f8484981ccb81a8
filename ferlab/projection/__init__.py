"""Two-dimensional maps of embedding spaces."""

from __future__ import annotations

from ferlab.projection.aligned import aligned_layouts, epoch_layouts, procrustes
from ferlab.projection.placing import FittedMap, PlacingError, place, placing_error

__all__ = ["FittedMap", "PlacingError", "aligned_layouts", "epoch_layouts", "place", "placing_error", "procrustes"]

"""Two-dimensional maps of embedding spaces."""

from __future__ import annotations

from ferlab.projection.aligned import aligned_layouts, epoch_layouts, procrustes

__all__ = ["aligned_layouts", "epoch_layouts", "procrustes"]

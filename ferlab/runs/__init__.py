"""The run folder: what a comparison leaves on disk, and how it is read again."""

from __future__ import annotations

from ferlab.runs.reading import Run, read_run
from ferlab.runs.settings import CompareSettings

__all__ = ["CompareSettings", "Run", "read_run"]

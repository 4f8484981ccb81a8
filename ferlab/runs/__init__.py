"""The run folder: what a comparison leaves on disk, and how it is read again.

>>> from ferlab.runs import RunFolder, read_run
"""

from __future__ import annotations

from ferlab.runs.asked import asked_by
from ferlab.runs.folder import RunFolder
from ferlab.runs.plan import load_splits, quick_part, read_settings
from ferlab.runs.reading import Run, first_seed_spaces, read_run
from ferlab.runs.summary import FinishedTraining
from ferlab.runs.training_folder import EPOCH_FACES, StoredNetwork, TrainingFolder

__all__ = [
    "EPOCH_FACES",
    "FinishedTraining",
    "Run",
    "RunFolder",
    "StoredNetwork",
    "TrainingFolder",
    "asked_by",
    "first_seed_spaces",
    "load_splits",
    "quick_part",
    "read_run",
    "read_settings",
]

"""Comparisons, searches and evaluations: what the command line starts.

>>> from ferlab.experiments import CompareSettings, run_compare
"""

from __future__ import annotations

from ferlab.experiments.compare import run_compare
from ferlab.experiments.evaluate import evaluate_run
from ferlab.experiments.tune import run_tune
from ferlab.settings import CompareSettings, TuneSettings

__all__ = ["CompareSettings", "TuneSettings", "evaluate_run", "run_compare", "run_tune"]

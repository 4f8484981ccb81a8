"""The report that opens from disk, its figures, tables and verdict."""

from __future__ import annotations

from ferlab.report.dose_sentences import DoseEffect, dose_effects, dose_table, strongest, told_by
from ferlab.report.figure_files import save_figures
from ferlab.report.machine import machine_facts
from ferlab.report.page import write_report
from ferlab.report.tables import score_table
from ferlab.report.verdict import Verdict, verdict

__all__ = [
    "DoseEffect",
    "Verdict",
    "dose_effects",
    "dose_table",
    "machine_facts",
    "save_figures",
    "score_table",
    "strongest",
    "told_by",
    "verdict",
    "write_report",
]

"""The run folder, and the report that opens from disk."""

from __future__ import annotations

from ferlab.report.run_folder import Run, read_run
from ferlab.report.tables import score_table
from ferlab.report.verdict import Verdict, verdict
from ferlab.report.writing import write_report

__all__ = ["Run", "Verdict", "read_run", "score_table", "verdict", "write_report"]

"""The run folder, and the report that opens from disk."""

from __future__ import annotations

from ferlab.report.run_folder import Run, read_run
from ferlab.report.writing import write_report

__all__ = ["Run", "read_run", "write_report"]

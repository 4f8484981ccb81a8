"""The scores as a table for notebooks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_run import change_summary, write_fake_run

from ferlab.report import score_table
from ferlab.runs import read_run


def test_score_table_holds_the_means(tmp_path, faces):
    run_dir = write_fake_run(tmp_path / "r", faces, seeds=(0, 1))
    change_summary(run_dir, lambda summary: summary["methods"]["ce"].pop("geometry"))
    table = score_table(read_run(run_dir))
    assert list(table.index) == ["Cross-entropy", "CE + TCL (nearest)", "CE + Ad-Corre", "CE, k heads (control)"]
    accuracy = json.loads((run_dir / "summary.json").read_text())["methods"]["ce"]["accuracy"]["values"]
    assert table.loc["Cross-entropy", "accuracy ↑"] == pytest.approx(np.mean(accuracy))
    assert np.isnan(table.loc["Cross-entropy", "within / between ↓"])

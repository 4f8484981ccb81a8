"""Results as tables."""

from __future__ import annotations

import pandas as pd

from ferlab.methods import method_label
from ferlab.report.measures import MEASURES, measured
from ferlab.runs.reading import Run


def score_table(run: Run) -> pd.DataFrame:
    """The measures of every method: one row a method, means over the seeds (NaN where absent).

    An arrow in a column's name says which way is better.
    """
    rows = {}
    for name, scores in run.summary["methods"].items():
        values = {measure: measured(scores, measure.key) for measure in MEASURES}
        rows[method_label(name)] = {m.key: None if value is None else value["mean"] for m, value in values.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    frame.columns = pd.Index([f"{measure.heading} {measure.arrow}" for measure in MEASURES])
    return frame.rename_axis("method")

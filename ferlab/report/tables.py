"""Results as tables."""

from __future__ import annotations

import pandas as pd

from ferlab.palette import method_label
from ferlab.report.measures import METRICS, metric_of
from ferlab.runs.reading import Run


def score_table(run: Run) -> pd.DataFrame:
    """The metrics of every method: one row a method, means over the seeds (NaN where absent).

    An arrow in a column's name says which way is better.
    """
    rows = {}
    for name, of in run.summary["methods"].items():
        values = {key: metric_of(of, key) for key, *_ in METRICS}
        rows[method_label(name)] = {key: None if value is None else value["mean"] for key, value in values.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    frame.columns = [f"{heading} {'↑' if more else '↓'}" for _, heading, more, _ in METRICS]
    return frame.rename_axis("method")

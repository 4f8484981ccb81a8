"""Every number of a run again, from its weights."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.runs import FinishedTraining, RunFolder, load_splits, read_settings
from ferlab.runs.summary import measure, people_of, summarize

# Another processor or number of threads rounds differently, which can move a face across a border.
TOLERANCE = 2e-3


@dataclass(frozen=True)
class Evaluation:
    """Scores computed again.

    Attributes:
        summary: as ``summary.json`` would hold them.
        differences: one line for every number that is not what ``summary.json`` says.
        checked: how many numbers were compared.
    """

    summary: dict[str, Any]
    differences: list[str]
    checked: int


def evaluate_run(run: Path, root: Path | None = None) -> Evaluation:
    """Measure the saved networks of a run again.

    Args:
        run: run folder.
        root: folder of the data set, when it has moved since.

    Raises:
        FerlabError: nothing finished there; changed or damaged files; missing data, or other faces than the run's.
    """
    folder = RunFolder(run)
    settings = read_settings(folder)
    stored = folder.summary()
    folder.check_unchanged()
    splits = load_splits(settings if root is None else dataclasses.replace(settings, root=root), ("train", "test"))
    folder.check_same_faces(splits, mend="name the folder that holds them as they were, with --root")
    test_set = splits["test"]
    trainings: list[FinishedTraining] = []
    for name in stored["methods"]:
        for seed in stored["seeds"]:
            training = folder.training(name, seed)
            if (finished := training.load()) is None:
                raise FerlabError(f"{training.path} is not finished or is damaged: go on with --resume.")
            stored_network = training.load_network()
            if stored_network.classes != test_set.classes:
                raise FerlabError(f"{run} was trained on other classes than {test_set.name} has: name its data set.")
            if not np.array_equal(finished.embeddings["label"], test_set.labels):
                raise FerlabError(
                    f"{training.path} was measured on other faces than {test_set.name} has: name the folder that holds "
                    "them as they were, with --root."
                )
            predictions = predict(stored_network.network, test_set.images)
            rows = finished.embeddings.assign(predicted=predictions.predicted)
            scores = measure(stored_network.network, splits["train"], test_set, predictions, name)
            trainings.append(FinishedTraining(name, seed, scores, finished.history, rows))
    summary = summarize(
        trainings,
        stored["dataset"],
        stored["epochs"],
        stored["seconds"],
        people_of(test_set),
        stored.get("diverged", {}),
    )
    summary = json.loads(json.dumps(summary))
    now, before = dict(_numbers(summary)), dict(_numbers(stored))
    differences = [
        f"{name}: {before[name]} in summary.json, {value} now"
        for name, value in now.items()
        if name in before and not math.isclose(value, before[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    ]
    differences += [f"{name}: only in one of summary.json and the evaluation" for name in now.keys() ^ before.keys()]
    return Evaluation(summary, differences, len(now))


def _numbers(values: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested dicts and lists, under a dotted name; confusion counts and p-values left out."""
    if isinstance(values, dict):
        for key, value in values.items():
            # A p-value can jump between 0 and 1 by a rounding; what it is computed from is compared.
            if key not in ("confusion", "p", "p_corrected"):
                yield from _numbers(value, f"{name}.{key}" if name else key)
    elif isinstance(values, list):
        for i, value in enumerate(values):
            yield from _numbers(value, f"{name}.{i}")
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield name, float(values)

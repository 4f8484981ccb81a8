"""One trained run for all that other programs are given of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from ferlab.experiments import CompareSettings, run_compare
from ferlab.training import TrainSettings


@pytest.fixture(scope="session")
def run(shared_folder: Path) -> Path:
    out = shared_folder / "applied"
    train = TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true")
    methods = ("ce", "ad-corre", "ad-corre+attention")
    with FileLock(shared_folder / "applied.lock"):
        if not (out / "report.html").exists():
            run_compare(CompareSettings(out, "tiny", methods=methods, epochs=4, train=train, no_figures=True))
    return out

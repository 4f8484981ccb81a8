"""``ferlab compare`` on the tiny data set, a program that a test can kill: OUT METHODS EPOCHS [--resume]."""

from __future__ import annotations

import sys
from pathlib import Path

import tiny  # noqa: F401  (registers the data set)

from ferlab.experiments import CompareSettings, run_compare
from ferlab.training import TrainSettings


def main() -> None:
    out, methods, epochs, *flags = sys.argv[1:]
    settings = TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true")
    run_compare(
        CompareSettings(
            Path(out),
            dataset="tiny",
            methods=tuple(methods.split(",")),
            epochs=int(epochs),
            resume="--resume" in flags,
            train=settings,
            no_figures=True,
        )
    )


if __name__ == "__main__":
    main()

"""``ferlab compare`` on the tiny data set, a program that a test can kill: OUT METHODS EPOCHS [--resume]."""

from __future__ import annotations

import sys
from pathlib import Path

from tiny import tiny_faces

from ferlab.experiments import CompareSettings, compare, run_compare
from ferlab.training import TrainSettings


def main() -> None:
    out, methods, epochs, *flags = sys.argv[1:]
    compare.load_dataset = lambda name, split, root: tiny_faces(split, 24 if split == "train" else 12)
    settings = TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true")
    run_compare(
        CompareSettings(
            Path(out),
            methods=tuple(methods.split(",")),
            epochs=int(epochs),
            resume="--resume" in flags,
            train=settings,
        )
    )


if __name__ == "__main__":
    main()

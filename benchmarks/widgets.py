"""All benchmarks of the widgets, one after the other, each in a process of its own.

    python benchmarks/widgets.py

What a person waits for: EmbeddingExplorer with 10,000 points opens within 3 s, changes the epoch or the strength within
150 ms and shows Ad-Corre's picture of 500 faces within 1 s, FaceLab answers a slider within 250 ms, LossPlayground
makes a step within 50 ms, TrainingMonitor takes less than 5 % of the training. On a machine that does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = ("explorer", "explorer_browser", "face_lab", "face_lab_browser", "playground", "monitor")


def main() -> None:
    for name in NAMES:
        path = Path(__file__).with_name(f"widget_{name}.py")
        print(f"== {path.name}", flush=True)
        subprocess.run([sys.executable, str(path)], check=True)


if __name__ == "__main__":
    main()

"""Make the gallery that ships with the package from two finished runs.

ferlab compare --methods all --strengths 0,1,4,16,64 --seeds 5 --jobs 2 --out runs/doses
ferlab compare --methods ce,center,tcl-nearest --embedding-size 2 --epochs 14 --out runs/plane
python data_scripts/make_gallery.py runs/doses runs/plane
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ferlab.data import load_dataset
from ferlab.experiments.maps import add_maps, epoch_maps
from ferlab.gallery.opening import FILES
from ferlab.gallery.packing import SEED, Part, pack_gallery
from ferlab.methods import ALL_METHODS, reference_of, without_strength
from ferlab.runs import RunFolder

WITH_STRENGTHS = ("tcl-nearest", "ad-corre")


def part(name: str, run: RunFolder, methods: list[str], faces: dict) -> Part:
    """Some trainings of a run, with maps of their own."""
    trainings = run.finished([(method, SEED) for method in methods])
    rows = add_maps(trainings, len(faces["test"]))
    return Part(name, run, rows, epoch_maps(trainings, run, faces["validation"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with all methods, strengths and seeds")
    parser.add_argument("plane", type=Path, help="run folder of embeddings of two numbers")
    given = parser.parse_args()
    run, plane = RunFolder(given.run), RunFolder(given.plane)
    faces = {split: load_dataset("synthetic", split) for split in ("train", "validation", "test")}
    seeds = run.summary()
    controls = [control for name in WITH_STRENGTHS if (control := reference_of(name, seeds["methods"]))]
    trained = [name for name in run.settings()["methods"] if run.training(name, SEED).load() is not None]
    dosed = [name for name in trained if without_strength(name) in WITH_STRENGTHS or name in controls]
    parts = [
        part("methods", run, list(ALL_METHODS), faces),
        part("strengths", run, dosed, faces),
        part("plane", plane, list(plane.summary()["methods"]), faces),
    ]
    for path in FILES.glob("*"):
        path.unlink()
    FILES.mkdir(exist_ok=True)
    pack_gallery(parts, seeds, faces["train"], faces["test"], FILES)
    for path in sorted(FILES.iterdir()):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")


if __name__ == "__main__":
    main()

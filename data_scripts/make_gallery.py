"""Make the gallery that ships with the package from two finished runs.

ferlab compare --methods all --out runs/all
ferlab compare --methods all --seeds 3 --out runs/seeds
python data_scripts/make_gallery.py runs/all runs/seeds
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ferlab.data import load_dataset
from ferlab.gallery.opening import FILES
from ferlab.gallery.packing import pack_gallery


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with all methods and one seed")
    parser.add_argument("seeds_run", type=Path, help="run folder with all methods and several seeds")
    given = parser.parse_args()
    FILES.mkdir(exist_ok=True)
    train_set, test_set = (load_dataset("synthetic", split) for split in ("train", "test"))
    pack_gallery(given.run, given.seeds_run, train_set, test_set, FILES)
    for path in sorted(FILES.iterdir()):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")


if __name__ == "__main__":
    main()

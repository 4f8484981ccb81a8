"""Choose the default strength of every metric loss from a finished comparison with strengths, on validation faces.

The rule: the strongest on the grid whose balanced accuracy on validation, as a mean over the seeds, is within one point
of its control's. Written as a table; ferlab/methods/table.py holds what it says, and a test compares the two::

    ferlab compare --methods all --strengths 0,1,4,16,64 --seeds 5 --jobs 2 --out runs/doses
    python data_scripts/choose_strengths.py runs/doses docs/tuning/strengths.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from ferlab.files import atomic_path
from ferlab.methods import reference_of, strength_of, without_strength
from ferlab.runs import read_run

AFFORDED = 0.01  # of balanced accuracy


def validation_scores(history: pd.DataFrame) -> pd.DataFrame:
    """Balanced accuracy on validation after the last epoch: one row a method, one column a seed."""
    last = history.sort_values("epoch").groupby(["method", "seed"], sort=False).last()
    scores: pd.DataFrame = last["validation_balanced_accuracy"].unstack("seed")
    return scores


def choose_strengths(scores: pd.DataFrame) -> pd.DataFrame:
    """Every strength of every metric loss with its mean score, its control's, and which one is chosen.

    Args:
        scores: one row a method, one column a seed, of which all methods have the same.
    """
    rows = []
    for name in scores.index:
        control = reference_of(name, set(scores.index))
        if control is not None:
            own, of_control = scores.loc[name], scores.loc[control]
            rows.append(
                {
                    "method": without_strength(name),
                    "strength": strength_of(name),
                    "seeds": int(own.notna().sum()),
                    "balanced_accuracy": own.mean(),
                    "control": of_control.mean(),
                }
            )
    table = pd.DataFrame(rows).sort_values(["method", "strength"], kind="stable").reset_index(drop=True)
    afforded = table[table["balanced_accuracy"] >= table["control"] - AFFORDED]
    chosen = afforded.groupby("method")["strength"].max()
    return table.assign(chosen=table["strength"] == table["method"].map(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with strengths and several seeds")
    parser.add_argument("out", type=Path, help="table to write, .csv")
    given = parser.parse_args()
    table = choose_strengths(validation_scores(read_run(given.run).history))
    with atomic_path(given.out) as beside:
        table.round(4).to_csv(beside, index=False)
    print(table.round(4).to_string(index=False))


if __name__ == "__main__":
    main()

"""Scores for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ferlab.texts import plain


def say(console: Console, sentence: str) -> None:
    """Print a sentence as it is: brackets in a path are no markup, and a long path is not broken."""
    console.print(plain(sentence), soft_wrap=True)


def terminal_table(summary: dict[str, Any]) -> Table:
    """The scores as a table for the terminal; standard deviations when there are several seeds."""
    several = len(summary["seeds"]) > 1
    columns: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "accu-\nracy": lambda scores: scores["accuracy"],
        "balan-\nced": lambda scores: scores["balanced_accuracy"],
        "macro-\nF1": lambda scores: scores["macro_f1"],
        "within/\nbetween": lambda scores: scores["geometry"]["within_between_ratio"],
        "silhou-\nette": lambda scores: scores["geometry"]["silhouette"],
        "10-NN": lambda scores: scores["geometry"]["knn_accuracy"],
        "MAP@R": lambda scores: scores["geometry"]["map_at_r"],
    }
    # Narrow enough for a terminal of 80 columns.
    table = Table(
        title=plain(f"{summary['dataset']}, test split, {summary['epochs']} epochs, seeds {summary['seeds']}"),
        box=box.SIMPLE,
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )
    table.add_column("method", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right")
    for method, scores in summary["methods"].items():
        cells = []
        for read in columns.values():
            value = read(scores)
            cells.append(f"{value['mean']:.3f}" + (f" ± {value['std']:.3f}" if several else ""))
        table.add_row(plain(method), *cells)
    return table

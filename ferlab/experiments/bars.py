"""Bars of progress on the terminal, all of one kind."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress_bars(console: Console, *, width: int = 40) -> Progress:
    """Bars with what is done, the time so far and the time left; a task's ``note`` field stands behind them.

    Args:
        console: where they are drawn.
        width: of a bar, in letters.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),  # brackets in a method's name are no markup
        BarColumn(width),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )

"""Notebooks of the series without their solutions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ferlab.errors import FerlabError
from ferlab.files import atomic_path
from ferlab.lab import FIRST_NOTEBOOK, find_clone

_SOLUTION = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
_FOLD_OUT = re.compile(r"\n*<details>.*?</details>\n*", re.DOTALL)


def hand_out(out: str | Path, numbers: Sequence[str] = (), hints: bool = True) -> list[Path]:
    """Copy notebooks of the series without their solutions.

    Args:
        out: folder to write; notebooks of these names in it are replaced.
        numbers: which, such as ``["00", "03"]``; all when empty.
        hints: whether the hints stay, and other fold-outs, which answer questions of the text.

    Returns:
        The written notebooks.

    Raises:
        FerlabError: no such notebook, no series here (it lies in a clone of the project, not in the package), or
            ``out`` is the folder of the series.

    Example:
        >>> hand_out("build/hand-out", ["03"], hints=False)    # doctest: +SKIP
    """
    import nbformat  # brings a validator of JSON schemas along, which the command line need not wait for

    chosen = _chosen(numbers)
    if Path(out).resolve() == chosen[0].parent.resolve():
        raise FerlabError(f"{out} holds the series itself, with its solutions: name another folder.")
    written = []
    for path in chosen:
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.pop("jupytext", None)  # else JupyterLab would look for the text beside it, or write one
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                text = _without(_SOLUTION, cell.source)
                cell.source = text if hints else _without(_FOLD_OUT, text)
        target = Path(out) / path.name
        with atomic_path(target) as beside:
            nbformat.write(notebook, beside)
        written.append(target)
    return written


def _chosen(numbers: Sequence[str]) -> list[Path]:
    """The notebooks with these numbers; all when there are none."""
    clone = find_clone()
    if clone is None:
        raise FerlabError("There are no notebooks here; run this in a clone of ferlab.")
    folder = (clone / FIRST_NOTEBOOK).parent
    series = {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    wanted = [number.zfill(2) for number in numbers]
    if unknown := [number for number in wanted if number not in series]:
        raise FerlabError(f"There is no notebook {', '.join(unknown)}; there are {', '.join(series)}.")
    return [series[number] for number in wanted or series]


def _without(block: re.Pattern[str], text: str) -> str:
    return block.sub("\n\n", text).strip("\n")

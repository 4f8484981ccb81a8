"""Where the notebooks lie, and what is in them."""

from __future__ import annotations

from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if not any(part.startswith(".") for part in path.parts)
)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / name, as_version=4)

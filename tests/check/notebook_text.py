"""Every notebook and its text (``NAME.ipynb`` and ``NAME.py``) hold the same cells, and no outputs are kept.

python tests/check/notebook_text.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jupytext

ROOT = Path(__file__).parents[2]


def disagreement(notebook: Path) -> str | None:
    """What is to be done about a notebook, in one sentence; None where all is well."""
    name, text = notebook.relative_to(ROOT), notebook.with_suffix(".py")
    if not text.is_file():
        return f"{name} has no text beside it: jupytext --set-formats ipynb,py:percent {name}"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
        return f"{name} holds outputs: jupytext --to ipynb {name.with_suffix('.py')}"
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(text).cells]
    if [(cell["cell_type"], "".join(cell["source"])) for cell in cells] != written:
        mended = f"jupytext --update --to ipynb {name.with_suffix('.py')}"
        return f"{name} differs from its text; where the text is right: {mended}"
    return None


def main() -> int:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    found = [said for said in map(disagreement, notebooks) if said]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

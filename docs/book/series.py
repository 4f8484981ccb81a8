"""The notebook series: what its table in the README and the set-up cell of each notebook say.

Run as a program, this writes both anew: after a new notebook, a new title or time, or when the project gets an address
(``Repository`` under ``[project.urls]`` in pyproject.toml, the one place that holds it)::

    python docs/book/series.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).parents[2]
COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"
BRANCH = "main"
FIRST_LINE = '# %% tags=["setup", "remove-cell"]\n'
SETUP = """\
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", "{source}"))
"""
TABLE = re.compile(r"(?<=<!-- the series, by docs/book/series.py -->\n\n)(\|.*\n)+")


@dataclass(frozen=True)
class Entry:
    """A notebook: its place below the project's folder, the title in its first heading, the minutes it takes."""

    path: str
    title: str
    minutes: str

    @property
    def number(self) -> str:
        return Path(self.path).name[:2]


def repository(root: Path = ROOT) -> str | None:
    """The project's address, such as https://github.com/someone/ferlab; None as long as it has none."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def entries(root: Path = ROOT) -> list[Entry]:
    """All notebooks in their order."""
    found = []
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        text = path.with_suffix(".py").read_text(encoding="utf-8")
        title = re.search(r"^# # (.+)$", text, re.MULTILINE)
        minutes = re.search(r"^# \*\*Time:\*\* about (\d+) minutes", text, re.MULTILINE)
        if title is None or minutes is None:
            raise ValueError(f"{path.name} needs a title and a line that begins: **Time:** about 30 minutes")
        found.append(Entry(path.relative_to(root).as_posix(), title[1], minutes[1]))
    return found


def links(path: str, address: str) -> str:
    """Where a notebook opens with one click."""
    name = urlsplit(address).path.strip("/")
    return (
        f"[Colab]({COLAB}/github/{name}/blob/{BRANCH}/{path}) · "
        f"[Binder]({BINDER}/v2/gh/{name}/{BRANCH}?urlpath={quote(f'lab/tree/{path}', safe='')})"
    )


def table(readme: str, root: Path = ROOT) -> str:
    """The README with its table of the series anew; what one learns is kept, it is written there by hand."""
    address = repository(root)
    if (old := TABLE.search(readme)) is None:
        raise ValueError("README.md has lost its table of the series")
    learned = dict(re.findall(r"\]\((\S+\.ipynb)\) \| (.*?) \|", old[0]))
    rows = [["", "notebook", "afterwards you can", "minutes"], ["---"] * 4]
    rows += [[e.number, f"[{e.title}]({e.path})", learned.get(e.path, "?"), e.minutes] for e in entries(root)]
    if address:
        rows = [
            row + [cell]
            for row, cell in zip(
                rows, ["open in", "---", *(links(e.path, address) for e in entries(root))], strict=True
            )
        ]
    return TABLE.sub(lambda _: "".join(f"| {' | '.join(row)} |\n" for row in rows), readme)


def setup_cell(root: Path = ROOT) -> str:
    """The set-up cell; without an address it installs from the clone that the notebook lies in."""
    address = repository(root)
    return SETUP.format(source=f"git+{address}" if address else "..")


def with_setup_cell(text: str, cell: str) -> str:
    """A notebook's text with the set-up cell before its other code cells."""
    text = re.sub(re.escape(FIRST_LINE) + r".*?(?=^# %%)", "", text, flags=re.DOTALL | re.MULTILINE)
    first = re.search(r"^# %%(?! \[markdown\])", text, re.MULTILINE).start()
    return f"{text[:first]}{FIRST_LINE}{cell}\n{text[first:]}"


def main(root: Path = ROOT) -> None:
    changed = []
    for entry in entries(root):
        path = (root / entry.path).with_suffix(".py")
        old = path.read_text(encoding="utf-8")
        new = with_setup_cell(old, setup_cell(root))
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    if changed:
        subprocess.run([sys.executable, "-m", "jupytext", "--quiet", "--update", "--to", "ipynb", *changed], check=True)
    readme = root / "README.md"
    readme.write_text(table(readme.read_text(encoding="utf-8"), root), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Execute the notebooks and make the book: ``make notebooks``. See --help."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from html import escape
from pathlib import Path

import nbformat
import series
from nbclient import NotebookClient
from sphinx.cmd.build import main as sphinx

HERE, ROOT = Path(__file__).parent, series.ROOT
WIDGET = "application/vnd.jupyter.widget-view+json"
# What the book shows besides its own pages, at the same places as in the project, so that links between them hold.
PAGES = ("README.md", "docs/*.md", "docs/*.png", "docs/tuning/*", "ferlab/rendering/RIG_SOURCES.md")


def make(out: Path, execute: bool = True, builder: str = "html") -> int:
    """Make the book in ``out/book`` (or check its addresses), the executed notebooks in ``out/notebooks``.

    Returns:
        0 when all went well; a warning is an error.
    """
    executed = out / "notebooks"
    if execute:
        executed.mkdir(parents=True, exist_ok=True)
        for entry in series.entries():
            started = time.monotonic()
            print(f"{Path(entry.path).name} ", end="", flush=True)
            notebook = nbformat.read(ROOT / entry.path, as_version=4)
            run(notebook, executed)
            nbformat.write(notebook, executed / Path(entry.path).name)
            print(f"ran in {time.monotonic() - started:.0f} s", flush=True)
    source = out / "source"
    lay_out(source, executed if execute else ROOT / "notebooks")
    target = out / ("book" if builder == "html" else builder)
    return sphinx(["--builder", builder, "--conf-dir", str(HERE), "--fail-on-warning", "--keep-going", "--quiet",
                   str(source), str(target)])  # fmt: skip


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Execute a notebook in a folder, and keep of its outputs what a page can show."""
    settings = {"timeout": 1200, "kernel_name": "python3", "resources": {"metadata": {"path": str(folder)}}}
    NotebookClient(notebook, **settings).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(without_widget, cell.outputs) if output is not None]


def without_widget(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Instead of a widget its picture with its words, or its text; None where nothing is left to show."""
    data = output.get("data", {})
    if WIDGET in data:
        del data[WIDGET]
        if picture := data.pop("image/png", None):
            words = escape(data["text/plain"])
            data["text/html"] = f'<img src="data:image/png;base64,{picture.strip()}" alt="{words}">'
        if "text/html" not in data:
            return None
    return None if data.get("text/plain") == "" else output  # an emptied line of progress


def lay_out(source: Path, notebooks: Path) -> None:
    """Put the pages of the book into an empty folder."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__", "*.py", "*.css", "templates"))
    for path in [path for pattern in PAGES for path in ROOT.glob(pattern)]:
        place = source / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    entries = {entry.number: entry for entry in series.entries()}
    (source / "notebooks").mkdir()
    for entry in entries.values():
        shutil.copy(notebooks / Path(entry.path).name, source / "notebooks")

    def link(found: re.Match) -> str:
        entry = entries.get(found[2])
        return f"[{found[1]}]({entry.path})" if entry else found[1]

    for page in source.glob("*.md"):  # [notebook 03](nb:03): by number, so that a page outlives a change of name
        page.write_text(re.sub(r"\[([^]]+)\]\(nb:(\d\d)\)", link, page.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Execute the notebooks and make the book.")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="folder for both (default: build)")
    parser.add_argument("--no-execute", action="store_true", help="the notebooks without outputs, in seconds")
    parser.add_argument("--links", action="store_true", help="only look whether the addresses in it exist (network)")
    asked = parser.parse_args()
    if asked.links:
        return make(asked.out, execute=False, builder="linkcheck")
    failed = make(asked.out, execute=not asked.no_execute)
    if not failed:
        print(f"Open {asked.out / 'book' / 'index.html'} in a browser.")
    return failed


if __name__ == "__main__":
    sys.exit(main())

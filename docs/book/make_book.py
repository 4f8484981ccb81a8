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
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/*.png",
    "docs/*.svg",
    "docs/tuning/*",
    "ferlab/rendering/RIG_SOURCES.md",
)


def make(out: Path, notebooks: Path | None = None, builder: str = "html") -> int:
    """Make the book in ``out/book``, or check its addresses.

    Args:
        out: folder for it and its source.
        notebooks: folder of the notebooks to show; without, those of the project as they are, without outputs.
        builder: of Sphinx.

    Returns:
        0 when all went well; a warning is an error.
    """
    source = out / "source"
    lay_out(source, notebooks or ROOT / "notebooks")
    target = out / ("book" if builder == "html" else builder)
    return sphinx(["--builder", builder, "--conf-dir", str(HERE), "--fail-on-warning", "--keep-going", "--quiet",
                   str(source), str(target)])  # fmt: skip


def execute(folder: Path) -> Path:
    """Execute copies of all notebooks in a folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in series.entries():
        started = time.monotonic()
        print(f"{Path(entry.path).name} ", end="", flush=True)
        notebook = nbformat.read(ROOT / entry.path, as_version=4)
        settings = {"timeout": 1200, "kernel_name": "python3", "resources": {"metadata": {"path": str(folder)}}}
        NotebookClient(notebook, **settings).execute()
        write(notebook, folder / Path(entry.path).name)
        print(f"ran in {time.monotonic() - started:.0f} s", flush=True)
    return folder


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write an executed notebook with what a page can show of its outputs."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(without_widget, cell.outputs) if output is not None]
    nbformat.write(notebook, path)


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
    parser.add_argument("--executed", type=Path, help="folder of notebooks that have been executed before")
    parser.add_argument("--links", action="store_true", help="only look whether the addresses in it exist (network)")
    asked = parser.parse_args()
    if asked.links:
        return make(asked.out, builder="linkcheck")
    if asked.executed is None and not asked.no_execute:
        asked.executed = execute(asked.out / "notebooks")
    failed = make(asked.out, asked.executed)
    if not failed:
        print(f"Open {asked.out / 'book' / 'index.html'} in a browser.")
    return failed


if __name__ == "__main__":
    sys.exit(main())

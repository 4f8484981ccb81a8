"""A notebook of a benchmark, in JupyterLab, in a headless Chromium."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import chromium  # noqa: E402
from jupyterlab_driver import CHROMIUM_FLAGS, ROOT, running_lab  # noqa: E402


@contextmanager
def opened_notebook(sources: Sequence[str], flags: Sequence[str] = CHROMIUM_FLAGS) -> Iterator:
    """The page (playwright's) that shows a notebook with a code cell for each source, its kernel idle."""
    from playwright.sync_api import sync_playwright

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(flags))
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(180_000)
        with running_lab(Path(folder), {**os.environ, "HOME": folder, "PYTHONPATH": str(ROOT)}) as lab:
            nbformat.write(notebook, lab.folder / "notebooks" / "benchmark.ipynb")
            page.goto(f"{lab.address}/lab/tree/notebooks/benchmark.ipynb?token={lab.token}&reset")
            page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
            yield page
        browser.close()

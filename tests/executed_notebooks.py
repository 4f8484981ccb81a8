"""Notebooks as they are after a run, each executed once in a run of the tests, by whichever worker asks first."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from filelock import FileLock
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from notebook_reading import ROOT, read

from ferlab.gallery import PARTS
from ferlab.lab import FIRST_NOTEBOOK

FIRST = FIRST_NOTEBOOK.as_posix()  # executed in a browser, by test_lab_browser.py, and kept by it
# They need all training faces: the first counts them, the second looks at what a network has learned of every class.
WITH_ALL_FACES = ("notebooks/01_faces_and_labels.ipynb", "notebooks/02_cross_entropy_baseline.ipynb")
SOLVED_AGAIN = "solved-again"  # tag of the cells that the tests add
PATIENCE = 1200  # seconds that a notebook may take, many times what it takes on two cores when nothing else runs


def solved_again(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """For every solution in code two cells to run after all others: the solution, and its check once more."""
    cells = []
    for place, cell in enumerate(notebook.cells):
        for solution in re.findall(r"<summary>Solution</summary>(.*?)</details>", cell.source, re.DOTALL):
            if cell.cell_type == "markdown" and (code := re.findall(r"```python\n(.*?)```", solution, re.DOTALL)):
                check = next(after for after in notebook.cells[place:] if "\nprint(check_" in after.source)
                cells += [
                    new_code_cell(source, metadata={"tags": [SOLVED_AGAIN]}) for source in (code[0], check.source)
                ]
    return cells


def is_added(cell: nbformat.NotebookNode) -> bool:
    return SOLVED_AGAIN in cell.metadata.get("tags", [])


@dataclass(frozen=True)
class ExecutedNotebooks:
    """The executed notebooks of one run of the tests.

    Attributes:
        folder: shared by all workers.
        environment: of the kernels.
        gallery: its parts, opened, so that not every run of the tests does it once more.
        asked: the notebooks that a test of this run executes; a book made for another test takes no others.
    """

    folder: Path
    environment: Mapping[str, str]
    gallery: Mapping[str, Path]
    asked: frozenset[str]

    def get(self, name: str) -> nbformat.NotebookNode:
        """A notebook with its outputs, and with the solutions in code run once more at its end.

        Raises:
            nbclient.exceptions.CellExecutionError: a cell failed.
        """
        with FileLock(self.folder / f"{Path(name).stem}.lock"):
            if not self._kept(name).exists():
                try:
                    self.keep(name, self._execute(name))
                except Exception:
                    self.keep(name, None)
                    raise
        return nbformat.read(self._kept(name), as_version=4)

    def keep(self, name: str, notebook: Mapping | None) -> None:
        """Keep a notebook that has been executed; None: it could not be."""
        if notebook is None:
            self._failed(name).touch()
            return
        half = self.folder / f"{Path(name).stem}.partial"
        nbformat.write(nbformat.from_dict(notebook), half)
        half.replace(self._kept(name))

    def for_the_book(self, name: str) -> nbformat.NotebookNode:
        """A notebook with its outputs where a test of this run executes it and does not fail, else without."""
        if name not in self.asked:
            return read(name)
        if name == FIRST:
            end = time.monotonic() + PATIENCE
            while not self._kept(name).exists() and not self._failed(name).exists() and time.monotonic() < end:
                time.sleep(1)  # until the test in the browser has kept it
        elif not self._failed(name).exists():
            self.get(name)
        if not self._kept(name).exists():
            return read(name)
        notebook = nbformat.read(self._kept(name), as_version=4)
        notebook.cells = [cell for cell in notebook.cells if not is_added(cell)]
        return notebook

    def _execute(self, name: str) -> nbformat.NotebookNode:
        # The widgets have no browser here; what they show is looked at in test_lab_browser.py and tests/browser.
        home = self.folder / "series"
        with FileLock(self.folder / "series.lock"):
            if not home.exists():
                shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
                for part, opened in self.gallery.items():
                    shutil.copytree(opened, home / "notebooks" / PARTS[part])
        notebook = read(name)
        notebook.cells += solved_again(notebook)
        settings = {"timeout": PATIENCE, "kernel_name": "python3"}
        settings |= {"resources": {"metadata": {"path": str((home / name).parent)}}}
        environment = {**self.environment, "ALL_FACES": "yes" if name in WITH_ALL_FACES else ""}
        NotebookClient(notebook, **settings).execute(env=environment)
        return notebook

    def _kept(self, name: str) -> Path:
        return self.folder / Path(name).name

    def _failed(self, name: str) -> Path:
        return self.folder / f"{Path(name).stem}.failed"

"""Every notebook runs from top to bottom, is kept without outputs, and agrees with its text form."""

from __future__ import annotations

import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if not any(part.startswith(".") for part in path.parts)
)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / name, as_version=4)


def test_there_is_a_first_notebook():
    assert "notebooks/00_start_here.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_kept_clean(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3", "the kernel that every installation has"
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, cell.source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_agrees_with_its_text(name):
    text = (ROOT / name).with_suffix(".py")
    assert text.is_file(), f"pair it: jupytext --set-formats ipynb,py:percent {name}"
    cells = [(cell.cell_type, cell.source) for cell in read(name).cells]
    assert cells == [(cell.cell_type, cell.source) for cell in jupytext.read(text).cells], (
        f"bring both to the same state: jupytext --sync {name}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name, tmp_path, monkeypatch, clean_environment):
    for variable, value in clean_environment.items():
        monkeypatch.setenv(variable, value)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
    folder = (tmp_path / name).parent
    notebook = read(name)
    # The widgets have no browser here; what they show is looked at in test_lab_browser.py.
    NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    executed = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert executed and all(cell.execution_count for cell in executed)

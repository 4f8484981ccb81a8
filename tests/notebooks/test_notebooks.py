"""Every notebook runs from top to bottom, is kept without outputs, and agrees with its text form."""

from __future__ import annotations

import ast
import re
from importlib import import_module

import jupytext
import nbformat
import pytest
from executed_notebooks import FIRST, is_added, solved_again
from IPython.core.inputtransformer2 import TransformerManager
from notebook_reading import NOTEBOOKS, ROOT, read

from ferlab.classroom.marks import NOT_BEGUN, SOLVED

# How long they run, about, on a core of their own: the longest begin first.
SECONDS = {"05": 250, "02": 150, "09": 90, "08": 80, "07": 70, "01": 70, "10": 50}


def test_there_is_a_first_notebook():
    assert FIRST in NOTEBOOKS


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


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_headings_are_in_order(name):
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    levels = [
        len(marks) for marks in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    ]
    assert levels[0] == 1 and levels.count(1) == 1, "one title, at the top"
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), levels


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_picture_has_words(name):
    for cell in read(name).cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\s*\]", cell.source), cell.source
            for image in re.findall(r"<img\b[^>]*>", cell.source):
                assert re.search(r'\balt="[^"]+"', image), image
        else:
            for call in ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))):  # %run is no Python
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "show":
                    words = {keyword.arg: keyword.value for keyword in call.keywords}.get("alt")
                    assert words is not None and getattr(words, "value", words) != "", ast.unparse(call)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_needs_is_public(name):
    """It takes names from packages (``ferlab.runs``), not from the modules within, which may move."""
    for cell in read(name).cells:
        if cell.cell_type != "code":
            continue
        for line in ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))):
            if isinstance(line, ast.ImportFrom) and line.module.startswith("ferlab."):
                package = import_module(line.module)
                assert hasattr(package, "__path__"), f"{line.module} is a module within a package"
                assert {alias.name for alias in line.names} <= set(package.__all__), ast.unparse(line)


def shown_as_text(output: nbformat.NotebookNode) -> str:
    """What the page shows as text, for want of anything better."""
    data = output.get("data", {})
    return output.get("text", "") or (data.get("text/plain", "") if set(data) == {"text/plain"} else "")


# The first one runs in a browser, in test_lab_browser.py.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow(SECONDS.get(name[10:12], 20))) for name in NOTEBOOKS if name != FIRST],
)
def test_notebook_runs(name, executed_notebooks):
    notebook = executed_notebooks.get(name)
    executed = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert executed and all(cell.execution_count for cell in executed)
    outputs = [output for cell in executed for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"] == []
    assert [text[:200] for text in map(shown_as_text, outputs) if text.count("\n") > 60] == [], "pages of bare text"
    checks = [cell for cell in executed if "\nprint(check_" in cell.source]
    said = [(is_added(cell), "".join(output.get("text", "") for output in cell.outputs)) for cell in checks]
    with_solution = [words for added, words in said if added]
    assert len(with_solution) == len(solved_again(read(name))) // 2
    assert [words for words in with_solution if not words.startswith(SOLVED)] == [], "a solution that its check refuses"
    begun = [words for added, words in said if not added and not words.startswith(NOT_BEGUN)]
    known = ("The loss is", "FD or MD still")  # of playgrounds, which are never empty
    assert [words for words in begun if not words.startswith(known)] == [], "nobody has touched these exercises"

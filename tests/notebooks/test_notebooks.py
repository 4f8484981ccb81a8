"""Every notebook runs from top to bottom, is kept without outputs, and agrees with its text form."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

import jupytext
import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from notebook_reading import NOTEBOOKS, ROOT, read

from ferlab.classroom.marks import NOT_BEGUN, SOLVED
from ferlab.lab import FIRST_NOTEBOOK


def test_there_is_a_first_notebook():
    assert FIRST_NOTEBOOK.as_posix() in NOTEBOOKS


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


def solved_again(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """For every solution in code two cells to run after all others: the solution, and its check once more."""
    cells = []
    for place, cell in enumerate(notebook.cells):
        for solution in re.findall(r"<summary>Solution</summary>(.*?)</details>", cell.source, re.DOTALL):
            if cell.cell_type == "markdown" and (code := re.findall(r"```python\n(.*?)```", solution, re.DOTALL)):
                check = next(after for after in notebook.cells[place:] if "\nprint(check_" in after.source)
                cells += [new_code_cell(code[0]), new_code_cell(check.source)]
    return cells


@pytest.fixture(scope="module")
def running(request, tmp_path_factory, clean_environment) -> Iterator[dict[str, Future]]:
    """The notebooks to run, two at a time with one thread each, so that no core waits while a kernel starts."""
    names = [
        item.callspec.params["name"] for item in request.session.items if item.name.startswith("test_notebook_runs")
    ]
    home = tmp_path_factory.mktemp("series")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
    environment = {**clean_environment, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

    def execute(name: str) -> nbformat.NotebookNode:
        # The widgets have no browser here; what they show is looked at in test_lab_browser.py and tests/browser.
        notebook = read(name)
        notebook.cells += solved_again(notebook)
        settings = {
            "timeout": 1200,
            "kernel_name": "python3",
            "resources": {"metadata": {"path": (home / name).parent}},
        }
        NotebookClient(notebook, **settings).execute(env=environment)
        return notebook

    with ThreadPoolExecutor(max_workers=2) as threads:
        yield {name: threads.submit(execute, name) for name in names}


def shown_as_text(output: nbformat.NotebookNode) -> str:
    """What the page shows as text, for want of anything better."""
    data = output.get("data", {})
    return output.get("text", "") or (data.get("text/plain", "") if set(data) == {"text/plain"} else "")


@pytest.mark.slow
# The first one runs in a browser, in test_lab_browser.py.
@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name != FIRST_NOTEBOOK.as_posix()])
def test_notebook_runs(name, running):
    notebook = running[name].result()
    executed = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert executed and all(cell.execution_count for cell in executed)
    outputs = [output for cell in executed for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"] == []
    assert [text[:200] for text in map(shown_as_text, outputs) if text.count("\n") > 60] == [], "pages of bare text"
    checks = [cell for cell in executed if "\nprint(check_" in cell.source]
    checked = ["".join(output.get("text", "") for output in cell.outputs) for cell in checks]
    solutions = len(solved_again(read(name))) // 2
    untouched, with_solution = checked[: len(checked) - solutions], checked[len(checked) - solutions :]
    assert [said for said in with_solution if not said.startswith(SOLVED)] == [], "a solution that its check refuses"
    begun = [said for said in untouched if not said.startswith(NOT_BEGUN)]
    known = ("The loss is", "FD or MD still")  # of playgrounds, which are never empty
    assert [said for said in begun if not said.startswith(known)] == [], "nobody has touched these exercises"

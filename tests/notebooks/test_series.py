"""The README's table of the series, the links that open a notebook elsewhere, and the set-up cell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv

import nbformat
import pytest
import series

ROOT = series.ROOT
AGAIN = "run: python docs/book/series.py"
ADDRESS = "https://github.com/someone/ferlab"


@pytest.fixture
def project(tmp_path):
    """A copy of what series.py reads and writes, in a project that has an address."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
    shutil.copy(ROOT / "README.md", tmp_path)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if series.repository() is None:
        text = text.replace("[project.scripts]", f'[project.urls]\nRepository = "{ADDRESS}"\n\n[project.scripts]')
    else:
        text = text.replace(series.repository(), ADDRESS)
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_readme_lists_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert series.table(readme) == readme, AGAIN
    assert "| ? |" not in readme, "say in the README's table what one can do after the new notebook"
    for entry in series.entries():
        assert f"| {entry.number} | [{entry.title}]({entry.path}) |" in readme


@pytest.mark.parametrize("entry", series.entries(), ids=lambda entry: entry.number)
def test_the_first_code_cell_is_the_set_up(entry):
    cells = nbformat.read(ROOT / entry.path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["setup", "remove-cell"], AGAIN
    assert code[0].source == series.setup_cell().rstrip("\n"), AGAIN
    assert not any("setup" in cell.metadata.get("tags", []) for cell in code[1:])


def test_an_address_in_pyproject_reaches_every_notebook_and_the_readme(project):
    series.main(project)
    readme = (project / "README.md").read_text(encoding="utf-8")
    for entry in series.entries(project):
        colab = f"https://colab.research.google.com/github/someone/ferlab/blob/main/{entry.path}"
        binder = f"https://mybinder.org/v2/gh/someone/ferlab/main?urlpath=lab%2Ftree%2F{entry.path.replace('/', '%2F')}"
        assert f"| {entry.minutes} | [Colab]({colab}) · [Binder]({binder}) |" in readme
        for path in (project / entry.path, (project / entry.path).with_suffix(".py")):
            text = path.read_text(encoding="utf-8")
            assert text.count(f"git+{ADDRESS}") == 1
            assert text.count("remove-cell") == 1
    written = {path: path.read_bytes() for path in project.rglob("*.*")}
    series.main(project)
    assert {path: path.read_bytes() for path in project.rglob("*.*")} == written


def test_a_new_notebook_gets_a_row_and_its_cell(project):
    (project / "notebooks" / "77_new.py").write_text(
        "# %% [markdown]\n# # New things\n#\n# **Time:** about 30 minutes.\n\n# %%\nprint(1)\n", encoding="utf-8"
    )
    nbformat.write(nbformat.v4.new_notebook(), project / "notebooks" / "77_new.ipynb")
    series.main(project)
    assert "| 77 | [New things](notebooks/77_new.ipynb) | ? | 30 | [Colab]" in (project / "README.md").read_text(
        "utf-8"
    )
    cells = nbformat.read(project / "notebooks" / "77_new.ipynb", as_version=4).cells
    assert [cell.source for cell in cells[1:]] == [series.setup_cell(project).rstrip("\n"), "print(1)"]


def test_a_notebook_without_a_time_is_named(project):
    (project / "notebooks" / "77_new.py").write_text("# %% [markdown]\n# # New things\n", encoding="utf-8")
    nbformat.write(nbformat.v4.new_notebook(), project / "notebooks" / "77_new.ipynb")
    with pytest.raises(ValueError, match="77_new.ipynb needs a title and a line"):
        series.entries(project)


@pytest.mark.slow
def test_the_set_up_cell_installs_ferlab_where_it_is_missing_and_only_there(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "ferlab", source / "ferlab", ignore=shutil.ignore_patterns("__pycache__"))

    # A Python with all packages but ferlab, whose editable installation PYTHONPATH does not bring along.
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    environment |= {
        "FERLAB_SOURCE": f"--no-build-isolation {source}",
        "IPYTHONDIR": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }

    def ipython(code: str) -> str:
        command = [python, "-m", "IPython", "--colors=nocolor", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    assert "No module named 'ferlab'" in ipython("import ferlab")
    use = "from ferlab.data import load_dataset; print(len(load_dataset('synthetic', 'test')), load_dataset.__code__)"
    first = ipython(series.setup_cell() + use)
    assert "3000 " in first and str(tmp_path / "venv") in first, first
    assert ipython(series.setup_cell()) == ""

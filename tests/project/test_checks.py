"""``make check`` fails where it should: each of its own parts on a fault made for it, and the whole with any part."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import circles
import draw_architecture
import names
import nbformat
import notebook_text
import private_names
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def frame() -> dict:
    """What tests/check defines: it is a folder that runs as a program."""
    return runpy.run_path(str(ROOT / "tests" / "check" / "__main__.py"), run_name="check")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package of given modules, and read its imports."""

    def read(name: str, **modules: str) -> dict[str, set[str]]:
        folder = tmp_path / name
        folder.mkdir()
        for module, source in {"__init__": "", **modules}.items():
            (folder / f"{module}.py").write_text(source)
        found = circles.imports_of(name, tmp_path)
        sys.modules.pop(name, None)
        return found

    return read


def test_a_circle_closed_inside_a_function_is_found(package):
    late = "def f():\n    from round_one import one\n    return one\n"
    found = circles.circle(package("round_one", one="from round_one import two", two=late))
    assert found[0] == found[-1] and set(found) == {"round_one.one", "round_one.two"}
    assert circles.circle(package("straight", one="from straight import two", two="")) == []


def test_the_package_has_no_circle():
    imports = circles.imports_of("ferlab")
    assert len(imports) > 100 and circles.circle(imports) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import lab\nlab.widget._state", ["_state"]),
        ("from lab import _part", ["_part"]),
        ("monkeypatch.setattr(lab, '_part', 1)", ["_part"]),
        ('CELL = "playground._scene"', ["_scene"]),
        ("class Own:\n    def ask(self):\n        return self._state", []),
        ("class Own:\n    def ask(self):\n        self._state = 1\n\nOwn()._state", []),
        ("row._replace(a=1)\nlab.__doc__", []),
        ('"""Such as lab._state."""', []),
    ],
)
def test_private_names_of_others_are_found(source, found):
    assert [name for _, name in private_names.foreign(source)] == found


def test_a_notebook_must_agree_with_its_text(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_text, "ROOT", tmp_path)
    notebook = tmp_path / "one.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell("1 + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    assert "has no text" in notebook_text.disagreement(notebook)
    text = notebook.with_suffix(".py")
    text.write_text("# %% [markdown]\n# # One\n\n# %%\n1 + 1\n")
    assert notebook_text.disagreement(notebook) is None
    text.write_text("# %% [markdown]\n# # One\n\n# %%\n1 + 2\n")
    assert "differs from its text" in notebook_text.disagreement(notebook)
    cells[1].execution_count = 1
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    assert "holds outputs" in notebook_text.disagreement(notebook)


def test_names_are_spelled_in_prose_only():
    text = "FER2013 and fer-2013\n`fer2013`, load_dataset('fer2013'), FER-2013\n    python x.py fer2013\nadcorre"
    assert sorted(names.misspelled(text)) == [
        (1, "FER2013", "FER-2013"),
        (1, "fer-2013", "FER-2013"),
        (4, "adcorre", "Ad-Corre"),
    ]
    assert (
        "numpy" in names.prose_of_python("x = 1  # with numpy\n") and names.prose_of_python("numpy = 1").strip() == ""
    )


def test_the_picture_of_the_architecture_is_current():
    drawn = draw_architecture.draw()
    assert draw_architecture.PICTURE.read_text(encoding="utf-8") == drawn, "run: python docs/draw_architecture.py"
    imports = draw_architecture.package_imports()
    assert {name for row in draw_architecture.layers() for name in row} == set(imports)
    assert all(f">{name}</text>" in drawn for name in set(imports) - {"__main__"})


def test_one_failing_part_fails_the_whole_and_says_how_to_mend_it(frame, capsys):
    well = frame["Part"]("well", ("-c", ""), "nothing")
    broken = frame["Part"]("broken", ("-c", "raise SystemExit('line 3 is wrong')"), "mend line 3")
    assert frame["check"]([], [well, well]) == 0
    assert frame["check"]([], [well, broken]) == 1
    said = capsys.readouterr().out
    assert "line 3 is wrong" in said and "to mend it: mend line 3" in said and "FAILED: broken" in said
    assert frame["check"](["well"], [well, broken]) == 0 and frame["check"](["all"], [well, broken]) == 2

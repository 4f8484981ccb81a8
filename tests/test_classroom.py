"""Notebooks for a class, and what comes back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_notebooks import NOTEBOOKS, ROOT, read

from ferlab.classroom import collect, hand_out, write_csv
from ferlab.errors import FerlabError


def test_what_is_handed_out_holds_no_solution_and_is_otherwise_whole(tmp_path):
    written = hand_out(tmp_path)
    assert [path.name for path in written] == [name.removeprefix("notebooks/") for name in NOTEBOOKS]
    for path, name in zip(written, NOTEBOOKS, strict=True):
        ours, theirs = read(name), nbformat.read(path, as_version=4)
        nbformat.validate(theirs)
        assert "jupytext" not in theirs.metadata
        whole, handed = ("\n".join(cell.source for cell in of.cells) for of in (ours, theirs))
        assert "Solution" in whole and "Solution" not in handed
        assert whole.count("Hint</summary>") == handed.count("Hint</summary>")
        for before, after in zip(ours.cells, theirs.cells, strict=True):
            kept = before.source.split("<details><summary>Solution")[0].rstrip()
            assert after.source.startswith(kept)
            if "Solution</summary>" not in before.source:
                assert after.source == before.source


def test_what_follows_a_solution_stays_and_hints_can_go(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    text = "# %% [markdown]\n# # T\n#\n# Write it.\n#\n# <details><summary>Hint</summary>\n#\n# H\n# </details>\n#\n"
    text += "# <details><summary>Solution</summary>\n#\n# S\n# </details>\n#\n# And then?\n"
    jupytext.write(jupytext.reads(text, "py:percent"), tmp_path / "notebooks" / "00_start_here.ipynb")
    monkeypatch.chdir(tmp_path)
    (path,) = hand_out("out", ["00"])
    hint = "<details><summary>Hint</summary>\n\nH\n</details>"
    assert nbformat.read(path, as_version=4).cells[0].source == f"# T\n\nWrite it.\n\n{hint}\n\nAnd then?"
    (path,) = hand_out("out", ["00"], hints=False)
    assert nbformat.read(path, as_version=4).cells[0].source == "# T\n\nWrite it.\n\nAnd then?"
    with pytest.raises(FerlabError, match="There is no notebook 42; there are 00."):
        hand_out("out", ["42"])


def save(path, *cells):
    """A notebook as a student saves it: source and what was printed (None: not run)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [
        new_code_cell(source, outputs=[] if said is None else [new_output("stream", name="stdout", text=said)])
        for source, said in cells
    ]
    nbformat.write(new_notebook(cells=made), path)


@pytest.fixture
def submitted(tmp_path):
    save(
        tmp_path / "ada" / "03.ipynb",
        ("from ferlab.widgets import check_margin_shift\n\nprint(check_margin_shift(shift))", "✓ Right: m.\n"),
        ("print(check_zero_loss(playground, **start))", "The loss is 2.869.\n"),
        ("print('✓ me too')", "✓ me too\n"),
    )
    save(tmp_path / "bob" / "week 1" / "03.ipynb", ("print(check_margin_shift(shift))", None))
    save(tmp_path / "bob" / ".ipynb_checkpoints" / "03.ipynb", ("print(check_margin_shift(shift))", "✓ Right.\n"))
    (tmp_path / "bob" / "guesses.json").write_text(json.dumps({"Which?": "=both"}), encoding="utf-8")
    return tmp_path


def test_collect_reads_what_was_saved(submitted):
    rows = collect(submitted).to_dict("split")["data"]
    assert rows == [
        ["ada", "03.ipynb", "check_margin_shift", "solved", "✓ Right: m."],
        ["ada", "03.ipynb", "check_zero_loss", "not solved", "The loss is 2.869."],
        ["bob", "guesses.json", "Which?", "guess", "=both"],
        ["bob", "03.ipynb", "check_margin_shift", "not run", ""],
    ]


def test_a_spreadsheet_takes_nothing_for_a_formula(submitted, tmp_path):
    write_csv(collect(submitted), tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv")["said"][2] == "'=both"


def test_collect_names_the_file_that_it_cannot_read(submitted):
    (submitted / "bob" / "broken.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(FerlabError, match=r"broken.ipynb cannot be read .*: mend it or leave it out"):
        collect(submitted)


def test_collect_asks_for_a_folder_a_student(submitted, tmp_path):
    shutil.move(submitted / "ada" / "03.ipynb", submitted / "03.ipynb")
    with pytest.raises(FerlabError, match="lies in no student's folder"):
        collect(submitted)
    with pytest.raises(FerlabError, match="no notebook with an exercise"):
        collect(tmp_path / "nowhere")


def test_every_exercise_of_the_series_is_found_by_collect(tmp_path):
    """A check that is called in another way than the others would silently be missing in a teacher's table."""
    hand_out(tmp_path / "ada")
    found = collect(tmp_path)
    assert (found["state"] == "not run").all()
    sources = "\n".join(cell.source for name in NOTEBOOKS for cell in read(name).cells if cell.cell_type == "code")
    assert len(found) == sources.count("(check_") and found["item"].is_unique


def test_the_page_for_instructors_lists_every_exercise():
    page = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    for name in NOTEBOOKS:
        sources = [cell.source for cell in read(name).cells]
        number = Path(name).name[:2]
        checks = re.findall(r"print\((check_\w+)\(", "\n".join(sources))
        listed = [line for line in page.splitlines() if line.startswith(f"| {number}-")]
        assert re.findall(r"`(check_\w+)`", "\n".join(listed)) == checks, name
        assert len(listed) == "\n".join(sources).count("### Exercise "), name
        assert f"- **{number}.**" in page, "points for its discussion"


def test_the_commands(submitted, tmp_path):
    def run(*words):
        done = subprocess.run([sys.executable, "-m", "ferlab", *words], capture_output=True, text=True, cwd=ROOT)
        return done.stdout + done.stderr

    assert "00_start_here.ipynb, 03_" in run("hand-out", "00", "03", "--out", str(tmp_path / "for_class"))
    assert "There is no notebook 77" in run("hand-out", "77", "--out", str(tmp_path / "for_class"))
    shutil.rmtree(tmp_path / "for_class")
    said = run("collect", str(submitted), "--out", str(tmp_path / "table.csv"))
    assert "ada" in said and "Written: " in said
    assert len(pd.read_csv(tmp_path / "table.csv")) == 4

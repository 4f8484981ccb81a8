"""Notebooks for a class, and what comes back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_reading import NOTEBOOKS, ROOT, read
from rich.console import Console

from ferlab.classroom import STATES, collect, hand_out, overview, write_csv
from ferlab.errors import FerlabError


def test_what_is_handed_out_holds_no_solution_and_is_otherwise_whole(tmp_path):
    written = hand_out(tmp_path)
    assert [path.name for path in written] == [name.removeprefix("notebooks/") for name in NOTEBOOKS]
    for path, name in zip(written, NOTEBOOKS, strict=True):
        ours, theirs = read(name), nbformat.read(path, as_version=4)
        nbformat.validate(theirs)
        assert "jupytext" not in theirs.metadata
        whole, handed = ("\n".join(cell.source for cell in notebook.cells) for notebook in (ours, theirs))
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
    assert hand_out("out", ["0"]) == [path]
    with pytest.raises(FerlabError, match="notebooks holds the series itself"):
        hand_out("notebooks", ["00"])
    with pytest.raises(FerlabError, match="There is no notebook 42; there are 00."):
        hand_out("out", ["42"])


def test_slides_begin_at_headings(tmp_path):
    (path,) = hand_out(tmp_path, ["03"], slides=True)
    marked = {
        cell.source.split("\n")[0]: cell.metadata.slideshow.slide_type
        for cell in nbformat.read(path, as_version=4).cells
        if "slideshow" in cell.metadata
    }
    assert len(marked) > 5 and set(marked.values()) <= {"slide", "subslide"}
    assert all(line.startswith("#") for line in marked)


def save(path, *cells):
    """A notebook as a student saves it: texts, and code with what was printed (None: not run)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = []
    for cell in cells:
        if isinstance(cell, str):
            made.append(new_markdown_cell(cell))
        else:
            source, said = cell
            outputs = [] if said is None else [new_output("stream", name="stdout", text=said)]
            made.append(new_code_cell(source, outputs=outputs))
    nbformat.write(new_notebook(cells=made), path)


@pytest.fixture
def submitted(tmp_path):
    folder = tmp_path / "submitted"
    shift = "print(check_margin_shift(shift))"
    save(
        folder / "ada" / "03_center.ipynb",
        "### Exercise 1: the shift",
        (
            "from ferlab.classroom.exercises import check_margin_shift\n\nprint(check_margin_shift(shift))",
            "✓ Right: m.\n",
        ),
        "Text.\n\n### Exercise 2: content",
        ("print(check_zero_loss(playground, **start))", "The loss is 2.869.\n"),
        ("print('✓ me too')", "✓ me too\n"),
    )
    heading = "### Exercise 1: the shift"
    save(folder / "Bücher, Bob" / "week 1" / "03_center.ipynb", heading, (shift, None))
    save(folder / "Bücher, Bob" / ".ipynb_checkpoints" / "03_center.ipynb", heading, (shift, "✓ Right.\n"))
    (folder / "Bücher, Bob" / "guesses.json").write_text(json.dumps({"Which?": "=both"}), encoding="utf-8")
    return folder


def test_collect_reads_what_was_saved(submitted):
    rows = collect(submitted).to_dict("split")["data"]
    assert rows == [
        ["Bücher, Bob", "guesses.json", "", "Which?", "guess", "=both"],
        ["Bücher, Bob", "week 1/03_center.ipynb", "03-1", "check_margin_shift", "not run", ""],
        ["ada", "03_center.ipynb", "03-1", "check_margin_shift", "solved", "✓ Right: m."],
        ["ada", "03_center.ipynb", "03-2", "check_zero_loss", "tried", "The loss is 2.869."],
    ]


def test_a_check_that_stopped_with_an_error_was_tried(tmp_path):
    save(tmp_path / "ada" / "03_a.ipynb", "### Exercise 1: a", ("print(check_margin_shift(shift))", None))
    path = tmp_path / "ada" / "03_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    error = new_output("error", ename="NameError", evalue="name 'shift' is not defined", traceback=[])
    notebook.cells[1].outputs = [error]
    nbformat.write(notebook, path)
    (row,) = collect(tmp_path).itertuples()
    assert (row.state, row.said) == ("tried", "name 'shift' is not defined")


def test_a_spreadsheet_takes_nothing_for_a_formula(submitted, tmp_path):
    write_csv(collect(submitted), tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv")["said"][0] == "'=both"


def test_names_do_nothing_in_a_terminal_or_a_spreadsheet(tmp_path):
    names = ("[red]x", "a\x1b[2J", ":bomb:", "\t=1+1")
    for name in names:
        save(tmp_path / name / f"{name}.ipynb", "### Exercise 1: a", ("print(check_margin_shift(shift))", "a\n=1+1"))
    table, written = collect(tmp_path), StringIO()
    Console(file=written, width=200, color_system=None).print(overview(table))
    shown = written.getvalue()
    assert "[red]x" in shown and r"a\x1b[2J" in shown and ":bomb:" in shown and "\x1b" not in shown
    write_csv(table, tmp_path / "table.csv")
    text = (tmp_path / "table.csv").read_text(encoding="utf-8")
    assert r"\x09=1+1" in text and ",'=1+1" in text and "\x1b" not in text


def test_what_cannot_be_read_is_a_row_and_the_rest_is_read(submitted):
    (submitted / "ada" / "broken.ipynb").write_text("{", encoding="utf-8")
    (submitted / "ada" / "guesses.json").write_text("[1", encoding="utf-8")
    (submitted / "eve").mkdir()
    (submitted / "all.zip").write_bytes(b"PK")
    table = collect(submitted)
    states = {(row.student, row.file): row.state for row in table.itertuples() if row.state not in (*STATES, "guess")}
    assert states == {
        ("", "all.zip"): "in no student's folder",
        ("ada", "broken.ipynb"): "cannot be read",
        ("ada", "guesses.json"): "cannot be read",
        ("eve", ""): "nothing here",
    }
    assert (table["state"] == "solved").sum() == 1


def shown(folder):
    console = Console(width=200, file=StringIO())
    console.print(overview(collect(folder)))
    lines = [[word.strip() for word in line.split("│")[1:-1]] for line in console.file.getvalue().splitlines()]
    return {line[0]: line[1:] for line in lines if line}


def test_the_overview_counts_the_better_of_two_notebooks_and_the_worse_of_two_checks(submitted):
    heads = "### Exercise 2: heads"
    two = ("print(check_heads_disagree(playground))", "✓ ED"), ("print(check_least_disagreement(f))", "With 3 heads")
    save(submitted / "ada" / "06_a.ipynb", heads, *two)
    shift = "print(check_margin_shift(f))"
    save(submitted / "ada" / "03_center_v2.ipynb", "### Exercise 1: the shift", (shift, "Almost"))
    save(submitted / "eve" / "03_center.ipynb", "### Exercise 1", (shift, "Your function returns None: put"))
    (submitted / "eve" / "03_b.ipynb").write_text("{", encoding="utf-8")
    assert shown(submitted) == {
        "ada": ["✓", "·", "·", "1", "0", ""],
        "Bücher, Bob": ["", "", "", "0", "1", ""],
        "eve": ["", "", "", "0", "0", "03_b.ipynb cannot be read"],
    }


def test_collect_asks_for_a_folder_a_student(tmp_path):
    with pytest.raises(FerlabError, match="There is nothing in .*: one folder a student is expected"):
        collect(tmp_path / "nowhere")


def test_every_exercise_of_the_series_is_found_by_collect(tmp_path):
    """A check that is called in another way than the others would silently be missing in a teacher's table."""
    hand_out(tmp_path / "ada")
    found = collect(tmp_path)
    assert (found["state"] == "not run").all()
    sources = "\n".join(cell.source for name in NOTEBOOKS for cell in read(name).cells if cell.cell_type == "code")
    assert len(found) == sources.count("(check_") and found["item"].is_unique
    assert found["exercise"].str.fullmatch(r"\d\d-\d").all()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_other_cell_holds_a_solution(name):
    cells = read(name).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    texts = "\n".join(cell.source for cell in cells)
    for solution in re.findall(r"<summary>Solution</summary>(.*?)</details>", texts, re.DOTALL):
        for block in re.findall(r"```python\n(.*?)```", solution, re.DOTALL):
            lines = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith("def ")]
            elsewhere = [line for line in lines if line in code]
            assert len(elsewhere) <= len(lines) / 2, elsewhere  # an exercise may go on from code that is given


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
    said = run("collect", str(submitted), "--out", str(tmp_path / "table.csv"))
    assert "ada" in said and "Written: " in said
    assert len(pd.read_csv(tmp_path / "table.csv")) == 4

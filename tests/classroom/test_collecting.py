"""What a class may hand in: whatever a file is called or holds, everybody else's rows are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from io import StringIO

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_reading import NOTEBOOKS, ROOT, read
from rich.console import Console

from ferlab.classroom import STATES, collect, collecting, hand_out, overview, write_csv
from ferlab.classroom.checks import called_checks
from ferlab.classroom.exercises import EXERCISES
from ferlab.errors import FerlabError

CHECK = "print(check_margin_shift(shift))"
RIGHT = "✓ Right: m / 2g.\n"


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def value(text):
    return new_output("execute_result", data={"text/plain": text}, execution_count=1)


def save(path, *cells, metadata=()):
    """A notebook of code cells: source and outputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [new_code_cell(source, outputs=list(outputs)) for source, *outputs in cells]
    for cell, own in zip(made, metadata, strict=False):
        cell.metadata.update(own)
    nbformat.write(new_notebook(cells=made), path)


def state_of(folder, *cells, **named):
    save(folder / "ada" / "03_a.ipynb", *cells, **named)
    (row,) = collect(folder).itertuples()
    return row.exercise, row.state, row.said


# The check's line


@pytest.mark.parametrize(
    ("source", "outputs"),
    [
        (CHECK, [printed("UserWarning: old\n", "stderr"), printed(RIGHT)]),
        (CHECK, [printed(RIGHT), printed("UserWarning: old\n", "stderr")]),
        (f"print('m is', m)\n{CHECK}", [printed(f"m is 2\n{RIGHT}")]),
        (f"{CHECK}\nprint(shift(2, 4))", [printed(f"{RIGHT}0.25\n")]),
        (f"{CHECK}\nprint('done')", [printed("in shift\n"), printed(f"{RIGHT}done\n")]),
        ("check_margin_shift(shift)", [value("'✓ Right: m / 2g.'")]),
        ("answer = check_margin_shift(shift)\nanswer", [value('"✓ Right: m / 2g."')]),
        ("import ferlab\nferlab.classroom.exercises.check_margin_shift (shift)", [value("'✓ Right: m / 2g.'")]),
        ("said = check_margin_shift(\n    shift,\n)\nprint(said)", [printed(RIGHT)]),
        (f"{CHECK}\nplot()", [printed(RIGHT), new_output("display_data", data={"text/plain": "<Figure size 6x4>"})]),
        (
            f"{CHECK}\n1 / 0",
            [printed(RIGHT), new_output("error", ename="ZeroDivisionError", evalue="division by zero")],
        ),
        (f"# ✓ Right: m / 2g.\n{CHECK}", [printed(RIGHT)]),
        (f"for i in range(9999):\n    print(i)\n{CHECK}", [printed("".join(f"{i}\n" for i in range(9999)) + RIGHT)]),
        (CHECK, [printed("".join(f"{i}\n" for i in range(2000)) + RIGHT + "".join(f"{i}\n" for i in range(2000)))]),
    ],
)
def test_solved_wherever_the_line_stands(tmp_path, source, outputs):
    assert state_of(tmp_path, (source, *outputs)) == ("03-1", "solved", RIGHT.strip())


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([], "not run"),
        ([printed("✓ Right\n", "stderr")], "not run"),
        ([printed("in shift\nAlmost: half of it.\n")], "tried"),
        ([printed("Nothing\nAlmost: half of it.\n")], "tried"),
        ([printed("✓ mine\nAlmost: half of it.\n")], "tried"),
        ([printed("✓ mine\n")], "not run"),
        ([printed("here\nYour function returns None: put your code\n")], "not begun"),
        ([value("'Almost: half of it.'")], "tried"),
        ([new_output("error", ename="NameError", evalue="name 'shift' is not defined")], "tried"),
        ([new_output("error", ename="KeyboardInterrupt", evalue="")], "tried"),
    ],
)
def test_what_a_student_prints_is_no_answer_of_a_check(tmp_path, outputs, expected):
    exercise, state, _ = state_of(tmp_path, (f"print('✓ mine')\n{CHECK}", *outputs))
    assert (exercise, state) == ("03-1", expected)


def test_every_check_of_a_cell_has_its_own_answer(tmp_path):
    cell = "print(check_heads_disagree(p))\nprint(check_least_disagreement(f))"
    save(tmp_path / "ada" / "a.ipynb", (cell, printed("✓ ED\nWith 3 heads")))
    save(tmp_path / "bob" / "a.ipynb", (cell, printed("✓ ED\n"), new_output("error", ename="NameError", evalue="f?")))
    save(tmp_path / "eve" / "a.ipynb", (cell,))
    states = {(row.student, row.item): row.state for row in collect(tmp_path).itertuples()}
    first, second = "check_heads_disagree", "check_least_disagreement"
    assert states == {
        ("ada", first): "solved", ("ada", second): "tried", ("bob", first): "solved", ("bob", second): "tried",
        ("eve", first): "not run", ("eve", second): "not run",
    }  # fmt: skip


def test_the_points_below_an_answer_belong_to_it(tmp_path):
    said = "✓ All right.\n1. Right: because.\n2. Right: since."
    save(tmp_path / "ada" / "a.ipynb", ("print(check_claims(c))\nprint(x)", printed(f"{said}\n3\n")))
    assert collect(tmp_path)["said"].tolist() == [said]


def test_only_calls_of_known_checks_are_checks():
    assert called_checks("# check_holm(f)\ndef check_kappa(k): ...\nfrom x import check_holm\ncheck_mine(3)") == []
    assert called_checks("a = check_kappa(k); b = check_holm (h)\ncheck_kappa(k)") == ["check_kappa", "check_holm"]


def test_a_cell_knows_its_check_though_its_text_is_changed(tmp_path):
    told = [{"ferlab": {"checks": ["check_margin_shift", "check_of_nobody"]}}]
    renamed = "from ferlab.classroom.exercises import check_margin_shift as look\nprint(look(shift))"
    assert state_of(tmp_path, (renamed, printed(RIGHT)), metadata=told)[1] == "solved"
    assert state_of(tmp_path, ("", printed("")), metadata=told) == ("03-1", "not run", "")
    for odd in ("x", {"checks": 3}, {"checks": ["y"]}, None, {"checks": [["z"]]}):
        assert state_of(tmp_path, (CHECK, printed(RIGHT)), metadata=[{"ferlab": odd}])[1] == "solved"


# What is handed out


def test_an_untouched_copy_of_an_instructors_run_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "03_center_and_triplet_center_loss.ipynb"
    notebook = read(next(name for name in NOTEBOOKS if "/03_" in name))
    for number, cell in enumerate(notebook.cells):
        cell.metadata.update({"execution": {"iopub.execute_input": "2026"}, "collapsed": True})
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = number, [printed(RIGHT)]
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": 1}}}
    notebook.metadata.papermill = {"duration": 3}
    nbformat.write(notebook, path)
    nbformat.write(notebook, tmp_path / "notebooks" / "00_start_here.ipynb")
    monkeypatch.chdir(tmp_path)
    (written,) = hand_out("class/ada", ["03"])
    handed = nbformat.read(written, as_version=4)
    nbformat.validate(handed)
    assert set(handed.metadata) <= {"kernelspec", "language_info"}
    code = [cell for cell in handed.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(set(cell.metadata) <= {"tags", "ferlab"} for cell in handed.cells)
    assert [cell.metadata["ferlab"]["checks"] for cell in code if "ferlab" in cell.metadata] == [
        ["check_margin_shift"], ["check_zero_loss"],
    ]  # fmt: skip
    assert set(collect("class")["state"]) == {"not run"}


def test_the_exercises_are_those_of_the_series():
    found = {}
    for name in NOTEBOOKS:
        exercise = ""
        for cell in read(name).cells:
            if cell.cell_type == "markdown" and "### Exercise " in cell.source:
                exercise = (
                    f"{name.removeprefix('notebooks/')[:2]}-{cell.source.split('### Exercise ')[-1].split(':')[0]}"
                )
            elif cell.cell_type == "code":
                found |= dict.fromkeys(called_checks(cell.source), exercise)
    assert found == EXERCISES


# Names


NAMES = [
    "Copy of 03_center.ipynb",
    "03_center (1).ipynb",
    "03_center-Copy1.ipynb",
    "ada_lovelace_12345_assignsubmission_file_03_center.ipynb",
    "lovelaceada_LATE_88123_991823_03_center-2.ipynb",
    "Untitled.IPYNB",
    "10_wrong number.ipynb",
    "übung [bold red] 'x' $(y).ipynb",
    "-rf.ipynb",
    "new\nline\ttab.ipynb",
    "escape\x1b[31m\x07.ipynb",
    "right\u202eto left.ipynb",
]


@pytest.mark.skipif(os.name != "posix", reason="no such names there")
@pytest.mark.parametrize("name", [*map(os.fsencode, NAMES), b"caf\x82.ipynb", b"\xff\xfe.ipynb"], ids=repr)
def test_whatever_a_notebook_is_called_its_exercise_is_known(tmp_path, name):
    save(tmp_path / "ada" / "a.ipynb", (CHECK, printed(RIGHT)))
    os.rename(tmp_path / "ada" / "a.ipynb", os.path.join(os.fsencode(tmp_path), b"ada", name))
    table = collect(tmp_path)
    assert table[["student", "exercise", "state"]].to_numpy().tolist() == [["ada", "03-1", "solved"]]
    assert table["file"][0].isprintable() and table["file"][0].encode()
    assert columns(table) == ["student", "03-1", "solved", "guesses", "to look at"]


@pytest.mark.skipif(os.name != "posix", reason="no such names there")
def test_names_that_are_no_utf8_are_written_as_escapes(tmp_path):
    save(tmp_path / "zoe" / "03_center.ipynb", (CHECK, printed(RIGHT)))
    for student in (b"Jos\xe9", b"M\x81ller", b"two\nlines"):
        os.mkdir(os.path.join(os.fsencode(tmp_path), student))
        with open(os.path.join(os.fsencode(tmp_path), student, b"\xe9.ipynb"), "wb") as file:
            file.write((tmp_path / "zoe" / "03_center.ipynb").read_bytes())
    table = collect(tmp_path)
    assert sorted(table["student"]) == ["Jos\\xe9", "M\\x81ller", "two\\x0alines", "zoe"]
    assert set(table["state"]) == {"solved"} and "\\xe9.ipynb" in set(table["file"])
    write_csv(table, tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv")["student"].tolist() == table["student"].tolist()
    command = [sys.executable, "-m", "ferlab", "collect", str(tmp_path), "--out", str(tmp_path / "again.csv")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "Jos\\xe9" in done.stdout, done.stderr


def columns(table):
    return [str(column.header) for column in overview(table).columns]


def test_sixty_odd_notebooks_add_no_columns(tmp_path):
    for number in range(60):
        save(tmp_path / "ada" / f"{number:02d}_mine.ipynb", (f"print(check_mine_{number}(x))", printed("✓ mine")))
        (tmp_path / "eve").mkdir(exist_ok=True)
        (tmp_path / "eve" / f"{number:02d}_broken.ipynb").write_text("{", encoding="utf-8")
    save(tmp_path / "bob" / "03.ipynb", (CHECK, printed(RIGHT)))
    table = collect(tmp_path)
    assert columns(table) == ["student", "03-1", "solved", "guesses", "to look at"]
    console = Console(width=120, file=StringIO())
    console.print(overview(table))
    said = " ".join(console.file.getvalue().replace("│", " ").split())
    assert "02_broken.ipynb cannot be read and 57 more" in said and len(console.file.getvalue().splitlines()) < 20


def test_guesses_are_known_by_any_name(tmp_path):
    (tmp_path / "ada").mkdir()
    for name in ("Copy of guesses.json", "ada_123_guesses-1.JSON"):
        (tmp_path / "ada" / name).write_text(json.dumps({"Which?": "both"}), encoding="utf-8")
    (tmp_path / "ada" / "other.json").write_text("{", encoding="utf-8")
    assert collect(tmp_path)["state"].tolist() == ["guess", "guess"]


# What is no notebook


def deep(opening, closing):
    return opening * 100_000 + closing * 100_000


HOSTILE = {
    "empty": (b"", "no notebook that Jupyter saved, or a damaged one"),
    "cut": (b'{"cells": [{"cell_type": "code"', "no notebook that Jupyter saved, or a damaged one"),
    "deep": (deep("[", "]").encode(), "no notebook that Jupyter saved, or a damaged one .RecursionError"),
    "deep cells": (f'{{"cells": {deep("[", "]")}}}'.encode(), "no notebook that Jupyter saved, or a damaged one"),
    "list": (b"[1, 2]", "it has no cells"),
    "number": (b"3", "it has no cells"),
    "digits": (b'{"cells": ' + b"9" * 5000 + b"}", "no notebook that Jupyter saved"),
    "cells no list": (b'{"cells": {"a": 1}}', "it has no cells"),
    "latin 1": ('{"cells": ["é"]}'.encode("latin-1"), "no text in UTF-8"),
    "utf-16": ('{"cells": []}'.encode("utf-16"), "no text in UTF-8"),
    "zip": (b"PK\x03\x04\x00\xff\xfe", "no text in UTF-8"),
}


@pytest.fixture
def submitted(tmp_path):
    """Two students whose rows may never change."""
    for student in ("ada", "zoe"):
        save(tmp_path / "submitted" / student / "03.ipynb", (CHECK, printed(RIGHT)))
    (tmp_path / "submitted" / "bob").mkdir()
    return tmp_path / "submitted"


def of_bob(submitted, **limits):
    table = collect(submitted, **limits)
    others = table[table["student"] != "bob"]
    assert others[["student", "exercise", "state"]].to_numpy().tolist() == [
        [who, "03-1", "solved"] for who in ("ada", "zoe")
    ]
    assert all(text.encode() is not None for text in table.to_numpy().ravel())
    overview(table)
    write_csv(table, submitted.parent / "table.csv")
    return table[table["student"] == "bob"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_notebook_is_one_row_with_the_reason(submitted, name):
    content, words = HOSTILE[name]
    (submitted / "bob" / "03.ipynb").write_bytes(content)
    (row,) = of_bob(submitted).itertuples()
    assert row.state == "cannot be read" and pd.Series([row.said]).str.contains(words).all(), row.said


@pytest.mark.parametrize("cell", [None, 3, [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": 3}])
@pytest.mark.parametrize("outputs", [None, 3, [None], [{"output_type": "stream", "text": 3}], [{"data": []}]])
def test_odd_cells_are_passed_over(submitted, cell, outputs):
    good = {"cell_type": "code", "source": [CHECK], "outputs": [{"output_type": "stream", "text": [RIGHT]}]}
    odd = {**cell, "outputs": outputs, "metadata": outputs} if isinstance(cell, dict) else cell
    also = {**good, "outputs": outputs}
    (submitted / "bob" / "03.ipynb").write_text(json.dumps({"cells": [odd, also, good]}), encoding="utf-8")
    states = of_bob(submitted)["state"].tolist()
    assert states[-1] == "solved" and set(states) <= set(STATES)


def test_lone_surrogates_and_control_characters_are_written_as_escapes(submitted):
    cell = {"cell_type": "code", "source": CHECK, "outputs": [{"output_type": "stream", "text": "X"}]}
    text = json.dumps({"cells": [cell]}).replace('"X"', r'"✓ \ud83d \u001b[2J\u0000 m"')
    (submitted / "bob" / "03.ipynb").write_text(text, encoding="utf-8")
    (submitted / "bob" / "guesses.json").write_text(r'{"\ud800?": "\udfff"}', encoding="utf-8")
    solved, guess = of_bob(submitted).itertuples()
    assert (solved.state, solved.said) == ("solved", "✓ \\ud83d \\x1b[2J\\x00 m")
    assert (guess.item, guess.said) == ("\\ud800?", "\\udfff")


@pytest.mark.parametrize(
    "content",
    ["[1]", "3", "{", '{"a": [1, {"b": null}]}', deep("[", "]"), json.dumps({str(i): i for i in range(9999)})],
)
def test_odd_guesses(submitted, content):
    (submitted / "bob" / "guesses.json").write_text(content, encoding="utf-8")
    rows = of_bob(submitted)
    assert set(rows["state"]) <= {"guess", "cannot be read"} and 1 <= len(rows) <= collecting.MOST_GUESSES


# What is no file of one's own


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and links")
def test_pipes_and_sockets_are_not_waited_for(submitted):
    for name in ("03.ipynb", "guesses.json", "notes.txt"):
        os.mkfifo(submitted / "bob" / name)
    os.mkfifo(submitted / "pipe")
    started = time.monotonic()
    table = collect(submitted)
    assert time.monotonic() - started < 20
    states = {(row.student, row.file): (row.state, row.said) for row in table.itertuples()}
    assert states["bob", "03.ipynb"] == states["bob", "guesses.json"] == ("cannot be read", "no regular file")
    assert states["", "pipe"] == ("in no student's folder", "") and states["zoe", "03.ipynb"][0] == "solved"


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_are_not_followed(submitted, tmp_path):
    secret = tmp_path / "of the instructor"
    save(secret / "03.ipynb", (CHECK, printed("✓ a secret")))
    (secret / "guesses.json").write_text('{"secret": "x"}', encoding="utf-8")
    bob = submitted / "bob"
    (bob / "03.ipynb").symlink_to(submitted / "ada" / "03.ipynb")
    (bob / "guesses.json").symlink_to(secret / "guesses.json")
    (bob / "week").symlink_to(secret)
    (bob / "up").symlink_to("..")
    (bob / "self.ipynb").symlink_to("self.ipynb")
    (bob / "nowhere.ipynb").symlink_to("/nowhere")
    (bob / "zero.ipynb").symlink_to("/dev/zero")
    (bob / "notes.txt").symlink_to("/etc/hostname")
    rows = of_bob(submitted)
    assert set(rows["file"]) == {"03.ipynb", "guesses.json", "week", "up", "self.ipynb", "nowhere.ipynb", "zero.ipynb"}
    assert set(rows["state"]) == {"cannot be read"} and rows["said"].str.startswith("a link").all()
    (submitted / "mallory").symlink_to(submitted / "ada")
    table = collect(submitted)
    (row,) = table[table["student"] == "mallory"].itertuples()
    assert (
        row.state == "cannot be read"
        and row.said.startswith("a link")
        and not table["said"].str.contains("secret").any()
    )


@pytest.mark.skipif(os.name != "posix", reason="sparse files, permissions")
def test_a_gigabyte_is_not_read(submitted):
    with (submitted / "bob" / "03.ipynb").open("wb") as file:
        file.truncate(2**30)
    (row,) = of_bob(submitted).itertuples()
    assert row.state == "cannot be read" and row.said.startswith("larger than 50 MB: clear the outputs")


def test_a_long_answer_is_cut(submitted):
    save(submitted / "bob" / "03.ipynb", (CHECK, printed("x" * 3_000_000)))
    (row,) = of_bob(submitted).itertuples()
    assert row.state == "tried" and len(row.said) == collecting.MOST_LETTERS


def test_a_student_with_too_many_files_has_a_row_that_says_so(submitted, monkeypatch):
    for number in range(9):
        save(submitted / "bob" / f"{number}.ipynb", (CHECK, printed(RIGHT)))
    rows = of_bob(submitted, most_files=5)
    assert rows["state"].tolist() == ["solved"] * 5 + ["cannot be read"]
    assert "more than 5 notebooks" in rows["said"].iloc[-1] and "(--most-files)" in rows["said"].iloc[-1]
    assert of_bob(submitted, most_files=9)["state"].tolist() == ["solved"] * 9
    for number in range(9):
        (submitted / "bob" / f"{number}.ipynb").rename(submitted / "bob" / f"{number}.txt")
    monkeypatch.setattr(collecting, "ENTRIES_A_FILE", 1)
    said = of_bob(submitted, most_files=3)["said"].iloc[-1]
    assert "more than 3 files" in said and "raise the limit (--most-files)" in said


def test_a_large_notebook_is_read_when_that_is_asked_for(submitted):
    save(submitted / "bob" / "03.ipynb", (CHECK, printed(RIGHT), printed("x" * 3_000_000)))
    (row,) = of_bob(submitted, megabytes=2).itertuples()
    assert row.said.startswith("larger than 2 MB") and row.said.endswith("or raise the limit (--megabytes)")
    assert of_bob(submitted, megabytes=4)["state"].tolist() == ["solved"]


@pytest.mark.parametrize(
    "limits", [{"megabytes": float("nan")}, {"megabytes": -1}, {"most_files": 0}, {"most_files": "x"}]
)
def test_a_limit_that_is_none_is_refused(submitted, limits):
    with pytest.raises(FerlabError, match=f"{next(iter(limits))} must be a number above 0"):
        collect(submitted, **limits)


def test_a_student_whose_folder_fails_does_not_stop_the_others(submitted, monkeypatch):
    real = os.scandir

    def failing(folder):
        if not isinstance(folder, int) and os.path.basename(folder) == "bob":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(collecting.os, "scandir", failing)
    (row,) = of_bob(submitted).itertuples()
    assert (row.state, row.said) == ("cannot be read", "its folder cannot be opened (Permission denied)")


@pytest.mark.parametrize("text", ["=1+1", "\t=1+1", "\n=1+1", " \r\n@SUM(A1)", "-2+3", "+1"])
def test_no_spreadsheet_takes_an_answer_for_a_formula(tmp_path, text):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "guesses.json").write_text(json.dumps({text: text}), encoding="utf-8")
    write_csv(collect(tmp_path), tmp_path / "table.csv")
    cells = pd.read_csv(tmp_path / "table.csv").iloc[0][["item", "said"]]
    assert not any(cell.lstrip()[:1] in "=+-@" for cell in cells)


@pytest.mark.parametrize("name", ["03.ipynb.txt", "03.ipynb.json", " 03 (1).ipynb ", "03.IPYNB", "03.ipynb (2)"])
def test_a_notebook_is_one_whatever_a_browser_made_of_its_name(submitted, name):
    save(submitted / "bob" / name, (CHECK, printed(RIGHT)))
    assert of_bob(submitted)["state"].tolist() == ["solved"]


def test_an_archive_in_place_of_notebooks_is_named(submitted):
    (submitted / "bob" / "all.zip").write_bytes(b"PK")
    (row,) = of_bob(submitted).itertuples()
    assert (row.state, row.said) == ("nothing here", "no notebook with an exercise, but all.zip")


@pytest.mark.parametrize(
    "text", [f"m is 2 {RIGHT}", f"\x1b[32m{RIGHT}\x1b[0m", f"50 %\r100 %\r{RIGHT}", f"a\x0b{RIGHT}"]
)
def test_a_checks_line_is_found_behind_what_has_no_line_end(tmp_path, text):
    assert state_of(tmp_path, (CHECK, printed(text)))[1:] == ("solved", RIGHT.strip())

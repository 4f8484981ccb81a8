"""Cells are found by their ids wherever they went, and what is odd is said."""

from __future__ import annotations

import json

import nbformat
import pytest
from sample_submissions import solutions, submit

from ferlab.classroom.checks import CELL_KEY
from ferlab.classroom.grading import Judge, find_assignments
from ferlab.classroom.grading.submission import definitions_of, read_submission

(TEXT,) = find_assignments(["1"])
RIGHT = solutions(TEXT)


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    return submit(tmp_path_factory.mktemp("one"), TEXT, Judge(TEXT), RIGHT, written=True)


def changed(path, folder, change, name="1_triplet_center_loss.ipynb"):
    """A copy of a notebook in a student's folder, after `change` of its cells."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = change(notebook.cells)
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / name)
    return read_submission(folder, TEXT)


def part_of(cell):
    return cell.metadata.get(CELL_KEY, {}).get("id", "")


def test_a_whole_one_has_everything_and_nothing_odd(handed_in):
    found = read_submission(handed_in.parent, TEXT)
    assert found.code == RIGHT and set(found.answers) == {"forces", "study"} and found.odd == []


@pytest.mark.parametrize(
    "name", ["Copy of 1_triplet.ipynb", "ada_3412_late_assignsubmission_file_x (2).IPYNB", "a/b/c.ipynb"]
)
def test_names_and_places_play_no_part(handed_in, tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    found = changed(handed_in, tmp_path, lambda cells: cells[::-1], name)
    assert found.code == RIGHT and found.odd == []


def test_lost_ids_are_made_good_by_functions_and_marks(handed_in, tmp_path):
    def without_ids(cells):
        for number, cell in enumerate(cells):
            cell.metadata, cell.id = {}, f"x{number}"
        return cells

    found = changed(handed_in, tmp_path, without_ids)
    assert {part: code for part, code in found.code.items()} == RIGHT and set(found.answers) == {"forces", "study"}
    assert "center_loss: its cell has lost its id, and was found by the name of the function" in found.odd


def test_of_doubled_cells_the_last_that_was_worked_on_counts(handed_in, tmp_path):
    def doubled(cells):
        (own,) = [cell for cell in cells if part_of(cell) == "center_loss"]
        other, stub = own.copy(), own.copy()
        other.id, stub.id = "second", "third"
        other["source"] = own.source + "\n# better"
        stub["source"] = "def center_loss(embeddings, labels, centers):\n    ...  # your code"
        at = cells.index(own)
        return [*cells[: at + 1], other, *cells[at + 1 :]]

    found = changed(handed_in, tmp_path, doubled)
    assert found.code["center_loss"].endswith("# better")
    assert found.odd == ["center_loss: 2 different cells have its id; the last one counts"]


def test_missing_cells_and_damaged_files_are_said(handed_in, tmp_path):
    (tmp_path / "broken.ipynb").write_text("{", encoding="utf-8")
    (tmp_path / "link.ipynb").symlink_to(handed_in)
    (tmp_path / "by_hand.json").write_text("[1, 2", encoding="utf-8")
    found = changed(handed_in, tmp_path, lambda cells: [cell for cell in cells if part_of(cell) != "gradient"])
    assert "gradient" not in found.code and len(found.code) == 5
    assert "gradient: its cell is missing" in found.odd
    assert (
        sum(word in line for line in found.odd for word in ("broken.ipynb: ", "link.ipynb: a link", "by_hand.json: "))
        == 3
    )


@pytest.mark.parametrize(
    "cell", [{}, {"cell_type": "code"}, {"cell_type": "code", "metadata": 7, "source": 3, "outputs": 1}, 5, None]
)
def test_cells_that_are_none_stop_nothing(tmp_path, cell):
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert read_submission(tmp_path, TEXT).code == {}


def test_only_definitions_are_taken():
    assert definitions_of("x = 1\ny = open('f')\n!rm -rf /\nprint(x)\nfor i in range(3):\n    pass") == ["x = 1"]
    assert definitions_of("def f(:") == [] and definitions_of("@cache\ndef f():\n    return 1") == [
        "@cache\ndef f():\n    return 1"
    ]

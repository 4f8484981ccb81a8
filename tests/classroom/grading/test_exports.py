"""The versions for Otter and nbgrader: their tests take the solution and refuse a wrong one; the tools take them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from notebook_reading import ROOT
from sample_submissions import WRONG

from ferlab.classroom.grading import Judge, exports, find_assignments

(TEXT,) = find_assignments(["2"])


@pytest.fixture(scope="module")
def judge():
    return Judge(TEXT)


def fails(code, namespace):
    try:
        exec(code, dict(namespace))
    except Exception:
        return True
    return False


def test_hidden_tests_take_the_solution_and_refuse_wrong_ones(judge):
    for part in TEXT.parts.values():
        if part.kind != "function":
            continue
        tests = exports.hidden_tests(judge, part.id)
        assert [about for about, _, code in tests if fails(code, judge.namespace)] == []
        assert sum(points for _, points, _ in tests) == judge.points(part)
        for source, lost in WRONG[part.id]:
            wrong = dict(judge.namespace)
            exec(source, wrong)
            found = {about for about, _, code in tests if fails(code, wrong)}
            assert found == lost, part.id


def test_the_notebooks_are_of_the_tools_formats(tmp_path):
    otter = nbformat.read(exports.write_otter(TEXT, tmp_path), as_version=4)
    raw = [cell.source.split("\n")[0] for cell in otter.cells if cell.cell_type == "raw"]
    assert raw.count("# BEGIN QUESTION") == raw.count("# END QUESTION") == len(TEXT.parts)
    assert raw.count("# BEGIN TESTS") == sum(part.kind == "function" for part in TEXT.parts.values())
    for_nbgrader = nbformat.read(exports.write_nbgrader(TEXT, tmp_path), as_version=4)
    nbformat.validate(for_nbgrader)
    told = [cell.metadata.nbgrader for cell in for_nbgrader.cells if "nbgrader" in cell.metadata]
    assert len({one.grade_id for one in told}) == len(told)
    worth = Judge(TEXT)
    assert sum(one.get("points", 0) for one in told) == sum(worth.points(part) for part in TEXT.parts.values())


def tool(name):
    """A command of another grader, beside this Python or on the path."""
    return shutil.which(name, path=f"{sys.prefix}/bin") or shutil.which(name) or pytest.skip(f"{name} is not installed")


def run_tool(folder, name, *words):
    """A command of another grader; its Python, which may be another one, finds the package and what it needs."""
    paths = [str(ROOT), sysconfig.get_paths()["purelib"]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [tool(name), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow(60)
def test_otter_hands_out_no_solution_and_grades_all_and_nothing(tmp_path):
    path = exports.write_otter(TEXT, tmp_path)
    run_tool(tmp_path, "otter", "assign", "--no-run-tests", path, "dist")
    student, teacher = (tmp_path / "dist" / whose / path.name for whose in ("student", "autograder"))
    handed_out = student.read_text(encoding="utf-8")
    assert "index_add" not in handed_out and "base64" not in handed_out and "feature_discriminator_linear" in handed_out
    (grader,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    for notebook, share in ((teacher, 1), (student, 0)):
        out = tmp_path / f"graded {share}"
        out.mkdir()
        run_tool(tmp_path, "otter", "run", "-a", grader, "-o", out, notebook)
        tests = json.loads((out / "results.json").read_text())["tests"]
        points = {test["name"]: (test["score"], test["max_score"]) for test in tests if "score" in test}
        judge = Judge(TEXT)
        worth = {part.id: judge.points(part) for part in TEXT.parts.values() if part.kind == "function"}
        assert points == {name: (share * most, most) for name, most in worth.items()}


@pytest.mark.slow(90)
def test_nbgrader_hands_out_no_solution_and_grades_all_and_nothing(tmp_path):
    path = exports.write_nbgrader(TEXT, tmp_path)
    course = tmp_path / "nbgrader"
    here = f"--CourseDirectory.root={course}"
    run_tool(course, "nbgrader", "generate_assignment", TEXT.name, "--create", here)
    release = course / "release" / TEXT.name / path.name
    handed_out = release.read_text(encoding="utf-8")
    assert "index_add" not in handed_out and "base64" not in handed_out and "NotImplementedError" in handed_out
    for student, notebook in (("all", path), ("nothing", release)):
        place = course / "submitted" / student / TEXT.name
        place.mkdir(parents=True)
        shutil.copy(notebook, place)
    run_tool(course, "nbgrader", "autograde", TEXT.name, here)
    run_tool(course, "nbgrader", "export", here)
    with (course / "grades.csv").open() as file:
        score = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    judge = Judge(TEXT)
    by_machine = sum(judge.points(part) for part in TEXT.parts.values() if part.kind == "function")
    assert score == {"all": by_machine, "nothing": 0}

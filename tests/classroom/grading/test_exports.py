"""The versions for Otter and nbgrader: their tests take the solution and refuse a wrong one; the tools take them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import nbformat
import pytest
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


@pytest.mark.slow(30)
def test_otter_assign_makes_a_students_version_without_solutions(tmp_path):
    path = exports.write_otter(TEXT, tmp_path)
    command = [tool("otter"), "assign", "--no-run-tests", str(path), str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    student = (tmp_path / "dist" / "student" / path.name).read_text(encoding="utf-8")
    assert "index_add" not in student and "base64" not in student and "feature_discriminator_linear" in student
    assert list((tmp_path / "dist" / "autograder").glob("*.zip"))


@pytest.mark.slow(30)
def test_nbgrader_makes_a_release_without_solutions_and_knows_all_points(tmp_path):
    command = tool("nbgrader")
    path = exports.write_nbgrader(TEXT, tmp_path)
    course = tmp_path / "nbgrader"
    words = ["generate_assignment", TEXT.name, "--create", f"--CourseDirectory.root={course}"]
    done = subprocess.run([command, *words], capture_output=True, text=True, cwd=course)
    assert done.returncode == 0, done.stderr
    release = (course / "release" / TEXT.name / path.name).read_text(encoding="utf-8")
    assert "index_add" not in release and "base64" not in release and "NotImplementedError" in release

"""The same assignment for other graders: notebooks that Otter and nbgrader take.

Their tests run in the student's kernel and so hold expected values; they are hidden tests, drawn from the seed for
the whole class. Where students must not be able to reach them, grade with ``ferlab grade``. What is done by hand, and
what is written, is marked by a person there.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ferlab.classroom.grading.assignment_text import BEGIN, COUNTED, END, AssignmentText
from ferlab.classroom.grading.building import new_cell, rubric_text, shown_cells, with_points, write
from ferlab.classroom.grading.judging import Call, Judge
from ferlab.classroom.grading.worker import npy_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

CLASS = "the whole class"  # in the place of a student's name: these graders know one test for all
HALF_AS_MUCH_AGAIN = 1.5  # that operations may grow, in the place of the bound that the judge's own code holds
MEMORY = 1000  # MB more than the kernel has, for a call: all pairs of 40,000 faces do not fit
_TEST = """\
import base64, contextlib, io, zlib
import numpy as np
import torch
from ferlab.classroom.grading.worker import bounded_memory, counting

def _tensor(text):
    file = io.BytesIO(zlib.decompress(base64.b64decode(text)))
    return torch.from_numpy(np.load(file, allow_pickle=False).copy())

def _alike(got, text):
    got = np.asarray(got.detach() if hasattr(got, "detach") else got, dtype=np.float64)
    wanted = _tensor(text).double().numpy()
    return got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-3, atol=1e-4, equal_nan=True)

_growth = []
for _given, _wanted, _leaves, _gradients, _operations in {cases!r}:
    _arguments = [_tensor(value) if kind == "npy" else value for kind, value in _given]
    for _leaf in _leaves:
        _arguments[_leaf].requires_grad = True  # no expression: Otter takes what one shows for a failure
    with bounded_memory({memory}), counting() if _operations else contextlib.nullcontext() as _counter:
        _answer = {function}(*_arguments)
    if _operations:
        _growth.append((_counter.operations, _operations))
    _parts = list(_answer) if isinstance(_answer, tuple | list) else [_answer]
    if not _leaves:
        assert len(_parts) == len(_wanted) and all(_alike(*pair) for pair in zip(_parts, _wanted)), "{about}: not right"
    else:
        assert _answer.requires_grad, "{about}: no gradient"
        _found = torch.autograd.grad(_answer.sum(), [_arguments[leaf] for leaf in _leaves], allow_unused=True)
        assert all(
            text is None or (found is not None and _alike(found, text)) for found, text in zip(_found, _gradients)
        ), "{about}: the gradient is not right"
if _growth:
    (_few, _few_wanted), (_many, _many_wanted) = _growth[0], _growth[-1]
    assert 0 < _many * _few_wanted <= {much} * _many_wanted * _few, "{about}: they grow faster"
"""


def hidden_tests(judge: Judge, part: str) -> list[tuple[str, float, str]]:
    """(what for, points, code that fails where the answer is wrong) of every check of a function part."""
    found = []
    for pending in judge.begin(part, CLASS):
        cases = [_case(judge, part, call) for call in pending.calls]
        function = judge.text.parts[part].function
        about = re.sub(r"[^\w ,;:.()-]", " ", pending.check.about)
        code = _TEST.format(cases=cases, function=function, about=about, much=HALF_AS_MUCH_AGAIN, memory=MEMORY)
        found.append((pending.check.about, pending.check.points, code))
    return found


def _case(judge: Judge, part: str, call: Call) -> tuple[Any, Any, Any, Any, int]:
    right = judge.solve(part, call)
    given = [("npy", _packed(value)) if hasattr(value, "shape") else ("json", value) for value in call.arguments]
    wanted = [_packed(value) for value in right.values.values()]
    gradients = [None if gradient is None else _packed(gradient) for gradient in right.gradients]
    return given, wanted, list(call.gradients), gradients, right.operations


def _packed(array: np.ndarray) -> str:
    """Deflated, since a batch of 40,000 faces is tested in a notebook too."""
    return base64.b64encode(zlib.compress(base64.b64decode(npy_text(np.asarray(array))), 9)).decode("ascii")


# ---- Otter -----------------------------------------------------------------------------------------------------------


def write_otter(text: AssignmentText, out: str | Path, seed: int | None = None) -> Path:
    """A notebook for ``otter assign``: ``otter/NAME.ipynb`` in `out`.

    Its format: https://otter-grader.readthedocs.io/en/latest/otter_assign/notebook_format.html
    """
    return write(list(otter_cells(text, Judge(text, seed))), Path(out) / "otter" / f"{text.name}.ipynb")


def otter_cells(text: AssignmentText, judge: Judge) -> Iterator[NotebookNode]:
    """The cells for Otter: raw ones that say where a question and its tests begin, around the others."""
    settings = f"name: {text.name}\ninit_cell: true\nexport_cell: false\ncheck_all_cell: true\ngenerate: true\n"
    yield new_cell("raw", f"# ASSIGNMENT CONFIG\n{settings}", "config")
    for number, cell in shown_cells(text):
        name = f"{cell.part}-{number}"
        if cell.role not in COUNTED:
            yield new_cell(cell.kind, with_points(cell.source, text, judge), f"text-{number}")
            continue
        part = text.parts[cell.part]
        manual = "" if part.kind == "function" else "\nmanual: true"
        yield new_cell(
            "raw", f"# BEGIN QUESTION\nname: {part.id}\npoints: {judge.points(part):g}{manual}", f"begin-{name}"
        )
        prompt = rubric_text(part) if part.rubric else f"**{part.title}**"
        yield new_cell("markdown", prompt, f"prompt-{name}")
        yield new_cell("raw", "# BEGIN SOLUTION", f"solution-{name}")
        yield new_cell(cell.kind, cell.source, name)
        yield new_cell("raw", "# END SOLUTION", f"solved-{name}")
        if part.kind == "function":
            yield new_cell("raw", "# BEGIN TESTS", f"tests-{name}")
            for at, (about, points, code) in enumerate(hidden_tests(judge, part.id)):
                settings = f'name: "{at + 1} {about}"\npoints: {points:g}\nhidden: true'
                head = f'""" # BEGIN TEST CONFIG\n{settings}\n""" # END TEST CONFIG\n'
                yield new_cell("code", head + code, f"test-{at}-{name}")
            yield new_cell("raw", "# END TESTS", f"tested-{name}")
        yield new_cell("raw", "# END QUESTION", f"end-{name}")


# ---- nbgrader --------------------------------------------------------------------------------------------------------


def write_nbgrader(text: AssignmentText, out: str | Path, seed: int | None = None) -> Path:
    """A notebook in nbgrader's ``source`` folder: ``nbgrader/source/NAME/NAME.ipynb`` in `out`.

    Its format: https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html
    """
    place = Path(out) / "nbgrader" / "source" / text.name / f"{text.name}.ipynb"
    return write(list(nbgrader_cells(text, Judge(text, seed))), place)


def nbgrader_cells(text: AssignmentText, judge: Judge) -> Iterator[NotebookNode]:
    """The cells for nbgrader: those that count have its metadata, solutions and hidden tests its marks."""
    for number, cell in shown_cells(text):
        if cell.role not in COUNTED:
            yield new_cell(cell.kind, with_points(cell.source, text, judge), f"text-{number}")
            continue
        part = text.parts[cell.part]
        source = cell.source.replace(BEGIN, "### BEGIN SOLUTION").replace(END, "### END SOLUTION")
        if cell.role == "answer":
            yield new_cell("markdown", rubric_text(part), f"rubric-{part.id}")
        by_person = part.kind != "function"
        points = judge.points(part) if by_person else None
        yield _graded(cell.kind, source, part.id, solution=True, points=points)
        if part.kind == "function":
            for at, (about, worth, code) in enumerate(hidden_tests(judge, part.id)):
                shown = f"# {part.title}: {about}\n### BEGIN HIDDEN TESTS\n{code}### END HIDDEN TESTS"
                yield _graded("code", shown, f"{part.id}-{at}", solution=False, points=worth)


def _graded(kind: str, source: str, cell_id: str, *, solution: bool, points: float | None) -> NotebookNode:
    cell = new_cell(kind, source, cell_id)
    cell.metadata["nbgrader"] = {
        "grade": points is not None,
        "grade_id": cell.id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    return cell

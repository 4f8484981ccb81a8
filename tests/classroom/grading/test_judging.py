"""What comes from a student's process is read as plain numbers, or not at all; reasons hold no hidden value."""

from __future__ import annotations

import base64
import io
import pickle

import numpy as np
import pytest
import torch

from ferlab.classroom.grading import by_hand, worker
from ferlab.classroom.grading.by_hand import checked_state
from ferlab.classroom.grading.judging import Answer, answer_of, array_of, call, close, compare, grows


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    "array",
    [np.arange(6).reshape(2, 3), np.float32(3), np.zeros((0, 4)), np.ones(3, bool), np.asfortranarray(np.eye(3))],
)
def test_arrays_come_back_as_they_were(array):
    back = array_of(npy(np.asarray(array)))
    assert back.shape == np.shape(array) and (back == array).all()


def claims(shape, content=b""):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return base64.b64encode(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        npy(np.array([print], dtype=object), allow_pickle=True),
        base64.b64encode(pickle.dumps([1])).decode(),
        claims((10**12,)),
        claims((2,), b"12345678"),
        "no base64 !",
        None,
    ],
    ids=["objects", "a pickle", "a header that claims terabytes", "too few numbers", "text", "nothing"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        array_of(text)
    assert answer_of({"kind": "tensor", "values": {"": text}}).problem


@pytest.mark.parametrize(
    "line", [{}, [], 3, {"kind": "tensor", "values": 7}, {"error": "x" * 10**6}, {"error": "{{7*7}}", "line": "a"}]
)
def test_a_line_that_is_no_answer_is_a_sentence(line):
    said = answer_of(line).problem
    assert said and len(said) < 200 and "{" not in said


def test_an_error_is_told_without_its_words():
    def leaks(x):
        raise KeyError(str(x))

    found = answer_of(worker.answer_call(leaks, call(np.array([123.25])).as_dict()))
    assert found.problem.startswith("Your function stopped with KeyError") and "123" not in found.problem


def test_the_worker_tells_values_gradients_and_operations():
    asked = call(np.ones(3, np.float32), 2, gradients=(0,), count=True)
    found = answer_of(worker.answer_call(lambda x, n: (n * x**2).sum(), asked.as_dict()))
    assert float(found.value) == 6 and found.gradients[0].tolist() == [4, 4, 4] and found.operations > 0
    assert answer_of(worker.answer_call(lambda x, n: x.detach().sum(), asked.as_dict())).no_gradients == "detached"
    assert answer_of(worker.answer_call(lambda x, n: 3.0, asked.as_dict())).no_gradients == "no tensor"
    assert answer_of(worker.answer_call(lambda x, n: None, asked.as_dict())).problem.startswith(
        "Your function returns None"
    )


def counted(function, size):
    return answer_of(worker.answer_call(function, call(np.ones((size, 4), np.float32), count=True).as_dict()))


def test_operations_tell_linear_from_quadratic_and_views_are_free():
    linear, quadratic = (lambda x: x.sum() * 2), (lambda x: (x @ x.T).sum())
    assert grows(counted(linear, 200), counted(linear, 800), at_most=6) == ""
    assert "times as many operations" in grows(counted(quadratic, 200), counted(quadratic, 800), at_most=6)
    expands = lambda x: x.sum() + x[:1].expand(len(x), 4)[0, 0]  # noqa: E731
    assert grows(counted(expands, 200), counted(expands, 800), at_most=6) == ""


def test_reasons_say_the_mistake_and_hold_no_hidden_value():
    right = Answer("tensor", {"": np.array([1.2345, 6.789])})
    wrong = Answer("tensor", {"": np.array([2.469, 13.578])})
    assert compare(right, right) == ""
    assert compare(wrong, right, mistakes=[(wrong.value, "Twice too much.")]) == "Twice too much."
    said = compare(Answer("tensor", {"": np.array([1.2345, 0.0])}), right)
    assert said == "50% of the entries are right." and "6.7" not in said
    assert "shape" in compare(Answer("tensor", {"": np.zeros(3)}), right)
    assert "nan" in compare(Answer("tensor", {"": np.array([np.nan, 1])}), right)
    assert close(1.0, 1.00001) and not close([1.0], 1.0)


@pytest.mark.parametrize(
    "state",
    [{}, {"points": "x"}, {"points": [[1, 2], [3]]}, {"points": [[float("nan"), 1.0]]}, {"points": [[0] * 2] * 99_999}],
)
def test_a_state_written_by_hand_is_refused_where_it_is_none(state):
    with pytest.raises(ValueError):
        checked_state(state).array("points", None, 2)


def test_widgets_are_kept_beside_and_in_the_notebook(tmp_path):
    from ferlab.widgets import FaceLabeling, LossPlayground

    file = tmp_path / "by_hand.json"
    first = by_hand.keep("a", LossPlayground("tcl-nearest"), file)
    naming = FaceLabeling(np.zeros((2, 8, 8, 3), dtype=np.uint8), ["anger", "neutral"])
    naming.name("neutral")
    by_hand.keep("b", naming, file)
    kept = __import__("json").loads(file.read_text(encoding="utf-8"))
    assert set(kept) == {"a", "b"} and kept["b"]["answers"] == [1, -1]
    assert first._repr_mimebundle_()["application/vnd.ferlab.by-hand+json"] == {"a": kept["a"]}
    again = checked_state(kept["a"]).playground(3)
    assert np.allclose(again.points, LossPlayground("tcl-nearest").points, atol=1e-4)


def test_torch_is_what_students_get():
    seen = []
    worker.answer_call(lambda x, n: seen.append((type(x), n)) or 1.0, call(np.ones(2), [1, 2]).as_dict())
    assert seen == [(torch.Tensor, [1, 2])]

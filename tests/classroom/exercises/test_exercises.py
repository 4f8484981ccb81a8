"""What the checks share, and where each is found."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from ferlab.classroom import NOT_BEGUN, SOLVED, exercises
from ferlab.classroom.exercises.tools import answer_of, known_mistake, number_of, solved

MODULES = [path.stem for path in Path(exercises.__file__).parent.glob("[!_]*.py")]


def test_every_check_is_found_by_its_name():
    written = {
        name: check
        for module in (import_module(f"ferlab.classroom.exercises.{stem}") for stem in MODULES)
        for name, check in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("check_")
    }
    assert sorted(written) == exercises.__all__
    assert all(getattr(exercises, name) is check for name, check in written.items())
    with pytest.raises(AttributeError, match="has no attribute 'check_everything'"):
        _ = exercises.check_everything


def test_a_function_that_is_not_written_yet_is_not_begun():
    assert answer_of(lambda: None)[1].startswith(NOT_BEGUN)
    assert number_of(lambda: None)[1].startswith(NOT_BEGUN)
    assert not solved("Right.").startswith(NOT_BEGUN) and solved("Right.") == SOLVED + "Right."


def test_a_known_mistake_is_the_first_that_fits():
    mistakes = [(1.0, "one"), (np.array([1.0, 2.0]), "two numbers"), (1.0 + 1e-7, "nearly one")]
    assert known_mistake(1.0 + 1e-7, mistakes) == "one"
    assert known_mistake(1.0 + 1e-7, mistakes, rtol=0, atol=0) == "nearly one"
    assert known_mistake([1.0, 2.0], mistakes) == "two numbers"
    assert known_mistake(float("nan"), mistakes) is None
    assert known_mistake([1.0, 1.0], mistakes) is None, "an array of ones is not the number one"

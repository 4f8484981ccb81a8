"""One function turns a column into classes: of every type the same numbers, or a sentence about what is wrong."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from ferlab.data.labels import MOST_CLASSES, class_labels
from ferlab.errors import FerlabError
from ferlab.palette import NO_CLASS, NO_CLASS_COLOR, class_color, class_colors

NUMBERS = [2, 0, 1, 2]
MISSING = pd.Series([1, None, 0, -1], dtype="Int64")


@pytest.mark.parametrize(
    "column",
    [
        NUMBERS,
        *(np.array(NUMBERS, dtype=kind) for kind in ("u1", "i2", "u8", "f2", "f4", "f8", ">i4", object)),
        np.array(NUMBERS)[:, None],
        torch.tensor(NUMBERS),
        [torch.tensor(k) for k in NUMBERS],
        pd.Series(NUMBERS, index=[9, 9, 7, 1]),
        pd.Series(NUMBERS, dtype="Int8"),
        pd.Series(NUMBERS, dtype="Float64"),
        pd.Series(NUMBERS, dtype="int64[pyarrow]"),
        pd.Series(NUMBERS, dtype="category"),
        pd.Index(NUMBERS),
        [Decimal(k) for k in NUMBERS],
    ],
    ids=lambda column: f"{type(column).__name__} {getattr(column, 'dtype', '')}",
)
def test_whole_numbers_of_any_type(column):
    codes, names = class_labels(column)
    assert codes.dtype == np.int64 and codes.tolist() == NUMBERS
    assert names == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize(
    ("column", "codes", "names"),
    [
        (["sad", "bored", "anger", "neutral"], [3, 2, 0, 1], ("anger", "neutral", "bored", "sad")),
        (np.array(["b", "a"]), [1, 0], ("a", "b")),
        (np.array([b"b", b"a"]), [1, 0], ("a", "b")),
        ([b"\xff", b"a"], [0, 1], ("\\xff", "a")),
        (pd.Series(["b", "a"], dtype="string"), [1, 0], ("a", "b")),
        (pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"], ordered=True), [0, 1], ("lo", "hi")),
        (pd.Categorical([7, 3]), [1, 0], ("class 3", "class 7")),
        ([True, False], [1, 0], ("False", "True")),
        (np.array([False, True]), [0, 1], ("False", "True")),
        ([3, 10**9, 2**70], [0, 1, 2], ("class 3", "class 1000000000", f"class {2**70}")),
        ([], [], ()),
    ],
)
def test_names_categories_booleans_and_large_numbers(column, codes, names):
    assert class_labels(column)[0].tolist() == codes and class_labels(column)[1] == names


@pytest.mark.parametrize(
    "column",
    [
        MISSING,
        MISSING.astype("category"),
        MISSING.astype(object),
        MISSING.astype("float64"),
        [1, np.nan, 0, -1],
        [1, pd.NA, 0, -1.0],
        [1, pd.NaT, 0, None],
    ],
    ids=lambda column: str(getattr(column, "dtype", "list")),
)
def test_missing_numbers_and_minus_one_are_a_class_of_their_own(column):
    codes, names = class_labels(column)
    assert codes.tolist() == [1, 2, 0, 2] and names == ("class 0", "class 1", NO_CLASS)


@pytest.mark.parametrize(
    "column",
    [
        ["b", None, "a", "-1"],
        ["b", "", "a", "  "],
        [True, None, False, None],
        pd.Series([True, None, False, None], dtype="boolean"),
        pd.Series(["b", None, "a", None], dtype="category"),
        pd.Series(["b", None, "a", None], dtype="string"),
        ["b", NO_CLASS, "a", None],
    ],
    ids=str,
)
def test_missing_names_and_booleans_are_a_class_of_their_own(column):
    codes, names = class_labels(column)
    assert codes[1] == codes[3] == names.index(NO_CLASS) and len(names) == 3
    assert {names[codes[0]], names[codes[2]]} in ({"a", "b"}, {"True", "False"})


def test_no_class_is_gray_and_takes_no_color_from_the_others():
    assert class_color(NO_CLASS) == NO_CLASS_COLOR
    assert class_colors(["a", NO_CLASS, "b"])[::2] == class_colors(["a", "b"])
    assert class_colors([NO_CLASS]) == [NO_CLASS_COLOR] and NO_CLASS_COLOR not in class_colors(list("abcdefghijk"))


def test_positions_and_names_among_known_classes():
    for column in ([1, 0, 1], ["b", "a", "b"], [1.0, 0.0, 1.0], pd.Categorical(["b", "a", "b"])):
        codes, names = class_labels(column, classes=("a", "b"))
        assert codes.tolist() == [1, 0, 1] and names == ("a", "b")
    codes, names = class_labels([-1, 0], classes=("a", "b"))
    assert codes.tolist() == [2, 0] and names == ("a", "b", NO_CLASS)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ([0.5, 1.5], "holds 0.5, and a class has no fraction: give whole numbers or names."),
        ([1, Fraction(1, 4)], "holds 0.25, and a class has no fraction"),
        (pd.Categorical([1.0, 2.5]), "holds 2.5, and a class has no fraction"),
        (np.float32([1, np.inf]), "holds inf, which is no class"),
        ([0, -2], "holds -2: -1 stands for no class, and other numbers below 0 are no classes."),
        (["a", 1], "mixes 'a' and 1: give numbers or names, not both."),
        ([True, 0], "mixes True and 0"),
        (np.eye(3), "has shape (3, 3): give one value a row (of one-hot rows: .argmax(axis=1))."),
        ([[0, 1], [1, 0]], "holds '[0, 1]': give one number or name a row."),
        ([{"a": 1}], "give one number or name a row."),
        (pd.date_range("2020-01-01", periods=2), "of type Timestamp: give whole numbers or names."),
        (np.array([1 + 2j]), "of type complex128"),
        (5, "has shape ()"),
        (range(MOST_CLASSES + 1), "has 1,001 different values, such as 0"),
    ],
    ids=str,
)
def test_what_is_no_class_is_refused_for_its_own_reason(column, sentence):
    with pytest.raises(FerlabError) as caught:
        class_labels(list(column) if isinstance(column, range) else column, name="emotion")
    assert str(caught.value).startswith("The column emotion ") and sentence in str(caught.value)


@pytest.mark.parametrize("label", [2, "c", 10**9])
def test_what_is_none_of_the_known_classes_is_named(label):
    with pytest.raises(FerlabError, match=r"which is none of the 2 classes: a, b \(numbers from 0 to 1\)"):
        class_labels([0, label] if isinstance(label, int) else ["a", label], classes=("a", "b"))


def test_the_limit_can_be_raised():
    assert len(class_labels(list(range(2000)), most=2000)[1]) == 2000


@given(some.lists(some.one_of(some.none(), some.integers(-1, 40)), max_size=30))
def test_the_names_say_again_what_the_column_said(column):
    codes, names = class_labels(column)
    expected = [NO_CLASS if value in (None, -1) else f"class {value}" for value in column]
    assert [names[code] for code in codes] == expected

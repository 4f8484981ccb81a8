"""One function turns a column into classes: of every type the same numbers, or a sentence about what is wrong."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from ferlab.errors import FerlabError
from ferlab.labels import MOST_CLASSES, class_labels, column_names, is_unlabelled
from ferlab.palette import NO_CLASS, NO_CLASS_COLOR, class_color, class_colors

NUMBERS = [2, 0, 1, 2]
Feeling = Enum("Feeling", ["GLAD", "SAD"])
MISSING = pd.Series([1, None, 0, -1], dtype="Int64")


@pytest.mark.parametrize(
    "column",
    [
        NUMBERS,
        *(np.array(NUMBERS, dtype=kind) for kind in ("u1", "i2", "u8", "f2", "f4", "f8", ">i4", object)),
        np.array(NUMBERS)[:, None],
        torch.tensor(NUMBERS),
        torch.tensor(NUMBERS, dtype=torch.bfloat16),
        torch.tensor(NUMBERS, dtype=torch.float32, requires_grad=True),
        (k for k in NUMBERS),
        pa.array(NUMBERS),
        pd.DataFrame({"label": NUMBERS}),
        pd.array(NUMBERS, dtype=pd.SparseDtype(int)),
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
        (["fold 10", "fold 9", "a"], [2, 1, 0], ("a", "fold 9", "fold 10")),
        (["a\udcff", "b\n"], [0, 1], ("a\\xff", "b\\n")),
        (np.array(["a\udcff"]), [0], ("a\\xff",)),
        (["a\a", "a\\x07"], [0, 1], ("a\\x07", "a\\x07 (2)")),
        (np.array(["b", "a"], dtype=np.dtypes.StringDType()), [1, 0], ("a", "b")),
        (pa.array(["b", "a"]).dictionary_encode(), [1, 0], ("a", "b")),
        (pd.Categorical(["b", "a"], ["b", "a"]), [0, 1], ("b", "a")),
        (pd.Categorical([1, 3], [3, 1]), [1, 0], ("class 3", "class 1")),
        (pd.cut([1, 9], [0, 5, 10]), [0, 1], ("(0, 5]", "(5, 10]")),
        (pd.Series(pd.cut([9, 1], [0, 5, 10])).astype(object), [1, 0], ("(0, 5]", "(5, 10]")),
        ([Feeling.SAD, Feeling.GLAD], [1, 0], ("GLAD", "SAD")),
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
        np.ma.array([1, 7, 0, 7], mask=[0, 1, 0, 1]),
        pa.array([1, None, 0, -1]),
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
        np.array(["b", None, "a", np.nan], dtype=str),  # missing values that have become texts
        pd.Series(["b", None, "a", np.nan]).astype(str),
        pd.Categorical(["b", "-1", "a", None]),
        ["b", "<NA>", "a", b""],
    ],
    ids=str,
)
def test_missing_names_and_booleans_are_a_class_of_their_own(column):
    codes, names = class_labels(column)
    assert codes[1] == codes[3] == 2 and names[2] == NO_CLASS and len(names) == 3
    assert is_unlabelled(codes, names).tolist() == [False, True, False, True]
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
    assert class_labels([0, 2], classes=(NO_CLASS, "a", "b"))[0].tolist() == [2, 1]  # it is always the last
    assert class_labels(["None", "a"], classes=("None", "a"))[0].tolist() == [0, 1]  # a name that is known is a name
    assert class_labels(["a\udcff"], classes=("a\\xff",))[0].tolist() == [0]


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
        ([1.0, True], "mixes True and 1.0"),  # which are equal in Python
        ([Decimal("0.5")], "holds 0.5, and a class has no fraction"),
        ([Decimal("1e99999999")], "which is no class"),
        pytest.param([10**5000], "holds a number of more than 300 digits, which is no class.", id="digits"),
        (pd.Series([Decimal("1.5")], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), "holds 1.5, and a class has no"),
        (pd.Series([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "give one number or name a row."),
        ([(1, 2)], "holds '(1, 2)': give one number or name a row."),
        ("abc", "is of type str: give a list or an array of labels."),
        ({1, 2}, "is of type set: give a list or an array of labels."),
        (np.eye(3), "has shape (3, 3): give one value a row (of one-hot rows: .argmax(axis=1))."),
        ([[0, 1], [1, 0]], "holds '[0, 1]': give one number or name a row."),
        ([{"a": 1}], "give one number or name a row."),
        (pd.date_range("2020-01-01", periods=2), "of type Timestamp: give whole numbers or names."),
        (np.array([1 + 2j]), "of type complex"),
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


def test_of_two_columns_of_one_name_none_is_taken():
    with pytest.raises(FerlabError, match="There are 2 columns called label: keep one of them"):
        class_labels(pd.DataFrame([[1, 2]], columns=["label", "label"]))


def test_known_classes_come_first():
    assert class_labels(["zebra", "happiness", "fear"])[1] == ("fear", "happiness", "zebra")
    assert class_labels(["zebra", "ape", "bee"], first=("bee", "cow"))[1] == ("bee", "ape", "zebra")


def test_columns_of_a_table_have_names_of_which_no_two_are_alike():
    assert column_names(["x", 0, "0", ("a", "b"), ""]) == ["x", "0", "0 (2)", "a, b", "(no name)"]


def test_the_limit_can_be_raised():
    assert len(class_labels(list(range(2000)), most=2000)[1]) == 2000


@given(some.lists(some.one_of(some.none(), some.integers(-1, 40)), max_size=30))
def test_the_names_say_again_what_the_column_said(column):
    codes, names = class_labels(column)
    expected = [NO_CLASS if value in (None, -1) else f"class {value}" for value in column]
    assert [names[code] for code in codes] == expected

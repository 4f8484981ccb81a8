"""Columns of labels, in every form in which they come, are classes; what is none is refused with the reason."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from ferlab.errors import FerlabError
from ferlab.labels import MISSING, NOISE, class_labels
from ferlab.palette import SPARE_COLORS, UNLABELLED_COLORS, class_colors


@pytest.mark.parametrize(
    ("column", "codes", "names"),
    [
        (np.array([3, 1, 3], np.uint8), [1, 0, 1], ["class 1", "class 3"]),
        (np.array([1, 0], np.int8), [1, 0], ["class 0", "class 1"]),
        ([2**63 + 1, 1], [1, 0], ["class 1", f"class {2**63 + 1}"]),
        (pd.Series([1, None, 2], dtype="Int64"), [0, 2, 1], ["class 1", "class 2", MISSING]),
        ([1.0, np.nan, 0.0], [1, 2, 0], ["class 0", "class 1", MISSING]),
        (pd.Series([np.int64(1), 0, None], dtype=object), [1, 0, 2], ["class 0", "class 1", MISSING]),
        ([Decimal(2), Decimal(1)], [1, 0], ["class 1", "class 2"]),
        ([True, False, None], [1, 0, 2], ["False", "True", MISSING]),
        (pd.Series([True, pd.NA], dtype="boolean"), [0, 1], ["True", MISSING]),
        (["b", "a", None, pd.NaT], [1, 0, 2, 2], ["a", "b", MISSING]),
        (["", "  ", "a"], [1, 1, 0], ["a", MISSING]),
        (pd.Categorical(["lo", "hi"], ["lo", "mid", "hi"]), [0, 1], ["lo", "hi"]),
        (pd.Categorical([3, 1, None], [3, 1]), [0, 1, 2], ["class 3", "class 1", MISSING]),
        ([0, -1, 1], [0, 2, 1], ["class 0", "class 1", NOISE]),
        ([-1.0, np.nan, 5.0], [1, 2, 0], ["class 5", NOISE, MISSING]),
        (["fold 10", "fold 9"], [1, 0], ["fold 9", "fold 10"]),
        ([1, "a"], [0, 1], ["1", "a"]),
        ([b"a", b"\xff"], [1, 0], ["\\xff", "a"]),
        (["a\udcff", "b\n"], [0, 1], ["a\\xff", "b\\n"]),
        (pd.array([0, 0, 5], dtype=pd.SparseDtype(int)), [0, 0, 1], ["class 0", "class 5"]),
        ([], [], []),
    ],
)
def test_a_column_of_labels_is_classes(column, codes, names):
    found = class_labels(column)
    assert (found[0].tolist(), list(found[1])) == (codes, names) and found[0].dtype == np.int64


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([0.5, 1.5], "not whole, such as 0.5"),
        (pd.Series([1, 2.25, None]), "not whole, such as 2.25"),
        ([Decimal("0.5")], "not whole, such as 0.5"),
        ([1.0, np.inf], "not whole, such as inf"),
        ([[1], [2]], "values of type list"),
        ([{"a": 1}, None], "values of type dict"),
        (np.eye(3), "shape (3, 3)"),
        (pd.DataFrame({"a": [1], "b": [2]}), "2 columns called label"),
        (np.arange(60_000), "60,000 different values"),
    ],
)
def test_what_is_no_class_is_refused_with_the_reason(column, said):
    with pytest.raises(FerlabError) as caught:
        class_labels(column)
    assert said in str(caught.value) and "label" in str(caught.value)


def test_labels_decide_no_memory():
    codes, names = class_labels([10**9, 3, -(10**12)])
    assert names == (f"class {-(10**12)}", "class 3", "class 1000000000") and codes.tolist() == [2, 1, 0]


def test_known_classes_come_first_and_more_of_them_can_be_allowed():
    assert class_labels(["zebra", "happiness", "fear"], first=("fear", "happiness"))[1] == (
        "fear",
        "happiness",
        "zebra",
    )
    assert len(class_labels(np.arange(2000), most=2000)[1]) == 2000


def test_what_has_no_class_is_gray_and_no_class_like_it():
    colors = class_colors([*"abcdefgh", NOISE, MISSING])
    assert colors[-2:] == [UNLABELLED_COLORS[NOISE], UNLABELLED_COLORS[MISSING]] and "#8f8f8f" not in colors
    assert class_colors(list("abcdefgh")) == list(SPARE_COLORS)
    for color in colors[-2:]:
        red, green, blue = bytes.fromhex(color[1:])
        assert max(red, green, blue) - min(red, green, blue) < 25

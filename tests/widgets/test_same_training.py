"""A folder that a notebook trained in before: going on there, or a sentence about what is different or damaged."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError, UnreadableFile
from ferlab.methods import get_method
from ferlab.settings import TrainSettings
from ferlab.widgets.monitor.training import check_same_training

FACES = FaceDataset(
    "own", "train", np.zeros((4, 8, 8, 1), np.uint8), [0, 1, 0, 1], ("a", "b"), pd.DataFrame(index=range(4))
)


def check(folder, settings=None, faces=FACES):
    check_same_training(folder, get_method("ce"), settings or TrainSettings(), {"train": faces})


def test_the_same_training_goes_on_and_another_is_refused(tmp_path):
    check(tmp_path)
    before = (tmp_path / "training.json").read_bytes()
    check(tmp_path)
    assert (tmp_path / "training.json").read_bytes() == before
    with pytest.raises(FerlabError, match=r"\(settings\.epochs was \d+ and is 2\): use those, or another out"):
        check(tmp_path, TrainSettings(epochs=2))
    with pytest.raises(FerlabError, match=r"train\.faces was"):
        check(tmp_path, faces=dataclasses.replace(FACES, images=FACES.images + 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: [record], "it should be an object"),
        (lambda record: {**record, "method": 3}, "its field method should be a valid string"),
        (lambda record: {**record, "settings": []}, "its field settings should be an object"),
        (lambda record: {**record, "train": "x"}, "its field train should be"),
        (
            lambda record: {**record, "train": {**record["train"], "classes": [1]}},
            r"its field train\.classes\.0 should",
        ),
        (lambda record: {"method": record["method"]}, "its field settings is missing"),
        (lambda record: None, "it should be an object"),
    ],
)
def test_a_record_of_another_shape_names_its_field(tmp_path, change, said):
    check(tmp_path)
    path = tmp_path / "training.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(UnreadableFile, match=rf"training\.json is damaged, {said}.*: choose another out"):
        check(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff"])
def test_a_record_that_is_no_json_is_damaged(tmp_path, content):
    (tmp_path / "training.json").write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"training\.json is damaged, it is no JSON.*: choose another out"):
        check(tmp_path)

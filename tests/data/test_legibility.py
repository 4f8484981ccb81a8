"""The check of legibility: what its tables are computed from."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ferlab.data import FaceDataset
from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.models import ExpressionNetwork

SCRIPT = Path(__file__).parents[2] / "data_scripts" / "check_legibility.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("check_legibility", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_legibility"] = module  # dataclasses and timm's registry look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["check_legibility"]


def photographs(votes: list[dict[str, int]]) -> FaceDataset:
    """Black pictures, one for each row of votes."""
    columns = {f"ferplus_{name}": [row.get(name, 0) for row in votes] for name in CLASSES}
    images = np.zeros((len(votes), 48, 48, 1), np.uint8)
    return FaceDataset("fer2013", "train", images, np.zeros(len(votes), np.int64), CLASSES, pd.DataFrame(columns))


def test_crops_are_central_grey_and_of_one_size(script):
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[:, 12:-12, 12:-12] = 200
    assert script.as_fer2013(image, 1.0).shape == (1, 48, 48, 1)
    # at 60 % nearly nothing but the bright middle is left
    assert script.as_fer2013(image, 0.6).mean() > 195 > script.as_fer2013(image, 1.0).mean()


def test_votes_name_the_class(script):
    faces = photographs([{"fear": 9, "surprise": 1}, {"anger": 4, "disgust": 3}, {"neutral": 1}])
    agreed = script.voted(faces)
    assert [CLASSES[label] for label in agreed.labels] == ["fear"]  # of the second no class has half of the votes
    assert len(script.class_votes(faces)) == 3 and not script.class_votes(faces)[2].any()


def test_drawn_labels_follow_the_votes(script):
    faces = photographs([{"fear": 8, "surprise": 2}] * 400 + [{"neutral": 2}] * 10)
    drawn = script.drawn_from_votes(faces, seed=1)
    assert len(drawn) == 800  # twice those on whom enough voted
    share = (drawn.labels == CLASSES.index("fear")).mean()
    assert 0.74 < share < 0.86 and set(drawn.labels) == {CLASSES.index("fear"), CLASSES.index("surprise")}
    np.testing.assert_array_equal(drawn.labels, script.drawn_from_votes(faces, seed=1).labels)


def test_missing_votes_are_explained(script):
    faces = photographs([{"fear": 10}])
    bare = FaceDataset("fer2013", "train", faces.images, faces.labels, CLASSES, pd.DataFrame({"number": [1]}))
    with pytest.raises(FerlabError, match=r"fer2013new\.csv"):
        script.class_votes(bare)


def test_recalls_by_hand(script):
    labels, answers = np.array([0, 0, 0, 0, 2]), np.array([0, 0, 1, 0, 1])
    np.testing.assert_allclose(script.recalls(labels, answers, 3), [0.75, np.nan, 0.0])


def test_strong_frontal_faces(script):
    table = pd.DataFrame(
        {
            "intensity": [0.9, 0.5, 0.0, 0.9, 0.9, 0.9],
            "yaw": [-5.0, 0, 0, -20, 0, 0],
            "pitch": [0.0, 0, 0, 0, 12, 0],
            "occluder": ["none"] * 5 + ["band"],
        }
    )
    labels = np.full(6, CLASSES.index("fear"))
    labels[2] = CLASSES.index("neutral")
    faces = FaceDataset("synthetic", "test", np.zeros((6, 8, 8, 3), np.uint8), labels, CLASSES, table)
    assert script.strong_frontal(faces).tolist() == [True, False, True, False, False, False]


def test_the_lab_trains_the_plain_network_by_its_name(script):
    network = ExpressionNetwork(7, in_channels=1, backbone="plain_convolutions").eval()
    assert network(torch.zeros(2, 1, 48, 48, dtype=torch.uint8)).logits.shape == (2, 7)


def test_named_folders(script):
    assert script.named_folder("old=/tmp/faces") == ("old", Path("/tmp/faces"))
    with pytest.raises(Exception, match="NAME=FOLDER"):
        script.named_folder("/tmp/faces")

"""The built-in data set: counts, imbalance, disjoint people, hashes, and the same pictures again from the
seed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ferlab.data.classes import CLASSES
from ferlab.data.splits import SPLITS
from ferlab.data.synthetic import FILES, load_synthetic
from ferlab.errors import FerlabError
from ferlab.rendering import ACTION_UNITS, EXPRESSIONS

SCRIPT = Path(__file__).parents[2] / "data_scripts" / "render_synthetic.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("render_synthetic", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def splits():
    return {split: load_synthetic(split) for split in SPLITS}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {split: pq.read_table(FILES / f"synthetic_{split}.parquet").to_pandas() for split in SPLITS}


def test_counts_and_shapes(splits):
    assert {split: len(faces) for split, faces in splits.items()} == {
        "train": 9000,
        "validation": 1500,
        "test": 3000,
    }
    for faces in splits.values():
        assert faces.images.shape[1:] == (64, 64, 3) and faces.images.dtype == np.uint8
        assert faces.labels.dtype == np.int64 and faces.classes == CLASSES
        assert [CLASSES[label] for label in faces.labels[:50]] == faces.metadata["class"].tolist()[:50]


def test_imbalance_is_that_of_rafdb(splits, script):
    share = np.array([script.RAFDB_TRAIN[name] for name in CLASSES]) / 12271
    for split in ("train", "validation"):
        counts = np.array(list(splits[split].class_counts().values()))
        np.testing.assert_allclose(counts / counts.sum(), share, atol=0.001)
    counts = splits["test"].class_counts()
    assert min(counts.values()) >= 250
    assert max(counts, key=counts.get) == "happiness"


def test_no_person_is_in_two_splits(splits):
    people = {split: set(faces.metadata["identity"]) for split, faces in splits.items()}
    assert not (
        people["train"] & people["validation"]
        or people["train"] & people["test"]
        or people["validation"] & people["test"]
    )
    assert all(len(faces) / len(people[split]) > 3 for split, faces in splits.items())  # several pictures a person


def test_no_picture_appears_twice(splits):
    digests = [hashlib.sha256(image.tobytes()).digest() for faces in splits.values() for image in faces.images]
    assert len(set(digests)) == len(digests)


def test_files_match_their_record_and_stay_small():
    record = json.loads((FILES / "synthetic.json").read_text())
    total = 0
    for name, entry in record["files"].items():
        content = (FILES / name).read_bytes()
        total += len(content)
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert set(record["files"]) == {f"synthetic_{split}.parquet" for split in SPLITS}
    assert total < 20e6


def test_columns(tables):
    for table in tables.values():
        needed = {
            "image",
            "class",
            "identity",
            "variant",
            "intensity",
            *ACTION_UNITS,
            "yaw",
            "pitch",
            "roll",
            "light_azimuth",
            "light_elevation",
            "light_key",
            "age",
            "gender",
            "skin_tone",
            "glasses",
        }
        assert needed <= set(table.columns)
        assert not table.isna().any().any()
        neutral = table["class"] == "neutral"
        assert (table.loc[neutral, "intensity"] == 0).all() and (table.loc[~neutral, "intensity"] >= 0.199).all()
        for name, variant in zip(table["class"], table["variant"], strict=True):
            assert variant in EXPRESSIONS[name]


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_come_back_from_the_seed(script, tables, split):
    table = tables[split]
    for index in (0, 7, len(table) - 1):
        row = table.iloc[index]
        number, who, take = script.recipe(int(row["seed"]), split, index)
        assert (number, take.expression, take.variant) == (row["identity"], row["class"], row["variant"])
        assert take.intensity == pytest.approx(row["intensity"], abs=1e-6)
        assert who.skin_tone == pytest.approx(row["skin_tone"], abs=1e-6)
        drawn = script.draw(int(row["seed"]), split, index)
        np.testing.assert_array_equal(drawn, script.draw(int(row["seed"]), split, index))
        stored = np.asarray(Image.open(io.BytesIO(row["image"]))).astype(float)
        # lossy encoding, and other machines round differently
        assert np.abs(stored - drawn).mean() < 6.0


def test_order_of_drawing_changes_nothing(script):
    forwards = [script.draw(5, "test", index) for index in (3, 4)]
    script.person.cache_clear()
    backwards = [script.draw(5, "test", index) for index in (4, 3)][::-1]
    np.testing.assert_array_equal(forwards, backwards)


def test_another_seed_gives_other_people(script):
    assert script.recipe(1, "train", 0)[1] != script.recipe(2, "train", 0)[1]


def test_a_class_is_visible_in_its_own_action_units(splits):
    table = splits["train"].metadata
    means = table.groupby("class")[list(ACTION_UNITS)].mean()
    assert means["AU12"].idxmax() == "happiness"
    assert means["AU9"].idxmax() == "disgust"
    assert means["AU20"].idxmax() == "fear"
    assert means["AU15"].idxmax() == "sadness"


@pytest.mark.parametrize("split", SPLITS)
def test_an_open_mouth_rules_no_class_out(splits, split):
    table = splits[split].metadata
    dropped = (table[["AU26", "AU27"]] > 0.05).any(axis=1).groupby(table["class"]).mean()
    assert dropped.min() > 0.05
    relaxed = table[table["class"] == "neutral"]
    assert (relaxed[list(ACTION_UNITS)].sum(axis=1) > 0).all()


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "no record"])
def test_damaged_files_are_explained(tmp_path, damage):
    for name in ("synthetic_validation.parquet", "synthetic.json"):
        shutil.copy(FILES / name, tmp_path / name)
    path = tmp_path / "synthetic_validation.parquet"
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "altered":
        content = bytearray(path.read_bytes())
        content[5000] ^= 255
        path.write_bytes(bytes(content))
    else:
        (tmp_path / "synthetic.json").unlink()
    with pytest.raises(FerlabError, match="git checkout"):
        load_synthetic("validation", tmp_path)


def test_unknown_split():
    with pytest.raises(FerlabError, match="validation"):
        load_synthetic("dev")

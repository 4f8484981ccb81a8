"""Run folders are read whole, or one sentence says what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from fake_run import METHODS, fake_faces, write_fake_run

from ferlab.errors import FerlabError
from ferlab.runs import read_run


@pytest.fixture(scope="module")
def faces():
    return fake_faces()


def test_maps_hold_the_same_images_in_the_same_order(tmp_path, faces):
    run = read_run(write_fake_run(tmp_path / "run", faces, mapped=100, seeds=(3, 4)))
    points = run.map_points()
    assert list(points) == list(METHODS)
    for rows in points.values():
        assert len(rows) == 100 and rows["index"].is_unique
        np.testing.assert_array_equal(rows["index"], points["ce"]["index"])
        np.testing.assert_array_equal(rows["label"], faces.labels[rows["index"]])


@pytest.mark.parametrize("name", ["summary.json", "history.parquet", "embeddings.parquet"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_incomplete_run_folder_is_one_sentence(tmp_path, faces, name, damage):
    run_dir = write_fake_run(tmp_path / "run", faces)
    if damage == "missing":
        (run_dir / name).unlink()
    else:
        (run_dir / name).write_bytes((run_dir / name).read_bytes()[:40])
    with pytest.raises(FerlabError, match=name.replace(".", r"\.")):
        read_run(run_dir)


def test_no_run_folder():
    with pytest.raises(FerlabError, match="no run folder"):
        read_run("nowhere")

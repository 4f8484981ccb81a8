"""Runs with invented numbers for all tests of the report that do not change them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import fake_faces, replace_spaces, shaped_spaces, write_fake_run

from ferlab.data.dataset import FaceDataset


@pytest.fixture(scope="session")
def faces() -> FaceDataset:
    return fake_faces()


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory, faces: FaceDataset) -> Path:
    return write_fake_run(tmp_path_factory.mktemp("runs") / "fake", faces)


@pytest.fixture(scope="session")
def shaped_dir(tmp_path_factory: pytest.TempPathFactory, faces: FaceDataset) -> Path:
    """A run whose spaces have classes, those of Ad-Corre and its control seven heads too."""
    folder = write_fake_run(tmp_path_factory.mktemp("runs") / "shaped", faces)
    replace_spaces(folder, shaped_spaces(faces.labels))
    return folder

"""Data sets of one's own, by name."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tiny import tiny_faces

from ferlab.data import DATASETS, load_dataset, register_dataset
from ferlab.errors import FerlabError


def test_a_registered_data_set_is_read_by_name(tmp_path):
    seen = []

    def read(split, root):
        seen.append((split, root))
        return tiny_faces(split, 2)

    register_dataset("mine", read)
    try:
        np.testing.assert_array_equal(load_dataset("mine", "test", tmp_path).images, tiny_faces("test", 2).images)
        assert seen == [("test", tmp_path)]
        with pytest.raises(FerlabError, match="no split 'dev'"):
            load_dataset("mine", "dev")
        with pytest.raises(FerlabError, match="data set 'mine' already"):
            register_dataset("mine", lambda split, root: None)
        register_dataset("mine", read)  # a cell that is run again
    finally:
        del DATASETS["mine"]
    with pytest.raises(FerlabError, match="no data set 'mine'; choose one of: synthetic"):
        load_dataset("mine")


def test_an_installed_package_makes_its_data_sets_known_to_every_process(tmp_path):
    (tmp_path / "other_faces.py").write_text(
        "from ferlab.data import load_dataset\n"
        "def read(split, root):\n"
        "    return load_dataset('synthetic', split).subset(slice(0, 3))\n".replace(
            "slice(0, 3)", "__import__('numpy').arange(3)"
        )
    )
    about = tmp_path / "other_faces-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other-faces\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ferlab.datasets]\nother-faces = other_faces:read\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from ferlab.data import load_dataset\n"
    code += "print(len(load_dataset('other-faces', 'validation')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "3\n", done.stderr

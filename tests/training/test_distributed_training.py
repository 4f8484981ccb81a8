"""Two processes on half a batch each train as one process on the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import tiny_faces

from ferlab.errors import FerlabError
from ferlab.methods import get_method
from ferlab.training import TrainSettings, train

NAMES = ("tcl-fully-synthesized+attention", "ad-corre")


def settings(devices: int) -> TrainSettings:
    # In float32 one rectifier that flips at a rounding difference would hide what is compared here.
    return TrainSettings(
        epochs=3, batch_size=32, learning_rate=0.02, accelerator="cpu", devices=devices, precision="64-true"
    )


def train_and_save(folder: Path, devices: int) -> None:
    for name in NAMES:
        result = train(get_method(name), tiny_faces(), tiny_faces("validation", 6), settings(devices))
        if os.environ.get("RANK", "0") == "0":
            torch.save({"history": result.history, "weights": result.network.state_dict()}, folder / f"{name}.pt")


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    for devices in (1, 2):
        (tmp_path / str(devices)).mkdir()
    train_and_save(tmp_path / "1", 1)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*launch, __file__, str(tmp_path / "2")], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        one, two = (torch.load(tmp_path / n / f"{name}.pt", weights_only=True) for n in "12")
        for mine, theirs in zip(one["history"], two["history"], strict=True):
            assert mine.keys() == theirs.keys()
            for key in mine.keys() - {"seconds"}:
                assert theirs[key] == pytest.approx(mine[key], rel=1e-6, abs=1e-9), (name, key)
        for key, value in one["weights"].items():
            torch.testing.assert_close(two["weights"][key], value, rtol=1e-6, atol=1e-8, msg=f"{name} {key}")


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(FerlabError, match="32 cannot be shared by 3"):
        train(get_method("ce"), tiny_faces(), tiny_faces("validation", 6), settings(3))


if __name__ == "__main__":
    train_and_save(Path(sys.argv[1]), devices=2)

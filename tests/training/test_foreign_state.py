"""A checkpoint whose checksums fit, and that is none of this training, is a sentence and no traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny import tiny_faces

from ferlab.checksums import RECORD
from ferlab.errors import FerlabError
from ferlab.files import sha256_of
from ferlab.methods import METHODS
from ferlab.training import TrainSettings, train

FACES = tiny_faces(per_class=8)
SETTINGS = TrainSettings(epochs=2, batch_size=28, learning_rate=0.05, precision="32-true", optimizer="sgd")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "checkpoints"
    go_on(folder)
    return folder


def go_on(folder: Path) -> list[dict[str, float]]:
    return train(METHODS["tcl-nearest"], FACES, FACES, SETTINGS, folder).history


def at(*keys: Any, value: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        for key in keys[:-1]:
            state = state[key]
        if value is None:
            del state[keys[-1]]
        else:
            state[keys[-1]] = value

    return change


STATES: list[tuple[str, Any]] = [
    ("objective", at("objective", value={})),
    ("objective", at("objective", value={"metric_loss.centers": torch.ones(3)})),
    ("objective", at("objective", value=3)),
    ("optimizer", at("optimizer", value={"state": {}, "param_groups": []})),
    ("optimizer", at("optimizer", "state", value={0: {"momentum_buffer": torch.ones(2, 2)}})),
    ("schedule", at("schedule", value="x")),
    ("precision", at("precision", value=None)),
    ("generator", at("generator", value=torch.ones(3))),
    ("torch_random", at("torch_random", value=[1])),
    ("history", at("history", value=[])),
    ("history", at("history", value=[{"epoch": 1}, {"epoch": 2}])),
    ("history", at("history", 0, "train_loss", value="high")),
    ("best_epoch", at("best_epoch", value=99)),
    ("best_epoch", at("best_epoch", value="1")),
    ("best_weights", at("best_weights", value={"a": torch.ones(1)})),
    ("objective", "another type"),
]


@pytest.mark.parametrize(("part", "change"), STATES, ids=[f"{part} {i}" for i, (part, _) in enumerate(STATES)])
def test_a_state_of_something_else_names_its_part(made, tmp_path, part, change):
    folder = tmp_path / "checkpoints"
    shutil.copytree(made, folder)
    newest = folder / "epoch_0002"
    state: Any = torch.load(newest / "state.pt", weights_only=True)
    if callable(change):
        change(state)
    else:
        state = [1, 2]
    torch.save(state, newest / "state.pt")
    note(newest)
    with pytest.raises(
        FerlabError, match=rf"epoch_0002 is not one of this training, in the part {part} of state\.pt"
    ) as at:
        go_on(folder)
    assert str(at.value).endswith(f"delete {folder} to begin this training anew.")


def test_weights_of_another_network_are_named(made, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(made, folder)
    save_file({"w": torch.ones(2)}, folder / "epoch_0002/model.safetensors")
    note(folder / "epoch_0002")
    with pytest.raises(FerlabError, match=r"in model\.safetensors \(.*another network"):
        go_on(folder)


@pytest.mark.parametrize("content", ["[]", "3", '{"state.pt": 3}', "{}", "[" * 100_000, "\x00"])
def test_a_damaged_record_is_damage_as_any(made, tmp_path, content):
    folder = tmp_path / "checkpoints"
    shutil.copytree(made, folder)
    (folder / "epoch_0002" / RECORD).write_text(content)
    with pytest.warns(UserWarning, match="epoch_0002 is damaged"):
        assert len(go_on(folder)) == 2


def note(checkpoint: Path) -> None:
    """The checksums that belong to what is in a checkpoint."""
    files = ("model.safetensors", "state.pt")
    (checkpoint / RECORD).write_text(json.dumps({name: sha256_of(checkpoint / name) for name in files}))

"""Interrupted trainings go on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_compare
import torch
from safetensors.torch import load_file
from tiny import tiny_faces

from ferlab.errors import FerlabError
from ferlab.experiments import CompareSettings, one_training, run_compare
from ferlab.methods import METHODS, get_method
from ferlab.training import TrainSettings, checkpoints, loop, train
from ferlab.training.checkpoints import load_newest_checkpoint, save_checkpoint

SETTINGS = TrainSettings(epochs=4, batch_size=32, learning_rate=0.05, precision="32-true")

# Of four epochs the metric loss has three, or one, whatever the table says.
KNOWN = METHODS | {
    "tcl-early": dataclasses.replace(METHODS["tcl-nearest"], warm_up=0.25),
    "tcl-late": dataclasses.replace(METHODS["tcl-nearest"], warm_up=0.75),
}


def run(name: str, folder: Path | None = None, settings: TrainSettings = SETTINGS, **hooks):
    return train(
        KNOWN.get(name) or get_method(name), tiny_faces(), tiny_faces("validation", 6), settings, folder, **hooks
    )


def without_time(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


class Stop(Exception):
    pass


def stop_after(batches: int):
    left = [batches]

    def on_batch(batch) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Stop

    return on_batch


def assert_same(first, second) -> None:
    assert without_time(first.history) == without_time(second.history)
    for (name, mine), theirs in zip(
        first.network.state_dict().items(), second.network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs), name


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tcl-early", {}),  # interrupted after its loss is switched on: learned centers come back
        ("tcl-late", {}),  # and before
        ("ad-corre+attention", {"optimizer": "adamw", "learning_rate": 0.003, "schedule": "cosine"}),
        ("ce", {"batches": "per-class", "batch_size": 28, "patience": 3, "gradient_clip": 1.0}),
    ],
)
def test_resumed_training_ends_with_the_same_numbers(tmp_path, name, changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    whole = run(name, settings=settings)
    for batches in (7, 12):  # within the second epoch, then within the fourth
        with pytest.raises(Stop):
            run(name, tmp_path, settings, on_batch=stop_after(batches))
    assert [path.name for path in checkpoints.checkpoints(tmp_path)] == ["epoch_0002", "epoch_0003"]
    seen = []
    assert_same(run(name, tmp_path, settings, on_epoch=lambda row: seen.append(row["epoch"])), whole)
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("damage", ["truncate", "flip", "delete", "no checksum"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(tmp_path, damage):
    whole = run("tcl-nearest", tmp_path)
    newest = checkpoints.checkpoints(tmp_path)[-1]
    file = newest / ("sha256.json" if damage == "no checksum" else "state.pt")
    if damage == "truncate":
        file.write_bytes(file.read_bytes()[:500])
    elif damage == "flip":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
    else:
        file.unlink()
    with pytest.warns(UserWarning, match=r"epoch_0004 is damaged .* the one before"):
        assert_same(run("tcl-nearest", tmp_path), whole)


def test_with_all_checkpoints_damaged_the_training_starts_again(tmp_path):
    whole = run("ce", tmp_path)
    for path in checkpoints.checkpoints(tmp_path):
        (path / "model.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        assert_same(run("ce", tmp_path), whole)


def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, {"w": torch.ones(2)}, {"epoch": 1})

    def full(state, path):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints.torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, 2, {"w": torch.zeros(2)}, {"epoch": 2})
    _, weights, state = load_newest_checkpoint(tmp_path)
    assert state == {"epoch": 1} and weights["w"].sum() == 2
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_0001"]


def test_numbers_that_are_no_longer_finite_leave_the_last_checkpoint(tmp_path, monkeypatch):
    original = loop.apply_changes
    calls = [0]

    def poisoned(images, changes):
        calls[0] += 1
        return original(images, changes) * (float("nan") if calls[0] == 8 else 1)

    monkeypatch.setattr(loop, "apply_changes", poisoned)
    with pytest.raises(FerlabError, match="epoch 2, batch 3.*learning rate"):
        run("ce", tmp_path)
    _, weights, state = load_newest_checkpoint(tmp_path)
    assert len(state["history"]) == 1 and all(value.isfinite().all() for value in weights.values())


def test_a_full_memory_says_what_to_do(monkeypatch):
    def full(images, changes):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(loop.Fabric, "backward", lambda *args, **kwargs: full(None, None))
    with pytest.raises(FerlabError, match="epoch 1, batch 1: the memory is full.*batch size below 32"):
        run("ce")


def test_early_stopping_returns_the_best_epoch():
    settings = TrainSettings(epochs=30, batch_size=32, learning_rate=0.05, patience=3, precision="32-true")
    result = run("ce", settings=settings)
    scores = [row["validation_balanced_accuracy"] for row in result.history]
    best = int(np.argmax(scores))
    assert len(scores) < 30 and len(scores) == best + 1 + 3
    validation = tiny_faces("validation", 6)
    again = loop.predict(result.network, validation.images)
    assert loop.classification_scores(validation.labels, again)["balanced_accuracy"] == pytest.approx(scores[best])


def test_early_stopping_looks_only_at_epochs_with_the_metric_loss():
    settings = dataclasses.replace(SETTINGS, epochs=12, patience=1)
    switch_on = loop.epochs_before_metric_loss(METHODS["tcl-nearest"], 12)
    result = run("tcl-nearest", settings=settings)
    assert len(result.history) >= switch_on + 1 and "tcl" in result.history[-1]
    one = run("tcl-nearest", settings=dataclasses.replace(SETTINGS, epochs=1))
    assert "tcl" in one.history[0], "the last epoch always has it"


def test_a_restarted_training_keeps_its_own_checkpoints(tmp_path):
    for epoch in (4, 5):  # both damaged
        (tmp_path / f"epoch_{epoch:04d}").mkdir()
    save_checkpoint(tmp_path, 1, {"w": torch.ones(1)}, {"epoch": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_0001"]
    assert load_newest_checkpoint(tmp_path).state == {"epoch": 1}


def test_half_precision_steps_that_overflow_are_no_error(monkeypatch):
    """With fp16 the scaler leaves such a step out; clipping must let it."""
    seen = {}
    original = loop.Fabric.clip_gradients
    monkeypatch.setattr(
        loop.Fabric, "clip_gradients", lambda self, *args, **named: seen.update(named) or original(self, *args, **named)
    )
    run("ce", settings=dataclasses.replace(SETTINGS, epochs=1, gradient_clip=0.5))
    assert seen["max_norm"] == 0.5 and seen["error_if_nonfinite"] is False


def test_a_comparison_resumes_adds_seeds_and_refuses_other_settings(tmp_path, monkeypatch):
    plan = {"out": tmp_path / "run", "dataset": "tiny", "methods": ("ce", "ce-heads"), "epochs": 2, "train": SETTINGS}
    plan["no_figures"] = True
    trained = []
    original = one_training.train

    def spy(method, *args, **hooks):
        trained.append(method)
        return original(method, *args, **hooks)

    monkeypatch.setattr(one_training, "train", spy)
    first = run_compare(CompareSettings(**plan))
    more = run_compare(CompareSettings(**plan, seeds=2, resume=True))
    assert trained == [METHODS["ce"], METHODS["ce-heads"]] * 2, "seed 0 is not trained again"
    spent = pd.read_parquet(tmp_path / "run/history.parquet")["seconds"].sum()
    assert more["seconds"] >= spent - 0.1, "time of earlier trainings counts"
    for name in plan["methods"]:
        assert more["methods"][name]["accuracy"]["values"][:1] == first["methods"][name]["accuracy"]["values"]
    kept = run_compare(CompareSettings(**{**plan, "methods": ("ad-corre",)}, resume=True))
    assert list(kept["methods"]) == ["ce", "ce-heads", "ad-corre"] and kept["seeds"] == [0, 1]
    assert kept["methods"]["ce"] == more["methods"]["ce"], "fewer methods or seeds never drop what is there"
    with pytest.raises(FerlabError, match="epochs was 2 and is 3"):
        run_compare(CompareSettings(**{**plan, "epochs": 3}, resume=True))
    with pytest.raises(FerlabError, match="one of --resume and --overwrite"):
        run_compare(CompareSettings(**plan, resume=True, overwrite=True))


def test_two_processes_never_train_in_the_same_folder(tmp_path):
    plan = {"out": tmp_path / "run", "dataset": "tiny", "methods": ("ce",), "epochs": 1, "train": SETTINGS}
    plan["no_figures"] = True
    folder = tmp_path / "run/ce/seed_0"
    run_compare(CompareSettings(**plan))
    (folder / "scores.json").unlink()  # not finished
    hold = "import sys; from pathlib import Path; from ferlab.runs import TrainingFolder\n"
    hold += "with TrainingFolder(Path(sys.argv[1]), 'ce', 0).held(): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FerlabError, match="Another process is still training in .*seed_0"):
        run_compare(CompareSettings(**plan, resume=True))
    with pytest.raises(FerlabError, match="Another process is still training in .*seed_0"):
        run_compare(CompareSettings(**plan, overwrite=True))
    assert (folder / "model.safetensors").exists(), "nothing was deleted"
    holder.send_signal(signal.SIGKILL)  # as a job that dies: what it held is free
    holder.wait()
    assert list(run_compare(CompareSettings(**plan, resume=True))["methods"]) == ["ce"]


def test_settings_come_back_from_the_run_folder(tmp_path):
    settings = TrainSettings(batch_size=28, optimizer="adamw", learning_rate=0.003, precision="32-true")
    run_compare(CompareSettings(tmp_path / "run", "tiny", methods=("ce",), epochs=1, train=settings, no_figures=True))
    saved = json.loads((tmp_path / "run/config.json").read_text())["settings"]["train"]
    assert TrainSettings.from_dict(saved) == dataclasses.replace(settings, epochs=1)
    with pytest.raises(FerlabError, match="learning_speed"):
        TrainSettings.from_dict({**saved, "learning_speed": 1})


def saved_states(folder: Path) -> set[str]:
    """Checkpoints that are complete; folders may vanish while they are looked through."""
    return {where for where, _, files in os.walk(folder) if "state.pt" in files and "partial" not in where}


@pytest.mark.slow
def test_a_run_killed_three_times_ends_with_the_same_numbers(tmp_path):
    methods, epochs = ("tcl-nearest", "ad-corre"), 12
    command = [sys.executable, str(Path(tiny_compare.__file__))]

    def arguments(name: str, *flags: str) -> list[str]:
        return [*command, str(tmp_path / name), ",".join(methods), str(epochs), *flags]

    rng = random.Random()
    for _ in range(3):
        before = saved_states(tmp_path / "killed")
        process = subprocess.Popen(
            arguments("killed", "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 120
        while time.monotonic() < end and not saved_states(tmp_path / "killed") - before:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    for name, flags in (("killed", ["--resume"]), ("whole", [])):
        subprocess.run(arguments(name, *flags), check=True, stdout=subprocess.DEVNULL, timeout=300)
    first, second = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("killed", "whole"))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    for method in methods:
        one, two = (load_file(tmp_path / name / method / "seed_0/model.safetensors") for name in ("killed", "whole"))
        assert all(torch.equal(one[key], two[key]) for key in two)
        assert not (tmp_path / "killed" / method / "seed_0/checkpoints").exists()
    one, two = (pd.read_parquet(tmp_path / name / "embeddings.parquet") for name in ("killed", "whole"))
    np.testing.assert_array_equal(one[["x", "y"]], two[["x", "y"]])

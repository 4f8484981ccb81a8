"""Checkpoints of an unfinished training: written after every epoch, whole or not at all.

::

    checkpoints/epoch_0003/
        model.safetensors   weights of the network
        state.pt            optimizer, schedule, random numbers, centers, running confusion matrix, history
        sha256.json         of the two files, so that damage is noticed

The last two are kept: when the newest is damaged, the one before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ferlab.errors import FerlabError

KEPT = 2
FILES = ("model.safetensors", "state.pt")


def save_checkpoint(folder: Path, epoch: int, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write the checkpoint of a finished ``epoch`` (counted from 1) and delete all but the last two.

    ``state`` may hold tensors, numbers, strings, lists and dicts: what ``torch.load(weights_only=True)`` reads.

    Raises:
        OSError, FerlabError: it could not be written, for example on a full disk; earlier checkpoints are left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"epoch_{epoch:04d}"
    beside = folder / f".{final.name}.{os.getpid()}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir()
        save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, beside / FILES[0])
        torch.save(state, beside / FILES[1])
        (beside / "sha256.json").write_text(json.dumps({name: _sha256(beside / name) for name in FILES}))
        shutil.rmtree(final, ignore_errors=True)  # a damaged one of the same epoch
        os.replace(beside, final)
    except (RuntimeError, SafetensorError) as error:  # torch's and safetensors' words for a failed write
        raise FerlabError(
            f"The checkpoint of epoch {epoch} could not be written to {folder} ({error}): free some space there, then "
            "go on with --resume."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    # Later ones are damaged, or this epoch would not have been trained again.
    kept = [path for path in checkpoints(folder) if path.name <= final.name][-KEPT:]
    for old in set(checkpoints(folder)) - set(kept):
        shutil.rmtree(old, ignore_errors=True)
    for abandoned in folder.glob(".*.partial"):  # of processes that were killed
        shutil.rmtree(abandoned, ignore_errors=True)


def load_newest_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Weights and state of the newest readable checkpoint, or None; a warning names every damaged one."""
    for path in reversed(checkpoints(folder)):
        try:
            expected = json.loads((path / "sha256.json").read_text())
            for name in FILES:
                if _sha256(path / name) != expected[name]:
                    raise ValueError(f"{name} has changed since it was written")
            weights = load_file(path / FILES[0])
            state = torch.load(path / FILES[1], weights_only=True, map_location="cpu")
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            warnings.warn(f"The checkpoint {path} is damaged ({error}): going on from the one before it.", stacklevel=2)
            continue
        return weights, state
    return None


def checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first."""
    return sorted(folder.glob("epoch_*")) if folder.is_dir() else []


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

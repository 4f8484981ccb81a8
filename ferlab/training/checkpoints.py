"""Checkpoints of an unfinished training: written after every epoch, whole or not at all.

::

    checkpoints/epoch_0003/
        model.safetensors   weights of the network
        state.pt            optimizer, schedule, random numbers, centers, running confusion matrix, history
        sha256.json         of the two files, so that damage is noticed

The last two are kept: when the newest is damaged, the one before it is used.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ferlab.checksums import RECORD, Checksums
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.files import atomic_path, read_json, sha256_of

KEPT = 2
FILES = ("model.safetensors", "state.pt")


class Checkpoint(NamedTuple):
    """Where a checkpoint lies, its weights, and its state: whatever is in the files, which may be anybody's."""

    path: Path
    weights: dict[str, Tensor]
    state: Any


def save_checkpoint(folder: Path, epoch: int, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write the checkpoint of a finished ``epoch`` (counted from 1) and delete all but the last two.

    ``state`` may hold tensors, numbers, strings, lists and dicts: what ``torch.load(weights_only=True)`` reads.

    Raises:
        OSError, FerlabError: it could not be written, for example on a full disk; earlier checkpoints are left.
    """
    final = folder / f"epoch_{epoch:04d}"
    try:
        with atomic_path(final) as beside:
            beside.mkdir()
            save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, beside / FILES[0])
            torch.save(state, beside / FILES[1])
            (beside / RECORD).write_text(json.dumps({name: sha256_of(beside / name) for name in FILES}))
            shutil.rmtree(final, ignore_errors=True)  # a damaged one of the same epoch
    except (RuntimeError, SafetensorError) as error:  # torch's and safetensors' words for a failed write
        raise FerlabError(
            f"The checkpoint of epoch {epoch} could not be written to {folder} ({error}): free some space there, then "
            "go on with --resume."
        ) from error
    # Later ones are damaged, or this epoch would not have been trained again.
    kept = [path for path in checkpoints(folder) if path.name <= final.name][-KEPT:]
    for old in set(checkpoints(folder)) - set(kept):
        shutil.rmtree(old, ignore_errors=True)


def load_newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest readable checkpoint, or None; a warning names every damaged one."""
    for path in reversed(checkpoints(folder)):
        try:
            expected = read_json(path / RECORD, Checksums, mend="it is left out")
            for name in FILES:
                if sha256_of(path / name) != expected[name]:
                    raise ValueError(f"{name} has changed since it was written")
            weights = load_file(path / FILES[0])
            state = torch.load(path / FILES[1], weights_only=True, map_location="cpu")
        # What torch's reader makes of hostile bytes is of many kinds.
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            warnings.warn(
                f"The checkpoint {path} is damaged ({said[:200]}): going on from the one before it.",
                FerlabWarning,
                stacklevel=2,
            )
            continue
        return Checkpoint(path, weights, state)
    return None


def checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first."""
    return sorted(folder.glob("epoch_*")) if folder.is_dir() else []

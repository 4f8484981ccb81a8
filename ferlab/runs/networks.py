"""A trained network on disk."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ferlab.errors import FerlabError
from ferlab.files import atomic_path, write_json
from ferlab.models import ExpressionNetwork
from ferlab.runs.folder import run_folder
from ferlab.runs.reading import load_summary


def save_network(folder: Path, network: ExpressionNetwork, classes: tuple[str, ...], image_size: int) -> None:
    try:
        with atomic_path(folder / "model.safetensors") as beside:
            save_file({name: value.contiguous() for name, value in network.state_dict().items()}, beside)
    except SafetensorError as error:
        raise FerlabError(
            f"The network could not be written to {folder} ({error}): free some space there, then go on with --resume."
        ) from error
    description = {"network": network.settings, "classes": list(classes), "image_size": image_size}
    write_json(folder / "model.json", description)


def load_network(folder: Path) -> tuple[ExpressionNetwork, tuple[str, ...]]:
    """The network saved in ``<method>/seed_<n>/``, in evaluation mode, and its class names.

    Raises:
        FerlabError: missing or damaged files.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        network = ExpressionNetwork(**description["network"])
        network.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise FerlabError(f"No network can be read from {folder}: {error} Train it again.") from error
    return network.eval(), tuple(description["classes"])


def read_network(run: Path, method: str | None, seed: int):
    """Network, class names and image size of one training of a run."""
    method = method or first_method(run)
    folder = run_folder(run, method, seed)
    if not folder.is_dir():
        found = sorted(path.parent for path in run.glob("*/seed_*/model.json"))
        trained = ", ".join(f"{path.parent.name}, seed {path.name.removeprefix('seed_')}" for path in found)
        raise FerlabError(f"{run} has no {method} with seed {seed}; trained are: {trained or 'none'}.")
    network, classes = load_network(folder)
    return network, classes, int(json.loads((folder / "model.json").read_text(encoding="utf-8"))["image_size"])


def first_method(run: Path) -> str:
    return next(iter(load_summary(run)["methods"]))

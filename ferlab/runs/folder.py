"""The run folder: what a comparison leaves on disk, and how it is read again.

::

    config.json             every setting, versions, machine
    summary.json            scores a method, mean and standard deviation over seeds
    history.parquet         one row a method, seed and epoch
    embeddings.parquet      one row a method, seed and test face
    epochs.parquet          one row a method, epoch and face: maps of some validation faces after every epoch
    <method>/seed_<n>/      model.safetensors, model.json, this run's scores, history and embeddings, tensorboard/,
                            epochs/ (embeddings of some validation faces after every epoch);
                            while it trains, checkpoints/ (:mod:`ferlab.training.checkpoints`)
    figures/, report.html
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from ferlab import __version__
from ferlab.errors import FerlabError
from ferlab.files import is_free, write_json


def run_folder(out: Path, method: str, seed: int) -> Path:
    """Where one training's results lie."""
    return out / method / f"seed_{seed}"


def check_folder(out: Path, overwrite: bool, resume: bool) -> None:
    """A FerlabError unless ``out`` is new, empty, or an earlier run that may be overwritten or resumed."""
    if is_free(out):
        return
    if not (overwrite or resume):
        raise FerlabError(
            f"The output folder {out} already exists: name another one with --out, go on with an unfinished run there "
            "with --resume, or insist with --overwrite."
        )
    try:
        config = json.loads((out / "config.json").read_text(encoding="utf-8"))
        is_run = "ferlab" in config["versions"] and "seeds" in config["settings"]  # a search has none
    except (OSError, ValueError, KeyError, TypeError):
        is_run = False
    # A run whose config.json was damaged still shows by its trainings.
    if not is_run and not any(out.glob("*/seed_*/model.safetensors")):
        raise FerlabError(
            f"{out} is not the folder of an earlier run (it has no config.json of one), so it is left alone: "
            "name another one with --out."
        )


def check_same_settings(out: Path, settings: dict[str, Any], free: Sequence[str] = ()) -> None:
    """A FerlabError naming what differs, when the run in ``out`` was started with other settings.

    Other seeds and methods are fine, new ones are trained, and earlier ones kept; and so is what ``free`` names.
    """
    before = flatten(read_config(out))
    # As json gives them back, tuples as lists.
    now = flatten(json.loads(json.dumps(settings)))
    free = {*free, "out", "overwrite", "resume", "jobs", "cluster", "seeds", "methods", "train.seed"}
    # A method of only one of the two is trained anew or kept as it is.
    added = {name for name in now.keys() ^ before.keys() if name.startswith("table.")}
    differing = [name for name in sorted((now.keys() | before.keys()) - added) if now.get(name) != before.get(name)]
    if differing := [name for name in differing if name not in free]:
        changes = ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differing)
        raise FerlabError(f"{out} was started with other settings ({changes}): use those, or another --out.")


def read_config(out: Path) -> dict[str, Any]:
    """The settings in a run folder's ``config.json``.

    Raises:
        FerlabError: there is none, or it is damaged.
    """
    try:
        return dict(json.loads((out / "config.json").read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FerlabError(
            f"{out} has no readable config.json ({error}): name a folder written by ferlab compare, or start again "
            "with --overwrite."
        ) from error


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names, such as ``train.augmentation.flip``."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def prepare_folder(out: Path, overwrite: bool) -> None:
    """The folder ``out``; an earlier run there, see :func:`check_folder`, is deleted when ``overwrite`` is set."""
    if overwrite and out.exists():
        for lock in out.glob("*/seed_*/.lock"):  # a training that outlived its command would write into the new run
            with only_one_training(lock.parent):
                pass
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def write_config(out: Path, settings: dict[str, Any]) -> None:
    packages = ("torch", "lightning-fabric", "pytorch-metric-learning", "umap-learn", "scikit-learn", "numpy")
    write_json(
        out / "config.json",
        {
            "settings": settings,
            "versions": {"ferlab": __version__, "python": platform.python_version()}
            | {name: version(name) for name in packages},
            "machine": {
                "system": platform.platform(),
                "processor": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
                "threads": torch.get_num_threads(),
                "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            },
        },
    )


@contextmanager
def only_one_training(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; a FerlabError when another one holds it.

    A job can outlive the command that started it (after ``kill -9``); a second training in its folder would mix with
    it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout as error:
        raise FerlabError(
            f"Another process is still training in {folder}: wait for it or end it, then go on there."
        ) from error

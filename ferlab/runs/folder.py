"""The run folder: what a comparison leaves on disk.

::

    config.json             every setting, versions, machine, and the checksum of every split's faces
    summary.json            scores a method, mean and standard deviation over seeds
    history.parquet         one row a method, seed and epoch
    embeddings.parquet      one row a method, seed and test face
    epochs.parquet          one row a method, epoch and face: maps of some validation faces after every epoch
    <method>/seed_<n>/      one training (:mod:`ferlab.runs.training_folder`)
    figures/, report.html
    sha256.json             checksums of all these; a training has its own
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pandas as pd
import torch
from filelock import FileLock, Timeout

from ferlab import __version__
from ferlab.checksums import check_unchanged, recorded_path
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError, UnreadableFile
from ferlab.files import is_partial, json_text, sweep
from ferlab.runs.faces_record import check_same_faces
from ferlab.runs.reading import Run, read_run, read_summary
from ferlab.runs.schema import ComparisonConfig, Config, SearchConfig, read_config
from ferlab.runs.summary import FinishedTraining
from ferlab.runs.training_folder import StoredNetwork, TrainingFolder

# What may differ between a run and what goes on with it: new seeds and methods are trained, earlier ones kept.
FREE = ("out", "overwrite", "resume", "jobs", "cluster", "seeds", "methods", "no_figures", "train.seed")
LOCK = ".lock"
PACKAGES = ("torch", "lightning-fabric", "pytorch-metric-learning", "umap-learn", "scikit-learn", "numpy")


@dataclass(frozen=True)
class RunFolder:
    """The folder of a comparison: it creates, locks, writes, reads and checks what lies there.

    A search for hyperparameters has its settings and trials in such a folder too.

    Attributes:
        path: where it lies; it need not be there yet.

    Example:
        >>> RunFolder(Path("runs/first")).training("ce", 0).path.as_posix()
        'runs/first/ce/seed_0'
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    # What lies where

    def training(self, method: str, seed: int) -> TrainingFolder:
        """Where one training's results lie."""
        return TrainingFolder(self._of_method(method) / f"seed_{seed}", method, seed)

    def trial(self, method: str, number: int, seed: int) -> TrainingFolder:
        """Where one trial of a search lies."""
        return TrainingFolder(self._of_method(method) / f"trial_{number}", method, seed)

    def trials(self, method: str, seed: int) -> list[TrainingFolder]:
        """All trials of one method that were begun."""
        return [TrainingFolder(path, method, seed) for path in self._of_method(method).glob("trial_*")]

    def trainings(self) -> list[TrainingFolder]:
        """All trainings that have a network."""
        return [
            TrainingFolder(path.parent, unquote(path.parent.parent.name), int(path.parent.name.removeprefix("seed_")))
            for path in sorted(self.path.glob("*/seed_*/model.json"))
        ]

    def finished(self, wanted: Sequence[tuple[str, int]]) -> list[FinishedTraining]:
        """Those of the wanted (method, seed) that are trained and measured."""
        return [found for which in wanted if (found := self.training(*which).load()) is not None]

    def diverged(self, wanted: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
        """Method -> the seeds, of those that are wanted, with which its loss broke the network."""
        found: dict[str, list[int]] = {}
        for method, seed in wanted:
            if self.training(method, seed).diverged():
                found.setdefault(method, []).append(seed)
        return found

    def _of_method(self, method: str) -> Path:
        # A colon, as in pml:SupConLoss, cannot stand in a folder's name on Windows.
        return self.path / quote(method, safe="+@(),=")

    # Starting

    def check_free(self, *, overwrite: bool, resume: bool) -> None:
        """A FerlabError unless the folder is new, empty, or an earlier run that may be overwritten or resumed."""
        if self.is_unused():
            return
        if not (overwrite or resume):
            raise FerlabError(
                f"The output folder {self.path} already exists: name another one with --out, go on with an unfinished "
                "run there with --resume, or insist with --overwrite."
            )
        # A run whose config.json was damaged still shows by its trainings.
        if not self.is_comparison() and not any(self.path.glob("*/seed_*/model.safetensors")):
            raise FerlabError(
                f"{self.path} is not the folder of an earlier run (it has no config.json of one), so it is left "
                "alone: name another one with --out."
            )

    def is_unused(self) -> bool:
        """Whether there is nothing here, or only what a process left that was killed before it had written anything."""
        if not self.path.is_dir():
            return not self.path.exists()
        return all(path.name == LOCK or is_partial(path) for path in self.path.iterdir())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and hold it for this process: two comparisons in one would mix. What killed ones left half
        written there is swept up.

        Raises:
            FerlabError: another process holds it, or is training in it; nothing has been changed then.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / LOCK).acquire(timeout=0):
                self.check_idle()
                sweep(self.path, deep=True)
                yield
        except Timeout as error:
            raise FerlabError(
                f"Another process is still at work in {self.path}: wait for it or end it, then go on there."
            ) from error

    def check_idle(self) -> None:
        """A FerlabError where a training is still going on here: a job can outlive the command that started it."""
        for pattern in ("*/seed_*/.lock", "*/trial_*/.lock"):
            for lock in self.path.glob(pattern):
                with TrainingFolder(lock.parent, unquote(lock.parent.parent.name), 0).held():
                    pass

    def is_comparison(self) -> bool:
        """Whether a comparison has written its settings here."""
        return "seeds" in self._settings_or_none()

    def is_search(self) -> bool:
        """Whether a search for hyperparameters has written its settings here."""
        return "trials" in self._settings_or_none()

    def prepare(self, *, overwrite: bool) -> None:
        """Make the folder; an earlier run there, see :meth:`check_free`, is deleted when ``overwrite`` is set."""
        self.path.mkdir(parents=True, exist_ok=True)
        for old in self.path.iterdir() if overwrite else ():
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            elif old.name != LOCK:  # which this process holds
                old.unlink()

    # Settings

    def settings(self) -> dict[str, Any]:
        """The settings in ``config.json``.

        Raises:
            UnreadableFile: there is none, or it is damaged.
        """
        return dict(self._read_config(Config)["settings"])

    def comparison_settings(self) -> dict[str, Any]:
        """As :meth:`settings`, once every field of a comparison is found to be there and of its type."""
        return dict(self._read_config(ComparisonConfig)["settings"])

    def search_settings(self) -> dict[str, Any]:
        """As :meth:`settings`, once every field of a search is found to be there and of its type."""
        return dict(self._read_config(SearchConfig)["settings"])

    def _read_config(self, kind: type[Config]) -> dict[str, Any]:
        mend = "name a folder written by ferlab compare, or start again with --overwrite"
        return read_config(self.path / "config.json", kind=kind, mend=mend)

    def config(self) -> dict[str, Any]:
        """All of ``config.json``: settings, versions and machine; empty where there is none to read."""
        try:
            return self._read_config(Config)
        except UnreadableFile:
            return {}

    def write_config(self, config: dict[str, Any]) -> None:
        """Write ``config.json`` as it was on another machine."""
        self._write_json("config.json", config)

    def has_settings(self) -> bool:
        """Whether a comparison or search was begun here."""
        return (self.path / "config.json").exists()

    def write_settings(self, settings: dict[str, Any], faces: Mapping[str, dict[str, Any]] | None = None) -> None:
        """Write ``config.json``: the settings, versions and the machine, and what is known of the splits' faces."""
        versions = {"ferlab": __version__, "python": platform.python_version()}
        machine = {
            "system": platform.platform(),
            "processor": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        }
        versions |= {name: version(name) for name in PACKAGES}
        self.write_config({"settings": settings, "versions": versions, "machine": machine, "data": dict(faces or {})})

    def check_same_faces(self, splits: Mapping[str, FaceDataset], *, mend: str) -> None:
        """A FerlabError unless ``splits`` are those that the run was made of; a run of an earlier version has no record
        of them, and passes."""
        check_same_faces(self.config().get("data", {}), splits, where=str(self.path), mend=mend)

    def check_unchanged(self, names: Sequence[str] | None = None) -> None:
        """A ChangedFile where a file of the run, a training's apart, is no longer what was written.

        Args:
            names: which; all by default.
        """
        check_unchanged(self.path, names, mend="restore it from a copy, or make the run anew in another folder")

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        with recorded_path(self.path, name) as beside:
            beside.write_text(json_text(content), encoding="utf-8")

    def _write_table(self, name: str, rows: pd.DataFrame) -> None:
        with recorded_path(self.path, name) as beside:
            rows.to_parquet(beside, index=False, compression="zstd")

    def check_same_settings(self, settings: dict[str, Any], free: Sequence[str] = ()) -> None:
        """A FerlabError naming what differs, when the run here was started with other settings.

        Other seeds and methods are fine, and so is what ``free`` names.
        """
        before, now = _comparable(self.settings()), _comparable(settings)
        # A method of only one of the two is trained anew or kept as it is.
        added = {name for name in now.keys() ^ before.keys() if name.startswith("table.")}
        names = sorted((now.keys() | before.keys()) - added - {*FREE, *free})
        changes = [
            f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
            for name in names
            if now.get(name) != before.get(name)
        ]
        if changes:
            raise FerlabError(
                f"{self.path} was started with other settings ({', '.join(changes)}): use those, or another --out."
            )

    def _settings_or_none(self) -> dict[str, Any]:
        try:
            return self.settings()
        except FerlabError:
            return {}

    # Results

    def write_results(
        self,
        *,
        history: pd.DataFrame,
        embeddings: pd.DataFrame,
        epochs: pd.DataFrame | None,
        summary: dict[str, Any],
    ) -> None:
        """Write the tables of all trainings and ``summary.json``; ``epochs`` is None without maps over epochs."""
        self._write_table("history.parquet", history)
        self._write_table("embeddings.parquet", embeddings)
        if epochs is not None:
            self._write_table("epochs.parquet", epochs)
        self._write_json("summary.json", summary)

    def summary(self) -> dict[str, Any]:
        """The content of ``summary.json``.

        Raises:
            FerlabError: there is none, or it is damaged.
        """
        return read_summary(self.path)

    def read(self) -> Run:
        """All tables of the finished comparison, see :func:`~ferlab.runs.read_run`."""
        return read_run(self.path)

    def network(self, method: str | None = None, seed: int = 0) -> StoredNetwork:
        """A trained network of the run, its class names and image size; of the first method by default.

        Raises:
            FerlabError: no such training, which names those that are there; damaged files.
        """
        method = method or self.first_method()
        folder = self.training(method, seed)
        if not folder.path.is_dir():
            trained = ", ".join(f"{found.method}, seed {found.seed}" for found in self.trainings())
            raise FerlabError(f"{self.path} has no {method} with seed {seed}; trained are: {trained or 'none'}.")
        return folder.load_network()

    def first_method(self) -> str:
        """The method that comes first in the summary."""
        return str(next(iter(self.summary()["methods"])))


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names.

    >>> flatten({"train": {"epochs": 8, "augmentation": {"flip": 0.5}}})
    {'train.epochs': 8, 'train.augmentation.flip': 0.5}
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _comparable(settings: dict[str, Any]) -> dict[str, Any]:
    """Flat, as JSON gives them back (tuples as lists), with every method of the table as one value."""
    plain = json.loads(json.dumps(settings))
    table = {name: json.dumps(method, sort_keys=True) for name, method in plain.get("table", {}).items()}
    return flatten(plain | {"table": table})

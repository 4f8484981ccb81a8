"""From the settings of a comparison or search to its methods, faces and record."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.methods import (
    ALL_METHODS,
    Method,
    build_loss,
    canonical_name,
    get_method,
    with_reference_strength,
    with_strengths,
    without_strength,
)
from ferlab.runs.folder import RunFolder
from ferlab.settings import Augmentation, CompareSettings, Plan, TrainSettings, check_limits
from ferlab.vectors import random_part

# Enough for a first impression within a minute on two CPU cores: small batches make many steps of few faces, and
# every class comes equally often, or three epochs would end at naming the most frequent one.
QUICK_SIZES = {"train": 1920, "validation": 300, "test": 700}
QUICK_CHANGES: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 32,
    "learning_rate": 0.05,
    "batches": "class-balanced",
    "augmentation": Augmentation(rotation=0.0, scale=0.0, shift=0.04, contrast=0.1, brightness=10.0),
}
# Up to this size an embedding is its own picture. The default strengths were searched with 128 numbers and are too much
# for so few: at 4, TCL loses its network. There a method without a strength has that of the reference, 1.
LARGEST_PICTURE = 3
CLUSTERS = ("local", "slurm")
SMALLEST = 2
# What a correlation needs: a centered vector of 2 numbers is (a, -a), and one of 3 has an angle and nothing more.
SMALLEST_WITH_HEADS = 4
WHY_HEADS_NEED_MORE = {
    2: "the heads are Ad-Corre's, which correlates centered vectors, and a centered vector of 2 numbers has one degree "
    "of freedom, so every correlation is +1 or -1",
    3: "the heads are Ad-Corre's, which correlates centered vectors, and centered vectors of 3 numbers lie on a "
    "circle, which is too little room for its classes",
}


def check_plan(plan: Plan) -> tuple[tuple[str, ...], TrainSettings]:
    """The names of the methods and the settings of the training loop; a FerlabError for what cannot be."""
    names = _names(plan)
    _check_embedding_size(plan, names)
    check_limits(plan)
    for name in names:
        # The loss is built once before anything is trained: a loss that cannot be is told now.
        build_loss(planned_method(plan, name), num_classes=7)
    if not names or len(set(names)) < len(names):
        raise FerlabError(f"Name each method once; got: {', '.join(names) or 'none'}.")
    if plan.tuned and (dosed := [name for name in names if without_strength(name) != name]):
        raise FerlabError(
            f"--tuned gives every method a weight of its own, so {dosed[0]} cannot have a strength: leave out one of "
            "the two."
        )
    if plan.jobs < 1 or plan.cluster not in CLUSTERS:
        raise FerlabError(f"--jobs is at least 1 and --cluster one of {', '.join(CLUSTERS)}.")
    train = plan.train
    if plan.quick:
        usual = TrainSettings()  # what was asked for stays
        changes = {name: value for name, value in QUICK_CHANGES.items() if getattr(train, name) == getattr(usual, name)}
        train = dataclasses.replace(train, **changes)
    if plan.epochs is not None:
        train = dataclasses.replace(train, epochs=plan.epochs)
    if plan.jobs > 1 and plan.cluster == "local" and train.devices * train.nodes > 1:
        raise FerlabError("Choose one of --jobs and --devices on one machine: each job would want all devices.")
    return names, train


def check_settings(settings: CompareSettings) -> tuple[tuple[str, ...], TrainSettings]:
    """As :func:`check_plan`, of a comparison.

    Raises:
        FerlabError: also for no seeds, or both of ``resume`` and ``overwrite``.
    """
    if settings.seeds < 1:
        raise FerlabError(f"The number of seeds must be at least 1, but is {settings.seeds}.")
    if settings.overwrite and settings.resume:
        raise FerlabError("Choose one of --resume and --overwrite: one keeps the earlier run, the other deletes it.")
    methods = with_strengths(_names(settings), settings.strengths)
    _check_embedding_size(settings, methods)
    size = settings.embedding_size
    if size is not None and size <= LARGEST_PICTURE and not (settings.strengths or settings.tuned):
        methods = tuple(map(with_reference_strength, methods))
    return check_plan(dataclasses.replace(settings, methods=methods))


def _names(plan: Plan) -> tuple[str, ...]:
    return ALL_METHODS if plan.methods == ("all",) else tuple(map(canonical_name, plan.methods))


def planned_method(plan: Plan, name: str) -> Method:
    """The row of a method as a plan trains it: with ``tuned`` with its searched values, where there are some.

    >>> planned_method(Plan(embedding_size=2), "tcl-nearest").embedding_size
    2
    """
    method = get_method(name)
    if plan.tuned:
        method = method.changed(method.tuned)
    return method if plan.embedding_size is None else method.changed({"embedding_size": plan.embedding_size})


def sized(method: Method, size: int) -> Method:
    """A method with another size of embedding.

    Raises:
        FerlabError: a size that cannot be measured, or too small for heads.
    """
    if size < SMALLEST:
        raise FerlabError(_too_small("embedding_size", size))
    if method.heads > 1 and size < SMALLEST_WITH_HEADS:
        raise FerlabError(
            f"{method.label} cannot have an embedding_size of {size}: {WHY_HEADS_NEED_MORE[size]}. Choose a method "
            f"without heads, such as tcl-nearest, or {SMALLEST_WITH_HEADS} or more."
        )
    return method.changed({"embedding_size": size})


def _too_small(setting: str, size: int) -> str:
    return (
        f"{setting} is at least {SMALLEST}, but is {size}: spaces are measured by the directions of their embeddings, "
        "and one number has none."
    )


def _check_embedding_size(plan: Plan, names: tuple[str, ...]) -> None:
    size = plan.embedding_size
    if size is None:
        return
    if size < SMALLEST:
        raise FerlabError(_too_small("--embedding-size", size))
    with_heads = [name for name in names if get_method(name).heads > 1]
    if size >= SMALLEST_WITH_HEADS or not with_heads:
        return
    others = ",".join(name for name in names if name not in with_heads) or "ce,tcl-nearest"
    raise FerlabError(
        f"{' and '.join(with_heads)} cannot have --embedding-size {size}: {WHY_HEADS_NEED_MORE[size]}. "
        f"Leave them out (--methods {others}), or take {SMALLEST_WITH_HEADS} or more."
    )


def recorded(plan: Plan, names: tuple[str, ...], train: TrainSettings) -> dict[str, Any]:
    """What ``config.json`` holds of a plan: its settings as they came to be, and the rows of its methods."""
    config = dataclasses.asdict(plan)
    config |= {"out": str(plan.out), "root": str(plan.root or ""), "methods": names}
    config |= {"epochs": train.epochs, "train": dataclasses.asdict(train)}
    config.pop("strengths", None)  # they stand in the names
    for name in ("labels", "megapixels"):  # as in a run of an earlier version, where nothing was said
        if config[name] is None:
            config.pop(name)
    return config | {"table": {name: planned_method(plan, name).recorded() for name in names}}


def load_splits(plan: Plan, splits: Sequence[str] = ("train", "validation", "test")) -> dict[str, FaceDataset]:
    """The three splits or those asked for, or parts of them with ``quick``; faces without a class are left out.

    Warns:
        FerlabWarning: how many were left out.
    """
    found = {}
    for split in splits:
        faces = load_dataset(plan.dataset, split, plan.root, labels=plan.labels, megapixels=plan.megapixels)
        found[split] = faces.labelled()
        if missing := len(faces) - len(found[split]):
            sentence = (
                f"{missing:,} of the {len(faces):,} {split} faces of {faces.name} have no class and are left out."
            )
            warnings.warn(sentence, FerlabWarning, stacklevel=2)
    if plan.quick:
        return {split: quick_part(faces, QUICK_SIZES[split]) for split, faces in found.items()}
    return found


def quick_part(faces: FaceDataset, size: int) -> FaceDataset:
    """At most ``size`` faces, the same ones in every quick run; strong and nearly frontal where the metadata tells."""
    about = faces.metadata
    kept = np.arange(len(faces))
    if {"intensity", "yaw", "pitch", "occluder"} <= set(about.columns):
        strong = (about["intensity"] >= 0.6) | (about["class"] == "neutral")
        frontal = (about["yaw"].abs() < 15) & (about["pitch"].abs() < 10) & (about["occluder"] == "none")
        kept = np.flatnonzero(strong & frontal)
    return faces.subset(kept[random_part(len(kept), size)])


def read_settings(run: RunFolder) -> CompareSettings:
    """The settings that a run folder was made with.

    Raises:
        FerlabError: no ``config.json``, or one of another version.
    """
    saved = run.comparison_settings()
    try:
        return CompareSettings(
            out=run.path,
            dataset=saved["dataset"],
            root=Path(saved["root"]) if saved["root"] else None,
            methods=tuple(saved["methods"]),
            tuned=saved.get("tuned", False),  # this and the next: not in a run of an earlier version
            embedding_size=saved.get("embedding_size"),
            seeds=saved["seeds"],
            epochs=saved["epochs"],
            quick=saved["quick"],
            labels=saved.get("labels"),
            megapixels=saved.get("megapixels"),
            train=TrainSettings.from_dict(saved["train"]),
        )
    except (KeyError, TypeError) as error:
        raise FerlabError(
            f"{run.path / 'config.json'} is of another version of ferlab ({error}): run it again."
        ) from error

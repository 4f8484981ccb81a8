"""Hyperparameters chosen fairly: every method is searched with the same number of trainings, on validation alone.

Every method has its learning rate and weight decay searched, those with a metric loss also its weight, the share of the
epochs before it is switched on and, for TCL, the margin (``Method.search``). The first trial of each is the methods
table as it stands; the next three are drawn at random, the same for all methods where their ranges are; from the fifth
on Optuna's TPE (Bergstra et al., *Algorithms for Hyper-Parameter Optimization*, NeurIPS 2011) proposes. Chosen is the
trial with the highest balanced accuracy on validation; the test split is never read.

The folder::

    config.json                      every setting, versions, machine
    <method>/trial_<n>/scores.json   what was tried, and its scores on validation; while it trains, checkpoints/
    trials.csv                       the same as one table: the record of the search
    chosen.json                      the best trial of every method
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ferlab.checksums import recorded_path
from ferlab.data import FaceDataset
from ferlab.errors import FerlabError, TrainingDiverged
from ferlab.evaluation import classification_scores, geometry_scores, predict
from ferlab.experiments.bars import progress_bars
from ferlab.experiments.checks import check_faces, check_methods
from ferlab.experiments.jobs import run_jobs
from ferlab.files import check_writable, json_text
from ferlab.methods import Method, get_method
from ferlab.runs import RunFolder, TrainingFolder, load_splits
from ferlab.runs.faces_record import records_of
from ferlab.runs.plan import check_plan, planned_method, recorded
from ferlab.settings import Plan, TrainSettings, TuneSettings
from ferlab.training.devices import start_fabric
from ferlab.training.loop import train

OBJECTIVE = "validation_balanced_accuracy"
SEED = 100  # of every trial: the methods of a comparison have the seeds 0, 1, ...
FIXED = ("learning_rate", "weight_decay")  # of every method these are searched


def run_tune(settings: TuneSettings, console: Console | None = None) -> dict[str, Any]:
    """Search every method's hyperparameters and write the folder described above.

    A search that was interrupted goes on with ``resume``, inside a trial from its last checkpoint, and proposes what it
    would have proposed without the interruption.

    Returns:
        The content of ``chosen.json``: method -> its best trial, values and scores.

    Raises:
        FerlabError: unknown names, missing data, a folder in use.
    """
    console = console or Console()
    names, base = check_plan(settings)
    if fixed := [name for name in FIXED if getattr(settings.train, name) is not None]:
        raise FerlabError(f"{' and '.join(fixed)} is what a search chooses: leave it open.")
    if base.devices * base.nodes > 1:
        raise FerlabError("A search trains on one device at a time: use --jobs to search methods side by side.")
    base = dataclasses.replace(base, learning_rate=None, seed=SEED)  # also with quick, which has a rate of its own
    folder = RunFolder(settings.out)
    # All that can be refused is refused here, before anything is written or trained.
    config = joined_with_earlier(folder, recorded(settings, names, base), resume=settings.resume)
    check_writable(folder.path, folder=True)
    splits = load_splits(settings, ("train", "validation"))
    check_faces(splits, base)
    check_methods([(name, planned_method(settings, name)) for name in names], splits["train"], base)
    names = tuple(config["methods"])
    if settings.resume:
        check_what_is_there(folder, splits, names)
    with folder.held():
        folder.write_settings(config, records_of(splits))
        return search_held(folder, settings, config, splits, base, console)


def search_held(
    folder: RunFolder,
    settings: TuneSettings,
    config: dict[str, Any],
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    console: Console,
) -> dict[str, Any]:
    """The search in its folder, which this process holds: all trials, then what is chosen."""
    names = tuple(config["methods"])
    if settings.jobs > 1 or settings.cluster != "local":
        search_in_jobs(folder, settings, base, names, config["trials"], console)
    else:
        search_all(folder, settings, names, config["trials"], splits, base, console)
    table = collect(folder, names)
    with recorded_path(folder.path, "trials.csv") as beside:
        table.to_csv(beside, index=False)
    chosen = choose(table)
    with recorded_path(folder.path, "chosen.json") as beside:
        beside.write_text(json_text(chosen), encoding="utf-8")
    console.print(chosen_table(chosen, table))
    return chosen


def check_what_is_there(folder: RunFolder, splits: dict[str, FaceDataset], names: tuple[str, ...]) -> None:
    """What a search is gone on with must be what it was: a FerlabError for other faces, changed files, or another
    process."""
    if folder.has_settings():
        folder.check_unchanged(("config.json",))
        folder.check_same_faces(splits, mend="use the faces as they were, or another --out")
    collect(folder, names)
    folder.check_idle()


def joined_with_earlier(folder: RunFolder, config: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """The settings to write: with ``resume`` those of the search that is there, with new methods and trials.

    Raises:
        FerlabError: something else lies there, or a search with other settings.
    """
    if folder.is_unused():
        return config
    if not resume:
        raise FerlabError(
            f"{folder.path} already exists: name another folder, or go on with a search there with --resume."
        )
    if not folder.is_search():
        raise FerlabError(
            f"{folder.path} is not the folder of a search, so it is left alone: name another one with --out."
        )
    earlier = folder.search_settings()
    folder.check_same_settings(config, free=("trials",))
    return config | {
        "methods": tuple(dict.fromkeys([*earlier["methods"], *config["methods"]])),
        "table": earlier["table"] | config["table"],
        "trials": max(config["trials"], earlier["trials"]),
    }


def search_in_jobs(
    folder: RunFolder,
    settings: TuneSettings,
    base: TrainSettings,
    names: tuple[str, ...],
    trials: int,
    console: Console,
) -> None:
    """The searches of all methods, side by side."""
    begun = [folder.trial(name, number, SEED) for name in names for number in range(trials)]
    run_jobs(
        settings,
        base,
        {f"the search of {name}": (search_job, str(folder.path), name) for name in names},
        console,
        total=base.epochs * trials * len(names),
        epochs_done=lambda: sum(trial.epochs_done(base.epochs) for trial in begun),
    )


def search_job(out: str, name: str, threads: int) -> None:
    """What one process does: one method's search with the settings in the folder's ``config.json``."""
    if threads:
        torch.set_num_threads(threads)
    folder = RunFolder(Path(out))
    saved = folder.search_settings()
    plan = Plan(
        folder.path,
        saved["dataset"],
        Path(saved["root"]) if saved["root"] else None,
        embedding_size=saved.get("embedding_size"),
        quick=saved["quick"],
        labels=saved.get("labels"),
        megapixels=saved.get("megapixels"),
    )
    splits = load_splits(plan, ("train", "validation"))
    folder.check_same_faces(splits, mend="use the faces as they were, or another --out")
    method = planned_method(plan, name)
    search(folder, name, method, saved["trials"], splits, TrainSettings.from_dict(saved["train"]))


def search_all(
    folder: RunFolder,
    plan: Plan,
    names: tuple[str, ...],
    trials: int,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    console: Console,
) -> None:
    """The searches of all methods, one after the other, with a progress bar each."""
    with progress_bars(console) as progress:
        bars = {name: progress.add_task(f"epochs, {name}", total=base.epochs * trials, note="") for name in names}
        for name in names:

            def advance(name: str = name) -> None:
                progress.advance(bars[name])

            def reach(number: int, name: str = name) -> None:
                progress.update(bars[name], completed=base.epochs * (number + 1))

            search(folder, name, planned_method(plan, name), trials, splits, base, advance, reach)


def search(
    folder: RunFolder,
    name: str,
    method: Method,
    trials: int,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    on_epoch: Callable[[], None] = lambda: None,
    on_trial: Callable[[int], None] = lambda number: None,
) -> None:
    """All trials of one method that are not finished yet; ``on_trial`` is told of those that are."""
    fabric = start_fabric(base)
    finished: list[dict[str, Any]] = []
    for number in range(trials):
        trial = folder.trial(name, number, SEED)
        if (record := trial.trial_scores()) is not None:
            on_trial(number)
        else:
            values = propose(method, finished)
            with trial.held():
                scores = run_trial(method.changed(values), splits, base, trial, fabric, on_epoch)
                record = {"method": name, "trial": number, **values, **scores}
                trial.write_scores(record)
                shutil.rmtree(trial.checkpoints, ignore_errors=True)
        finished.append(record)


def run_trial(
    method: Method,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    trial: TrainingFolder,
    fabric: Fabric,
    on_epoch: Callable[[], None],
) -> dict[str, float]:
    """Scores on validation and seconds of one training."""
    started = time.perf_counter()
    validation = splits["validation"]
    try:
        result = train(
            method, splits["train"], validation, base, trial.checkpoints, fabric, on_epoch=lambda row: on_epoch()
        )
        seen = predict(result.network, validation.images)
        scores = classification_scores(validation.labels, seen) | geometry_scores(seen.embeddings, validation.labels)
    except TrainingDiverged:
        scores = {"balanced_accuracy": 0.0}  # a bad proposal, not the end of the search
    measured = {f"validation_{score}": value for score, value in scores.items()}
    return measured | {"seconds": round(time.perf_counter() - started, 1)}


def propose(method: Method, finished: list[dict[str, Any]]) -> dict[str, float]:
    """The values of the next trial, given the records of the earlier ones: the same again for the same records."""
    import optuna  # slow to import

    if not finished:
        return {name: method.value_of(name) for name in method.search}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {
        name: optuna.distributions.FloatDistribution(values.low, values.high, log=values.log)
        for name, values in method.search.items()
    }
    # A sampler of its own for every trial, so that what it proposes does not depend on interruptions.
    sampler = optuna.samplers.TPESampler(n_startup_trials=4, seed=len(finished))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for record in finished:
        params = {name: min(max(record[name], values.low), values.high) for name, values in method.search.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=record[OBJECTIVE]))
    proposed = study.ask(distributions).params
    return {name: float(f"{value:.2g}") for name, value in proposed.items()}  # readable; exactly these are trained


def collect(folder: RunFolder, names: tuple[str, ...]) -> pd.DataFrame:
    """Every finished trial of a search, one row each."""
    records = [
        record for name in names for trial in folder.trials(name, SEED) if (record := trial.trial_scores()) is not None
    ]
    order = {name: place for place, name in enumerate(names)}
    return pd.DataFrame(sorted(records, key=lambda record: (order[record["method"]], record["trial"])))


def choose(table: pd.DataFrame) -> dict[str, Any]:
    """The best trial of every method in a table of trials, as in ``trials.csv``; of equal ones the first.

    Example:
        >>> table = pd.DataFrame({"method": "ce", "trial": [0, 1], "learning_rate": [0.1, 0.2], OBJECTIVE: [0.5, 0.6]})
        >>> choose(table)["ce"]["learning_rate"]
        0.2
    """
    best = table.loc[table.groupby("method", sort=False)[OBJECTIVE].idxmax()]
    chosen = {}
    for row in best.to_dict("records"):
        values = {name: row[name] for name in get_method(row["method"]).search if name in row}
        chosen[row["method"]] = {"trial": int(row["trial"]), **values, OBJECTIVE: row[OBJECTIVE]}
    return chosen


def chosen_table(chosen: dict[str, Any], trials: pd.DataFrame) -> Table:
    """What was chosen, and how it compares with the methods table as it stood (trial 0)."""
    table = Table(title="Balanced accuracy on validation", box=box.SIMPLE, padding=(0, 0, 0, 1), pad_edge=False)
    for heading in ("method", "trial 0", "best", "its number", "chosen"):
        table.add_column(heading, overflow="fold", justify="left" if heading in ("method", "chosen") else "right")
    for name, best in chosen.items():
        first = trials[(trials["method"] == name) & (trials["trial"] == 0)][OBJECTIVE].iloc[0]
        values = ", ".join(f"{key} {best[key]:g}" for key in get_method(name).search)
        number = f"{best['trial']} of {int((trials['method'] == name).sum())}"
        table.add_row(Text(name), f"{first:.3f}", f"{best[OBJECTIVE]:.3f}", number, values)
    return table

"""Hyperparameters chosen fairly: every method is searched with the same number of trainings, on validation alone.

Every method has its learning rate and weight decay searched, those with a metric loss also its weight, the share of the
epochs before it is switched on and, for TCL, the margin. The first trial of each is the methods table as it stands;
the next three are drawn at random, the same for all methods where their ranges are; from the fifth on Optuna's TPE
(Bergstra et al., *Algorithms for Hyper-Parameter Optimization*, NeurIPS 2011) proposes. Chosen is the trial with the
highest balanced accuracy on validation; the test split is never read.

The folder::

    config.json                      every setting, versions, machine
    <method>/trial_<n>/scores.json   what was tried, and its scores on validation; while it trains, checkpoints/
    trials.csv                       the same as one table: the record of the search
    chosen.json                      the best trial of every method
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import classification_scores, geometry_scores, predict
from ferlab.experiments.jobs import epochs_done, run_jobs
from ferlab.files import atomic_path, is_free, write_json
from ferlab.methods import ALL_METHODS, METHODS, Method
from ferlab.runs.folder import check_same_settings, only_one_training, read_config, write_config
from ferlab.runs.settings import CompareSettings, check_settings, load_splits
from ferlab.training.loop import check_splits, start_fabric, train
from ferlab.training.settings import TrainSettings

OBJECTIVE = "validation_balanced_accuracy"
SEED = 100  # of every trial: the methods of a comparison have the seeds 0, 1, ...


@dataclass(frozen=True)
class Range:
    """Values to search, evenly on a logarithmic scale or on a plain one."""

    low: float
    high: float
    log: bool = True


TRAINING = {"learning_rate": Range(0.02, 0.4), "weight_decay": Range(1e-4, 5e-3)}
SPACES: dict[str | None, dict[str, Range]] = {
    None: TRAINING,
    "tcl": TRAINING
    | {"metric_weight": Range(0.25, 8.0), "margin": Range(0.1, 2.0), "warm_up": Range(0.0, 0.9, log=False)},
    "ad-corre": TRAINING | {"metric_weight": Range(0.02, 1.0), "warm_up": Range(0.0, 0.9, log=False)},
}


@dataclass(frozen=True)
class TuneSettings:
    """What ``ferlab tune`` searches.

    Attributes:
        out: folder of the search.
        dataset, root: which data set, and where it lies.
        methods: names from the methods table, or ``("all",)``.
        trials: trainings of every method; the first is the methods table as it stands.
        epochs, quick: as in :class:`~ferlab.training.CompareSettings`.
        resume: go on with the search in ``out``; ``trials`` may have grown.
        jobs, cluster: methods searched side by side, as in :class:`~ferlab.training.CompareSettings`; one method's
            trials come one after the other, since each is proposed after the scores of the earlier ones.
        train: settings of the training loop; learning rate and weight decay are searched and must be left open.
    """

    out: Path
    dataset: str = "synthetic"
    root: Path | None = None
    methods: tuple[str, ...] = ALL_METHODS
    trials: int = 10
    epochs: int | None = None
    quick: bool = False
    resume: bool = False
    jobs: int = 1
    cluster: str = "local"
    train: TrainSettings = field(default_factory=TrainSettings)

    def comparison(self) -> CompareSettings:
        """The comparison whose data and training this search is for."""
        return CompareSettings(
            self.out, self.dataset, self.root, self.methods, epochs=self.epochs, quick=self.quick, resume=self.resume,
            jobs=self.jobs, cluster=self.cluster, train=self.train,
        )  # fmt: skip


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
    names, base = check_settings(settings.comparison())
    if fixed := [name for name in TRAINING if getattr(settings.train, name) is not None]:
        raise FerlabError(f"{' and '.join(fixed)} is what a search chooses: leave it open.")
    if base.devices * base.nodes > 1:
        raise FerlabError("A search trains on one device at a time: use --jobs to search methods side by side.")
    if settings.trials < 1:
        raise FerlabError(f"The number of trials must be at least 1, but is {settings.trials}.")
    splits = load_splits(settings.comparison(), ("train", "validation"))
    base = dataclasses.replace(base, learning_rate=None, seed=SEED)  # also with quick, which has a rate of its own
    check_splits(splits["train"], splits["validation"], base)
    out = Path(settings.out)
    config = {**dataclasses.asdict(settings), "out": str(out), "root": str(settings.root or ""), "methods": names}
    config |= {"epochs": base.epochs, "train": dataclasses.asdict(base)}
    config["table"] = {name: repr(METHODS[name]) for name in names}
    if not is_free(out):
        if not settings.resume:
            raise FerlabError(f"{out} already exists: name another folder, or go on with a search there with --resume.")
        if not is_search(out):
            raise FerlabError(f"{out} is not the folder of a search, so it is left alone: name another one with --out.")
        check_same_settings(out, config, free=("trials",))
        earlier = read_config(out)
        names = tuple(dict.fromkeys([*earlier["methods"], *names]))
        config |= {"methods": names, "table": earlier["table"] | config["table"]}
        config["trials"] = max(settings.trials, earlier["trials"])
    trials = config["trials"]
    write_config(out, config)

    steps = base.epochs * trials
    if settings.jobs > 1 or settings.cluster != "local":
        calls = {f"the search of {name}": (search_job, str(out), name) for name in names}
        run_jobs(
            out, calls, base, settings.jobs, settings.cluster, console, total=steps * len(names),
            epochs_done=lambda: sum(
                epochs_done(trial_folder(out, name, n), base.epochs) for name in names for n in range(trials)
            ),
        )  # fmt: skip
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   TextColumn("left"), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=console) as progress:
            bars = {name: progress.add_task(f"epochs, {name}", total=steps) for name in names}
            for name in names:

                def advance(name=name) -> None:
                    progress.advance(bars[name])

                def reach(number: int, name=name) -> None:
                    progress.update(bars[name], completed=base.epochs * (number + 1))

                search(out, name, trials, splits, base, advance, reach)
    table = collect(out, names)
    with atomic_path(out / "trials.csv") as beside:
        table.to_csv(beside, index=False)
    chosen = choose(table)
    write_json(out / "chosen.json", chosen)
    console.print(chosen_table(chosen, table))
    return chosen


def is_search(out: Path) -> bool:
    """Whether ``out`` is a folder that :func:`run_tune` wrote."""
    try:
        return "trials" in read_config(out)
    except FerlabError:
        return False


def search_job(out: str, name: str, threads: int) -> None:
    """What one process does: one method's search with the settings in the folder's ``config.json``."""
    if threads:
        torch.set_num_threads(threads)
    saved = read_config(Path(out))
    settings = CompareSettings(
        Path(out), saved["dataset"], Path(saved["root"]) if saved["root"] else None, quick=saved["quick"]
    )
    splits = load_splits(settings, ("train", "validation"))
    search(Path(out), name, saved["trials"], splits, TrainSettings.from_dict(saved["train"]))


def search(
    out: Path,
    name: str,
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
        folder = trial_folder(out, name, number)
        if (record := read_trial(folder)) is not None:
            on_trial(number)
        else:
            values = propose(METHODS[name], finished)
            with only_one_training(folder):
                scores = run_trial(dataclasses.replace(METHODS[name], **values), splits, base, folder, fabric, on_epoch)
                record = {"method": name, "trial": number, **values, **scores}
                write_json(folder / "scores.json", record)
                shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        finished.append(record)


def run_trial(
    method: Method,
    splits: dict[str, FaceDataset],
    base: TrainSettings,
    folder: Path,
    fabric: Fabric,
    on_epoch: Callable[[], None],
) -> dict[str, float]:
    """Scores on validation and seconds of one training."""
    started = time.perf_counter()
    validation = splits["validation"]
    try:
        result = train(
            method, splits["train"], validation, base, folder / "checkpoints", fabric, on_epoch=lambda row: on_epoch()
        )
        seen = predict(result.network, validation.images)
        scores = classification_scores(validation.labels, seen) | geometry_scores(seen.embeddings, validation.labels)
    except FerlabError as error:
        if "finite" not in str(error) and "NaN" not in str(error):
            raise
        scores = {"balanced_accuracy": 0.0}  # it diverged: a bad proposal, not the end of the search
    measured = {f"validation_{score}": value for score, value in scores.items()}
    return measured | {"seconds": round(time.perf_counter() - started, 1)}


def propose(method: Method, finished: list[dict[str, Any]]) -> dict[str, float]:
    """The values of the next trial, given the records of the earlier ones: the same again for the same records."""
    import optuna

    space = SPACES[method.loss]
    if not finished:
        return {name: getattr(method, name) for name in space}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {
        name: optuna.distributions.FloatDistribution(r.low, r.high, log=r.log) for name, r in space.items()
    }
    # A sampler of its own for every trial, so that what it proposes does not depend on interruptions.
    sampler = optuna.samplers.TPESampler(n_startup_trials=4, seed=len(finished))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for record in finished:
        params = {name: min(max(record[name], of.low), of.high) for name, of in space.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=record[OBJECTIVE]))
    proposed = study.ask(distributions).params
    return {name: float(f"{value:.2g}") for name, value in proposed.items()}  # readable; exactly these are trained


def trial_folder(out: Path, name: str, number: int) -> Path:
    return out / name / f"trial_{number}"


def read_trial(folder: Path) -> dict[str, Any] | None:
    """The record of a finished trial; None where it is not finished or damaged."""
    try:
        return dict(json.loads((folder / "scores.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def collect(out: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """Every finished trial of the search in ``out``, one row each."""
    folders = [path for name in names for path in (out / name).glob("trial_*")]
    records = [record for folder in folders if (record := read_trial(folder)) is not None]
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
        values = {name: row[name] for name in SPACES[METHODS[row["method"]].loss] if name in row}
        chosen[row["method"]] = {"trial": int(row["trial"]), **values, OBJECTIVE: row[OBJECTIVE]}
    return chosen


def chosen_table(chosen: dict[str, Any], trials: pd.DataFrame) -> Table:
    """What was chosen, and how it compares with the methods table as it stood (trial 0)."""
    table = Table(title="Balanced accuracy on validation", box=box.SIMPLE, padding=(0, 0, 0, 1), pad_edge=False)
    for heading in ("method", "trial 0", "best", "its number", "chosen"):
        table.add_column(heading, overflow="fold", justify="left" if heading in ("method", "chosen") else "right")
    for name, best in chosen.items():
        first = trials[(trials["method"] == name) & (trials["trial"] == 0)][OBJECTIVE].iloc[0]
        values = ", ".join(f"{key} {best[key]:g}" for key in SPACES[METHODS[name].loss])
        of = f"{best['trial']} of {int((trials['method'] == name).sum())}"
        table.add_row(name, f"{first:.3f}", f"{best[OBJECTIVE]:.3f}", of, values)
    return table

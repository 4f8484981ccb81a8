"""A training that one watches, pauses and stops."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import torch
import traitlets

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions, confusion_counts
from ferlab.methods import METHODS, Method, get_method
from ferlab.models import ExpressionNetwork
from ferlab.palette import class_colors, method_label
from ferlab.projection.principal import principal_map
from ferlab.runs.folder import only_one_training, run_folder
from ferlab.runs.records import EPOCH_FACES
from ferlab.training import TrainSettings, train
from ferlab.training.checkpoints import checkpoints
from ferlab.training.loop import Batch, epochs_before_metric_loss, steps_per_epoch
from ferlab.vectors import random_part
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.monitor.record import EpochRecord, accuracies, loss_curves, recalls
from ferlab.widgets.monitor.training import check_same_training, part_weights

REFRESH = 0.5  # seconds between two drawings during an epoch
PARTS = {"train_loss": "total", "ce": "cross-entropy", "tcl": "TCL"}  # the others keep their names
_RUNNING = threading.Lock()  # held by the one training that runs or is paused


class _Stopped(Exception):
    """Raised in the training's thread, between two batches, when stop() was called."""


class TrainingMonitor(anywidget.AnyWidget):
    """Train a network in the background and watch it: losses, accuracies, the embedding and the recall of every class.

    :meth:`start`, or the button, begins and returns at once; the network is trained in a thread, and the notebook stays
    free. `await monitor` holds a cell until the training is over, for notebooks that are run from top to bottom; the
    buttons work meanwhile, since the kernel answers them while a cell awaits (while a cell computes or is in
    :meth:`wait`, which is for scripts, they have to wait for it). Interrupting the kernel while it waits pauses the
    training.

    Nothing is lost by :meth:`stop`, a crash or a restart: a checkpoint is written after every epoch, and a later start
    with the same `out`, method, settings and faces goes on from it to the numbers of a training without interruption.
    PyTorch has one source of random numbers a process: drawing from it in another cell *while* the network trains (not
    while it is paused) changes them.

    Args:
        method: a name (see :data:`ferlab.training.METHODS`) or a :class:`~ferlab.training.Method`.
        settings: of the training; the default otherwise. On one device.
        train_set, validation_set: the built-in faces otherwise.
        out: folder for the checkpoints, `<out>/<method>/seed_<n>/`; otherwise they last as long as the monitor.

    Attributes:
        status: `"waiting"` (not started), `"training"`, `"paused"`, `"stopped"`, `"finished"` or `"failed"`.
        epoch: whole epochs trained so far.
        batch: batches of the epoch after it.
        history: DataFrame, one row an epoch: the training's own columns, and `train_accuracy`,
            `train_balanced_accuracy` and `recall_<class>` (of validation). Accuracy on training faces is counted while
            the network learns from them, on altered faces: it may lie below that of validation.
        network: the trained network, once finished.
        shown_epoch: the epoch whose map and recalls are shown; can be set. None, the default, is the newest.

    Raises:
        FerlabError: an unknown method, several devices, a folder of another training.

    Example:
        >>> monitor = TrainingMonitor("tcl-nearest", TrainSettings(epochs=2))
        >>> monitor.status, monitor.epoch
        ('waiting', 0)
    """

    _esm = Path(__file__).parent / "monitor.js"
    _css = Path(__file__).parent / "monitor.css"
    # Set by Python only: the page asks by messages.
    _info = traitlets.Dict().tag(sync=True)  # words, numbers and buttons
    _scores = traitlets.Dict().tag(sync=True)  # one list entry an epoch
    _curves = traitlets.Bytes().tag(sync=True)  # float32, see loss_curves
    _maps = traitlets.Bytes().tag(sync=True)  # float32 (epochs, n, 2)
    _labels = traitlets.Bytes().tag(sync=True)  # uint8 (n,)
    _predicted = traitlets.Bytes().tag(sync=True)  # uint8 (epochs, n)
    _shown = traitlets.Int(0).tag(sync=True)  # 0 for the newest

    def __init__(
        self,
        method: str | Method = "tcl-nearest",
        settings: TrainSettings | None = None,
        train_set: FaceDataset | None = None,
        validation_set: FaceDataset | None = None,
        out: str | Path | None = None,
    ) -> None:
        self.method = get_method(method) if isinstance(method, str) else method
        self.name = method if isinstance(method, str) else _name_of(method)
        self.settings = settings or TrainSettings()
        if self.settings.devices * self.settings.nodes > 1:
            raise FerlabError("A monitor trains on one device: leave devices and nodes at 1, or use ferlab compare.")
        self._splits = {"train": train_set, "validation": validation_set}
        self._temporary = tempfile.TemporaryDirectory() if out is None else None
        self.out = Path(self._temporary.name if self._temporary else out)
        self.folder = run_folder(self.out, self.name, self.settings.seed)
        self._lock = threading.RLock()  # around everything that a drawing reads
        self._going, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._status, self._sentence = "waiting", ""
        if found := checkpoints(self.folder / "checkpoints"):
            self._sentence = (
                f"An earlier training is here, up to epoch {int(found[-1].name[6:])}: Start goes on from there."
            )
        self._network: ExpressionNetwork | None = None
        self.error: Exception | None = None
        self._display: tuple[str, asyncio.AbstractEventLoop | None] | None = None
        self._picture_is_old = False
        self._forget()
        super().__init__()
        self.on_msg(self._asked)
        self._draw()

    # ---- from Python ------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        return self._status

    @property
    def epoch(self) -> int:
        return len(self._rows)

    @property
    def batch(self) -> int:
        return self._batch

    @property
    def history(self) -> pd.DataFrame:
        rows = []
        for row in list(self._rows):  # the training's thread may add one meanwhile
            record, row = self._records.get(int(row["epoch"])), dict(row)
            if record is not None:
                row["seconds"] = record.seconds
                row["train_accuracy"], row["train_balanced_accuracy"] = accuracies(record.train_confusion)
                of_classes = zip(self._classes, recalls(record.validation_confusion), strict=True)
                row |= {f"recall_{name}": recall for name, recall in of_classes}
            rows.append(row)
        return pd.DataFrame(rows)

    @property
    def network(self) -> ExpressionNetwork:
        if self._network is None:
            why = self._sentence if self._status == "failed" else "Start it, and wait() until it has finished."
            raise FerlabError(f"There is no trained network, the training is {self._status}. {why}")
        return self._network

    @property
    def shown_epoch(self) -> int | None:
        return self._shown or None

    @shown_epoch.setter
    def shown_epoch(self, epoch: int | None) -> None:
        known = self._detailed()
        if epoch is not None and epoch not in known:
            have = f"choose from {known[0]} to {known[-1]}" if known else "none has finished yet"
            raise FerlabError(f"There is nothing to show of epoch {epoch}; {have}.")
        self._shown = epoch or 0

    def start(self) -> None:
        """Begin, or go on from the last checkpoint; returns at once.

        Raises:
            FerlabError: it runs or has finished already; another monitor trains; the folder holds another training.
        """
        if self._status == "paused":
            return self.resume()
        if self._status in ("training", "finished"):
            raise FerlabError(
                f"This training is {self._status} already; for another one, make a new monitor with its own out."
            )
        if not _RUNNING.acquire(blocking=False):
            raise FerlabError(
                "Another monitor of this kernel is training or paused: wait for it or stop it. Two at a time would "
                "share their random numbers, and neither could be repeated."
            )
        self._forget()
        self._stopping.clear()
        self._going.set()
        self._status, self._sentence, self.error = "training", "Preparing the faces and the network ...", None
        self._draw()
        self._thread = threading.Thread(target=self._run, name=f"train {self.name}", daemon=True)
        # Python must not end while the thread computes.
        atexit.register(self._stop_and_join)
        self._thread.start()

    def pause(self) -> None:
        """Hold after the batch that is being computed; the random numbers are kept for :meth:`resume`."""
        with self._lock:
            self._expect("pause", "training")
            self._going.clear()
            self._status, self._sentence = "paused", "Paused between two batches; Resume goes on from here."
            self._draw()

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        with self._lock:
            self._expect("resume", "paused")
            self._status, self._sentence = "training", ""
            self._going.set()
            self._draw()

    def stop(self) -> None:
        """End after the batch that is being computed. Whole epochs are kept; :meth:`start` goes on behind them."""
        with self._lock:
            self._expect("stop", "training", "paused")
            self._stopping.set()
            self._going.set()
            self._sentence = "Stopping after this batch ..."
            self._draw()

    def wait(self, timeout: float | None = None) -> str:
        """Block until the training is over (finished, stopped or failed) or `timeout` seconds have passed.

        In a notebook `await monitor` is better: the buttons work meanwhile. A paused training is waited for.

        Returns:
            The status.

        Raises:
            FerlabError: not started yet.
            KeyboardInterrupt: the kernel was interrupted; the training is then paused.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._pause_when_interrupted():
            while self._is_running() and (end is None or time.monotonic() < end):
                self._thread.join(0.1)  # shortly, so that an interrupt gets through
        return self._status

    def __await__(self) -> Generator[Any, None, str]:
        return self._until_over().__await__()

    async def _until_over(self) -> str:
        with self._pause_when_interrupted():
            while self._is_running():
                await asyncio.sleep(0.1)
        return self._status

    def _is_running(self) -> bool:
        if self._thread is None:
            raise FerlabError("There is nothing to wait for: call start() first.")
        if self._thread.is_alive():
            return True
        self._renew_picture()
        return False

    @contextmanager
    def _pause_when_interrupted(self) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, asyncio.CancelledError):
            with self._lock:
                if self._status == "training":
                    self.pause()
                    self._sentence = "Paused because the kernel was interrupted; Resume goes on from here."
                    self._draw()
            raise

    def figure(self):
        """What is shown, as a static matplotlib figure; None before the first batches."""
        from ferlab.figures.training import training_overview

        with self._lock:
            if not self._current and not self._records:
                return None
            known = self._detailed()
            shown = self.shown_epoch or (known[-1] if known else None)
            record = self._records[shown] if shown else None
            curves = self._loss_curves()
            shows = (
                method_label(self.name),
                curves[0],
                {PARTS.get(name, name): curves[2 + 2 * i] for i, name in enumerate(self._parts)},
                self.history,
                self.settings.epochs,
                list(self._classes),
                self._points.get(shown),
                self._followed_labels,
                None if record is None else recalls(record.validation_confusion),
                shown,
            )
        return training_overview(*shows)[0].figure  # drawn outside the lock: it takes longer than a batch

    def __repr__(self) -> str:
        return (
            f"TrainingMonitor({method_label(self.name)}; {self.status}, epoch {self.epoch} of {self.settings.epochs})"
        )

    # ---- in the training's thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            splits = {name: given or load_dataset("synthetic", name) for name, given in self._splits.items()}
            self._look_at(splits["train"], splits["validation"])
            with only_one_training(self.folder):
                check_same_training(self.folder, self.method, self.settings, splits)
                result = train(
                    self.method, splits["train"], splits["validation"], self.settings, self.folder / "checkpoints",
                    on_batch=self._on_batch, on_epoch=self._on_epoch, on_validation=self._on_validation,
                )  # fmt: skip
            self._network = result.network
            early = "" if self.epoch == self.settings.epochs else " It was no longer getting better."
            self._end("finished", f"Finished after {self.epoch} of {self.settings.epochs} epochs.{early}")
        except _Stopped:
            kept = f"Epochs 1 to {self.epoch} are kept" if self.epoch > 1 else f"{self.epoch or 'No'} epoch is kept"
            self._end(
                "stopped",
                f"Stopped. {kept}; Go on continues with epoch {self.epoch + 1}, and ends with the numbers of a "
                "training without a stop.",
            )
        except Exception as error:  # whatever it was: the widget says it, the kernel goes on
            self.error = error
            said = str(error) if isinstance(error, FerlabError) else f"{type(error).__name__}: {error}"
            self._end("failed", said)
        finally:
            _RUNNING.release()
            atexit.unregister(self._stop_and_join)

    def _on_batch(self, batch: Batch) -> None:
        self._pending.append(batch)
        self._batch += 1
        self._times.append(time.perf_counter() - self._paused)
        if self._sentence.startswith("Preparing"):
            self._sentence = ""
        if time.perf_counter() - self._drawn > REFRESH:
            self._draw()
        self._hold()

    def _on_validation(self, epoch: int, seen: Predictions) -> None:
        with self._lock:
            self._take_pending()
        losses = {name: np.array(values, dtype=np.float32) for name, values in self._current.items()}
        confusion = confusion_counts(self._validation_labels, seen, len(self._classes))
        now = time.perf_counter() - self._paused
        record = EpochRecord(
            losses, self._train_confusion, confusion, seen.embeddings[self._followed].astype(np.float16),
            seen.predicted[self._followed], now - self._epoch_started,
        )  # fmt: skip
        record.save(self._record_path(epoch))
        self._remember(epoch, record)
        self._epoch_started = now

    def _on_epoch(self, row: dict[str, float]) -> None:
        epoch = int(row["epoch"])
        if epoch not in self._records and (record := EpochRecord.load(self._record_path(epoch))) is not None:
            self._remember(epoch, record)  # of an earlier start
        with self._lock:
            self._rows.append(row)
            self._begin_epoch()
            self._draw(epoch_is_over=True)
        if epoch < self.settings.epochs:
            self._hold()

    def _hold(self) -> None:
        """Between two batches or epochs: wait while paused, end when stopped."""
        if not self._going.is_set():
            began = time.perf_counter()
            self._draw()
            # Other cells may draw random numbers meanwhile.
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                self._going.wait()
            self._paused += time.perf_counter() - began
        if self._stopping.is_set():
            raise _Stopped

    # ---- inside -----------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """As before the first batch."""
        self._classes: tuple[str, ...] = ()
        self._parts: dict[str, float] = {}  # name -> factor in the total
        self._steps = 0
        self._rows: list[dict[str, float]] = []
        self._records: dict[int, EpochRecord] = {}
        self._points: dict[int, np.ndarray] = {}  # epoch -> map
        self._shares: dict[int, float] = {}  # epoch -> share of the variance that the map shows
        self._followed = self._followed_labels = self._validation_labels = np.empty(0, dtype=np.int64)
        self._paused, self._drawn = 0.0, 0.0
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._batch = 0
        self._pending: list[Batch] = []
        self._current: dict[str, list[float]] = {}
        self._train_confusion = np.zeros((len(self._classes),) * 2, dtype=np.int64)

    def _look_at(self, train_set: FaceDataset, validation_set: FaceDataset) -> None:
        self._classes = train_set.classes
        self._parts = {"train_loss": 1.0, **part_weights(self.method, len(self._classes))}
        self._steps = steps_per_epoch(train_set, self.settings)
        self._validation_labels = validation_set.labels
        self._followed = random_part(len(validation_set), EPOCH_FACES)
        self._followed_labels = validation_set.labels[self._followed]
        self._times: deque[float] = deque(maxlen=self._steps + 1)
        self._epoch_started = time.perf_counter()
        self._begin_epoch()

    def _record_path(self, epoch: int) -> Path:
        return self.folder / "watched" / f"epoch_{epoch:04d}.npz"

    def _remember(self, epoch: int, record: EpochRecord) -> None:
        before = self._points[max(self._points)] if self._points else None
        points, share = principal_map(record.embeddings, before)
        with self._lock:
            self._records[epoch], self._points[epoch], self._shares[epoch] = record, points, share

    def _detailed(self) -> list[int]:
        """The epochs that can be shown in detail."""
        return sorted(epoch for epoch in self._records if epoch <= self.epoch)

    def _take_pending(self) -> None:
        """Numbers of the latest batches; on a GPU this waits for them, so not after every batch."""
        pending, self._pending = self._pending, []
        for name in {name for batch in pending for name in batch.losses}:
            values = torch.stack([batch.losses[name] for batch in pending if name in batch.losses]).float().cpu()
            self._current.setdefault(name, []).extend(values.tolist())
        if pending:
            classes = len(self._classes)
            predicted = torch.cat([batch.logits.argmax(dim=1) for batch in pending])
            cells = torch.cat([batch.labels for batch in pending]) * classes + predicted
            counts = torch.bincount(cells, minlength=classes**2).cpu().numpy()
            self._train_confusion += counts.reshape(classes, classes)

    def _end(self, status: str, sentence: str) -> None:
        with self._lock:
            self._begin_epoch()
            self._status, self._sentence = status, sentence
            self._draw(epoch_is_over=True)
        if status == "stopped":
            return  # someone is there, whose page would blink; they may go on
        self._picture_is_old = True
        # Where nobody waits in a cell, the kernel renews the picture when it is free.
        loop = self._display[1] if self._display else None
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._renew_picture)

    def _expect(self, action: str, *statuses: str) -> None:
        if self._status not in statuses:
            raise FerlabError(f"The training cannot {action} while it is {self._status}.")

    def _stop_and_join(self) -> None:
        self._stopping.set()
        self._going.set()
        if self._thread is not None:
            self._thread.join(10)

    # ---- on the page ------------------------------------------------------------------------------------------

    def _asked(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """What a person does on the page."""
        try:
            if content.get("do") in ("start", "pause", "resume", "stop"):
                getattr(self, content["do"])()
            elif "show" in content:
                self.shown_epoch = content["show"]
        except FerlabError as error:
            self._sentence = str(error)
            self._draw()

    def _draw(self, epoch_is_over: bool = False) -> None:
        # By the training's thread, the kernel's main thread and the one that answers the buttons.
        with self._lock:
            if threading.current_thread() is self._thread:
                self._take_pending()
            with self.hold_sync():
                self._info = self._describe()
                self._curves = self._loss_curves().tobytes()
                if epoch_is_over or not self._scores:
                    known = self._detailed()
                    self._scores = self._score_lists(known)
                    self._maps = b"".join(self._points[epoch].tobytes() for epoch in known)
                    self._predicted = b"".join(
                        self._records[epoch].predicted.astype(np.uint8).tobytes() for epoch in known
                    )
                    self._labels = self._followed_labels.astype(np.uint8).tobytes()
            self._drawn = time.perf_counter()

    def _describe(self) -> dict[str, Any]:
        epochs, total = self.settings.epochs, self._steps * self.settings.epochs
        done = self.epoch * self._steps + self._batch
        switch = epochs_before_metric_loss(self.method, epochs)
        where = f"Epoch {min(self.epoch + 1, epochs)} of {epochs}, batch {self._batch} of {self._steps}"
        counts = np.bincount(self._validation_labels, minlength=len(self._classes))
        return {
            "title": method_label(self.name),
            "status": self._status,
            "sentence": self._sentence,
            "where": where if self._status in ("training", "paused", "stopped") and self._steps else "",
            "left": self._time_left(),
            "done": done / total if total else 0.0,
            "epoch": self.epoch,
            "epochs": epochs,
            "folder": "until this notebook's kernel ends; name a folder with out to keep them"
            if self._temporary
            else f"in {self.folder}",
            "switch": switch,
            "parts": [
                {"name": name, "label": PARTS.get(name, name), "weight": weight} for name, weight in self._parts.items()
            ],
            "classes": [
                {"name": name, "color": color, "faces": int(faces)}
                for name, color, faces in zip(self._classes, class_colors(list(self._classes)), counts, strict=True)
            ],
        }

    def _time_left(self) -> str:
        """From the speed of the last epoch's worth of batches, validation between them included."""
        if self._status not in ("training", "paused") or not self._steps or len(self._times) < 5:
            return ""
        each = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
        seconds = each * (self._steps * (self.settings.epochs - self.epoch) - self._batch)
        if seconds < 90:
            return f"about {5 * max(1, round(seconds / 5))} seconds left"
        minutes = seconds / 60
        return f"about {minutes:.0f} minutes left" if minutes < 90 else f"about {minutes / 60:.1f} hours left"

    def _score_lists(self, detailed: list[int]) -> dict[str, Any]:
        history = self.history.drop(columns=[f"recall_{name}" for name in self._classes], errors="ignore")
        found = {name: [_number(value) for value in values] for name, values in history.items()}
        found["detailed"] = detailed
        found["recalls"] = [[_number(v) for v in recalls(self._records[e].validation_confusion)] for e in detailed]
        found["shares"] = [self._shares[epoch] for epoch in detailed]
        return found

    def _loss_curves(self) -> np.ndarray:
        """As they enter the total: every part times its factor."""
        unknown = {"": np.full(self._steps, np.nan)}
        epochs = [self._records[e].losses if e in self._records else unknown for e in range(1, self.epoch + 1)]
        epochs.append({name: np.array(values) for name, values in self._current.items()})
        curves = loss_curves(epochs, list(self._parts), max(self._steps, 1), self._steps * self.settings.epochs)
        curves[1:] *= np.repeat(list(self._parts.values()), 2).astype(np.float32)[:, None]
        if self._parts:  # smoothed by itself, the total would lag behind where a part is switched on
            curves[2] = np.nansum(curves[4::2], axis=0)
        return curves

    # ---- where nothing can move --------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Displayed under an id, so that the picture beside the widget can be renewed at the end."""
        from IPython.display import display

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        name = f"ferlab-monitor-{self.model_id}"
        display(self._bundle(), raw=True, display_id=name)
        self._display = (name, loop)

    def _renew_picture(self) -> None:
        from IPython.display import update_display

        if self._display is not None and self._picture_is_old:
            self._picture_is_old = False
            update_display(self._bundle(), raw=True, display_id=self._display[0])

    def _bundle(self) -> dict[str, Any]:
        found = super()._repr_mimebundle_()
        bundle = dict(found[0] if isinstance(found, tuple) else found or {})
        bundle["text/plain"] = repr(self)
        figure = self.figure()
        if figure is not None:
            return with_picture(bundle, lambda: figure, repr(self))
        return bundle

    def _repr_mimebundle_(self, **kwargs) -> dict[str, Any]:
        return self._bundle()


def _name_of(method: Method) -> str:
    return next((name for name, known in METHODS.items() if known == method), "own-method")


def _number(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None

"""A training in a thread of its own, which one can pause, stop and go on with."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch

from ferlab.data import FaceDataset, load_dataset
from ferlab.errors import FerlabError
from ferlab.evaluation import Predictions
from ferlab.methods import Method, build_loss
from ferlab.models import ExpressionNetwork
from ferlab.runs.training_folder import TrainingFolder
from ferlab.training import TrainResult, TrainSettings, train
from ferlab.training.batching import steps_per_epoch
from ferlab.training.loop import Batch, Learner, epochs_before_metric_loss
from ferlab.widgets.monitor.plane import PlaneWatcher, is_watchable
from ferlab.widgets.monitor.record import EpochRecord
from ferlab.widgets.monitor.training import check_same_training
from ferlab.widgets.monitor.watched import Watched

REFRESH = 0.5  # seconds between two drawings during an epoch
PATIENCE = 10  # seconds that closing waits for the batch that is being computed
_RUNNING = threading.Lock()  # held by the one training that runs or is paused


class MonitorState(StrEnum):
    """What a watched training is doing."""

    WAITING = "waiting"  # not started
    PREPARING = "preparing"  # started; no batch is over yet
    TRAINING = "training"
    PAUSED = "paused"
    STOPPING = "stopping"  # after the batch that is being computed
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def is_running(self) -> bool:
        """Whether there is a training in the thread, paused or not."""
        return self in (MonitorState.PREPARING, MonitorState.TRAINING, MonitorState.PAUSED, MonitorState.STOPPING)

    @property
    def status(self) -> str:
        """In a word for people, to whom preparing and stopping are parts of the training.

        >>> MonitorState.STOPPING.status, MonitorState.PAUSED.status
        ('training', 'paused')
        """
        is_part = self in (MonitorState.PREPARING, MonitorState.STOPPING)
        return (MonitorState.TRAINING if is_part else self).value


class _Stopped(Exception):
    """Raised in the training's thread, between two batches, when it was stopped."""


@dataclass(frozen=True)
class Task:
    """What is to be trained.

    Attributes:
        name: of the method, for people and folders.
        method: the method.
        settings: of the training.
        train_set, validation_set: None for the built-in faces.
        stored: where its checkpoints and records are kept.
    """

    name: str
    method: Method
    settings: TrainSettings
    train_set: FaceDataset | None
    validation_set: FaceDataset | None
    stored: TrainingFolder

    def load(self) -> dict[str, FaceDataset]:
        """The faces by split."""
        return {
            "train": self.train_set or load_dataset("synthetic", "train"),
            "validation": self.validation_set or load_dataset("synthetic", "validation"),
        }

    def earlier_epochs(self) -> int:
        """How many epochs of an earlier training can be gone on from."""
        is_finished = self.stored.is_finished()  # a training of ferlab compare: not one to go on with
        return 0 if is_finished else self.stored.epochs_done(self.settings.epochs)

    def record_path(self, epoch: int) -> Path:
        """Where what was seen of an epoch is kept."""
        return self.stored.path / "watched" / f"epoch_{epoch:04d}.npz"


class TrainingSession:
    """Trains in the background and keeps what is to be seen of it.

    Args:
        task: what is to be trained.
        changed: called when there is something new to draw, with True when an epoch or the whole is over; by the
            training's thread and by those that pause and stop.
        ended: called by the training's thread when the training is over.

    Attributes:
        task: as given.
        lock: to be held around reading more than one thing.
        state: see :class:`MonitorState`.
        note: a sentence that stands for the usual one of the state, such as an error's; empty without.
        error: what ended a failed training.
        network: the trained network, once finished.
        watched: what has been seen.
        earlier: epochs of an earlier training in the folder, as there were when this was made.
        train: what trains: :func:`ferlab.training.train`, or anything called like it.
    """

    def __init__(self, task: Task, *, changed: Callable[[bool], None], ended: Callable[[], None]) -> None:
        self.task = task
        self.lock = threading.RLock()
        self.state = MonitorState.WAITING
        self.note = ""
        self.error: Exception | None = None
        self.network: ExpressionNetwork | None = None
        self.watched = Watched(task.settings.epochs)
        self.earlier = task.earlier_epochs()
        self.train: Callable[..., TrainResult] = train
        self._changed, self._ended = changed, ended
        self._going = threading.Event()
        # Not Thread.join: an interrupt while it waits makes Python take a thread that runs for one that has ended.
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._paused, self._drawn = 0.0, 0.0  # seconds in all; when
        self._plane: PlaneWatcher | None = None  # while a network with an embedding of two numbers learns

    # ---- from other threads ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on from the last checkpoint; returns at once.

        Raises:
            FerlabError: it runs or has finished already; another one runs in this process.
        """
        with self.lock:
            if self.state is MonitorState.PAUSED:
                return self.resume()
            if self.state.is_running or self.state is MonitorState.FINISHED:
                raise FerlabError(
                    f"This training is {self.state.status} already; for another one, make a new monitor with its own "
                    "out."
                )
            if not _RUNNING.acquire(blocking=False):
                raise FerlabError(
                    "Another monitor of this kernel is training or paused: wait for it or stop it. Two at a time would "
                    "share their random numbers, and neither could be repeated."
                )
            self.watched, self.error, self._paused = Watched(self.task.settings.epochs), None, 0.0
            self._going.set()
            self._over.clear()
            self._thread = threading.Thread(target=self._run, name=f"train {self.task.name}", daemon=True)
            self._move_to(MonitorState.PREPARING)
            # Python must not end while the thread computes.
            atexit.register(self.close)
            self._thread.start()

    def pause(self, note: str = "") -> None:
        """Hold after the batch that is being computed."""
        with self.lock:
            self._expect("pause", MonitorState.PREPARING, MonitorState.TRAINING)
            self._going.clear()
            self._move_to(MonitorState.PAUSED, note)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        with self.lock:
            self._expect("resume", MonitorState.PAUSED)
            self._move_to(MonitorState.TRAINING)
            self._going.set()

    def stop(self) -> None:
        """End after the batch that is being computed."""
        with self.lock:
            self._expect("stop", *(state for state in MonitorState if state.is_running))
            self._move_to(MonitorState.STOPPING)
            self._going.set()

    def say(self, note: str) -> None:
        """Show a sentence until the state changes."""
        with self.lock:
            self.note = note
            self._tell()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end, not longer than `timeout` seconds if given; whether it has come.

        Raises:
            FerlabError: not started yet.
        """
        if self._thread is None:
            raise FerlabError("There is nothing to wait for: call start() first.")
        return self._over.wait(timeout)

    def close(self) -> None:
        """Stop it, whatever it is doing, and wait until the thread has ended."""
        with self.lock:
            if self.state.is_running:
                self.state = MonitorState.STOPPING
            self._going.set()
        if self._thread is not None:
            self._over.wait(PATIENCE)

    # ---- in the training's thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.network = self._train().network
            self._end(MonitorState.FINISHED)
        except _Stopped:
            self._end(MonitorState.STOPPED)
        except Exception as error:  # whatever it was: the page says it, the kernel goes on
            self.error = error
            self._end(MonitorState.FAILED)
        finally:
            _RUNNING.release()
            atexit.unregister(self.close)
            self._over.set()

    def _train(self) -> TrainResult:
        task, splits = self.task, self.task.load()
        train_set, validation_set = splits["train"], splits["validation"]
        watched = Watched.beginning(
            train_set,
            validation_set,
            objective=build_loss(task.method, len(train_set.classes)),
            epochs=task.settings.epochs,
            steps=steps_per_epoch(train_set, task.settings),
        )
        watched.start_clock(self._now())
        with self.lock:
            self.watched = watched
        with task.stored.held():
            check_same_training(task.stored.path, task.method, task.settings, splits)
            result = self.train(
                task.method,
                train_set,
                validation_set,
                task.settings,
                task.stored.checkpoints,
                on_batch=self._on_batch,
                on_epoch=self._on_epoch,
                on_validation=self._on_validation,
                on_start=lambda learner: self._on_start(learner, train_set),
            )
            self._look()  # at the network of the best epoch, and where all epochs were there already
            return result

    def _on_start(self, learner: Learner, train_set: FaceDataset) -> None:
        if is_watchable(self.task.method):
            self._plane = PlaneWatcher(learner, train_set)
            with self.lock:
                self.watched.plane_labels = self._plane.labels

    def _look(self) -> None:
        """Look at the plane, if there is one; between two batches."""
        if self._plane is None:
            return
        watched = self.watched
        epochs = watched.epoch + watched.batch / watched.steps
        is_on = watched.epoch >= epochs_before_metric_loss(self.task.method, watched.epochs)
        seen = self._plane.look(epochs, is_on)
        with self.lock:
            watched.plane = seen

    def _on_batch(self, batch: Batch) -> None:
        self.watched.add_batch(batch, self._now())
        with self.lock:
            if self.state is MonitorState.PREPARING:
                self.state = MonitorState.TRAINING
        if time.perf_counter() - self._drawn > REFRESH:
            if self._plane is not None and self._plane.is_due():
                self._look()
            self._take_and_tell()
        self._hold()

    def _on_validation(self, epoch: int, seen: Predictions) -> None:
        with self.lock:
            self.watched.take_pending()
        if self._plane is not None and self._plane.is_due():
            self._look()
        record = self.watched.record_epoch(seen, self._now())
        record.save(self.task.record_path(epoch))
        self._remember(epoch, record)

    def _on_epoch(self, row: dict[str, float]) -> None:
        epoch = int(row["epoch"])
        if epoch not in self.watched.records:  # of an earlier start
            record = EpochRecord.load(self.task.record_path(epoch))
            if record is not None:
                self._remember(epoch, record)
        with self.lock:
            self.watched.add_row(row)
            self._tell(epoch_is_over=True)
        if epoch < self.task.settings.epochs:
            self._hold()

    def _remember(self, epoch: int, record: EpochRecord) -> None:
        on_map = self.watched.map_of(record)
        with self.lock:
            self.watched.remember(epoch, record, on_map)

    def _hold(self) -> None:
        """Between two batches or epochs: wait while paused, end when stopped."""
        if not self._going.is_set():
            began = time.perf_counter()
            self._take_and_tell()
            # Other cells may draw random numbers meanwhile.
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                while not self._going.is_set():
                    self._going.wait()
            self._paused += time.perf_counter() - began
        if self.state is MonitorState.STOPPING:
            raise _Stopped

    def _end(self, state: MonitorState) -> None:
        self._plane = None
        with self.lock:
            self.watched.begin_epoch()
            self._move_to(state, epoch_is_over=True)
        self._ended()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        """Seconds on a clock that stands still while the training is paused."""
        return time.perf_counter() - self._paused

    def _expect(self, action: str, *states: MonitorState) -> None:
        if self.state not in states:
            raise FerlabError(f"The training cannot {action} while it is {self.state}.")

    def _move_to(self, state: MonitorState, note: str = "", epoch_is_over: bool = False) -> None:
        self.state, self.note = state, note
        self._tell(epoch_is_over)

    def _take_and_tell(self) -> None:
        with self.lock:
            self.watched.take_pending()
            self._tell()

    def _tell(self, epoch_is_over: bool = False) -> None:
        self._changed(epoch_is_over)
        self._drawn = time.perf_counter()

"""A training that one watches, pauses and stops."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import pandas as pd
import traitlets

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.methods import METHODS, Method, get_method, with_reference_strength
from ferlab.models import ExpressionNetwork
from ferlab.runs import RunFolder
from ferlab.runs.plan import LARGEST_PICTURE, sized
from ferlab.training import TrainSettings
from ferlab.widgets.kit.channel import Channel
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.monitor import view
from ferlab.widgets.monitor.output import RenewedOutput
from ferlab.widgets.monitor.session import MonitorState, Task, TrainingSession

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
INTERRUPTED = "Paused because the kernel was interrupted; Resume goes on from here."


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
        method: a name (see :mod:`ferlab.methods`) or a :class:`~ferlab.methods.Method`.
        settings: of the training; the default otherwise. On one device.
        train_set, validation_set: the built-in faces otherwise.
        embedding_size: how many numbers an embedding has, in place of the method's; with 2 the page shows it as it is,
            with training faces, centers and the classifier's directions that move while the network learns.
        out: folder for the checkpoints, `<out>/<method>/seed_<n>/`; otherwise they last as long as the monitor.

    Attributes:
        session: the training itself, in its thread.
        state: a :class:`~ferlab.widgets.monitor.session.MonitorState`, which also knows preparing and stopping.
        status: `"waiting"` (not started), `"training"`, `"paused"`, `"stopped"`, `"finished"` or `"failed"`.
        epoch: whole epochs trained so far.
        batch: batches of the epoch after it.
        history: DataFrame, one row an epoch: the training's own columns, and `train_accuracy`,
            `train_balanced_accuracy` and `recall_<class>` (of validation). Accuracy on training faces is counted while
            the network learns from them, on altered faces: it may lie below that of validation.
        network: the trained network, once finished.
        shown_epoch: the epoch whose map and recalls are shown; can be set. None, the default, is the newest.

    Raises:
        FerlabError: an unknown method, a size that it cannot have, several devices, a folder of another training.

    Example:
        >>> monitor = TrainingMonitor("tcl-nearest", TrainSettings(epochs=2))
        >>> monitor.status, monitor.epoch
        ('waiting', 0)
    """

    _esm = "\n".join(
        path.read_text("utf-8") for path in (HERE.parent / "kit/shapes.js", HERE / "plane.js", HERE / "monitor.js")
    )
    _css = HERE / "monitor.css"
    # Set by Python only: the page asks by messages.
    _info = traitlets.Dict().tag(sync=True)  # words, numbers and buttons
    _scores = traitlets.Dict().tag(sync=True)  # one list entry an epoch
    _curves = traitlets.Bytes().tag(sync=True)  # float32, see loss_curves
    _maps = traitlets.Bytes().tag(sync=True)  # float32 (epochs, n, 2)
    _labels = traitlets.Bytes().tag(sync=True)  # uint16 (n,)
    _predicted = traitlets.Bytes().tag(sync=True)  # uint16 (epochs, n)
    _plane = traitlets.Bytes().tag(sync=True)  # float32, see PlaneLook.tobytes; empty without
    _plane_labels = traitlets.Bytes().tag(sync=True)  # uint16 (n,)
    _shown = traitlets.Int(0).tag(sync=True)  # 0 for the newest

    def __init__(
        self,
        method: str | Method = "tcl-nearest",
        settings: TrainSettings | None = None,
        train_set: FaceDataset | None = None,
        validation_set: FaceDataset | None = None,
        out: str | Path | None = None,
        embedding_size: int | None = None,
    ) -> None:
        if isinstance(method, str) and embedding_size is not None and embedding_size <= LARGEST_PICTURE:
            method = with_reference_strength(method)
        self.method = get_method(method) if isinstance(method, str) else method
        self.name = method if isinstance(method, str) else _name_of(method)
        if embedding_size is not None:
            self.method = sized(self.method, embedding_size)
        self.settings = settings or TrainSettings()
        if self.settings.devices * self.settings.nodes > 1:
            raise FerlabError("A monitor trains on one device: leave devices and nodes at 1, or use ferlab compare.")
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if out is None:
            self._temporary = tempfile.TemporaryDirectory()  # it goes with the monitor
            out = self._temporary.name
        self.out = Path(out)
        stored = RunFolder(self.out).training(self.name, self.settings.seed)
        self.folder = stored.path
        task = Task(
            name=self.name,
            method=self.method,
            settings=self.settings,
            train_set=train_set,
            validation_set=validation_set,
            stored=stored,
        )
        self.session = TrainingSession(task, changed=self._draw, ended=self._renew_picture)
        self._output = RenewedOutput()
        super().__init__()
        channel = Channel(failed=lambda error: self.session.say(str(error)))
        for action in (self.start, self.pause, self.resume, self.stop):
            channel.on(action.__name__, action)
        channel.on("show", self._show)
        channel.listen(self)
        self._draw()

    # ---- what is to be seen -----------------------------------------------------------------------------------

    @property
    def state(self) -> MonitorState:
        return self.session.state

    @property
    def status(self) -> str:
        return self.state.status

    @property
    def error(self) -> Exception | None:
        """What ended a failed training."""
        return self.session.error

    @property
    def epoch(self) -> int:
        return self.session.watched.epoch

    @property
    def batch(self) -> int:
        return self.session.watched.batch

    @property
    def history(self) -> pd.DataFrame:
        with self.session.lock:
            return self.session.watched.history()

    @property
    def network(self) -> ExpressionNetwork:
        if self.session.network is None:
            failed = self.state is MonitorState.FAILED
            why = view.sentence(self.session) if failed else "Start it, and wait() until it has finished."
            raise FerlabError(f"There is no trained network, the training is {self.status}. {why}")
        return self.session.network

    @property
    def shown_epoch(self) -> int | None:
        return self._shown or None

    @shown_epoch.setter
    def shown_epoch(self, epoch: int | None) -> None:
        known = self.session.watched.detailed()
        if epoch is not None and epoch not in known:
            have = f"choose from {known[0]} to {known[-1]}" if known else "none has finished yet"
            raise FerlabError(f"There is nothing to show of epoch {epoch}; {have}.")
        self._shown = epoch or 0

    # ---- what one does with it --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on from the last checkpoint; returns at once.

        Raises:
            FerlabError: it runs or has finished already; another monitor trains; the folder holds another training.
        """
        self.session.start()

    def pause(self) -> None:
        """Hold after the batch that is being computed; the random numbers are kept for :meth:`resume`."""
        self.session.pause()

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self.session.resume()

    def stop(self) -> None:
        """End after the batch that is being computed. Whole epochs are kept; :meth:`start` goes on behind them."""
        self.session.stop()

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
            while not self.session.join(0.1) and (end is None or time.monotonic() < end):
                pass  # waited shortly, so that an interrupt gets through
        self._output.renew(self._bundle)
        return self.status

    def __await__(self) -> Generator[Any, None, str]:
        return self._until_over().__await__()

    async def _until_over(self) -> str:
        with self._pause_when_interrupted():
            while not self.session.join(0):
                await asyncio.sleep(0.1)
        self._output.renew(self._bundle)
        return self.status

    @contextmanager
    def _pause_when_interrupted(self) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, asyncio.CancelledError):
            with self.session.lock:
                if self.state in (MonitorState.PREPARING, MonitorState.TRAINING):
                    self.session.pause(INTERRUPTED)
            raise

    # ---- on the page ------------------------------------------------------------------------------------------

    def _show(self, epoch: int | None) -> None:
        self.shown_epoch = epoch

    def _draw(self, epoch_is_over: bool = False) -> None:
        """By the training's thread, the kernel's main thread and the one that answers the buttons."""
        kept = f"in {self.folder}"
        if self._temporary is not None:
            kept = "until this notebook's kernel ends; name a folder with out to keep them"
        with self.session.lock, self.hold_sync():
            watched = self.session.watched
            self._info = view.info(self.session, kept)
            self._curves = watched.curves().tobytes()
            self._plane_labels = watched.plane_labels.astype("<u2").tobytes()
            self._plane = b"" if watched.plane is None else watched.plane.tobytes()
            if epoch_is_over or not self._scores:
                self._scores = view.scores(watched)
                of_epochs = view.maps(watched)
                self._maps, self._predicted = of_epochs["maps"], of_epochs["predicted"]
                self._labels = of_epochs["labels"]

    # ---- where nothing can move --------------------------------------------------------------------------------

    def figure(self) -> Figure | None:
        """What is shown, as a static matplotlib figure; None before the first batches."""
        return view.monitor_figure(self.session, self.shown_epoch)

    def __repr__(self) -> str:
        return f"TrainingMonitor({self.method.label}; {self.status}, epoch {self.epoch} of {self.settings.epochs})"

    def _ipython_display_(self) -> None:
        self._output.show(f"ferlab-monitor-{self.model_id}", self._bundle())

    def _renew_picture(self) -> None:
        # After a stop someone is there, whose page would blink; they may go on.
        if self.state is not MonitorState.STOPPED:
            self._output.renew_later(self._bundle)

    def _bundle(self) -> Any:
        found = super()._repr_mimebundle_()
        bundle = dict(found[0] if isinstance(found, tuple) else found or {})
        bundle["text/plain"] = repr(self)
        figure = self.figure()
        return bundle if figure is None else with_picture(bundle, lambda: figure, repr(self))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._bundle()


def _name_of(method: Method) -> str:
    return next((name for name, known in METHODS.items() if known == method), "own-method")

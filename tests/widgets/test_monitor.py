"""The training monitor's kernel side: what it shows is what was trained, and nothing is lost by a pause or a stop."""

from __future__ import annotations

import _thread
import asyncio
import dataclasses
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
import torch
from from_page import on_page, send
from stand_in import acting, no_training
from tiny import tiny_faces

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import class_recalls, predict
from ferlab.losses import JointLoss, MetricLoss
from ferlab.methods import Method, build_loss, get_method
from ferlab.models import ExpressionNetwork
from ferlab.projection.principal import principal_map
from ferlab.training import TrainResult, TrainSettings, train
from ferlab.training.loop import Learner
from ferlab.widgets import TrainingMonitor
from ferlab.widgets.monitor import plane, session, view
from ferlab.widgets.monitor.plane import PlaneWatcher, class_means, followed_faces
from ferlab.widgets.monitor.record import EpochRecord, loss_curves
from ferlab.widgets.monitor.session import MonitorState
from ferlab.widgets.monitor.watched import parts_of

matplotlib.use("Agg")
SETTINGS = TrainSettings(epochs=3, batch_size=14, learning_rate=0.05, precision="32-true")
STEPS = 2  # of an epoch of the few faces


def test_more_classes_than_a_byte_can_count_keep_their_numbers():
    watched = SimpleNamespace(
        detailed=lambda: [1],
        maps={1: SimpleNamespace(points=np.zeros((3, 2), np.float32))},
        records={1: SimpleNamespace(predicted=np.array([299, 0, 256]))},
        followed_labels=np.array([299, 255, 256]),
    )
    sent = view.maps(watched)
    assert np.frombuffer(sent["labels"], "<u2").tolist() == [299, 255, 256]
    assert np.frombuffer(sent["predicted"], "<u2").tolist() == [299, 0, 256]


@pytest.mark.parametrize(
    "change",
    [
        {"embeddings": np.zeros(3)},
        {"embeddings": np.array(["a"])},
        {"predicted": np.zeros(9)},
        {"train_confusion": np.zeros((2, 3), int)},
        {"validation_confusion": np.zeros((3, 3), int)},
        {"loss total": np.zeros((2, 2))},
        {"seconds": np.array("x")},
        {"more": np.zeros(3)},
        {},
    ],
)
def test_an_epoch_on_disk_of_another_shape_is_none(tmp_path, change):
    right = {
        "loss total": np.zeros(4, np.float32), "train_confusion": np.eye(2, dtype=int), "seconds": np.array(1.0),
        "validation_confusion": np.eye(2, dtype=int), "embeddings": np.zeros((3, 5), np.float16),
        "predicted": np.zeros(3, int),
    }  # fmt: skip
    np.savez(tmp_path / "epoch.npz", **(right | change))
    assert (EpochRecord.load(tmp_path / "epoch.npz") is None) == bool(change)


def test_an_epoch_on_disk_that_promises_more_than_it_holds_is_none(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(tmp_path / "epoch.npz", "w") as file:
        file.writestr("embeddings.npy", header.getvalue())
    assert EpochRecord.load(tmp_path / "epoch.npz") is None


def few_faces(split: str = "train") -> FaceDataset:
    return tiny_faces(split, 4 if split == "train" else 2)


@cache
def uninterrupted(method: str = "tcl-nearest", settings: TrainSettings = SETTINGS) -> TrainResult:
    return train(get_method(method), few_faces(), few_faces("validation"), settings)


def assert_same(monitor: TrainingMonitor, result: TrainResult) -> None:
    history = monitor.history.drop(columns="seconds")
    for i, row in enumerate(result.history):
        for name in row.keys() - {"seconds"}:
            assert history[name][i] == row[name], name
    for mine, theirs in zip(monitor.network.parameters(), result.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def until(condition: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def sentence(monitor: TrainingMonitor) -> str:
    """What the page says."""
    return on_page(monitor, "_info")["sentence"]


@pytest.fixture
def watch() -> Iterator[Callable[..., TrainingMonitor]]:
    """Makes monitors of a few faces, whose training is over after this test in any case."""
    made: list[TrainingMonitor] = []

    def make(method: str | Method = "tcl-nearest", out=None, settings=SETTINGS, train_set=None) -> TrainingMonitor:
        monitor = TrainingMonitor(method, settings, train_set or few_faces(), few_faces("validation"), out)
        made.append(monitor)
        return monitor

    yield make
    for monitor in made:
        monitor.session.close()


@pytest.fixture
def pretend(watch) -> Callable[..., TrainingMonitor]:
    """Makes monitors that pretend to train, with `action(monitor)` at the end of some batch."""

    def make(
        method: str | Method = "ce", at: int = 0, action: Callable = lambda monitor: None, **named
    ) -> TrainingMonitor:
        monitor = watch(method, **named)
        monitor.session.train = acting(at, lambda: action(monitor), like=no_training)
        return monitor

    return make


# ---- the numbers of the training -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["tcl-nearest", "ad-corre"])
def test_a_watched_training_is_the_training(watch, method):
    monitor = watch(method)
    assert monitor.status == "waiting" and monitor.epoch == 0 and not len(monitor.history)
    monitor.start()
    assert monitor.status == "training"
    assert monitor.wait() == "finished" and monitor.epoch == 3
    assert_same(monitor, uninterrupted(method))


def test_history_holds_what_was_seen(watch):
    monitor = watch("ce")
    monitor.start()
    monitor.wait()
    last = monitor.history.iloc[-1]
    validation = few_faces("validation")
    recalls = class_recalls(validation.labels, predict(monitor.network, validation.images), 7)
    assert [last[f"recall_{name}"] for name in validation.classes] == recalls
    record = monitor.session.watched.records[3]
    assert record.train_confusion.sum() == STEPS * 14 and record.validation_confusion.sum() == len(validation)
    assert last["train_accuracy"] == pytest.approx(np.trace(record.train_confusion) / (STEPS * 14))
    np.testing.assert_allclose(record.losses["ce"].mean(), last["ce"], rtol=1e-5)
    assert last["train_accuracy"] > monitor.history["train_accuracy"][0]


def test_pause_holds_the_batches_and_keeps_the_random_numbers(watch):
    monitor = watch()
    monitor.session.train = acting(3, monitor.pause)
    monitor.start()
    until(lambda: monitor.status == "paused")
    time.sleep(0.2)
    assert (monitor.epoch, monitor.batch) == (1, 1)
    torch.manual_seed(99)  # another cell
    torch.rand(1000)
    assert (monitor.epoch, monitor.batch) == (1, 1), "not a batch while paused"
    assert monitor.wait(timeout=0.1) == "paused"
    monitor.resume()
    assert monitor.wait() == "finished"
    assert_same(monitor, uninterrupted())
    assert monitor.history["seconds"].sum() < 60


def test_stopped_training_goes_on_to_the_same_numbers(watch, tmp_path):
    monitor = watch(out=tmp_path)
    monitor.session.train = acting(3, monitor.stop)
    monitor.start()
    assert monitor.wait() == "stopped"
    assert monitor.epoch == 1, "the begun epoch does not count"
    assert "epoch 2" in sentence(monitor)
    with pytest.raises(FerlabError, match="stopped"):
        _ = monitor.network

    after_restart = watch(out=tmp_path)
    assert "up to epoch 1" in sentence(after_restart)
    after_restart.start()
    assert after_restart.wait() == "finished"
    assert_same(after_restart, uninterrupted())
    assert after_restart.history["train_accuracy"].notna().all(), "the first epoch's too"
    assert on_page(after_restart, "_scores")["detailed"] == [1, 2, 3]

    once_more = watch(out=tmp_path)
    once_more.start()
    assert once_more.wait() == "finished" and once_more.batch == 0
    assert_same(once_more, uninterrupted())


def test_the_same_monitor_starts_again_after_a_stop(watch):
    monitor = watch()
    monitor.session.train = acting(5, monitor.stop)
    monitor.start()
    monitor.wait()
    assert monitor.epoch == 2
    monitor.start()
    assert monitor.wait() == "finished"
    assert_same(monitor, uninterrupted())


def test_an_error_is_a_sentence(watch, pretend):
    monitor = watch("ce", settings=dataclasses.replace(SETTINGS, learning_rate=1e30))
    monitor.start()
    assert monitor.wait() == "failed"
    assert "epoch 1, batch 2" in sentence(monitor) and "smaller learning rate" in sentence(monitor)
    assert isinstance(monitor.error, FerlabError)
    with pytest.raises(FerlabError, match="smaller learning rate"):
        _ = monitor.network
    another = pretend()  # the failed one does not stand in its way
    another.start()
    assert another.wait() == "finished"


def test_drawing_from_other_threads_while_it_trains(watch):
    """The buttons are answered in threads of the kernel."""
    monitor, failed, over = watch("ce"), [], threading.Event()

    def press() -> None:
        while not over.is_set():
            try:
                send(monitor, {"type": "pause"})
                _ = monitor.history, monitor.batch
                send(monitor, {"type": "resume"})
            except Exception as error:
                failed.append(error)
            time.sleep(0.001)  # or the training hardly ever gets the lock

    pressing = threading.Thread(target=press)
    pressing.start()
    monitor.start()
    status = monitor.wait()
    over.set()
    pressing.join()
    assert status == "finished" and failed == []
    assert_same(monitor, uninterrupted("ce"))


# ---- states ----------------------------------------------------------------------------------------------------


def test_stop_while_paused(pretend):
    monitor = pretend(at=2, action=lambda monitor: monitor.pause())
    monitor.start()
    until(lambda: monitor.status == "paused")
    monitor.stop()
    assert monitor.wait() == "stopped" and monitor.epoch == 0


def test_before_the_first_batch_it_prepares(pretend):
    said = []
    monitor = pretend()
    monitor.session.train = lambda *arguments, **named: (
        said.append((monitor.state, monitor.status, sentence(monitor))),
        no_training(*arguments, **named),
    )[1]
    monitor.start()
    monitor.wait()
    assert said == [(MonitorState.PREPARING, "training", "Preparing the faces and the network ...")]


def test_what_is_stopping_cannot_be_paused(pretend):
    """It would hold until someone resumes it, only to end."""
    refused = []

    def stop_and_pause(monitor: TrainingMonitor) -> None:
        monitor.stop()
        assert monitor.state is MonitorState.STOPPING and monitor.status == "training"
        assert sentence(monitor) == "Stopping after this batch ..."
        monitor.stop()  # twice is no mistake
        send(monitor, {"type": "pause"})
        refused.append(sentence(monitor))

    monitor = pretend(at=2, action=stop_and_pause)
    monitor.start()
    assert monitor.wait() == "stopped"
    assert refused == ["The training cannot pause while it is stopping."]


def test_paused_before_the_first_batch(pretend):
    monitor, prepared = pretend(), threading.Event()

    def slowly(*arguments, **named) -> TrainResult:
        prepared.wait()
        return no_training(*arguments, **named)

    monitor.session.train = slowly
    monitor.start()
    monitor.pause()
    prepared.set()
    until(lambda: monitor.batch == 1)
    time.sleep(0.05)
    assert (monitor.status, monitor.batch) == ("paused", 1)
    monitor.resume()
    assert monitor.wait() == "finished"


def test_an_interrupt_while_waiting_pauses(pretend):
    goes_on = threading.Event()
    monitor = pretend(at=3, action=lambda monitor: goes_on.wait())
    monitor.start()
    until(lambda: monitor.batch == 0 and monitor.epoch == 1)
    threading.Timer(0.2, _thread.interrupt_main).start()  # the training cannot be over by then
    with pytest.raises(KeyboardInterrupt):
        monitor.wait()
    assert monitor.status == "paused" and "interrupted" in sentence(monitor)
    goes_on.set()
    monitor.resume()
    assert monitor.wait() == "finished"


def test_awaiting_it_leaves_the_event_loop_free(pretend):
    monitor, ticks = pretend(at=2, action=lambda monitor: until(lambda: ticks.count("training") > 3)), []

    async def main() -> str:
        async def tick() -> None:
            while True:
                ticks.append(monitor.status)
                await asyncio.sleep(0.02)

        ticking = asyncio.create_task(tick())
        monitor.start()
        status = await monitor
        ticking.cancel()
        return status

    # In a thread of its own: the browser tests before may have left an event loop running in this one.
    with ThreadPoolExecutor(max_workers=1) as threads:
        assert threads.submit(asyncio.run, main()).result() == "finished"
    assert ticks.count("training") > 3


def test_an_unexpected_error_is_a_sentence_too(pretend):
    monitor = pretend(at=2, action=lambda monitor: 1 / 0)
    monitor.start()
    assert monitor.wait() == "failed" and "ZeroDivisionError" in sentence(monitor)


def test_one_training_at_a_time(pretend):
    first, second = pretend(at=2, action=lambda monitor: monitor.pause()), pretend()
    first.start()
    until(lambda: first.status == "paused")
    with pytest.raises(FerlabError, match="Another monitor"):
        second.start()
    assert second.status == "waiting"
    send(second, {"type": "start"})  # by its button
    assert "Another monitor" in sentence(second)
    first.stop()
    first.wait()
    second.start()
    assert second.wait() == "finished"


def test_a_folder_of_another_training_is_refused(pretend, tmp_path):
    first = pretend(out=tmp_path)
    first.start()
    assert first.wait() == "finished"
    others = [
        pretend(out=tmp_path, settings=dataclasses.replace(SETTINGS, learning_rate=0.01)),
        pretend(out=tmp_path, train_set=tiny_faces(per_class=5)),
    ]
    for other in others:
        other.start()
        assert other.wait() == "failed"
        assert "with other settings or faces" in sentence(other)
    assert "learning_rate was 0.05 and is 0.01" in sentence(others[0])
    other_method = pretend("center", out=tmp_path)  # has a folder of its own
    other_method.start()
    assert other_method.wait() == "finished"


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "wait"])
def test_what_cannot_be_done_before_the_start(watch, action):
    with pytest.raises(FerlabError):
        getattr(watch(), action)()


def test_bad_arguments():
    with pytest.raises(FerlabError, match="no method 'triplet'"):
        TrainingMonitor("triplet")
    with pytest.raises(FerlabError, match="one device"):
        TrainingMonitor("ce", TrainSettings(devices=2))


# ---- what the page gets ----------------------------------------------------------------------------------------


def test_shown_epoch(pretend):
    monitor = pretend()
    with pytest.raises(FerlabError, match="none has finished"):
        monitor.shown_epoch = 1
    monitor.start()
    monitor.wait()
    assert monitor.shown_epoch is None
    send(monitor, {"type": "show", "epoch": 2})
    assert monitor.shown_epoch == 2
    with pytest.raises(FerlabError, match="choose from 1 to 3"):
        monitor.shown_epoch = 4
    send(monitor, {"type": "show", "epoch": None})
    assert on_page(monitor, "_shown") == 0


def test_the_page_gets_lists_of_one_length(watch):
    monitor = watch(dataclasses.replace(get_method("ad-corre"), warm_up=1 / 3))
    monitor.start()
    monitor.wait()
    faces, info = len(few_faces("validation")), on_page(monitor, "_info")
    assert len(on_page(monitor, "_labels")) == 2 * faces and len(on_page(monitor, "_predicted")) == 3 * 2 * faces
    assert len(on_page(monitor, "_maps")) == 3 * faces * 2 * 4
    names = [part["name"] for part in info["parts"]]
    assert names == ["train_loss", "ce", "FD", "MD", "ED"]
    curves = np.frombuffer(on_page(monitor, "_curves"), dtype=np.float32).reshape(1 + 2 * len(names), -1)
    assert curves.shape[1] == 3 * STEPS
    np.testing.assert_allclose(curves[0], np.arange(1, 3 * STEPS + 1) / STEPS, rtol=1e-6)
    on = curves[0] > 1  # the metric loss begins in the second epoch
    assert np.isnan(curves[5, ~on]).all() and np.isfinite(curves[5, on]).all()
    np.testing.assert_allclose(curves[1, on], curves[[3, 5, 7, 9]][:, on].sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(curves[2, on], curves[[4, 6, 8, 10]][:, on].sum(axis=0), rtol=1e-5)
    assert info["done"] == 1 and info["switch"] == 1


class Shrink(MetricLoss):
    """A loss that nothing in the monitor knows."""

    part_labels = {"length": "mean squared length", "largest": "largest entry"}

    def part_weights(self) -> dict[str, float]:
        return {"length": 1.0, "largest": 0.5}


def test_a_new_loss_has_its_parts_labels_and_weights_on_the_page():
    parts = parts_of(JointLoss(7, Shrink(), metric_weight=4.0))
    shown = [view.line(part, place) for place, part in enumerate(parts)]
    assert [part["label"] for part in shown] == ["total", "cross-entropy", "length", "largest"]
    assert [part["words"] for part in shown] == ["total", "cross-entropy", "mean squared length", "largest entry"]
    assert [part["weight"] for part in shown] == [1.0, 1.0, 4.0, 2.0]
    looks = [(part["color"], part["dash"]) for part in shown]
    assert len(set(looks)) == len(looks), "no two lines look alike"


@pytest.mark.parametrize("method", ["center", "pml:SupConLoss(temperature=0.1)", "ad-corre@4"])
def test_parts_of_any_method(method):
    joint = build_loss(get_method(method), 7)
    parts = {part.name: part for part in parts_of(joint)}
    assert parts.keys() == {"train_loss", *joint.part_weights()} and len(parts) > 2
    assert {name: part.weight for name, part in parts.items() if name != "train_loss"} == joint.part_weights()


def test_a_picture_stands_in_where_no_widget_can(pretend):
    monitor = pretend()
    assert "image/png" not in monitor._repr_mimebundle_()
    monitor.start()
    monitor.wait()
    bundle = monitor._repr_mimebundle_()
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()
    assert "finished, epoch 3 of 3" in bundle["text/plain"]
    titles = [ax.get_title(loc="left") for ax in monitor.figure().axes]
    assert titles[0].startswith("Loss") and "after epoch 3" in titles[2]


# ---- its parts ---------------------------------------------------------------------------------------------


def test_a_damaged_record_is_no_record(tmp_path):
    counts = np.eye(2, dtype=np.int64)
    record = EpochRecord(
        {"ce": np.ones(3, np.float32)}, counts, counts, np.zeros((4, 2), np.float16), np.arange(4), 1.5
    )
    path = tmp_path / "epoch.npz"
    record.save(path)
    found = EpochRecord.load(path)
    assert found.seconds == 1.5 and found.losses["ce"].tolist() == [1, 1, 1]
    path.write_bytes(path.read_bytes()[:200])
    assert EpochRecord.load(path) is None and EpochRecord.load(tmp_path / "none.npz") is None


def test_curves_of_a_long_training_are_means_over_batches():
    values = np.arange(1000, dtype=np.float32)
    curves = loss_curves([{"ce": values}], ["ce"], steps=1000, total=1000, points=100)
    assert curves.shape == (3, 100)
    np.testing.assert_allclose(curves[1], values.reshape(100, 10).mean(axis=1))
    np.testing.assert_allclose(curves[0, [0, -1]], [0.01, 1.0], rtol=1e-6)
    assert loss_curves([{}], ["ce"], steps=10, total=100).shape == (3, 0)


def test_maps_do_not_flip_or_shrink():
    rng = np.random.default_rng(0)
    space = rng.normal(size=(50, 6)) * [5, 3, 1, 1, 1, 1]
    first, share = principal_map(space)
    turned, _ = principal_map(space * [-1, -1, 1, 1, 1, 1] + 0.01 * rng.normal(size=(50, 6)), first)
    assert np.abs(turned - first).max() < 0.1 and 0.5 < share < 1
    unlike, _ = principal_map(rng.normal(size=(50, 6)), first)
    assert np.sqrt((unlike**2).sum(axis=1).mean()) == pytest.approx(1, rel=1e-5)
    assert np.isfinite(principal_map(np.ones((12, 4)))[0]).all(), "a space that has collapsed to a point"


@pytest.mark.slow
def test_interrupting_the_kernel_while_a_cell_awaits_pauses():
    import nbformat
    from nbclient import NotebookClient

    here = Path(__file__).parents[1]
    cells = (
        f"""
import sys
sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]
import _thread, asyncio, threading
from stand_in import acting, no_training
from tiny import tiny_faces
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor
from ferlab.widgets.monitor.view import sentence
settings = TrainSettings(batch_size=14)
monitor = TrainingMonitor("ce", settings, tiny_faces(per_class=4), tiny_faces("validation", 2))
interrupted = threading.Event()
monitor.session.train = acting(2, interrupted.wait, like=no_training)
monitor.start()""",
        """
asyncio.get_running_loop().call_later(0.5, _thread.interrupt_main)  # while the cell awaits
await monitor""",
        "interrupted.set(); print(monitor.status, sentence(monitor.session))",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    NotebookClient(notebook, timeout=180, allow_errors=True).execute()
    outputs = [output for cell in notebook.cells[1:] for output in cell.outputs]
    assert [output.output_type for output in outputs] == ["error", "stream"], "the cell ends with the interrupt"
    assert outputs[1].text.startswith("paused Paused because the kernel was interrupted")


# ---- an embedding of two numbers -----------------------------------------------------------------------------


def in_the_plane(watch, method: str = "center", **named) -> TrainingMonitor:
    sized = get_method(method).changed({"embedding_size": 2})
    return watch(dataclasses.replace(sized, warm_up=1 / 3), **named)


def test_looking_at_the_plane_changes_nothing_of_the_training(watch, monkeypatch):
    monkeypatch.setattr(session, "REFRESH", 0.0)  # after every batch
    monkeypatch.setattr(PlaneWatcher, "is_due", lambda watcher: True)
    monitor = in_the_plane(watch)
    monitor.start()
    assert monitor.wait() == "finished"
    assert_same(monitor, train(monitor.method, few_faces(), few_faces("validation"), SETTINGS))


def test_the_plane_is_what_the_network_says_of_the_training_faces(watch):
    monitor = in_the_plane(watch)
    assert on_page(monitor, "_plane") == b"" and on_page(monitor, "_info")["plane"]["when"] == ""
    monitor.start()
    monitor.wait()
    faces, seen = few_faces(), np.frombuffer(on_page(monitor, "_plane"), np.float32).reshape(-1, 2)
    meeting, directions, centers, points = np.split(seen, [1, 8, 15])
    order = followed_faces(faces)
    assert np.frombuffer(on_page(monitor, "_plane_labels"), "<u2").tolist() == faces.labels[order].tolist()
    np.testing.assert_allclose(points, predict(monitor.network, faces.images[order]).embeddings, rtol=1e-5)
    weight = monitor.network.classifier.weight.detach().numpy()
    np.testing.assert_allclose(directions, weight - weight.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert np.isfinite(meeting).all() and np.isfinite(centers).all()
    assert on_page(monitor, "_info")["plane"] == {"when": "after 3.0 epochs", "centers": "center of the loss"}


def test_centers_are_class_means_until_the_loss_has_its_own(watch):
    looks = []
    monitor = in_the_plane(watch)
    monitor.observe(lambda change: looks.append(monitor.session.watched.plane), names="_plane")
    monitor.start()
    monitor.wait()
    first, last = looks[0], looks[-1]
    assert (first.epochs, first.are_of_loss) == (1.0, False) and (last.epochs, last.are_of_loss) == (3.0, True)
    labels = few_faces().labels[followed_faces(few_faces())]
    np.testing.assert_allclose(first.centers, class_means(first.points, labels, 7))
    assert np.abs(last.centers - class_means(last.points, labels, 7)).max() > 1e-4
    assert np.abs(last.points - first.points).max() > 0

    of_cross_entropy = in_the_plane(watch, "ce")
    of_cross_entropy.start()
    of_cross_entropy.wait()
    assert on_page(of_cross_entropy, "_info")["plane"]["centers"] == "class mean"


def test_looking_takes_a_small_share_of_the_time(monkeypatch):
    """A look that took 2 s is not due again before its share of all time is small."""
    clock = [100.0]

    def slow(network, images):
        clock[0] += 2.0
        return predict(network, images)

    monkeypatch.setattr(plane.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(plane, "predict", slow)
    objective = build_loss(get_method("ce"), 7)
    learner = Learner(ExpressionNetwork(7, 2), None, objective, None, None)
    watcher = PlaneWatcher(learner, few_faces())
    assert watcher.is_due()
    watcher.look(0.0, False)
    began = 100.0
    assert not watcher.is_due()
    clock[0] = began + 2.0 / plane.SHARE - 0.1
    assert not watcher.is_due()
    clock[0] = began + 2.0 / plane.SHARE + 0.1
    assert watcher.is_due()


def test_a_finished_plane_is_there_after_a_restart(watch, tmp_path):
    first = in_the_plane(watch, out=tmp_path)
    first.start()
    first.wait()
    again = in_the_plane(watch, out=tmp_path)
    again.start()
    assert again.wait() == "finished"
    assert on_page(again, "_plane") == on_page(first, "_plane")


def test_the_map_of_a_plane_is_the_plane(watch):
    monitor = in_the_plane(watch)
    monitor.start()
    monitor.wait()
    found = monitor.session.watched
    own = found.records[3].embeddings.astype(np.float32)
    np.testing.assert_allclose(found.maps[3].points, own - own.mean(axis=0))
    assert "(their two numbers)" in monitor.figure().axes[2].get_title(loc="left")


def test_the_size_of_an_embedding_is_an_argument():
    assert TrainingMonitor("tcl-nearest@2", embedding_size=2).method.embedding_size == 2
    assert TrainingMonitor("tcl-nearest", embedding_size=2).method.strength == 1, "the default is too much for two"
    assert on_page(TrainingMonitor("tcl-nearest"), "_info")["plane"] is None
    assert TrainingMonitor("ad-corre", embedding_size=4).method.heads == 7
    with pytest.raises(FerlabError, match=r"cannot have an embedding_size of 3: .* on a circle.*4 or more"):
        TrainingMonitor("ad-corre", embedding_size=3)
    with pytest.raises(FerlabError, match="embedding_size is at least 2, but is 1"):
        TrainingMonitor("ce", embedding_size=1)

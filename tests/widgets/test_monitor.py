"""The training monitor's kernel side: what it shows is what was trained, and nothing is lost by a pause or a stop."""

from __future__ import annotations

import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
import torch
from tiny import tiny_faces

from ferlab.errors import FerlabError
from ferlab.evaluation import class_recalls, predict
from ferlab.methods import METHODS
from ferlab.projection.principal import principal_map
from ferlab.training import TrainSettings, train
from ferlab.widgets import TrainingMonitor
from ferlab.widgets.monitor.record import EpochRecord, loss_curves
from ferlab.widgets.monitor.training import part_weights

matplotlib.use("Agg")
SETTINGS = TrainSettings(epochs=3, batch_size=32, learning_rate=0.05, precision="32-true")
STEPS = 5  # of an epoch of the tiny faces


def monitor_of(method="tcl-nearest", out=None, settings=SETTINGS, train_set=None):
    return TrainingMonitor(method, settings, train_set or tiny_faces(), tiny_faces("validation", 6), out)


def uninterrupted(method="tcl-nearest", settings=SETTINGS):
    return train(METHODS[method], tiny_faces(), tiny_faces("validation", 6), settings)


def assert_same(monitor, result) -> None:
    history = monitor.history.drop(columns="seconds")
    for i, row in enumerate(result.history):
        for name in row.keys() - {"seconds"}:
            assert history[name][i] == row[name], name
    for mine, theirs in zip(monitor.network.parameters(), result.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def until(condition, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def watched(monkeypatch):
    """Monitors, whose training stops after this test in any case; `hold_at` lets one hold before a batch."""
    made: list[TrainingMonitor] = []
    original = TrainingMonitor.__init__

    def keep(self, *arguments, **named):
        original(self, *arguments, **named)
        made.append(self)

    monkeypatch.setattr(TrainingMonitor, "__init__", keep)
    yield made
    for monitor in made:
        monitor._stop_and_join()


def call_at_batch(monkeypatch, batch: int, action) -> None:
    """Let the training's own thread do `action(monitor)` at the end of the given batch of the first start."""
    original, seen = TrainingMonitor._on_batch, [0]

    def on_batch(self, step):
        seen[0] += 1
        if seen[0] == batch:
            action(self)
        original(self, step)

    monkeypatch.setattr(TrainingMonitor, "_on_batch", on_batch)


@pytest.mark.parametrize("method", ["tcl-nearest", "ad-corre"])
def test_a_watched_training_is_the_training(watched, method):
    monitor = monitor_of(method)
    assert monitor.status == "waiting" and monitor.epoch == 0 and not len(monitor.history)
    monitor.start()
    assert monitor.status == "training"
    assert monitor.wait() == "finished" and monitor.epoch == 3
    assert_same(monitor, uninterrupted(method))


def test_history_holds_what_was_seen(watched):
    monitor = monitor_of("ce")
    monitor.start()
    monitor.wait()
    last = monitor.history.iloc[-1]
    validation = tiny_faces("validation", 6)
    recalls = class_recalls(validation.labels, predict(monitor.network, validation.images), 7)
    assert [last[f"recall_{name}"] for name in validation.classes] == recalls
    record = monitor._records[3]
    assert record.train_confusion.sum() == STEPS * 32 and record.validation_confusion.sum() == len(validation)
    assert last["train_accuracy"] == pytest.approx(np.trace(record.train_confusion) / (STEPS * 32))
    np.testing.assert_allclose(record.losses["ce"].mean(), last["ce"], rtol=1e-5)
    assert last["train_accuracy"] > monitor.history["train_accuracy"][0]


def test_pause_holds_the_batches_and_keeps_the_random_numbers(watched, monkeypatch):
    call_at_batch(monkeypatch, 7, lambda monitor: monitor.pause())
    monitor = monitor_of()
    monitor.start()
    until(lambda: monitor.status == "paused")
    time.sleep(0.2)
    assert (monitor.epoch, monitor.batch) == (1, 2)
    torch.manual_seed(99)  # another cell
    torch.rand(1000)
    assert (monitor.epoch, monitor.batch) == (1, 2), "not a batch while paused"
    assert monitor.wait(timeout=0.1) == "paused"
    monitor.resume()
    assert monitor.wait() == "finished"
    assert_same(monitor, uninterrupted())
    assert monitor.history["seconds"].sum() < 60


def test_stopped_training_goes_on_to_the_same_numbers(watched, monkeypatch, tmp_path):
    call_at_batch(monkeypatch, 8, lambda monitor: monitor.stop())
    monitor = monitor_of(out=tmp_path)
    monitor.start()
    assert monitor.wait() == "stopped"
    assert monitor.epoch == 1, "the begun epoch does not count"
    assert "epoch 2" in monitor._info["sentence"]
    with pytest.raises(FerlabError, match="stopped"):
        _ = monitor.network

    after_restart = monitor_of(out=tmp_path)
    assert "up to epoch 1" in after_restart._info["sentence"]
    after_restart.start()
    assert after_restart.wait() == "finished"
    assert_same(after_restart, uninterrupted())
    assert after_restart.history["train_accuracy"].notna().all(), "the first epoch's too"
    assert after_restart._scores["detailed"] == [1, 2, 3]

    once_more = monitor_of(out=tmp_path)
    once_more.start()
    assert once_more.wait() == "finished" and once_more.batch == 0
    assert_same(once_more, uninterrupted())


def test_the_same_monitor_starts_again_after_a_stop(watched, monkeypatch):
    call_at_batch(monkeypatch, 12, lambda monitor: monitor.stop())
    monitor = monitor_of()
    monitor.start()
    monitor.wait()
    monitor.start()
    assert monitor.wait() == "finished"
    assert_same(monitor, uninterrupted())


def test_stop_while_paused(watched, monkeypatch):
    call_at_batch(monkeypatch, 2, lambda monitor: monitor.pause())
    monitor = monitor_of()
    monitor.start()
    until(lambda: monitor.status == "paused")
    monitor.stop()
    assert monitor.wait() == "stopped" and monitor.epoch == 0


def test_an_interrupt_while_waiting_pauses(watched, monkeypatch):
    monitor = monitor_of()

    def interrupted(timeout):
        raise KeyboardInterrupt

    call_at_batch(monkeypatch, 3, lambda monitor: time.sleep(0.5))
    monitor.start()
    until(lambda: monitor.batch == 2)
    monkeypatch.setattr(monitor._thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        monitor.wait()
    assert monitor.status == "paused" and "interrupted" in monitor._info["sentence"]
    monkeypatch.undo()
    monitor.resume()
    assert monitor.wait() == "finished"


def test_awaiting_it_leaves_the_event_loop_free(watched):
    import asyncio

    monitor, ticks = monitor_of("ce"), []

    async def main():
        async def tick():
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


def test_an_error_is_a_sentence(watched):
    monitor = monitor_of("ce", settings=dataclasses.replace(SETTINGS, learning_rate=1e30))
    monitor.start()
    assert monitor.wait() == "failed"
    assert "epoch 1, batch 2" in monitor._info["sentence"] and "smaller learning rate" in monitor._info["sentence"]
    assert isinstance(monitor.error, FerlabError)
    with pytest.raises(FerlabError, match="smaller learning rate"):
        _ = monitor.network
    another = monitor_of("ce")  # the failed one does not stand in its way
    another.start()
    assert another.wait() == "finished"


def test_an_unexpected_error_too(watched, monkeypatch):
    call_at_batch(monkeypatch, 2, lambda monitor: 1 / 0)
    monitor = monitor_of()
    monitor.start()
    assert monitor.wait() == "failed" and "ZeroDivisionError" in monitor._info["sentence"]


def test_one_training_at_a_time(watched, monkeypatch):
    call_at_batch(monkeypatch, 2, lambda monitor: monitor.pause())
    first, second = monitor_of(), monitor_of("ce")
    first.start()
    until(lambda: first.status == "paused")
    with pytest.raises(FerlabError, match="Another monitor"):
        second.start()
    assert second.status == "waiting"
    second._asked(second, {"do": "start"}, [])  # by its button
    assert "Another monitor" in second._info["sentence"]
    first.stop()
    first.wait()
    second.start()
    assert second.wait() == "finished"


def test_a_folder_of_another_training_is_refused(watched, monkeypatch, tmp_path):
    first = monitor_of(out=tmp_path)
    first.start()
    first.wait()
    for other in (
        monitor_of(out=tmp_path, settings=dataclasses.replace(SETTINGS, learning_rate=0.01)),
        monitor_of(out=tmp_path, train_set=tiny_faces(per_class=25)),
    ):
        other.start()
        assert other.wait() == "failed"
        assert "with other settings or faces" in other._info["sentence"]
    assert "learning_rate was 0.05 and is 0.01" in watched[1]._info["sentence"]
    other_method = monitor_of("ce", out=tmp_path)  # has a folder of its own
    other_method.start()
    assert other_method.wait() == "finished"


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "wait"])
def test_what_cannot_be_done_before_the_start(watched, action):
    with pytest.raises(FerlabError):
        getattr(monitor_of(), action)()


def test_bad_arguments():
    with pytest.raises(FerlabError, match="no method 'triplet'"):
        TrainingMonitor("triplet")
    with pytest.raises(FerlabError, match="one device"):
        TrainingMonitor("ce", TrainSettings(devices=2))


def test_shown_epoch(watched):
    monitor = monitor_of("ce")
    with pytest.raises(FerlabError, match="none has finished"):
        monitor.shown_epoch = 1
    monitor.start()
    monitor.wait()
    assert monitor.shown_epoch is None
    monitor._asked(monitor, {"show": 2}, [])
    assert monitor.shown_epoch == 2
    with pytest.raises(FerlabError, match="choose from 1 to 3"):
        monitor.shown_epoch = 4
    monitor.shown_epoch = None
    assert monitor._shown == 0


def test_the_page_gets_lists_of_one_length(watched):
    monitor = monitor_of(dataclasses.replace(METHODS["ad-corre"], warm_up=1 / 3))
    monitor.start()
    monitor.wait()
    faces = len(tiny_faces("validation", 6))
    assert len(monitor._labels) == faces and len(monitor._predicted) == 3 * faces
    assert len(monitor._maps) == 3 * faces * 2 * 4
    names = [part["name"] for part in monitor._info["parts"]]
    assert names == ["train_loss", "ce", "FD", "MD", "ED"]
    curves = np.frombuffer(monitor._curves, dtype=np.float32).reshape(1 + 2 * len(names), -1)
    assert curves.shape[1] == 3 * STEPS
    np.testing.assert_allclose(curves[0], np.arange(1, 16) / STEPS, rtol=1e-6)
    on = curves[0] > 1  # the metric loss begins in the second epoch
    assert np.isnan(curves[5, ~on]).all() and np.isfinite(curves[5, on]).all()
    np.testing.assert_allclose(curves[1, on], curves[[3, 5, 7, 9]][:, on].sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(curves[2, on], curves[[4, 6, 8, 10]][:, on].sum(axis=0), rtol=1e-5)
    assert monitor._info["done"] == 1 and monitor._info["switch"] == 1


def test_a_picture_stands_in_where_no_widget_can(watched):
    monitor = monitor_of("ce")
    assert "image/png" not in monitor._repr_mimebundle_()
    monitor.start()
    monitor.wait()
    bundle = monitor._repr_mimebundle_()
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()
    assert "finished, epoch 3 of 3" in bundle["text/plain"]
    titles = [ax.get_title(loc="left") for ax in monitor.figure().axes]
    assert titles[0].startswith("Loss") and "after epoch 3" in titles[2]


def test_drawing_from_other_threads_while_it_trains(watched):
    """The buttons are answered in threads of the kernel."""
    monitor, failed, over = monitor_of("ce", settings=dataclasses.replace(SETTINGS, epochs=6)), [], threading.Event()

    def press():
        while not over.is_set():
            try:
                monitor._asked(monitor, {"do": "pause"}, [])
                _ = monitor.history, monitor.batch
                monitor._asked(monitor, {"do": "resume"}, [])
            except Exception as error:
                failed.append(error)

    monitor.start()
    pressing = threading.Thread(target=press)
    pressing.start()
    status = monitor.wait()
    over.set()
    pressing.join()
    if monitor.status == "paused":  # pressed at the very end
        status = "finished"
    assert status == "finished" and not failed
    assert_same(monitor, uninterrupted("ce", dataclasses.replace(SETTINGS, epochs=6)))


def test_part_weights_are_those_of_the_objective():
    assert part_weights(METHODS["ce"], 7) == {"ce": 1.0}
    weight = METHODS["ad-corre"].metric_weight
    assert part_weights(METHODS["ad-corre"], 7) == {"ce": 1.0, "FD": weight, "MD": weight, "ED": weight}


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
    from pathlib import Path

    import nbformat
    from nbclient import NotebookClient

    here = Path(__file__).parents[1]
    cells = (
        f"""
import sys
sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]
from tiny import tiny_faces
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor
settings = TrainSettings(epochs=1000, batch_size=32, precision="32-true")
monitor = TrainingMonitor("ce", settings, tiny_faces(), tiny_faces("validation", 6))
monitor.start()
import time
from concurrent.futures import ThreadPoolExecutor
while not monitor.batch: time.sleep(0.05)""",
        """
import _thread, threading
threading.Timer(1, _thread.interrupt_main).start()
await monitor""",
        "print(monitor.status, monitor._info['sentence'])",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    NotebookClient(notebook, timeout=180, allow_errors=True).execute()
    outputs = [output for cell in notebook.cells[1:] for output in cell.outputs]
    assert [output.output_type for output in outputs] == ["error", "stream"], "the cell ends with the interrupt"
    assert outputs[1].text.startswith("paused Paused because the kernel was interrupted")

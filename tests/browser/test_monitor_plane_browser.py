"""The plane of the training monitor on a page: faces, centers and directions where the kernel says, moving live."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bare_page import open_widget, state_of
from tiny import tiny_faces

from ferlab.training import TrainSettings, train
from ferlab.widgets import TrainingMonitor
from ferlab.widgets.monitor.plane import PlaneWatcher

CLASSES = 7


@pytest.fixture(scope="module")
def moments() -> list[dict]:
    """A real training's states: before it, and after each of three epochs."""
    settings = TrainSettings(epochs=3, batch_size=28, learning_rate=0.05, precision="32-true")
    faces, few = tiny_faces(per_class=12), tiny_faces("validation", 2)
    monitor = TrainingMonitor("center@1", settings, faces, few, embedding_size=2)
    found = [state_of(monitor)]

    def remembering(*arguments, on_epoch, **hooks):
        def over(row: dict[str, float]) -> None:
            on_epoch(row)
            found.append(state_of(monitor) | {"numbers": monitor.session.watched.plane})

        return train(*arguments, on_epoch=over, **hooks)

    monitor.session.train = remembering
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PlaneWatcher, "is_due", lambda watcher: True)
        monitor.start()
        assert monitor.wait() == "finished"
    return found


def numbers(moment: dict) -> np.ndarray:
    return moment["numbers"].points


def told(moment: dict) -> dict:
    return {name: value for name, value in moment.items() if name != "numbers"}


def places(page, what: str) -> np.ndarray:
    found = page.locator(f".plane path.{what}").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('transform'))"
    )
    return np.array([[float(part) for part in re.findall(r"-?[\d.]+", text)] for text in found])


def arrived(page, moment: dict) -> None:
    page.evaluate("setState", told(moment))
    page.wait_for_timeout(900)


@pytest.mark.browser
def test_faces_centers_and_directions_move_while_the_network_learns(page, moments, build_folder):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 1100})
    open_widget(page, TrainingMonitor(), told(moments[0]))
    assert page.get_by_text("The first look comes in a moment.").is_visible()
    assert places(page, "face").shape == (0,)

    arrived(page, moments[1])
    first, was = places(page, "face"), page.locator(".plane .ray").evaluate_all("nodes => nodes.map(n => n.outerHTML)")
    assert len(first) == len(numbers(moments[1])) and len(places(page, "center")) == CLASSES
    assert len(was) == CLASSES and "class mean" in page.locator(".legend.marks").inner_text()
    shapes = page.locator(".plane path.face").evaluate_all("nodes => nodes.map(node => node.getAttribute('d'))")
    assert len(set(shapes)) == CLASSES, "a shape each class"

    arrived(page, moments[3])
    last = places(page, "face")
    assert np.abs(last - first).max() > 5
    assert page.locator(".plane .ray").evaluate_all("nodes => nodes.map(n => n.outerHTML)") != was
    assert "center of the loss" in page.locator(".legend.marks").inner_text()
    # One scale for both axes, y upward: the places are the numbers.
    x_scale, y_scale = (np.polyfit(numbers(moments[3])[:, axis], last[:, axis], 1)[0] for axis in (0, 1))
    assert x_scale == pytest.approx(-y_scale, rel=0.02) and x_scale > 0
    inside = (last > 0) & (last < page.locator(".plane").evaluate("node => node.clientWidth"))
    assert inside.all(axis=1).mean() > 0.95

    page.get_by_role("button", name=re.compile("happiness")).click()
    assert page.locator(".plane path.face.faint").count() == len(last) * 6 // 7
    assert errors == []
    page.screenshot(path=build_folder / "monitor_plane_light.png", full_page=True)


@pytest.mark.browser
def test_axes_stay_while_the_faces_fit(page, moments):
    open_widget(page, TrainingMonitor(), told(moments[3]))
    page.wait_for_timeout(700)
    grid = "nodes => nodes.map(node => node.outerHTML)"
    before, faces = page.locator(".plane .grid").evaluate_all(grid), places(page, "face")
    nearly = np.frombuffer(moments[3]["numbers"].tobytes(), np.float32) * np.float32(0.9)
    page.evaluate(
        "(numbers) => setState({ _plane: { value: new DataView(Float32Array.from(numbers).buffer) } })", nearly.tolist()
    )
    page.wait_for_timeout(900)
    assert page.locator(".plane .grid").evaluate_all(grid) == before
    assert np.abs(places(page, "face") - faces).max() > 1


@pytest.mark.browser
def test_it_can_be_seen_in_the_dark_and_is_absent_for_other_sizes(page, moments, build_folder):
    page.set_viewport_size({"width": 1280, "height": 1100})
    open_widget(page, TrainingMonitor(), told(moments[3]), dark=True)
    page.wait_for_timeout(700)
    page.screenshot(path=build_folder / "monitor_plane_dark.png", full_page=True)
    open_widget(page, TrainingMonitor("center"), state_of(TrainingMonitor("center")))
    assert page.locator(".chart.plane").is_hidden()

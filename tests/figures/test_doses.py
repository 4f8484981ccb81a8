"""Curves over the strength show what summary.json holds of it."""

from __future__ import annotations

import matplotlib.pyplot
import pytest

from ferlab.errors import FerlabError
from ferlab.figures import dose_curves, dose_panels, trade_off
from ferlab.figures.doses import strength_places


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def points(*means: float) -> list[dict]:
    return [
        {"strength": strength, "mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        for strength, mean in zip((0.0, 1.0, 4.0), means, strict=True)
    ]


MEASURES = {"balanced_accuracy": points(0.8, 0.78, 0.3), "within_between_ratio": points(0.4, 0.3, 0.2)}
DOSES = {
    "tcl-nearest": {
        "control": "ce",
        "strengths": [0.0, 1.0, 4.0],
        "default": 1.0,
        "breaks_at": 4.0,
        "measures": {"train": MEASURES, "test": MEASURES},
    }
}


def test_curves_of_both_splits_with_their_marks():
    ax = dose_curves(DOSES, "within_between_ratio", title="Compactness")
    test, ring, cross, train = ax.lines[:4]
    assert list(test.get_ydata()) == list(train.get_ydata()) == [0.4, 0.3, 0.2]
    assert list(ring.get_ydata()) == [0.3] and list(cross.get_ydata()) == [0.2]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "4"]
    assert len(ax.collections) == 2, "an interval each"


def test_a_strength_without_a_network_is_a_cross_at_the_end_of_a_dotted_line():
    found = DOSES["tcl-nearest"]
    ax = dose_curves({"tcl-nearest": found | {"breaks_at": 16.0}}, "within_between_ratio")
    _, _, dotted, cross, _ = ax.lines[:5]
    assert list(dotted.get_ydata()) == [0.2, 0.2] and list(cross.get_ydata()) == [0.2]
    assert list(cross.get_xdata()) == [dotted.get_xdata()[1]] == [strength_places([0, 1, 4, 16])[-1]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "4", "16"]


def test_doublings_are_evenly_apart_and_nothing_is_one_doubling_below():
    assert strength_places([0, 0.25, 0.5, 8]).tolist() == [-3, -2, -1, 3]


def test_panels_leave_out_what_is_not_there():
    axes = dose_panels(DOSES, {"balanced_accuracy": "balanced", "silhouette": "silhouette"}, columns=2)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["balanced", ""]


def test_the_price_is_a_path_from_the_control_on():
    ax = trade_off(DOSES)
    path = ax.lines[0]
    assert list(path.get_xdata()) == [0.4, 0.3, 0.2] and list(path.get_ydata()) == [0.8, 0.78, 0.3]
    assert [text.get_text() for text in ax.texts] == ["0", "1", "4"]


def test_a_run_without_strengths_says_how_to_get_some():
    for draw in (lambda: dose_curves({}, "silhouette"), lambda: trade_off({}), lambda: dose_panels({}, {})):
        with pytest.raises(FerlabError, match="--strengths"):
            draw()
    with pytest.raises(FerlabError, match="they have: balanced_accuracy, within_between_ratio"):
        dose_curves(DOSES, "silhouette")

"""Figures of scores show the numbers they are given, and say what they lack."""

from __future__ import annotations

import json

import matplotlib
import numpy as np
import pytest
from fake_run import fake_faces, write_fake_run

from ferlab.errors import FerlabError
from ferlab.figures import class_recall, method_differences, recall_bars, show, slice_accuracy
from ferlab.methods import method_color, method_label
from ferlab.report import save_figures

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def spread(*values):
    return {"mean": float(np.mean(values)), "std": 0.0, "values": list(values)}


def parts(shift: float) -> list[dict]:
    names = [("intensity", "below 0.5"), ("intensity", "from 0.5"), ("yaw", "below 8"), ("glasses", "none")]
    return [
        {"kind": kind, "part": part, "faces": 100 + i, "accuracy": spread(0.6 + 0.1 * i + shift)}
        for i, (kind, part) in enumerate(names)
    ]


def difference(mean: float, p: float) -> dict:
    low, high = mean - 0.01, mean + 0.02
    return {"reference": "ce", "seeds": 3, "difference": mean, "low": low, "high": high, "p": p, "p_corrected": p}


def test_recalls_stand_side_by_side():
    ax = class_recall(
        {"ce": {"fear": spread(0.5, 0.7), "anger": spread(0.8, 0.8)}, "ad-corre": {"fear": spread(0.4, 0.4)}}
    )
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[:3] == [0.6, 0.8, 0.4] and np.isnan(heights[3]), "a class that a method lacks has no bar"
    assert ax.patches[0].get_x() < ax.patches[2].get_x() < ax.patches[1].get_x(), "the methods of one class together"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["fear", "anger"]
    seeds = np.concatenate([dots.get_offsets()[:, 1] for dots in ax.collections])
    assert sorted(seeds) == [0.4, 0.4, 0.5, 0.7, 0.8, 0.8]


def test_recall_of_a_class_without_faces():
    ax = recall_bars(np.array([0.25, np.nan]), ["fear", "anger"])
    assert [text.get_text() for text in ax.texts] == ["25%", "no faces"]


def test_differences_have_intervals_and_tell_what_is_beyond_chance():
    axes = method_differences(
        {
            "tcl-nearest": {"accuracy": difference(0.01, 0.4), "silhouette": difference(0.03, 0.01)},
            "ad-corre": {"accuracy": difference(-0.02, 0.001)},
        }
    )
    assert [ax.get_title(loc="left") for ax in axes] == ["accuracy, points", "silhouette"]
    intervals = [line.get_xdata() for line in axes[0].lines[1:]]  # the first line is zero
    np.testing.assert_allclose(intervals, [[0, 3], [-3, 0]], atol=1e-9)
    faces = [matplotlib.colors.to_hex(dot.get_facecolor()[0]) for dot in axes[0].collections]
    assert faces == ["#ffffff", method_color("ad-corre")], "open: may be chance; filled: beyond it"
    assert len(axes[1].collections) == 1, "Ad-Corre has no silhouette here"
    assert method_label("tcl-nearest") in axes[0].get_yticklabels()[0].get_text()


def test_slices_are_grouped_by_kind():
    axes = slice_accuracy({"ce": parts(0.0), "ad-corre": parts(0.02)})
    by_kind = {ax.get_title(loc="left"): ax for ax in axes}
    assert by_kind.keys() == {"intensity", "yaw", "glasses"}
    first, second = by_kind["intensity"].lines
    np.testing.assert_allclose(first.get_xdata(), [0.6, 0.7])
    np.testing.assert_allclose(second.get_xdata(), [0.62, 0.72])
    assert first.get_marker() != second.get_marker(), "not by color alone"
    assert [label.get_text() for label in by_kind["yaw"].get_yticklabels()] == ["below 8  (102)"]
    assert len({ax.get_xlim() for ax in axes}) == 1, "one scale"


@pytest.mark.parametrize("draw", [lambda: class_recall({}), lambda: method_differences({}), lambda: slice_accuracy({})])
def test_nothing_to_draw_is_a_sentence(draw):
    with pytest.raises(FerlabError):
        draw()


def test_tables_of_the_report_are_saved_as_figures_too(tmp_path):
    faces = fake_faces(70)
    run_dir = write_fake_run(tmp_path / "run", faces, methods=("ce", "ad-corre"))
    before = {path.name for path in save_figures(run_dir)}
    assert {"pair_distances.png", "pair_distances.svg"} <= before
    assert not {"class_recall.png", "accuracy_by_slice.png", "method_differences.png"} & before, "not in this summary"
    path = run_dir / "summary.json"
    summary = json.loads(path.read_text())
    for name, scores in summary["methods"].items():
        scores["class_recall"] = {c: spread(0.5, 0.6) for c in faces.classes}
        scores["slices"] = parts(0.01 * len(name))
    summary["comparisons"] = {"ad-corre": {"accuracy": difference(0.01, 0.2)}}
    path.write_text(json.dumps(summary))
    added = {path.name for path in save_figures(run_dir)} - before
    names = ("class_recall", "accuracy_by_slice", "method_differences")
    assert added == {f"{name}.{suffix}" for name in names for suffix in ("png", "svg")}


def test_a_figure_of_subfigures_is_shown_whole(capsys):
    parts = [{"kind": "yaw", "part": "below 8", "faces": 10, "accuracy": {"mean": 0.5, "std": 0.0, "values": [0.5]}}]
    axes = slice_accuracy({"ce": parts})
    show(axes, alt="accuracy by part")  # in a program it prints what a notebook would show
    assert "HTML" in capsys.readouterr().out

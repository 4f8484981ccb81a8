"""Names of classes in figures: no formulas, no boxes in the place of letters, and a hundred of them can be read."""

from __future__ import annotations

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import cbook
from matplotlib.text import Text

from ferlab import figures
from ferlab.figures import names as named
from ferlab.figures.style import Cells

matplotlib.use("Agg")
NAMES = ("愤怒", "$\\frac{a}{b}$", "_hidden", "a$b$c", "<b>\n\x1b[1m", "x" * 200, "غضب \u202e")
RNG = np.random.default_rng(0)
LABELS = np.arange(70) % len(NAMES)
SPACES = {"ce": RNG.normal(size=(70, 4)), "center": RNG.normal(size=(70, 4))}
IMAGES = RNG.integers(0, 255, (70, 8, 8, 3), dtype=np.uint8)
RECALLS = {"ce": {name: {"mean": 0.5, "values": [0.5]} for name in NAMES}}
DRAWN = {
    "embedding_map": lambda: figures.embedding_map(SPACES["ce"][:, :2], LABELS, NAMES),
    "confusion_matrix": lambda: figures.confusion_matrix(np.eye(7, dtype=int), NAMES),
    "recall_bars": lambda: figures.recall_bars(np.full(7, 0.5), NAMES),
    "class_recall": lambda: figures.class_recall(RECALLS),
    "class_counts": lambda: figures.class_counts(dict.fromkeys(NAMES, 3)),
    "contact_sheet": lambda: figures.contact_sheet(IMAGES, LABELS, NAMES, columns=2),
    "mean_correlations": lambda: figures.mean_correlations(SPACES["ce"], LABELS, NAMES),
    "embedding_correlations": lambda: figures.embedding_correlations(SPACES["ce"], LABELS, NAMES),
    "triplet_planes": lambda: figures.triplet_planes(SPACES, LABELS, NAMES)[0],
    "attention_overlays": lambda: figures.attention_overlays(
        {"ce+attention": np.ones((7, 2, 2))}, IMAGES[:7], LABELS[:7], NAMES
    )[0, 0],
}  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_names_are_text_that_can_be_seen(name):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure = DRAWN[name]().figure
        figure.draw_without_rendering()
    assert not [one for one in said if "Glyph" in str(one.message)], "letters that the font lacks"
    assert any("has the letters of the class name '愤怒'" in str(one.message) for one in said)
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_text()]
    assert "class 0" in texts and "\u200a_hidden" in texts and r"a\$b\$c" in texts
    ours = [text for text in texts if "frac" in text or "a\\$b" in text]
    assert not any(cbook.is_math_text(text) for text in ours)
    assert not any("\x1b" in text or "\u202e" in text for text in texts) and not any("x" * 50 in text for text in texts)
    for legend in figure.legends:
        assert "\u200a_hidden" in [text.get_text() for text in legend.get_texts()]


def test_a_font_that_is_installed_helps_out(monkeypatch):
    path = matplotlib.font_manager.findfont("cmr10")
    monkeypatch.setattr(named, "installed_fonts", lambda: [("cmr10", path)])
    monkeypatch.setattr(named, "has_letter", lambda font, letter: font == path or letter.isascii())
    named.font_of.cache_clear()
    try:
        assert named.drawn_names(["愤怒"]) == ["愤怒"]
        assert named.font_families(["anger", "愤怒"]) == [named.FONT, "cmr10"]
    finally:
        named.font_of.cache_clear()


def test_names_that_are_alike_when_shortened_stay_apart():
    drawn = named.drawn_names([f"{'x' * 30}{k}{'y' * 30}" for k in range(3)])
    assert len(set(drawn)) == 3


def test_a_hundred_classes_can_be_read():
    classes = [f"person {k}" for k in range(100)]
    ax = figures.confusion_matrix(np.eye(100, dtype=int) * 3, classes)
    assert not ax.texts, "numbers that nobody can read"
    cells = Cells.of(ax, 100)
    labels = [label for label in ax.get_yticklabels() if label.get_text()]
    assert all(label.get_fontsize() >= 5 for label in labels) and cells.points * cells.step >= cells.names
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    assert all(above.y0 >= below.y1 - 2 for above, below in zip(boxes, boxes[1:], strict=False)), "names overlap"
    few = figures.confusion_matrix(np.eye(7, dtype=int), classes[:7])
    assert few.texts and few.texts[0].get_fontsize() == 7.5


def test_figures_of_many_classes_keep_to_a_page():
    classes = [f"person {k}" for k in range(60)]
    labels = np.arange(180) % 60
    space = RNG.normal(size=(180, 3))
    for ax in (
        figures.recall_bars(np.full(60, 0.5), classes),
        figures.class_counts(dict.fromkeys(classes, 2)),
        figures.class_recall({"ce": {name: {"mean": 0.5, "values": [0.5]} for name in classes}}),
        figures.triplet_planes({"ce": space}, labels, classes)[0],
    ):
        assert max(ax.figure.get_size_inches()) <= 30
    legend = ax.figure.legends[0].get_texts()
    assert "and 36 more" in [text.get_text() for text in legend] and len(legend) < 30
    assert len(figures.embedding_map(space[:, :2], labels, classes).texts) == 20

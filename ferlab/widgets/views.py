"""The same faces in several embedding spaces, side by side and linked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import ipywidgets
import jscatter
import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.figures.palette import CORRECT_COLORS, class_colors, method_label
from ferlab.report.run_folder import read_run
from ferlab.widgets.plot import Bundle, give_widget
from ferlab.widgets.theme import BACKGROUND, Theme
from ferlab.widgets.thumbnails import data_uri

GALLERY = 60
_COLOR_BY = {"true class": "true class", "predicted class": "predicted", "right or wrong": "result"}
_STYLE = """<style>
.ferlab-note { color: var(--jp-ui-font-color1, inherit); font-size: 13px; line-height: 1.5; } .ferlab-note .chip
{ display: inline-flex; align-items: center; gap: 6px; margin: 0 14px 2px 0; white-space: nowrap; } .ferlab-note
.chip i { width: 11px; height: 11px; border-radius: 50%; } .ferlab-note small { color: var(--jp-ui-font-color2,
inherit); font-size: 12px; } .ferlab-faces { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; }
.ferlab-faces figure { margin: 0; width: 76px; text-align: center; font-size: 11.5px; line-height: 1.25; }
.ferlab-faces img { width: 70px; height: 70px; border: 3px solid; border-radius: 6px; display: block; margin: 0
auto 2px; box-sizing: border-box; } </style>"""


class EmbeddingViews(ipywidgets.VBox):
    """Linked scatter plots of one run; see :func:`embedding_views`.

    Attributes:
        selection: int64 array of the selected faces, as positions in the data set; can be set.
        methods: the methods shown, left to right.
        scatters: method -> the `jscatter.Scatter`.
    """

    def __init__(self, points: dict[str, pd.DataFrame], dataset: FaceDataset, height: int) -> None:
        self.dataset = dataset
        self.methods = list(points)
        self._points = points
        self._indices = next(iter(points.values()))["index"].to_numpy(dtype=np.int64)
        self._labels = dataset.labels[self._indices]
        self._position = {int(index): position for position, index in enumerate(self._indices)}
        self._selected = np.empty(0, dtype=np.int64)
        self._theme = Theme()
        self._bundle = Bundle()
        self._height = height - 28  # the rest is the title
        self.scatters = self._scatters()
        # compose() links them; its own grid would let the last plot run out of a narrow notebook.
        jscatter.compose(
            list(self.scatters.values()), sync_selection=True, sync_hover=True, sync_view=True, row_height=self._height
        )
        panels = []
        for name, scatter in self.scatters.items():
            title = ipywidgets.HTML(
                f'<div class="ferlab-note"><b>{escape(method_label(name))}</b></div>', layout={"margin": "0"}
            )
            panels.append(ipywidgets.VBox([title, scatter.widget], layout={"margin": "0", "min_width": "0"}))
        columns = min(len(panels), 3)
        grid = ipywidgets.GridBox(
            panels,
            layout={
                "grid_template_columns": f"repeat({columns}, minmax(0, 1fr))",
                "grid_gap": "6px 12px",
                "margin": "4px 0",
            },
        )
        for scatter in self.scatters.values():
            scatter.widget.toolbar_buttons = ["lasso", "lasso_type", "pan_zoom", "divider", "reset"]
            scatter.widget.observe(self._selected_on_screen, names="selection")
        self._color_by = ipywidgets.Dropdown(options=list(_COLOR_BY), description="Color by", layout={"width": "250px"})
        self._color_by.observe(lambda change: self._recolor(), names="value")
        self._clear = ipywidgets.Button(description="Clear selection", disabled=True)
        self._clear.on_click(lambda button: setattr(self, "selection", []))
        self._legend = ipywidgets.HTML()
        self._gallery = ipywidgets.HTML()
        self._theme.observe(lambda change: self._repaint(), names="dark")
        self._draw_legend()
        self._draw_gallery()
        controls = ipywidgets.HBox([self._color_by, self._clear], layout={"flex_flow": "row wrap", "grid_gap": "8px"})
        super().__init__([controls, self._legend, grid, self._gallery, self._theme])
        self.layout.overflow = "visible"

    @property
    def selection(self) -> np.ndarray:
        return self._indices[self._selected]

    @selection.setter
    def selection(self, indices: Sequence[int]) -> None:
        unknown = [int(index) for index in indices if int(index) not in self._position]
        if unknown:
            raise FerlabError(f"Face {unknown[0]} is not on the maps; choose from the {len(self._indices)} that are.")
        self._select(np.array(sorted({self._position[int(index)] for index in indices}), dtype=np.int64))

    def share_right(self) -> dict[str, float]:
        """Method -> share of the selected faces that it classifies right."""
        labels = self._labels[self._selected]
        return {
            name: float((of["predicted"].to_numpy()[self._selected] == labels).mean())
            for name, of in self._points.items()
        }

    @property
    def hovered(self) -> int | None:
        """The face under the cursor as a position in the data set; None without one."""
        at = next(iter(self.scatters.values())).widget.hovering
        return None if at is None or not 0 <= at < len(self._indices) else int(self._indices[at])

    @property
    def color_by(self) -> str:
        """ "true class", "predicted class" or "right or wrong"; can be set."""
        return self._color_by.value

    @color_by.setter
    def color_by(self, value: str) -> None:
        if value not in _COLOR_BY:
            raise FerlabError(f"There is no coloring {value!r}; choose one of: {', '.join(_COLOR_BY)}.")
        self._color_by.value = value

    def figure(self):
        """The maps as a static matplotlib figure."""
        from ferlab.figures import embedding_maps

        layouts = {name: of[["x", "y"]].to_numpy() for name, of in self._points.items()}
        return embedding_maps(layouts, self._labels, self.dataset.classes)[0].figure

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it a picture for places that show no widgets (GitHub, an export without state)."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        import base64
        import io

        import matplotlib.pyplot as plt

        buffer = io.BytesIO()
        figure = self.figure()
        figure.savefig(buffer, format="png", dpi=80)
        plt.close(figure)
        data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
        data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
        data["text/plain"] = repr(self)
        return (data, *rest) if rest else data

    def __repr__(self) -> str:
        names = ", ".join(method_label(name) for name in self.methods)
        return f"EmbeddingViews({len(self._indices)} faces; {names}; {len(self._selected)} selected)"

    # ---- inside ----------------------------------------------------------------------------------------------

    def _scatters(self) -> dict[str, jscatter.Scatter]:
        classes = list(self.dataset.classes)
        faces = [data_uri(self.dataset.images[index]) for index in self._indices]
        true = pd.Categorical.from_codes(self._labels, classes)
        # One scale for all, square, so that a tighter class looks tighter.
        everywhere = np.concatenate([of[["x", "y"]].to_numpy(dtype=float) for of in self._points.values()])
        low, high = everywhere.min(axis=0), everywhere.max(axis=0)
        reach = 1.05 * float((high - low).max()) / 2 or 1.0
        x_scale, y_scale = ((float(m) - reach, float(m) + reach) for m in (low + high) / 2)
        size = float(np.clip(260 / np.sqrt(len(faces)), 3, 9))
        scatters = {}
        for name, of in self._points.items():
            predicted = of["predicted"].to_numpy(dtype=int)
            data = pd.DataFrame(
                {
                    "x": of["x"], "y": of["y"], "true class": true,
                    "predicted": pd.Categorical.from_codes(predicted, classes),
                    "result": pd.Categorical(np.where(predicted == self._labels, *CORRECT_COLORS), [*CORRECT_COLORS]),
                    "confidence": [f"{c:.0%}" for c in of["confidence"]],
                    "face": faces,
                }
            )  # fmt: skip
            scatter = jscatter.Scatter(
                data=data, x="x", y="y", x_scale=x_scale, y_scale=y_scale, height=self._height,
                opacity=0.85, opacity_by=None, opacity_unselected=0.12,
            )  # fmt: skip
            scatter.axes(False)
            scatter.size(size)
            scatter.lasso(on_long_press=True)
            scatter.mouse("lasso")
            scatter.tooltip(
                True, properties=["true class", "predicted", "confidence"], histograms=False, preview="face",
                preview_type="image", preview_image_size="contain", preview_image_height=110, size="small",
            )  # fmt: skip
            scatters[name] = scatter
            self._color(scatter, "true class")
            scatter.color(selected="#000000", hover="#000000")
            give_widget(scatter, self._bundle)
        return scatters

    def _recolor(self) -> None:
        column = _COLOR_BY[self._color_by.value]
        for scatter in self.scatters.values():
            self._color(scatter, column)
        self._draw_legend()

    def _color(self, scatter: jscatter.Scatter, column: str) -> None:
        classes = list(self.dataset.classes)
        scatter.color(
            by=column,
            map=CORRECT_COLORS if column == "result" else dict(zip(classes, class_colors(classes), strict=True)),
        )

    def _repaint(self) -> None:
        # Not by Scatter.background(): that also colors legend and axes, and thereby brings them up.
        dark = self._theme.dark
        ink = (1.0, 1.0, 1.0) if dark else (0.0, 0.0, 0.0)
        for scatter in self.scatters.values():
            widget = scatter.widget
            widget.background_color = _rgba(BACKGROUND[dark])
            widget.reticle_color = [*ink, 0.18]
            widget.tooltip_color = _rgba("#2a3037" if dark else "#ffffff")
            widget.color_selected = [*ink, 1.0]
            widget.color_hover = [*ink, 1.0]

    def _selected_on_screen(self, change: dict) -> None:
        new = change["new"]
        chosen = np.unique(np.asarray([] if new is None else new, dtype=np.int64))
        if not np.array_equal(chosen, self._selected):
            self._selected = chosen
            self._draw_gallery()

    def _select(self, positions: np.ndarray) -> None:
        # One is enough: compose() carries it to the others.
        next(iter(self.scatters.values())).widget.selection = positions.astype(np.uint32)
        if not np.array_equal(positions, self._selected):
            self._selected = positions
            self._draw_gallery()

    def _draw_legend(self) -> None:
        if self.color_by == "right or wrong":
            wrong = {
                name: float((of["predicted"].to_numpy() != self._labels).mean()) for name, of in self._points.items()
            }
            chips = [_chip(color, name) for name, color in CORRECT_COLORS.items()]
            chips += [
                f'<span class="chip"><small>{escape(method_label(n))}: {share:.0%} wrong</small></span>'
                for n, share in wrong.items()
            ]
        else:
            counts = np.bincount(self._labels, minlength=len(self.dataset.classes))
            colors = class_colors(list(self.dataset.classes))
            chips = [_chip(c, name, n) for name, c, n in zip(self.dataset.classes, colors, counts, strict=True)]
        self._legend.value = f'{_STYLE}<div class="ferlab-note">{"".join(chips)}</div>'

    def _draw_gallery(self) -> None:
        chosen = self._selected
        self._clear.disabled = not len(chosen)
        if not len(chosen):
            self._gallery.value = (
                '<div class="ferlab-note">Hover over a dot to see its face and to find it in the other spaces. Drag a '
                "loop around dots in one space: they light up in all, and their faces appear here.</div>"
            )
            return
        classes, colors = self.dataset.classes, class_colors(list(self.dataset.classes))
        counts = np.bincount(self._labels[chosen], minlength=len(classes))
        mix = ", ".join(
            f"{n} {escape(name)}" for name, n in sorted(zip(classes, counts, strict=True), key=lambda of: -of[1]) if n
        )
        right = " · ".join(f"{escape(method_label(name))}: {x:.0%} right" for name, x in self.share_right().items())
        ordered = chosen[np.argsort(self._labels[chosen], kind="stable")]
        if len(ordered) > GALLERY:
            ordered = ordered[np.linspace(0, len(ordered) - 1, GALLERY).astype(int)]
        figures = []
        for position in ordered:
            label, index = self._labels[position], self._indices[position]
            others = {int(of["predicted"].iloc[position]) for of in self._points.values()} - {int(label)}
            wrong = f"<div>✗ {escape(', '.join(classes[k] for k in sorted(others)))}</div>" if others else ""
            figures.append(
                f'<figure><img src="{data_uri(self.dataset.images[index], 70)}" style="border-color:{colors[label]}" '
                f'alt="face {index}, {escape(classes[label])}">{escape(classes[label])}<small>{wrong}</small></figure>'
            )
        shown = f", {GALLERY} of them shown" if len(chosen) > GALLERY else ""
        noun = "face" if len(chosen) == 1 else "faces"
        self._gallery.value = (
            f'<div class="ferlab-note"><b>{len(chosen):,} {noun} selected{shown}:</b> {mix}<br>{right}</div>'
            f'<div class="ferlab-faces ferlab-note">{"".join(figures)}</div>'
        )


def _rgba(color: str) -> list[float]:
    return [*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0]


def _chip(color: str, name: str, count: int | None = None) -> str:
    number = "" if count is None else f" <small>{count:,}</small>"
    return f'<span class="chip"><i style="background:{color}"></i>{escape(name)}{number}</span>'


def embedding_views(
    run_dir: str | Path,
    dataset: FaceDataset,
    methods: Sequence[str] = ("ce", "tcl-nearest", "ad-corre"),
    height: int = 380,
) -> EmbeddingViews:
    """The test faces of a run in the spaces of several methods, side by side.

    Hovering shows a face and marks it in every space; a lasso in one space selects in all and lists the faces
    below. Follows the light or dark theme of the page. Where no widgets can be shown it is a picture.

    Args:
        run_dir: a run folder (see `ferlab.report.read_run`).
        dataset: the test split that the run was evaluated on.
        methods: one to six methods of the run.
        height: of the plots with their titles, in pixels.

    Returns:
        A widget; its `selection` holds the selected faces' positions in the data set.

    Raises:
        FerlabError: a method that the run has no map of, a folder that is no run, other faces than the run's.

    Example:
        >>> views = embedding_views("runs/first", faces)        # doctest: +SKIP
        >>> views.selection = [3, 5]                            # doctest: +SKIP
    """
    run = read_run(run_dir)
    methods = list(methods)
    if not 1 <= len(methods) <= 6 or len(set(methods)) < len(methods):
        raise FerlabError(f"Choose one to six different methods; got: {', '.join(methods) or 'none'}.")
    missing = [name for name in methods if name not in run.mapped_methods]
    if missing:
        have = ", ".join(run.mapped_methods) or "none"
        raise FerlabError(f"{run.path} has no map of {missing[0]!r}; it has: {have}.")
    points = run.map_points()
    first = points[methods[0]]
    indices = first["index"].to_numpy(dtype=np.int64)
    if indices.max() >= len(dataset) or not np.array_equal(dataset.labels[indices], first["label"].to_numpy()):
        raise FerlabError(
            f"The faces given ({dataset.name}, {dataset.split}) are not those of {run.path}; "
            "load the split that it was tested on."
        )
    return EmbeddingViews({name: points[name] for name in methods}, dataset, height)

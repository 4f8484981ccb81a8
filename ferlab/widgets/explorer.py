"""The same faces in several embedding spaces: select, compare, travel through the epochs, morph from space to space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset, random_part
from ferlab.errors import FerlabError
from ferlab.figures.palette import method_label
from ferlab.projection import METRICS, aligned_layouts, epoch_layouts, map_quality, pca_epoch_layouts
from ferlab.projection.aligned import MINIMUM_POINTS
from ferlab.projection.quality import MapQuality, pair_distances
from ferlab.report.run_folder import Run, read_run
from ferlab.widgets import explorer_details as details
from ferlab.widgets.background import Background
from ferlab.widgets.explorer_colors import PEOPLE, color_points, colorings, is_unit, legend_of
from ferlab.widgets.explorer_maps import MapView, places_of_names
from ferlab.widgets.explorer_points import (
    Points,
    distances_from,
    epoch_points,
    nearer_than,
    ranks_from,
    run_points,
    table_points,
)
from ferlab.widgets.panel import Panel
from ferlab.widgets.plot import Bundle
from ferlab.widgets.static import with_picture
from ferlab.widgets.theme import Theme
from ferlab.widgets.thumbnails import data_uri

DEFAULT_METHODS = ("ce", "tcl-nearest", "ad-corre")
MOST_METHODS = 6
# How far down the list of neighbors still counts as close, and from where on as far.
CLOSE, FAR = 20, 60
TRAVEL = {"step": 400, "play": 900, "morph": 1600}  # milliseconds
_OF_SELECTION = "selection"
_VIEWS = {"Test faces, finished networks": "test", "Validation faces, epoch by epoch": "epochs"}
_STAGES = {"Side by side": "side", "One map, morphing": "morph"}


class EmbeddingExplorer(ipywidgets.VBox):
    """Linked maps of the same points in one to six embedding spaces.

    A lasso in one map selects in all; below stand the selected faces, their class mix, their neighbors in every space
    by true high-dimensional distance, and who was close in the first space and is far in another. A slider moves
    through the epochs of training, one large map morphs from space to space, colors follow classes, predictions or any
    metadata, and UMAP can be computed anew with other settings. Layouts are aligned over methods and epochs as
    :func:`ferlab.projection.epoch_layouts` describes; docs/embedding_explorer.md tells the whole.

    Args:
        source: a run folder of ``ferlab compare`` (its path or a `ferlab.report.run_folder.Run`); or a table of points
            of your own, or ``{name: table}`` for several spaces. A table has a column `label` (class numbers or names)
            and `x`, `y` (a map) or `embedding` (one vector a row) or both; may have `index` (position in `dataset`,
            else the row's), `predicted`, `confidence`, and any other columns, to color by.
        dataset: the faces that `index` counts: for a run its test split (loaded when None); for tables a
            `FaceDataset`, uint8 images (N, H, W, C), or None for points without pictures.
        methods: names of one to six spaces to show, the first being the one others are compared with; None: CE, TCL and
            Ad-Corre where the run has them, else the first three; of tables the first six.
        validation: the validation faces of a run, shown over the epochs; loaded when None.
        height: largest height of the maps with their titles, in pixels; narrow maps are as high as wide.

    Attributes:
        classes: class names.
        trustworthiness: method -> trustworthiness of the map shown (`ferlab.projection.map_quality`), once computed.

    Raises:
        FerlabError: no such run, a method without a map, faces that are not the run's, a table without needed columns.

    Example:
        >>> explorer = EmbeddingExplorer("runs/first")                                  # doctest: +SKIP
        >>> explorer.selection = [3, 5]                                                 # doctest: +SKIP
        >>> explorer.epoch = 2                                                          # doctest: +SKIP
        >>> rng = np.random.default_rng(0)
        >>> table = pd.DataFrame({"label": ["a", "b"] * 20, "x": rng.normal(size=40), "y": rng.normal(size=40)})
        >>> own = EmbeddingExplorer({"my space": table})
        >>> own.selection = [0, 1, 2]
        >>> own
        EmbeddingExplorer(40 points; my space; 3 selected)
    """

    def __init__(
        self,
        source: str | Path | Run | pd.DataFrame | Mapping[str, pd.DataFrame],
        dataset: FaceDataset | np.ndarray | None = None,
        methods: Sequence[str] | None = None,
        *,
        validation: FaceDataset | None = None,
        height: int = 460,
    ) -> None:
        self._notes: list[str] = []  # what holds for these data
        self._answers: list[str] = []  # what became of the last order
        self._working = ""
        self._run: Run | None = None
        self._sets = {"test": self._read(source, dataset)}
        self._validation = validation
        # Which set of points -> projection -> method -> layouts, in the order of the epochs.
        self._maps: dict[str, dict[str, dict[str, list[np.ndarray]]]] = {}
        self._remember_maps("test")
        self._view, self._kind, self._morphed = "test", "umap", None
        self._methods = self._chosen_methods(methods)
        self._selected = np.empty(0, dtype=np.int64)
        self._focus: int | None = None
        self._hovering: int | None = None
        self._quality: dict[tuple, MapQuality | None] = {}
        self._pair_samples: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        self._names: dict[tuple, tuple[list[str], np.ndarray]] = {}
        self._pictures: dict[tuple[str, int], str] = {}
        self._run_number = 0
        self._background = Background()
        self._theme = Theme()
        self._bundle = Bundle()
        self._height = height
        self._views: dict[str | None, MapView] = {}
        self._settling = False
        super().__init__(self._build())
        self.layout.overflow = "visible"
        self.add_class("ferlab-x-explorer")
        self._connect()
        if "umap" not in self._maps["test"]:
            self._first_projection()
        self._arrange()

    # ---- what others read and set ------------------------------------------------------------------------------

    @property
    def points(self) -> Points:
        """The points shown: test faces, or the validation faces followed over the epochs."""
        return self._sets[self._view]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.points.classes

    @property
    def selection(self) -> np.ndarray:
        """int64 array of the selected faces, as positions in their data set, ascending; can be set."""
        return np.sort(self.points.indices[self._selected])

    @selection.setter
    def selection(self, indices: Iterable[int]) -> None:
        self._select(self._positions(indices))

    @property
    def selected_labels(self) -> np.ndarray:
        """Class numbers of :attr:`selection`, in its order."""
        return self.points.labels[self._selected[np.argsort(self.points.indices[self._selected])]]

    @property
    def focus(self) -> int | None:
        """The face whose neighbors are shown; None: those of the selection's middle. Can be set."""
        return None if self._focus is None else int(self.points.indices[self._focus])

    @focus.setter
    def focus(self, index: int | None) -> None:
        self._focus = None if index is None else int(self._positions([index])[0])
        self._draw_selection()
        self._draw_neighbors()

    @property
    def hovered(self) -> int | None:
        """The face under the cursor as a position in the data set; None without one."""
        return None if self._hovering is None else int(self.points.indices[self._hovering])

    @property
    def methods(self) -> list[str]:
        """The spaces shown, left to right; can be set to one to six of :attr:`available_methods`."""
        return list(self._methods)

    @methods.setter
    def methods(self, names: Sequence[str]) -> None:
        self._methods = self._chosen_methods(names)
        if self._morphed not in (None, *self._methods):
            self._morphed = self._methods[0]
        self._arrange()

    @property
    def available_methods(self) -> list[str]:
        """The spaces that these points lie in."""
        return list(self.points.layouts or self.points.spaces)

    @property
    def epoch(self) -> int | None:
        """The epoch shown, from 1; None while the finished networks are shown. Can be set."""
        return self._slider.value if self._view == "epochs" else None

    @epoch.setter
    def epoch(self, epoch: int | None) -> None:
        if epoch is None:
            self._switch("test")
            return
        followed = self._followed()
        if not 1 <= epoch <= followed.epochs:
            raise FerlabError(f"There is no epoch {epoch}; choose one from 1 to {followed.epochs}, or None.")
        self._switch("epochs")
        self._slider.value = int(epoch)

    @property
    def color_by(self) -> str:
        """Such as "true class", "right or wrong", "AU12"; can be set to one of :attr:`colorings`."""
        return self._color_by.value

    @color_by.setter
    def color_by(self, name: str) -> None:
        if name not in self.colorings:
            raise FerlabError(f"There is no coloring {name!r}; choose one of: {', '.join(self.colorings)}.")
        self._color_by.value = name

    @property
    def colorings(self) -> list[str]:
        """What the points can be colored by."""
        return colorings(self.points)

    @property
    def person(self) -> int | None:
        """Whom the coloring "identity" singles out; None: the people of the selection. Can be set."""
        return None if self._person.value == _OF_SELECTION else self._person.value

    @person.setter
    def person(self, identity: int | None) -> None:
        if identity is not None and identity not in self._people():
            raise FerlabError(f"There is no person {identity!r} among these faces.")
        self._person.value = _OF_SELECTION if identity is None else identity

    @property
    def projection(self) -> str:
        """ "umap" or "pca"; can be set."""
        return self._kind

    @projection.setter
    def projection(self, kind: str) -> None:
        if kind not in ("umap", "pca"):
            raise FerlabError(f"There is no projection {kind!r}; choose umap or pca.")
        self._project(kind)

    @property
    def morphed(self) -> str | None:
        """The space that the one large map shows; None while the spaces stand side by side."""
        return self._morphed

    def morph_to(self, method: str | None) -> None:
        """Show one large map and let its points travel to the space of `method`; None: side by side again."""
        if method is not None and method not in self._methods:
            raise FerlabError(f"{method!r} is not among the spaces shown: {', '.join(self._methods)}.")
        travelling = self._morphed is not None and method is not None
        self._morphed = method
        if travelling:
            self._settle_controls()
            self._show(TRAVEL["morph"])
        else:
            self._arrange()

    def share_right(self) -> dict[str, float]:
        """Method -> share of the selected faces that it classifies right (of the methods whose answers are known)."""
        labels = self.points.labels[self._selected]
        answers = {name: self.points.predicted[name] for name in self._methods if name in self.points.predicted}
        return (
            {name: float((of[self._selected] == labels).mean()) for name, of in answers.items()} if len(labels) else {}
        )

    def neighbors(self, count: int = details.NEIGHBORS) -> pd.DataFrame:
        """The nearest faces to the focus, or to the middle of the selection, in the full space of every method shown.

        Returns:
            One row a (method, neighbor), the nearest first: `method`, `index`, `label`, `distance` (cosine) and
            `map_rank` (1: nearest on the map). Empty without a selection or without embeddings.
        """
        rows = [
            pd.DataFrame(
                {
                    "method": near.method, "index": self.points.indices[near.positions],
                    "label": self.points.labels[near.positions], "distance": near.distances,
                    "map_rank": near.map_ranks,
                }
            )
            for near in self._near(count, *self._distances())
        ]  # fmt: skip
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["method", "index", "label"])

    def moved_apart(self, count: int = details.NEIGHBORS) -> pd.DataFrame:
        """Faces among the 20 nearest in the first space that are beyond the 60 nearest in another.

        Returns:
            One row a (method, face), the farthest first: `method`, `index`, `label`, `before` and `after` (ranks).
        """
        rows = [
            pd.DataFrame(
                {
                    "method": moved.method, "index": self.points.indices[moved.positions],
                    "label": self.points.labels[moved.positions], "before": moved.before, "after": moved.after,
                }
            )
            for moved in self._moved(count, *self._distances())
        ]  # fmt: skip
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["method", "index", "label"])

    @property
    def trustworthiness(self) -> dict[str, float]:
        known = {name: self._quality.get(self._map_key(name)) for name in self._methods}
        return {name: of.trustworthiness for name, of in known.items() if of is not None}

    @property
    def messages(self) -> list[str]:
        """The sentences that stand in the widget about what is missing or being computed."""
        return [*self._notes, *self._answers, *([self._working] if self._working else [])]

    def recompute(
        self,
        n_neighbors: int | None = None,
        min_dist: float | None = None,
        metric: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Compute UMAP anew with these settings (None: as on the controls), in the background; see :meth:`wait`.

        Raises:
            FerlabError: points without embeddings, settings out of range, too few points.
        """
        wanted = {"n_neighbors": n_neighbors, "min_dist": min_dist, "metric": metric, "seed": seed}
        for name, value in wanted.items():
            if value is None:
                continue
            control = self._settings[name]
            options = getattr(control, "options", None)
            if (value not in options) if options else not control.min <= value <= control.max:
                allowed = ", ".join(options) if options else f"{control.min} to {control.max}"
                raise FerlabError(f"{name} is {value!r}; choose from {allowed}.")
            control.value = value
        if problem := self._cannot_project():
            raise FerlabError(problem)
        self._start_umap()

    def wait(self) -> None:
        """Block until what is computed in the background is on the maps."""
        self._background.wait()

    def figure(self):
        """The maps as a static matplotlib figure."""
        from ferlab.figures import embedding_maps

        layouts = {name: self._layout(name) for name in self._methods}
        return embedding_maps(layouts, self.points.labels, self.classes)[0].figure

    def shepard_figure(self):
        """Distances in the space against distances on the map, one diagram a method, as a matplotlib figure.

        Raises:
            FerlabError: points without embeddings.
        """
        from ferlab.figures import shepard_diagrams

        spaces = {name: self.points.space(name, self._at_epoch()) for name in self._methods}
        if any(space is None for space in spaces.values()):
            raise FerlabError("The embeddings were not kept, so there are no distances to compare the maps with.")
        return shepard_diagrams(spaces, {name: self._layout(name) for name in spaces})[0].figure

    def _repr_mimebundle_(self, **kwargs):
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        names = ", ".join(method_label(name) for name in self._methods)
        noun = "points" if self.points.images is None else "faces"
        return f"EmbeddingExplorer({len(self.points)} {noun}; {names}; {len(self._selected)} selected)"

    # ---- reading -----------------------------------------------------------------------------------------------

    def _read(self, source, dataset) -> Points:
        if isinstance(source, pd.DataFrame):
            source = {"embedding": source}
        if isinstance(source, Mapping):
            points, notes = table_points(source, dataset)
            self._notes += notes
            return points
        self._run = source if isinstance(source, Run) else read_run(source)
        if dataset is not None:
            return run_points(self._run, dataset)
        return self._with_faces("test", run_points)

    def _with_faces(self, split: str, read: Callable[[Run, FaceDataset | None], Points]) -> Points:
        """Points with the run's own faces; where these cannot be had, without, and a sentence why."""
        from ferlab.training.compare import load_split
        from ferlab.training.evaluate import read_settings

        try:
            return read(self._run, load_split(read_settings(self._run.path), split))
        except (FerlabError, OSError) as error:
            points = read(self._run, None)
            self._notes.append(f"The {split} faces could not be loaded, so there are points only: {error}")
            return points

    def _followed(self) -> Points:
        """The validation faces over the epochs, read when they are first asked for."""
        if "epochs" not in self._sets:
            if self._run is None:
                raise FerlabError("Only a run has epochs to move through; these are tables of points.")
            if self._validation is not None:
                self._sets["epochs"] = epoch_points(self._run, self._validation)
            else:
                self._sets["epochs"] = self._with_faces("validation", epoch_points)
            self._remember_maps("epochs")
        return self._sets["epochs"]

    def _remember_maps(self, view: str) -> None:
        points = self._sets[view]
        self._maps[view] = {"umap": points.layouts} if points.layouts else {}

    def _chosen_methods(self, methods: Sequence[str] | None) -> list[str]:
        have = self.available_methods
        if methods is None:
            if self._run is None:
                return have[:MOST_METHODS]
            return [name for name in DEFAULT_METHODS if name in have] or have[:3]
        methods = list(methods)
        if not 1 <= len(methods) <= MOST_METHODS or len(set(methods)) < len(methods):
            raise FerlabError(f"Choose one to six different methods; got: {', '.join(methods) or 'none'}.")
        if missing := [name for name in methods if name not in have]:
            raise FerlabError(f"There is no map of {missing[0]!r}; there is: {', '.join(have) or 'none'}.")
        return methods

    def _positions(self, indices: Iterable[int]) -> np.ndarray:
        """Where faces of the data set stand among the points."""
        wanted = np.array([int(index) for index in indices], dtype=np.int64)
        order = np.argsort(self.points.indices)
        places = order[np.searchsorted(self.points.indices, wanted, sorter=order).clip(max=len(order) - 1)]
        if len(unknown := wanted[self.points.indices[places] != wanted]):
            raise FerlabError(f"Face {unknown[0]} is not on the maps; choose from the {len(self.points)} that are.")
        return places

    # ---- controls ----------------------------------------------------------------------------------------------

    def _build(self) -> list[ipywidgets.Widget]:
        wide = {"button_width": "auto"}
        self._view_buttons = ipywidgets.ToggleButtons(
            options=list(_VIEWS.items()), style=wide,
            tooltips=["The test faces in the spaces of the trained networks", "How the spaces form while training"],
        )  # fmt: skip
        self._stage_buttons = ipywidgets.ToggleButtons(
            options=list(_STAGES.items()), style=wide,
            tooltips=["One map a method", "One large map whose points travel from method to method"],
        )  # fmt: skip
        self._color_by = ipywidgets.Dropdown(description="Color by", layout={"width": "300px"})
        self._person = ipywidgets.Dropdown(description="Person", layout={"width": "210px"})
        self._color_by.style.description_width = self._person.style.description_width = "auto"
        self._method_buttons = {
            name: ipywidgets.ToggleButton(
                value=name in self._methods, description=method_label(name), layout={"width": "auto"},
                tooltip=f"Show or hide {method_label(name)}",
            )
            for name in self.available_methods
        }  # fmt: skip
        self._play = ipywidgets.Play(min=1, max=1, value=1, interval=1000, show_repeat=False)
        self._slider = ipywidgets.IntSlider(
            min=1, max=1, value=1, description="Epoch", layout={"flex": "1 1 300px", "max_width": "620px"}
        )
        ipywidgets.jslink((self._play, "value"), (self._slider, "value"))
        self._epoch_row = _row([self._play, self._slider])
        self._tour = ipywidgets.Play(min=0, max=1, value=0, interval=2600, show_repeat=True)
        self._stops = ipywidgets.ToggleButtons(style=wide)
        self._morph_row = _row([self._tour, self._stops])
        self._legend = Panel(on_pick=self._pick_class)
        self._message = Panel()
        self._grid = ipywidgets.GridBox([], layout={"grid_gap": "6px 12px", "margin": "4px 0"})
        half = {"flex": "1 1 430px", "min_width": "0", "margin": "0"}
        self._chosen, self._near_panel = Panel(on_pick=self._pick_face), Panel(on_pick=self._pick_face)
        self._chosen.layout, self._near_panel.layout = ipywidgets.Layout(**half), ipywidgets.Layout(**half)
        columns = ipywidgets.Box(
            [self._chosen, self._near_panel],
            layout={
                "flex_flow": "row wrap",
                "grid_gap": "16px 28px",
                "align_items": "flex-start",
                "overflow": "visible",
            },
        )
        spaces = _row([ipywidgets.Label("Spaces"), *self._method_buttons.values()])
        _display(spaces, len(self._method_buttons) > 1)
        if self._run is None:
            _display(self._view_buttons, False)
        top = _row([self._view_buttons, self._stage_buttons], gap="6px 24px")
        second = _row([self._color_by, self._person, spaces], gap="4px 16px")
        return [
            top, second, self._legend, self._message, self._epoch_row, self._morph_row, self._grid, columns,
            self._build_projection(), self._theme,
        ]  # fmt: skip

    def _build_projection(self) -> ipywidgets.Widget:
        style = {"description_width": "90px"}
        self._kind_buttons = ipywidgets.ToggleButtons(
            options=[("UMAP", "umap"), ("PCA", "pca")],
            description="Projection",
            style={**style, "button_width": "80px"},
        )
        self._settings = {
            "n_neighbors": ipywidgets.IntSlider(15, 2, 100, description="n_neighbors", style=style),
            "min_dist": ipywidgets.FloatSlider(0.1, min=0.0, max=0.99, step=0.01, description="min_dist", style=style),
            "metric": ipywidgets.Dropdown(options=list(METRICS), description="metric", style=style),
            "seed": ipywidgets.BoundedIntText(0, 0, 2**31 - 1, description="seed", style=style),
        }
        for name in ("n_neighbors", "min_dist"):
            self._settings[name].layout.width = "320px"
        for name in ("metric", "seed"):
            self._settings[name].layout.width = "220px"
        self._again = ipywidgets.Button(description="Compute UMAP anew", layout={"width": "auto"})
        self._belief = Panel()
        content = ipywidgets.VBox(
            [
                _row([self._kind_buttons]),
                _row([*self._settings.values(), self._again], gap="4px 16px"),
                self._belief,
            ]
        )
        accordion = ipywidgets.Accordion([content], titles=("Projection, and how far to believe it",))
        accordion.selected_index = None
        return accordion

    def _connect(self) -> None:
        def when(control, name, action):
            control.observe(lambda change: None if self._settling else action(change["new"]), names=name)

        when(self._view_buttons, "value", self._view_pressed)
        when(self._stage_buttons, "value", lambda to: self.morph_to(self._methods[0] if to == "morph" else None))
        when(self._stops, "value", self.morph_to)
        when(self._tour, "value", lambda at: self.morph_to(self._methods[at]))
        when(self._slider, "value", lambda epoch: self._epoch_moved())
        when(self._color_by, "value", lambda name: self._recolor())
        when(self._person, "value", lambda person: self._recolor())
        when(self._kind_buttons, "value", self._project)
        for button in self._method_buttons.values():
            when(button, "value", lambda on: self._methods_pressed())
        self._again.on_click(lambda button: self._start_umap())
        self._theme.observe(lambda change: self._recolor(), names="dark")

    def _settle_controls(self) -> None:
        """Make all controls say what the state is, without any of them answering."""
        self._settling = True
        try:
            self._view_buttons.value = self._view
            self._stage_buttons.value = "side" if self._morphed is None else "morph"
            for name, button in self._method_buttons.items():
                button.value, button.disabled = name in self._methods, name not in self.available_methods
            epochs = self.points.epochs
            for control in (self._play, self._slider):
                control.max = max(epochs, 1)
            self._slider.description = f"Epoch (of {epochs})"
            self._slider.style.description_width = "auto"
            _display(self._epoch_row, self._view == "epochs")
            _display(self._morph_row, self._morphed is not None)
            stops = [(method_label(name), name) for name in self._methods]
            if self._stops.options != tuple(stops):
                self._stops.options = stops
            if self._morphed is not None:
                self._stops.value = self._morphed
                self._tour.max = len(self._methods) - 1
                self._tour.value = self._methods.index(self._morphed)
            options = [(_coloring_label(name), name) for name in self.colorings]
            if self._color_by.options != tuple(options):
                kept = self._color_by.value if self._color_by.value in self.colorings else "true class"
                self._color_by.options, self._color_by.value = options, kept
            people = [("of the selection", _OF_SELECTION), *((f"person {person}", person) for person in self._people())]
            if self._person.options != tuple(people):
                self._person.options, self._person.value = people, _OF_SELECTION
            _display(self._person, self.color_by == "identity")
            self._kind_buttons.value = self._kind
            self._kind_buttons.disabled = not self._with_spaces()
            for control in (*self._settings.values(), self._again):
                control.disabled = not self._with_spaces() or bool(self._working)
        finally:
            self._settling = False

    def _view_pressed(self, view: str) -> None:
        self._answers = []
        try:
            self._switch(view)
        except FerlabError as error:
            self._answers = [str(error)]
            self._settle_controls()
            self._draw_message()

    def _switch(self, view: str) -> None:
        if view == self._view:
            return
        if view == "epochs":
            followed = self._followed()
            missing = [name for name in self._methods if name not in followed.layouts]
            if missing:
                self._answers = [f"{method_label(missing[0])} was not followed over the epochs."]
            self._methods = [name for name in self._methods if name in followed.layouts] or list(followed.layouts)[:3]
        self._view, self._focus, self._hovering = view, None, None
        self._selected = np.empty(0, dtype=np.int64)
        if self._kind not in self._maps[view]:
            self._kind = "umap" if "umap" in self._maps[view] else self._compute_pca()
        if self._morphed not in (None, *self._methods):
            self._morphed = self._methods[0]
        if view == "epochs":
            self._settling = True
            self._play.max = self._slider.max = followed.epochs
            self._slider.value = followed.epochs
            self._settling = False
        self._arrange()

    def _methods_pressed(self) -> None:
        wanted = [name for name in self._methods if self._method_buttons[name].value]
        wanted += [name for name, button in self._method_buttons.items() if button.value and name not in wanted]
        if 1 <= len(wanted) <= MOST_METHODS:
            self.methods = wanted
        else:
            self._settle_controls()  # the last one stays, and so does the limit

    def _epoch_moved(self) -> None:
        if self._view != "epochs":
            return
        self._show(TRAVEL["play" if self._play.playing else "step"])
        self._draw_neighbors()

    def _pick_class(self, number: str) -> None:
        if self.color_by == "true class":
            self._select(np.flatnonzero(self.points.labels == int(number)))

    def _pick_face(self, picked: str) -> None:
        if picked == details.CLEAR:
            self.selection = []
        else:
            self.focus = None if int(picked) == self.focus else int(picked)

    # ---- maps --------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Put up the maps that belong on the screen, and bring everything up to date."""
        self._settle_controls()
        large = self._morphed is not None
        shown = [None] if large else self._methods
        for name in shown:
            if name not in self._views:
                self._views[name] = self._new_view(name)
        columns = min(len(shown), 3) if len(shown) != 4 else 2
        self._grid.layout.grid_template_columns = f"repeat({columns}, minmax(0, 1fr))"
        boxes = tuple(self._views[name].box for name in shown)
        self._show(0)
        for name in shown:
            self._views[name].select(self._selected)
        if self._grid.children != boxes:
            self._grid.children = boxes
        self._draw_legend()
        self._draw_message()
        self._draw_selection()
        self._draw_neighbors()
        self._draw_belief()

    def _new_view(self, name: str | None) -> MapView:
        height = self._height if name is not None else int(1.35 * self._height)
        view = MapView(self._bundle, height, partial(self._describe, name), self.points.images is not None)
        view.widget.view_sync = self._theme.model_id if name is not None else None
        view.widget.observe(self._selected_on_screen, names="selection")
        view.widget.observe(self._hovered_on_screen, names="hovering")
        return view

    def _shown(self) -> dict[str, MapView]:
        """Method -> its map, of those on the screen."""
        if self._morphed is not None:
            return {self._morphed: self._views[None]}
        return {name: self._views[name] for name in self._methods}

    def _at_epoch(self) -> int:
        return self._slider.value if self._view == "epochs" else 1

    def _layout(self, method: str) -> np.ndarray:
        epochs = self._maps[self._view][self._kind][method]
        return epochs[min(self._at_epoch(), len(epochs)) - 1]

    def _frame(self) -> tuple[np.ndarray, float]:
        """Middle and half width of the square that holds all maps at all epochs: one scale, so that a tighter class
        looks tighter."""
        maps = [layout for epochs in self._maps[self._view][self._kind].values() for layout in epochs]
        low = np.min([layout.min(axis=0) for layout in maps], axis=0)
        high = np.max([layout.max(axis=0) for layout in maps], axis=0)
        return (low + high) / 2, 1.06 * float((high - low).max()) / 2 or 1.0

    def _show(self, milliseconds: int) -> None:
        middle, reach = self._frame()
        dark, people = self._theme.dark, self._highlighted()
        for name, view in self._shown().items():
            layout = (self._layout(name) - middle) / reach
            coloring = color_points(self.points, self.color_by, name, dark, people)
            view.show(layout, coloring, dark, milliseconds)
            key = self._map_key(name)
            if key not in self._names:
                self._names[key] = places_of_names(layout, self.points.labels, self.classes)
            view.write_names(*self._names[key], dark)
        self._request_quality()
        self._draw_titles()

    def _recolor(self) -> None:
        _display(self._person, self.color_by == "identity")
        self._show(0)
        self._draw_legend()

    def _people(self) -> list[int]:
        return sorted(self.points.metadata["identity"].unique().tolist()) if "identity" in self.points.metadata else []

    def _highlighted(self) -> list[int]:
        """The people that the coloring "identity" singles out."""
        if self.color_by != "identity":
            return []
        if self.person is not None:
            return [self.person]
        who = self.points.metadata["identity"]
        if not len(self._selected):
            return self._people()[:1]
        return who.iloc[self._selected].value_counts().index[:PEOPLE].tolist()

    def _describe(self, view: str | None, position: int) -> dict:
        points, method = self.points, self._morphed if view is None else view
        if not 0 <= position < len(points):
            return {}
        told = {
            "class": points.classes[points.labels[position]],
            "answer": "not known",
            "face": self._picture(position),
        }
        if method in points.predicted:
            told["answer"] = points.classes[points.predicted[method][position]]
            if method in points.confidence:
                told["answer"] += f" ({points.confidence[method][position]:.0%})"
        return told

    def _picture(self, position: int) -> str | None:
        image = self.points.image(position)
        if image is None:
            return None
        key = (self._view, position)
        if key not in self._pictures:
            self._pictures[key] = data_uri(image)
        return self._pictures[key]

    # ---- selection and hovering --------------------------------------------------------------------------------

    def _selected_on_screen(self, change: dict) -> None:
        new = change["new"]
        self._select(np.asarray([] if new is None else new, dtype=np.int64))

    def _select(self, positions: np.ndarray) -> None:
        positions = np.unique(positions)
        if np.array_equal(positions, self._selected) or (len(positions) and positions[-1] >= len(self.points)):
            return
        self._selected = positions
        self._focus = int(positions[0]) if len(positions) == 1 else None
        for view in self._shown().values():
            view.select(positions)
        if self.color_by == "identity" and self.person is None:
            self._recolor()
        self._draw_selection()
        self._draw_neighbors()

    def _hovered_on_screen(self, change: dict) -> None:
        new = change["new"]
        at = int(new) if new is not None and 0 <= new < len(self.points) else None
        if at == self._hovering:
            return
        self._hovering = at
        for view in self._shown().values():
            view.widget.hovering = -1 if at is None else at

    def _query(self) -> np.ndarray:
        """The points whose neighbors are asked for."""
        return self._selected if self._focus is None else np.array([self._focus])

    def _distances(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The points that are no neighbors, since asked about, and method -> distances of all points from the query."""
        query = self._query()
        if not len(query):
            return query, {}
        spaces = {name: self.points.space(name, self._at_epoch()) for name in self._methods}
        return query, {name: distances_from(space, query) for name, space in spaces.items() if space is not None}

    def _near(self, count: int, query: np.ndarray, distances: dict[str, np.ndarray]) -> list[details.Near]:
        answers = []
        for name, of in distances.items():
            ranks = ranks_from(of, query)
            nearest = np.argsort(ranks)[: min(count, len(ranks) - len(query))]
            layout = self._layout(name)
            on_map = ranks_from(np.linalg.norm(layout - layout[query].mean(axis=0), axis=1), query)
            answers.append(details.Near(name, nearest, of[nearest], on_map[nearest]))
        return answers

    def _moved(self, count: int, query: np.ndarray, distances: dict[str, np.ndarray]) -> list[details.Moved]:
        if len(distances) < 2:
            return []
        ranks = {name: ranks_from(of, query) for name, of in distances.items()}
        first, *others = ranks
        close = np.flatnonzero(ranks[first] <= min(CLOSE, len(self.points) - len(query)))
        answers = []
        for name in others:
            far = close[ranks[name][close] > FAR]
            far = far[np.argsort(-ranks[name][far], kind="stable")][:count]
            answers.append(details.Moved(name, far, ranks[first][far], ranks[name][far]))
        return answers

    def _pairs(self) -> list[details.Pair]:
        if len(self._selected) != 2:
            return []
        a, b = self._selected
        answers = []
        for name in self._methods:
            space = self.points.space(name, self._at_epoch())
            if space is None:
                continue
            layout = self._layout(name)
            in_space, on_map = float(1 - space[a] @ space[b]), float(np.linalg.norm(layout[a] - layout[b]))
            of_space, of_map = self._pair_sample(name)
            answers.append(
                details.Pair(name, in_space, nearer_than(of_space, in_space), on_map, nearer_than(of_map, on_map))
            )
        return answers

    def _pair_sample(self, method: str) -> tuple[np.ndarray, np.ndarray]:
        """Sorted distances of pairs among 500 points, in the space and on the map."""
        key = self._map_key(method)
        if key not in self._pair_samples:
            few = random_part(len(self.points), 500)
            above = np.triu_indices(len(few), k=1)
            in_space = pair_distances(self.points.space(method, self._at_epoch())[few])[above]
            on_map = pair_distances(self._layout(method)[few], "euclidean")[above]
            self._pair_samples[key] = np.sort(in_space), np.sort(on_map)
        return self._pair_samples[key]

    # ---- projection --------------------------------------------------------------------------------------------

    def _first_projection(self) -> None:
        """Points that came without a map: principal components now, UMAP as soon as it is computed."""
        self._kind = self._compute_pca()
        if problem := self._cannot_project():
            self._notes.append(problem)
        else:
            self._start_umap()

    def _with_spaces(self) -> bool:
        """Whether the embeddings of all methods are there."""
        return set(self.available_methods) <= set(self.points.spaces)

    def _cannot_project(self) -> str:
        if not self._with_spaces():
            return "These points came without embeddings, so their maps cannot be computed anew."
        if len(self.points) < MINIMUM_POINTS:
            return f"UMAP needs at least {MINIMUM_POINTS} points, but there are {len(self.points)}."
        return ""

    def _compute_pca(self) -> str:
        if "pca" not in self._maps[self._view]:
            self._maps[self._view]["pca"] = pca_epoch_layouts(self.points.spaces)
        return "pca"

    def _project(self, kind: str) -> None:
        if kind == "pca" and not self._with_spaces():
            raise FerlabError("These points came without embeddings, so there are no principal components.")
        if kind == "umap" and "umap" not in self._maps[self._view]:
            if problem := self._cannot_project():
                raise FerlabError(problem)
            self._start_umap()
            return
        self._kind = kind if kind == "umap" else self._compute_pca()
        self._settle_controls()
        self._show(TRAVEL["play"])
        self._draw_neighbors()
        self._draw_belief()

    def _start_umap(self) -> None:
        self._run_number += 1
        number, view, points = self._run_number, self._view, self.points
        settings = {name: control.value for name, control in self._settings.items()}
        notes = []
        if settings["n_neighbors"] >= len(points):
            notes.append(
                f"There are only {len(points)} points, so UMAP looks at {len(points) - 1} neighbors "
                f"instead of {settings['n_neighbors']}."
            )

        def work() -> dict[str, list[np.ndarray]]:
            told = partial(self._tell_progress, number, list(points.spaces))
            if points.epochs > 1:
                return epoch_layouts(points.spaces, **settings, on_space=told)
            first = {name: epochs[0] for name, epochs in points.spaces.items()}
            return {name: [layout] for name, layout in aligned_layouts(first, **settings, on_space=told).items()}

        def done(layouts: dict[str, list[np.ndarray]]) -> None:
            if number != self._run_number:
                return
            self._working = ""
            self._maps[view]["umap"] = layouts
            for known in (self._quality, self._pair_samples, self._names):
                for key in [key for key in known if key[:2] == (view, "umap")]:
                    del known[key]
            if view == self._view:
                self._kind = "umap"
                self._show(TRAVEL["morph"])
                self._draw_neighbors()
            self._answers = notes
            self._settle_controls()
            self._draw_message()
            self._draw_belief()

        def failed(error: Exception) -> None:
            self._working = ""
            self._answers = [f"UMAP stopped: {error}"]
            self._settle_controls()
            self._draw_message()

        self._working = "UMAP is being computed; everything else can be used meanwhile."
        self._settle_controls()
        self._answers = []
        self._draw_message()
        self._background.run(work, done, failed)

    def _tell_progress(self, number: int, names: list[str], name: str) -> None:
        """From the computing thread."""

        def tell() -> None:
            if number == self._run_number and self._working:
                self._working = (
                    f"UMAP is being computed: {method_label(name)}, {names.index(name) + 1} of {len(names)}. "
                    "Everything else can be used meanwhile."
                )
                self._draw_message()

        self._background.call(tell)

    def _map_key(self, method: str) -> tuple:
        return self._view, self._kind, method, self._at_epoch()

    def _request_quality(self) -> None:
        """Measure the maps on the screen in the background, where that is not done yet."""
        wanted = {}
        for name in self._methods:
            key, space = self._map_key(name), self.points.space(name, self._at_epoch())
            if space is not None and len(space) >= 4 and key not in self._quality:
                self._quality[key] = None
                wanted[key] = (space, self._layout(name))

        def work() -> dict[tuple, MapQuality]:
            return {key: map_quality(space, layout) for key, (space, layout) in wanted.items()}

        def done(measured: dict[tuple, MapQuality]) -> None:
            # A map that was replaced meanwhile is measured again.
            self._quality.update({key: of for key, of in measured.items() if key in self._quality})
            self._draw_titles()
            self._draw_belief()

        if wanted:
            self._background.run(work, done)

    # ---- words -------------------------------------------------------------------------------------------------

    def _draw_titles(self) -> None:
        for name, view in self._shown().items():
            parts = []
            if name in self.points.predicted:
                parts.append(f"{(self.points.predicted[name] == self.points.labels).mean():.0%} right")
            if self._view == "epochs":
                own = len(self._maps["epochs"][self._kind][name])
                parts.append(f"epoch {min(self._at_epoch(), own)}")
            if self._kind == "pca":
                parts.append("PCA")
            if (quality := self._quality.get(self._map_key(name))) is not None:
                parts.append(f"trustworthiness {quality.trustworthiness:.2f}")
            view.title(method_label(name), " · ".join(parts))

    def _draw_legend(self) -> None:
        legend = legend_of(self.points, self.color_by, self._theme.dark, self._highlighted())
        self._legend.html = details.legend_markup(legend, pick=self.color_by == "true class")

    def _draw_message(self) -> None:
        self._message.html = details.message_markup([*self._notes, *self._answers], self._working)

    def _draw_selection(self) -> None:
        if not len(self._selected):
            self._chosen.html = f"<p><small>{details.HINT}</small></p>"
            return
        markup = details.Markup(self.points, self._picture)
        self._chosen.html = markup.selection(self._selected, self._focus, self._methods, self.share_right())

    def _draw_neighbors(self) -> None:
        if not len(self._query()):
            self._near_panel.html = ""
            _display(self._near_panel, False)
            return
        _display(self._near_panel, True)
        markup = details.Markup(self.points, self._picture)
        distances = self._distances()
        near, moved = self._near(details.NEIGHBORS, *distances), self._moved(details.NEIGHBORS, *distances)
        self._near_panel.html = (
            markup.pair(self._pairs())
            + markup.neighbors(self._focus, near)
            + markup.moved(self._methods[0], moved, CLOSE)
        )

    def _draw_belief(self) -> None:
        measured = [name for name in self._methods if name in self.points.spaces]
        known = {name: self._quality.get(self._map_key(name)) for name in measured}
        self._belief.html = details.belief_markup(known, self._kind)


def _row(children: list[ipywidgets.Widget], gap: str = "4px 8px") -> ipywidgets.HBox:
    return ipywidgets.HBox(children, layout={"flex_flow": "row wrap", "grid_gap": gap, "overflow": "visible"})


def _display(widget: ipywidgets.DOMWidget, shown: bool) -> None:
    widget.layout.display = None if shown else "none"


def _coloring_label(name: str) -> str:
    if is_unit(name):
        from ferlab.rendering import DESCRIPTIONS

        return f"{name} {DESCRIPTIONS.get(name, '')}".strip()
    return name.replace("_", " ")

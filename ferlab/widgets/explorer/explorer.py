"""The same faces in several embedding spaces: select, compare, travel through the epochs, morph from space to space."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.palette import method_label
from ferlab.runs.reading import Run, read_run
from ferlab.widgets.explorer import details
from ferlab.widgets.explorer.colors import PEOPLE, color_points, colorings, legend_of
from ferlab.widgets.explorer.controls import OF_SELECTION, Controls, display
from ferlab.widgets.explorer.layouts import Layouts
from ferlab.widgets.explorer.maps import MapView
from ferlab.widgets.explorer.neighbors import distances_from, nearer_than, ranks_from
from ferlab.widgets.explorer.plot import Bundle
from ferlab.widgets.explorer.points import Points, epoch_points, run_points, table_points
from ferlab.widgets.kit.background import Background
from ferlab.widgets.kit.panel import Panel
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.kit.theme import Theme
from ferlab.widgets.kit.turns import one_at_a_time

DEFAULT_METHODS = ("ce", "tcl-nearest", "ad-corre")
MOST_METHODS = 6
# How far down the list of neighbors still counts as close, and from where on as far.
CLOSE, FAR = 20, 60
TRAVEL = {"step": 400, "play": 900, "morph": 1600}  # milliseconds


@one_at_a_time("wait")
class EmbeddingExplorer(ipywidgets.VBox):
    """Linked maps of the same points in one to six embedding spaces.

    A lasso in one map selects in all; below stand the selected faces, their class mix, their neighbors in every space
    by true high-dimensional distance, and who was close in the first space and is far in another. A slider moves
    through the epochs of training, one large map morphs from space to space, colors follow classes, predictions or any
    metadata, and UMAP can be computed anew with other settings. Layouts are aligned over methods and epochs as
    :func:`ferlab.projection.epoch_layouts` describes; docs/embedding_explorer.md tells the whole.

    Args:
        source: a run folder of ``ferlab compare`` (its path or a `ferlab.runs.reading.Run`); or a table of points
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
        self._turn = threading.RLock()
        self._notes: list[str] = []  # what holds for these data
        self._answers: list[str] = []  # what became of the last order
        self._working = ""
        self._run: Run | None = None
        self._background = Background()
        self._sets = {"test": Layouts(self._read(source, dataset), self._background)}
        self._validation = validation
        self._view, self._kind, self._morphed = "test", "umap", None
        self._methods = self._chosen_methods(methods)
        self._selected = np.empty(0, dtype=np.int64)
        self._focus: int | None = None
        self._hovering: int | None = None
        self._pictures: dict[tuple[str, int], str] = {}
        self._umap_run = 0
        self._theme = Theme()
        self._bundle = Bundle()
        self._height = height
        self._views: dict[str | None, MapView] = {}  # None: the large one
        self.controls = Controls(self.available_methods, with_epochs=self._run is not None)
        super().__init__(self._parts())
        self.layout.overflow = "visible"
        self.add_class("ferlab-x-explorer")
        self._connect()
        if "umap" not in self._layouts:
            self._first_projection()
        self._arrange()

    # ---- what others read and set ------------------------------------------------------------------------------

    @property
    def points(self) -> Points:
        """The points shown: test faces, or the validation faces followed over the epochs."""
        return self._layouts.points

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
        return self.controls.slider.value if self._view == "epochs" else None

    @epoch.setter
    def epoch(self, epoch: int | None) -> None:
        if epoch is None:
            self._switch("test")
            return
        last = self._followed().points.epochs
        if not 1 <= epoch <= last:
            raise FerlabError(f"There is no epoch {epoch}; choose one from 1 to {last}, or None.")
        self._switch("epochs")
        self.controls.slider.value = int(epoch)

    @property
    def color_by(self) -> str:
        """Such as "true class", "right or wrong", "AU12"; can be set to one of :attr:`colorings`."""
        return self.controls.color_by.value

    @color_by.setter
    def color_by(self, name: str) -> None:
        if name not in self.colorings:
            raise FerlabError(f"There is no coloring {name!r}; choose one of: {', '.join(self.colorings)}.")
        self.controls.color_by.value = name

    @property
    def colorings(self) -> list[str]:
        """What the points can be colored by."""
        return colorings(self.points)

    @property
    def person(self) -> int | None:
        """Whom the coloring "identity" singles out; None: the people of the selection. Can be set."""
        value = self.controls.person.value
        return None if value == OF_SELECTION else value

    @person.setter
    def person(self, identity: int | None) -> None:
        if identity is not None and identity not in self._people():
            raise FerlabError(f"There is no person {identity!r} among these faces.")
        self.controls.person.value = OF_SELECTION if identity is None else identity

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

    def map_of(self, method: str) -> np.ndarray:
        """float32 (N, 2): where the map shown has the points, in the order of `points`.

        Raises:
            FerlabError: a space that is not there.
        """
        if method not in self.available_methods:
            raise FerlabError(f"There is no space {method!r}; choose one of: {', '.join(self.available_methods)}.")
        return self._layouts.layout(*self._map(method))

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
        known = {name: self._layouts.quality(*self._map(name)) for name in self._methods}
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
        self.controls.set_umap({"n_neighbors": n_neighbors, "min_dist": min_dist, "metric": metric, "seed": seed})
        if problem := self._layouts.problem:
            raise FerlabError(problem)
        self._start_umap()

    def wait(self) -> None:
        """Block until what is computed in the background is on the maps."""
        self._background.wait()

    def figure(self):
        """The maps as a static matplotlib figure."""
        from ferlab.figures import embedding_maps

        layouts = {name: self._layouts.layout(*self._map(name)) for name in self._methods}
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
        return shepard_diagrams(spaces, {name: self._layouts.layout(*self._map(name)) for name in spaces})[0].figure

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
        from ferlab.runs.settings import load_splits, read_settings

        try:
            return read(self._run, load_splits(read_settings(self._run.path), [split])[split])
        except (FerlabError, OSError) as error:
            points = read(self._run, None)
            self._notes.append(f"The {split} faces could not be loaded, so there are points only: {error}")
            return points

    def _followed(self) -> Layouts:
        """The validation faces over the epochs, read when they are first asked for."""
        if "epochs" not in self._sets:
            if self._run is None:
                raise FerlabError("Only a run has epochs to move through; these are tables of points.")
            if self._validation is not None:
                points = epoch_points(self._run, self._validation)
            else:
                points = self._with_faces("validation", epoch_points)
            self._sets["epochs"] = Layouts(points, self._background)
        return self._sets["epochs"]

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

    def _parts(self) -> list[ipywidgets.Widget]:
        self._legend, self._message, self._belief = Panel(on_pick=self._pick_class), Panel(), Panel()
        self._grid = ipywidgets.GridBox([], layout={"grid_gap": "6px 12px", "margin": "4px 0"})
        self._chosen, self._near_panel = Panel(on_pick=self._pick_face), Panel(on_pick=self._pick_face)
        for half in (self._chosen, self._near_panel):
            half.layout = {"flex": "1 1 430px", "min_width": "0", "margin": "0"}
        halves = {"flex_flow": "row wrap", "grid_gap": "16px 28px", "align_items": "flex-start", "overflow": "visible"}
        return [
            *self.controls.rows, self._legend, self._message, self.controls.epoch_row, self.controls.morph_row,
            self._grid, ipywidgets.Box([self._chosen, self._near_panel], layout=halves),
            self.controls.projection(self._belief), self._theme,
        ]  # fmt: skip

    def _connect(self) -> None:
        controls = self.controls
        controls.when(controls.view, self._view_pressed)
        controls.when(controls.stage, lambda to: self.morph_to(self._methods[0] if to == "morph" else None))
        controls.when(controls.stops, self.morph_to)
        controls.when(controls.tour, self._tour_moved)
        controls.when(controls.slider, lambda epoch: self._epoch_moved())
        controls.when(controls.color_by, lambda name: self._recolor())
        controls.when(controls.person, lambda person: self._recolor())
        controls.when(controls.kind, self._project)
        for button in controls.methods.values():
            controls.when(button, lambda on: self._methods_pressed())
        controls.again.on_click(lambda button: self._start_umap())
        self._theme.observe(lambda change: self._recolor(), names="dark")

    def _settle_controls(self) -> None:
        """Make all controls say what the state is."""
        controls = self.controls
        with controls.settling():
            controls.view.value = self._view
            controls.say_epochs(self.points.epochs, shown=self._view == "epochs")
            controls.say_methods(self._methods, self.available_methods, self._morphed)
            controls.say_colorings(self.colorings, self._people())
            controls.say_projection(self._kind, self._layouts.possible, bool(self._working))

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
            followed = self._followed().points
            if missing := [name for name in self._methods if name not in followed.layouts]:
                self._answers = [f"{method_label(missing[0])} was not followed over the epochs."]
            self._methods = [name for name in self._methods if name in followed.layouts] or list(followed.layouts)[:3]
            with self.controls.settling():
                self.controls.say_epochs(followed.epochs, shown=True)
                self.controls.slider.value = followed.epochs
        self._view, self._focus, self._hovering = view, None, None
        self._selected = np.empty(0, dtype=np.int64)
        # Before the points change their number: the page would answer that with a deselection of its own, later.
        for shown in self._views.values():
            shown.select(self._selected)
        if self._kind not in self._layouts:
            self._kind = "umap" if "umap" in self._layouts else self._by_pca()
        if self._morphed not in (None, *self._methods):
            self._morphed = self._methods[0]
        self._arrange()

    def _methods_pressed(self) -> None:
        buttons = self.controls.methods
        wanted = [name for name in self._methods if buttons[name].value]
        wanted += [name for name, button in buttons.items() if button.value and name not in wanted]
        if 1 <= len(wanted) <= MOST_METHODS:
            self.methods = wanted
        else:
            self._settle_controls()  # the last one stays, and so does the limit

    def _tour_moved(self, at: int) -> None:
        if self._morphed is not None:
            self.morph_to(self._methods[at])

    def _epoch_moved(self) -> None:
        if self._view != "epochs":
            return
        self._show(TRAVEL["play" if self.controls.play.playing else "step"])
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
        return self.controls.slider.value if self._view == "epochs" else 1

    @property
    def _layouts(self) -> Layouts:
        return self._sets[self._view]

    def _map(self, method: str) -> tuple[str, str, int]:
        """What names the map shown, to :class:`Layouts`."""
        return self._kind, method, self._at_epoch()

    def _show(self, milliseconds: int) -> None:
        dark, people = self._theme.dark, self._highlighted()
        for name, view in self._shown().items():
            coloring = color_points(self.points, self.color_by, name, dark, people)
            view.show(self._layouts.in_frame(*self._map(name)), coloring, dark, milliseconds)
            view.write_names(*self._layouts.names(*self._map(name)), dark)
        after = 2 * milliseconds / 1000
        self._layouts.measure(self._kind, self._methods, self._at_epoch(), self._measured, after)
        self._draw_titles()

    def _measured(self) -> None:
        self._draw_titles()
        self._draw_belief()

    def _recolor(self) -> None:
        display(self.controls.person, self.color_by == "identity")
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
            layout = self._layouts.layout(*self._map(name))
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
            layout = self._layouts.layout(*self._map(name))
            in_space, on_map = float(1 - space[a] @ space[b]), float(np.linalg.norm(layout[a] - layout[b]))
            of_space, of_map = self._layouts.pair_sample(*self._map(name))
            answers.append(
                details.Pair(name, in_space, nearer_than(of_space, in_space), on_map, nearer_than(of_map, on_map))
            )
        return answers

    # ---- projection --------------------------------------------------------------------------------------------

    def _first_projection(self) -> None:
        """Points that came without a map: principal components now, UMAP as soon as it is computed."""
        self._kind = self._by_pca()
        if problem := self._layouts.problem:
            self._notes.append(problem)
        else:
            self._start_umap()

    def _by_pca(self) -> str:
        self._layouts.compute_pca()
        return "pca"

    def _project(self, kind: str) -> None:
        if kind == "umap" and "umap" not in self._layouts:
            if problem := self._layouts.problem:
                raise FerlabError(problem)
            self._start_umap()
            return
        self._kind = kind if kind == "umap" else self._by_pca()
        self._settle_controls()
        self._show(TRAVEL["play"])
        self._draw_neighbors()
        self._draw_belief()

    def _start_umap(self) -> None:
        self._umap_run += 1
        run, layouts = self._umap_run, self._layouts
        settings = {name: control.value for name, control in self.controls.settings.items()}
        count, notes = len(layouts.points), []
        if settings["n_neighbors"] >= count:
            notes.append(
                f"There are only {count} points, so UMAP looks at {count - 1} neighbors instead of "
                f"{settings['n_neighbors']}."
            )

        def done(computed: dict[str, list[np.ndarray]]) -> None:
            with self._turn:
                if run != self._umap_run:  # started again meanwhile
                    return
                layouts.take_umap(computed)
                if layouts is self._layouts:
                    self._kind = "umap"
                    self._show(TRAVEL["morph"])
                    self._draw_neighbors()
                self._report("", notes)

        def failed(error: Exception) -> None:
            if run == self._umap_run:
                self._report("", [f"UMAP stopped: {error}"])

        names = list(layouts.points.spaces)

        def tell(name: str) -> None:  # in the computing thread
            place = f"{method_label(name)}, {names.index(name) + 1} of {len(names)}"
            self._background.call(lambda: self._report_progress(run, place))

        self._report("UMAP is being computed; everything else can be used meanwhile.", [])
        self._background.run(lambda: layouts.compute_umap(settings, tell), done, failed)

    def _report(self, working: str, answers: list[str]) -> None:
        """What is being computed, and what became of it."""
        self._working, self._answers = working, answers
        self._settle_controls()
        self._draw_message()
        self._draw_belief()

    def _report_progress(self, run: int, place: str) -> None:
        if run == self._umap_run and self._working:
            self._working = f"UMAP is being computed: {place}. Everything else can be used meanwhile."
            self._draw_message()

    # ---- words -------------------------------------------------------------------------------------------------

    def _draw_titles(self) -> None:
        for name, view in self._shown().items():
            parts = []
            if name in self.points.predicted:
                parts.append(f"{(self.points.predicted[name] == self.points.labels).mean():.0%} right")
            if self._view == "epochs":
                parts.append(f"epoch {min(self._at_epoch(), len(self.points.layouts[name]))}")
            if self._kind == "pca":
                parts.append("PCA")
            if (quality := self._layouts.quality(*self._map(name))) is not None:
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
            display(self._near_panel, False)
            return
        display(self._near_panel, True)
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
        known = {name: self._layouts.quality(*self._map(name)) for name in measured}
        self._belief.html = details.belief_markup(known, self._kind)

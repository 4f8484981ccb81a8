"""The same faces in several embedding spaces: select, compare, travel through the epochs, morph from space to space."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.labels import MOST_CLASSES
from ferlab.runs import Run
from ferlab.widgets.explorer.actions import ExplorerActions
from ferlab.widgets.explorer.answers import ExplorerAnswers
from ferlab.widgets.explorer.controls import OF_SELECTION
from ferlab.widgets.explorer.layouts import PROJECTIONS
from ferlab.widgets.explorer.pictures import ExplorerPictures
from ferlab.widgets.explorer.points import Points
from ferlab.widgets.explorer.source import PointSource
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.explorer.view import ExplorerView
from ferlab.widgets.kit.background import Background
from ferlab.widgets.kit.static import MimeBundle, with_picture
from ferlab.widgets.kit.turns import one_at_a_time


@one_at_a_time("wait")
class EmbeddingExplorer(ExplorerAnswers, ExplorerPictures, ipywidgets.VBox):
    """Linked maps of the same points in one to six embedding spaces.

    A lasso in one map selects in all; below stand the selected faces, their class mix, their neighbors in every space
    by true high-dimensional distance, and who was close in the first space and is far in another. A slider moves
    through the epochs of training, one large map morphs from space to space, colors follow classes, predictions or any
    metadata, and UMAP can be computed anew with other settings. In a run with strengths every loss is one map, and a
    second slider lets its points travel from cross-entropy to the strongest dose. Layouts are aligned over methods,
    strengths and epochs as :func:`ferlab.projection.epoch_layouts` describes; docs/embedding_explorer.md tells the
    whole.

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
        most: how many different labels of a table are plausible as classes; more are refused.

    Attributes:
        classes: class names.
        trustworthiness: method -> trustworthiness of the map shown (`ferlab.projection.map_quality`), once computed.
        state: what is shown, without widgets.
        view: the widgets that show it.
        controls: those that a person presses.

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
        most: int = MOST_CLASSES,
    ) -> None:
        self._turn = threading.RLock()
        self._background = Background()
        points = PointSource(source, dataset, validation, most)
        self.state = ExplorerState(points, methods, self._background)
        self.view = ExplorerView(self.state, height, with_epochs=points.run is not None)
        self.controls = self.view.controls
        self._actions = ExplorerActions(self.state, self.view, background=self._background, turn=self._turn)
        super().__init__(self.view.parts())
        self.layout.overflow = "visible"
        self.add_class("ferlab-x-explorer")
        connect(self.view, self._actions)
        self._actions.begin()

    # ---- points, selection, spaces -----------------------------------------------------------------------------

    @property
    def points(self) -> Points:
        """The points shown: test faces, or the validation faces followed over the epochs."""
        return self.state.points

    @property
    def classes(self) -> tuple[str, ...]:
        return self.points.classes

    @property
    def selection(self) -> np.ndarray:
        """int64 array of the selected faces, as positions in their data set, ascending; can be set."""
        return np.sort(self.points.indices[self.state.selected])

    @selection.setter
    def selection(self, indices: Iterable[int]) -> None:
        self._actions.select(self.points.positions(indices))

    @property
    def focus(self) -> int | None:
        """The face whose neighbors are shown; None: those of the selection's middle. Can be set."""
        return self._index(self.state.focus)

    @focus.setter
    def focus(self, index: int | None) -> None:
        self._actions.focus_on(None if index is None else int(self.points.positions([index])[0]))

    @property
    def hovered(self) -> int | None:
        """The face under the cursor as a position in the data set; None without one."""
        return self._index(self.state.hovered)

    @property
    def methods(self) -> list[str]:
        """The spaces shown, left to right; can be set to one to six of :attr:`available_methods`."""
        return list(self.state.methods)

    @methods.setter
    def methods(self, names: Sequence[str]) -> None:
        self._actions.choose_methods(names)

    @property
    def available_methods(self) -> list[str]:
        """The spaces that these points lie in; a loss with several strengths is one of them."""
        return self.state.strengths.available

    # ---- epochs, colors, maps ----------------------------------------------------------------------------------

    @property
    def epoch(self) -> int | None:
        """The epoch shown, from 1; None while the finished networks are shown. Can be set."""
        return self.state.epoch

    @epoch.setter
    def epoch(self, epoch: int | None) -> None:
        self._actions.show_epoch(None if epoch is None else int(epoch))

    @property
    def strength(self) -> float | None:
        """The strength of the losses shown, 0 being their control; None in a run without strengths. Can be set."""
        return self.state.strength

    @strength.setter
    def strength(self, strength: float) -> None:
        self._actions.show_strength(float(strength))

    @property
    def strengths(self) -> list[float]:
        """What :attr:`strength` can be set to; empty in a run without strengths."""
        return list(self.state.strengths.stops)

    @property
    def color_by(self) -> str:
        """Such as "true class", "right or wrong", "AU12"; can be set to one of :attr:`colorings`."""
        return self.state.color_by

    @color_by.setter
    def color_by(self, name: str) -> None:
        self._actions.color(name)

    @property
    def colorings(self) -> list[str]:
        """What the points can be colored by."""
        return self.state.colorings

    @property
    def person(self) -> int | None:
        """Whom the coloring "identity" singles out; None: the people of the selection. Can be set."""
        return self.state.person

    @person.setter
    def person(self, identity: int | None) -> None:
        self._actions.single_out(identity)

    @property
    def projection(self) -> str:
        """ "umap", "pca", "densmap", "class-means", "triplet" (TCL's plane), or "embedding"; can be set."""
        return self.state.kind

    @projection.setter
    def projection(self, kind: str) -> None:
        if kind not in PROJECTIONS:
            raise FerlabError(f"There is no projection {kind!r}; choose one of: {', '.join(PROJECTIONS)}.")
        self._actions.project(kind)

    @property
    def morphed(self) -> str | None:
        """The space that the one large map shows; None while the spaces stand side by side."""
        return self.state.morphed

    def morph_to(self, method: str | None) -> None:
        """Show one large map and let its points travel to the space of `method`; None: side by side again."""
        self._actions.morph_to(method)

    @property
    def correlations_shown(self) -> bool:
        """Whether Ad-Corre's picture of the spaces is unfolded; can be set."""
        return self.state.correlations_shown

    @correlations_shown.setter
    def correlations_shown(self, shown: bool) -> None:
        self._actions.show_correlations(bool(shown))

    # ---- what is being computed --------------------------------------------------------------------------------

    @property
    def messages(self) -> list[str]:
        """The sentences that stand in the widget about what is missing or being computed."""
        return self.state.messages

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
        self.state.layouts.check_umap()
        self._actions.compute_umap()

    def wait(self) -> None:
        """Block until what is computed in the background is on the maps."""
        self._background.wait()

    def _repr_mimebundle_(self, **kwargs: Any) -> MimeBundle:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        names = ", ".join(self.state.label(name) for name in self.methods)
        noun = "points" if self.points.images is None else "faces"
        return f"EmbeddingExplorer({len(self.points)} {noun}; {names}; {len(self.state.selected)} selected)"

    def _index(self, position: int | None) -> int | None:
        return None if position is None else int(self.points.indices[position])


def connect(view: ExplorerView, actions: ExplorerActions) -> None:
    """Let what a person does with the widgets of a view be actions."""
    view.on_select, view.on_hover, view.describe = actions.select, actions.hover, actions.describe
    view.legend.on_pick = actions.pick_class
    view.chosen.on_pick = view.near.on_pick = actions.pick_face
    view.theme.observe(lambda change: actions.recolor(), names="dark")
    controls = view.controls
    controls.when(controls.view, actions.press_view)
    controls.when(controls.stage, actions.press_stage)
    controls.when(controls.stops, actions.morph_to)
    controls.when(controls.tour, actions.move_tour)
    controls.when(controls.slider, actions.move_epoch)
    controls.when(controls.strength, actions.show_strength)
    view.doses.on_stop = actions.press_stop
    controls.when(controls.color_by, actions.color)
    controls.when(controls.person, lambda person: actions.single_out(None if person == OF_SELECTION else person))
    controls.when(controls.kind, actions.press_projection)
    view.on_pair, view.on_rows = actions.hover_pair, actions.select_rows
    folded = view.correlations
    controls.when(folded, lambda opened: actions.show_correlations(opened is not None), trait="selected_index")
    for button in controls.methods.values():
        controls.when(button, lambda pressed: actions.press_methods())
    controls.again.on_click(lambda button: actions.compute_umap())

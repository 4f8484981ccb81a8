"""An explorer where nothing moves: static figures, on paper and in places that show no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ferlab.errors import FerlabError
from ferlab.widgets.explorer.layouts import MARGIN
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.kit.turns import one_at_a_time

if TYPE_CHECKING:  # slow to import, and needed only for a picture
    from matplotlib.figure import Figure


@one_at_a_time()
class ExplorerPictures:
    """What is shown as matplotlib figures; a part of :class:`~ferlab.widgets.explorer.explorer.EmbeddingExplorer`."""

    state: ExplorerState

    def figure(self) -> Figure:
        """The maps as a static matplotlib figure."""
        from ferlab.figures import embedding_maps, triplet_planes

        state, points = self.state, self.state.points
        if state.kind == "triplet":
            epochs = {name: points.vectors(state.trained(name)) for name in state.methods}
            shown = {name: spaces[min(state.epoch or 1, len(spaces)) - 1] for name, spaces in epochs.items()}
            return triplet_planes(self._labelled(shown), points.labels, points.classes, margin=MARGIN)[0].figure
        return embedding_maps(self._labelled(state.maps()), points.labels, points.classes)[0].figure

    def correlation_figure(self) -> Figure:
        """The spaces as Ad-Corre sees them, as a static matplotlib figure.

        Raises:
            FerlabError: points without embeddings.
        """
        from ferlab.figures import correlation_views

        if not (spaces := self.state.spaces()):
            raise FerlabError("The embeddings were not kept, so their correlations are not known.")
        # By their trainings' names, which tell how many heads a space has.
        spaces = {self.state.trained(name): space for name, space in spaces.items()}
        return correlation_views(spaces, self.state.points.labels, self.state.points.classes)[0, 0].figure

    def shepard_figure(self) -> Figure:
        """Distances in the space against distances on the map, one diagram a method, as a matplotlib figure.

        Raises:
            FerlabError: points without embeddings.
        """
        from ferlab.figures import shepard_diagrams

        spaces, maps = self.state.spaces(), self.state.maps()
        if len(spaces) < len(maps):
            raise FerlabError("The embeddings were not kept, so there are no distances to compare the maps with.")
        return shepard_diagrams(self._labelled(spaces), self._labelled(maps))[0].figure

    def _labelled(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {self.state.label(name): array for name, array in arrays.items()}

"""What can be asked of an explorer, answered as numbers and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.widgets.explorer.details import NEIGHBORS
from ferlab.widgets.explorer.neighbors import moved_apart, moved_table, near_table, nearest
from ferlab.widgets.explorer.state import ExplorerState
from ferlab.widgets.kit.turns import one_at_a_time


@one_at_a_time()
class ExplorerAnswers:
    """What follows from the selection; a part of :class:`~ferlab.widgets.explorer.explorer.EmbeddingExplorer`."""

    state: ExplorerState

    @property
    def selected_labels(self) -> np.ndarray:
        """Class numbers of the selected faces, in the order of `selection`."""
        selected = self.state.selected
        return self.state.points.labels[selected[np.argsort(self.state.points.indices[selected])]]

    def share_right(self) -> dict[str, float]:
        """Method -> share of the selected faces that it classifies right (of the methods whose answers are known)."""
        return self.state.share_right()

    def neighbors(self, count: int = NEIGHBORS) -> pd.DataFrame:
        """The nearest faces to the focus, or to the middle of the selection, in the full space of every method shown.

        Returns:
            One row a (method, neighbor), the nearest first: `method`, `index`, `label`, `distance` (cosine) and
            `map_rank` (1: nearest on the map). Empty without a selection or without embeddings.
        """
        found = nearest(self.state.distances(), self.state.maps(), self.state.asked, count=count)
        return near_table(found, self.state.points.indices, self.state.points.labels)

    def moved_apart(self, count: int = NEIGHBORS) -> pd.DataFrame:
        """Faces among the 20 nearest in the first space that are beyond the 60 nearest in another.

        Returns:
            One row a (method, face), the farthest first: `method`, `index`, `label`, `before` and `after` (ranks).
        """
        found = moved_apart(self.state.distances(), self.state.asked, count)
        return moved_table(found, self.state.points.indices, self.state.points.labels)

    @property
    def trustworthiness(self) -> dict[str, float]:
        known = {name: self.state.quality(name) for name in self.state.methods}
        return {name: quality.trustworthiness for name, quality in known.items() if quality is not None}

    def map_of(self, method: str) -> np.ndarray:
        """float32 (N, 2): where the map shown has the points, in the order of `points`; on TCL's plane that are the
        roots of the squared distances.

        Raises:
            FerlabError: a space that is not there.
        """
        known = self.state.strengths.known
        if method not in known:
            raise FerlabError(f"There is no space {method!r}; choose one of: {', '.join(known)}.")
        return self.state.layouts.layout(*self.state.map_of(method))

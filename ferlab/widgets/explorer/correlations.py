"""Ad-Corre's picture of a space: which faces stand in it, their correlations, and what is said of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ferlab.methods import heads_of
from ferlab.palette import class_colors
from ferlab.projection import (
    PairHistograms,
    correlation_order,
    face_correlations,
    head_correlations,
    pair_histograms,
    split_heads,
)
from ferlab.texts import shortened
from ferlab.widgets.explorer.points import Points

KEPT = 12  # pictures, of two megabytes each


@dataclass(frozen=True)
class Block:
    """The rows of one class in the picture: where they begin, how many they are, and the class's name and color."""

    start: int
    count: int
    name: str
    color: str


@dataclass(frozen=True)
class Correlations:
    """One space after one epoch.

    Attributes:
        method: whose space.
        matrix: float array (n, n), sorted by class.
        histograms: of pairs of one class and of two.
        heads: float array (k, k) of the heads with each other; None with one head.
    """

    method: str
    matrix: np.ndarray
    histograms: PairHistograms
    heads: np.ndarray | None

    @property
    def note(self) -> str:
        """The means, in a line."""
        found = self.histograms
        parts = [f"one class {signed(found.same_mean)}", f"two classes {signed(found.other_mean)}"]
        if self.heads is not None:
            apart = self.heads[~np.eye(len(self.heads), dtype=bool)].mean()
            parts.append(f"two heads {signed(float(apart))}")
        return "mean correlation: " + ", ".join(parts)


class CorrelationFaces:
    """The faces that stand in the picture of some points: at most 500, sorted by class, the same ones in every space.

    Args:
        points: what the explorer shows.

    Attributes:
        order: int array (n,), positions among the points.
    """

    def __init__(self, points: Points) -> None:
        self.points = points
        self.order = correlation_order(points.labels, len(points.classes))
        self._found: dict[tuple[str, int], Correlations] = {}

    @cached_property
    def blocks(self) -> list[Block]:
        labels, colors = self.points.labels[self.order], class_colors(list(self.points.classes))
        found, start = [], 0
        for k, name in enumerate(self.points.classes):
            if count := int((labels == k).sum()):
                found.append(Block(start, count, shortened(name, 24), colors[k]))
                start += count
        return found

    def of(self, method: str, epoch: int) -> Correlations | None:
        """The correlations in a space after an epoch; None where its embeddings were not kept."""
        space = self.points.space(method, epoch)
        if space is None:
            return None
        key = (method, epoch)
        if key not in self._found:
            if len(self._found) >= KEPT:
                self._found.clear()
            # Rows of length 1 serve as well: a factor changes no correlation.
            vectors = split_heads(space[self.order], heads_of(method, space.shape[1]))
            matrix = face_correlations(vectors)
            pairs = pair_histograms(matrix, self.points.labels[self.order], bins=60)
            heads = head_correlations(vectors) if vectors.shape[1] > 1 else None
            self._found[key] = Correlations(method, matrix, pairs, heads)
        return self._found[key]

    def cell(self, row: object, column: object) -> tuple[int, int] | None:
        """The positions among the points of the two faces of a cell; None where the picture has no such cell."""
        rows = [at for at in (row, column) if isinstance(at, int) and 0 <= at < len(self.order)]
        return (int(self.order[rows[0]]), int(self.order[rows[1]])) if len(rows) == 2 else None

    def positions(self, spans: list[list[int]]) -> np.ndarray:
        """Positions among the points of the faces in some spans of rows, each from its first to before its last.

        A span that leaves the picture (a page may be late) counts as far as it lies in it.
        """
        rows = [np.arange(max(0, int(a)), min(len(self.order), int(b))) for a, b in spans]
        return np.unique(self.order[np.concatenate([*rows, np.empty(0, dtype=np.int64)]).astype(np.int64)])

    def rows_of(self, positions: np.ndarray) -> np.ndarray:
        """The rows in which some of the points stand; those that are not in the picture have none."""
        return np.flatnonzero(np.isin(self.order, positions))


def signed(value: float) -> str:
    """A correlation for people.

    >>> signed(-0.5), signed(float("nan"))
    ('−0.50', 'none')
    """
    return "none" if np.isnan(value) else f"{value:+.2f}".replace("-", "−")

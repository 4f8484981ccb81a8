"""What a map costs before it is computed: time and memory, estimated."""

from __future__ import annotations

from dataclasses import dataclass

from ferlab.projection.graph import PAIRS_AT_ONCE

# Measured on one core of a server of 2023, for maps of 2,000 to 12,000 points.
_SECONDS_A_PAIR, _SECONDS_A_PAIR_AND_DIMENSION, _SECONDS_A_POINT = 7.5e-9, 3e-11, 4.5e-4
_BYTES_A_POINT, _BYTES_A_NUMBER, _BYTES_A_PAIR = 6000, 40, 24
# What nobody waits for, or has free, without having been asked.
LONG, LARGE = 60.0, 2e9


@dataclass(frozen=True)
class MapCost:
    """What maps by UMAP take: seconds, and bytes of memory beside the embeddings."""

    seconds: float
    memory: float

    @property
    def is_high(self) -> bool:
        """Whether one should be asked before."""
        return self.seconds > LONG or self.memory > LARGE

    def __str__(self) -> str:
        """
        >>> print(MapCost(seconds=840, memory=2.24e9))
        about 14 minutes and 2.2 GB
        """
        minutes = self.seconds / 60
        time = f"{self.seconds:.0f} seconds" if minutes < 1.5 else f"{minutes:.0f} minutes"
        if minutes > 90:
            time = f"{minutes / 60:.1f} hours"
        return f"about {time} and {self.memory / 1e9:.1f} GB"


def map_cost(points: int, dimensions: int, maps: int = 1, densmap: bool = False) -> MapCost:
    """What :func:`ferlab.projection.aligned_layouts` or `epoch_layouts` will take.

    Neighbors are exact, so time grows with the square of the points. An estimate: within a factor of two or so, and
    other programs on the machine come on top.

    Args:
        points: N.
        dimensions: D, of the largest space.
        maps: how many spaces, of all epochs together; one more is made to begin from.
        densmap: as there.

    >>> map_cost(2000, 128).is_high, map_cost(200_000, 128).is_high
    (False, True)
    """
    pairs = float(points) ** 2
    each = pairs * (_SECONDS_A_PAIR + dimensions * _SECONDS_A_PAIR_AND_DIMENSION) + points * _SECONDS_A_POINT
    memory = min(pairs, PAIRS_AT_ONCE) * _BYTES_A_PAIR + points * (_BYTES_A_POINT + dimensions * _BYTES_A_NUMBER)
    factor = 2 if densmap else 1
    return MapCost(seconds=each * factor * (maps + 1), memory=memory * factor)

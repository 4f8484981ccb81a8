"""What a playground lets one read and set of its profiles."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from ferlab.errors import FerlabError
from ferlab.widgets.kit.turns import one_at_a_time
from ferlab.widgets.playground.checks import LIMIT, coordinates, number
from ferlab.widgets.playground.profiles import correlations
from ferlab.widgets.playground.profiles_scene import ProfilesScene


@one_at_a_time()
class OnProfiles:
    """Profiles, and the weights of the terms of their loss."""

    _profiles: ProfilesScene

    @abstractmethod
    def _tell(self) -> None:
        """Have the page drawn anew."""

    @property
    def profiles(self) -> np.ndarray:
        """(B, 2, 8): two heads of eight entries a face, what Ad-Corre works on."""
        return self._profiles.profiles.numpy().copy()

    @profiles.setter
    def profiles(self, value: ArrayLike) -> None:
        shape = tuple(self._profiles.profiles.shape)
        self._profiles.place({"profiles": coordinates(value, "profiles", shape)})
        self._tell()

    @property
    def profile_labels(self) -> np.ndarray:
        """(B,) class of every face with profiles, int64."""
        return self._profiles.labels.numpy().copy()

    @property
    def correlations(self) -> np.ndarray:
        """(2, B, B) correlations of the profiles, head by head."""
        return correlations(self._profiles.profiles.transpose(0, 1)).numpy()

    @property
    def term_weights(self) -> dict[str, float]:
        """Weights of the terms of a loss over heads, such as Ad-Corre's "FD", "MD" and "ED"."""
        return dict(self._profiles.weights)

    @term_weights.setter
    def term_weights(self, value: dict[str, float]) -> None:
        names = list(self._profiles.weights)
        if not isinstance(value, dict) or set(value) - set(names):
            raise FerlabError(f"term_weights must be a dictionary with {_or(names)}, but is {value!r}.")
        self._profiles.weigh(
            {name: number(weight, f"the weight of {name}", 0, LIMIT) for name, weight in value.items()}
        )
        self._tell()

    @property
    def selected_entry(self) -> tuple[int, int]:
        """Head and entry of the selected face whose possible losses are shown with Ad-Corre."""
        return self._profiles.entry

    @selected_entry.setter
    def selected_entry(self, value: tuple[int, int]) -> None:
        try:
            head, entry = value
        except (TypeError, ValueError):
            raise FerlabError(f"selected_entry must be a head and an entry, but is {value!r}.") from None
        self.choose(self._profiles.selected, head, entry)

    def choose(self, face: int, head: int, entry: int) -> None:
        """Look at one entry of a face.

        Raises:
            FerlabError: there is none.
        """
        self._profiles.choose(face, head, entry)
        self._tell()

    def move_entry(self, face: int, head: int, entry: int, to: float) -> None:
        """Look at one entry of a face, and move it.

        Raises:
            FerlabError: there is none, or it cannot go there.
        """
        self._profiles.choose(face, head, entry)
        moved = self.profiles
        moved[face, head, entry] = number(to, "the entry", -LIMIT, LIMIT)
        self.profiles = moved


def _or(names: list[str]) -> str:
    """Names in a sentence.

    >>> _or(["FD", "MD", "ED"])
    'FD, MD or ED'
    """
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

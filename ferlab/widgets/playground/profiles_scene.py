"""Profiles of faces with several heads, with a loss over heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ferlab.widgets.playground.checks import whole
from ferlab.widgets.playground.drawable import Drawable
from ferlab.widgets.playground.profiles import (
    MOST_CLASSES,
    ProfilesResult,
    can_be_weighed,
    deal_profiles,
    entry_levels,
    evaluate_profiles,
    profile_loss,
)
from ferlab.widgets.playground.scene import PlaygroundScene, learning_rate_slider, rounded, slider

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ProfilesScene(PlaygroundScene):
    """The profiles, and the weights of the loss's terms.

    Attributes:
        profiles: (B, k, D).
        labels: (B,).
        weights: factor of each term.
        entry: head and entry of the selected face that is looked at.
        result: the loss there.
    """

    kind = "profiles"

    def __init__(self, loss: Drawable) -> None:
        super().__init__(loss, learning_rate=2.0)
        self.entry = (0, 0)
        self.weights: dict[str, float] = {}
        self.profiles: Tensor
        self.labels: Tensor
        self.result: ProfilesResult
        self._start: tuple[Tensor, Tensor]

    @property
    def movable(self) -> dict[str, Tensor]:
        return {"profiles": self.profiles}

    @property
    def gradients(self) -> dict[str, Tensor]:
        return {"profiles": self.result.gradient}

    @property
    def value(self) -> float:
        return self.result.value

    @property
    def parts(self) -> dict[str, float]:
        return self.result.terms

    def deal(self, classes: tuple[str, ...], seed: int) -> None:
        """Begin anew with random profiles."""
        self.classes, self._start = classes, deal_profiles(len(classes), seed)
        self.selected, self.entry = 0, (0, 0)
        if not self.weights:
            self.weights = _own_weights(self.loss, len(classes), self._start[0].shape[2])
        self.reset()

    def reset(self) -> None:
        self.profiles, self.labels = self._start
        self._evaluate()

    def show(self, loss: Drawable) -> None:
        if loss.loss is not self.loss.loss:
            self.weights = _own_weights(loss, len(self.classes), self.profiles.shape[2])
        self.loss = loss
        self._evaluate()

    def place(self, moved: Mapping[str, Tensor]) -> None:
        self.profiles = moved["profiles"]
        self._evaluate()

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Other weights of some terms."""
        self.weights = self.weights | dict(weights)
        self._evaluate()

    def choose(self, face: int, head: int, entry: int) -> None:
        """Look at one entry; a FerlabError for one that is not there."""
        faces, heads, entries = self.profiles.shape
        self.entry = (whole(head, "head", 0, heads - 1), whole(entry, "entry", 0, entries - 1))
        self.selected = whole(face, "face", 0, faces - 1)

    def count(self) -> int:
        return len(self.profiles)

    def describe(self) -> dict[str, Any]:
        result, place = self.result, (self.selected, *self.entry)
        reach = max(2.2, 1.05 * float(self.profiles.abs().max()))
        levels = entry_levels(self.profiles, self.labels, self.loss, self.weights, place=place, reach=reach)
        words = self._words()
        return {
            "view": self.kind,
            "place": place,
            "reach": reach,
            "levels": rounded(levels, 5),
            "labels": self.labels.tolist(),
            "profiles": rounded(self.profiles),
            "gradient": rounded(result.gradient, 5),
            "gain": 4.0 * len(self.labels),
            "terms": [[name, words[name], term, self.weights[name]] for name, term in result.terms.items()],
            "correlations": rounded(result.correlations),
            "meanCorrelations": rounded(result.mean_correlations),
            "headCorrelations": rounded(result.head_correlations),
            "present": result.present,
            "note": self._note(),
            "sliders": self._sliders(),
        }

    def figure(self, title: str) -> Figure:
        # matplotlib's figures take long to import.
        from ferlab.widgets.playground.figure import profiles_figure

        return profiles_figure(self.profiles, self.labels, self.result, self.classes, title)

    def _evaluate(self) -> None:
        self.result = evaluate_profiles(self.profiles, self.labels, self.loss, self.weights)

    def _words(self) -> Mapping[str, str]:
        return profile_loss(self.loss, self.labels, self.weights).part_labels

    def _note(self) -> str:
        note = ""
        if len(self.classes) > 2 and can_be_weighed(self.loss):
            note = "More than two directions cannot all be opposite to one another: FD and MD stay above 0 here."
        if len(self.classes) > MOST_CLASSES:
            note = f"{MOST_CLASSES} of the {len(self.classes)} classes are shown, so that they can be read. {note}"
        return note

    def _sliders(self) -> list[dict[str, Any]]:
        """A weight for each term where the loss has such weights, and the learning rate."""
        terms = self._words() if can_be_weighed(self.loss) else {}
        weights = [
            slider(
                name, f"Weight of {name}", self.weights[name], low=0, high=3, step=0.05,
                about=f"Of the {words}; 0 switches it off",
            )
            for name, words in terms.items()
        ]  # fmt: skip
        return [*weights, learning_rate_slider(self.learning_rate)]


def _own_weights(loss: Drawable, num_classes: int, entries: int) -> dict[str, float]:
    """What the terms of a loss count by themselves."""
    return loss.build(num_classes, entries).part_weights()

"""Points, centers and a classifier on a plane, with a loss of single embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ferlab.widgets.playground.drawable import Drawable
from ferlab.widgets.playground.plane import (
    LevelSets,
    Plane,
    PlaneLoss,
    PlaneResult,
    PlaneSettings,
    evaluate_plane,
    explain,
    level_sets,
    sectors,
)
from ferlab.widgets.playground.scene import PlaygroundScene, learning_rate_slider, rounded, slider

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPANS = (5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0, 500.0, 1200.0)


class PlaneScene(PlaygroundScene):
    """What lies on the plane.

    Attributes:
        plane: where everything lies.
        settings: what the sliders say.
        result: the loss there.
        span: half the side of the plane that is drawn.
    """

    kind = "plane"

    def __init__(self, loss: Drawable, settings: PlaneSettings) -> None:
        super().__init__(loss, learning_rate=0.2)
        self.settings = settings
        self.span = SPANS[0]
        self.plane: Plane
        self.result: PlaneResult
        self._start: Plane

    @property
    def movable(self) -> dict[str, Tensor]:
        return self.plane.movable

    @property
    def gradients(self) -> dict[str, Tensor]:
        return self.result.gradients

    @property
    def value(self) -> float:
        return self.result.value

    @property
    def parts(self) -> dict[str, float]:
        return self.result.parts

    def deal(self, classes: tuple[str, ...], plane: Plane) -> None:
        """Begin anew with these points and centers."""
        self.classes, self._start, self.selected = classes, plane, 0
        self.reset()

    def reset(self) -> None:
        self.plane, self.span = self._start, SPANS[0]
        self._evaluate()

    def show(self, loss: Drawable) -> None:
        self.loss = loss
        self._evaluate()

    def place(self, moved: Mapping[str, Tensor]) -> None:
        self.plane = replace(self.plane, **moved)
        self._evaluate()

    def change(self, **settings: Any) -> None:
        """Move sliders."""
        self.settings = replace(self.settings, **settings)
        self._evaluate()

    def count(self) -> int:
        return len(self.plane.points)

    def describe(self) -> dict[str, Any]:
        plane, result, loss = self.plane, self.result, self._plane_loss()
        levels = self._levels()
        border = sectors(plane.classifier) if loss.uses_classifier else []
        return {
            "view": self.kind,
            "labels": plane.labels.tolist(),
            "positions": {name: rounded(plane.movable[name]) for name in loss.uses},
            "gradients": {name: rounded(result.gradients[name], 4) for name in loss.uses},
            "gain": arrow_gain(plane, loss),
            "losses": None if result.losses is None else rounded(result.losses),
            "open": result.open.tolist(),
            "parts": result.parts if len(result.parts) > 1 and self.settings.ce_weight else {},
            "hinge": result.negatives is not None,
            "negative": self._negative(),
            "lines": [[level, [rounded(line, 2) for line in lines]] for level, lines in levels.lines],
            "through": [rounded(line, 2) for line in levels.through],
            "above": [[rounded(ring, 2) for ring in rings] for rings in levels.above],
            "shut": [rounded(ring, 2) for ring in levels.shut],
            "sectors": [[round(start, 4), round(end, 4), k] for start, end, k in border],
            "span": self.span,
            "explanation": explain(plane, loss, result, selected=self.selected, classes=self.classes),
            "sliders": self._sliders(),
        }

    def figure(self, title: str) -> Figure:
        # matplotlib's figures take long to import.
        from ferlab.widgets.playground.figure import plane_figure

        loss = self._plane_loss()
        return plane_figure(
            self.plane,
            loss,
            self.result,
            self._levels(),
            selected=self.selected,
            span=self.span,
            gain=arrow_gain(self.plane, loss),
            classes=self.classes,
            title=title,
        )

    def _plane_loss(self) -> PlaneLoss:
        return PlaneLoss(self.loss, self.settings)

    def _evaluate(self) -> None:
        self.result = evaluate_plane(self.plane, self._plane_loss())

    def _levels(self) -> LevelSets:
        self.span = self._wide_enough()
        return level_sets(self.plane, self._plane_loss(), self.result, selected=self.selected, span=self.span)

    def _wide_enough(self) -> float:
        """It grows until everything has room, and shrinks on reset only."""
        reach = 1.15 * max(float(tensor.abs().max()) for tensor in self.plane.movable.values())
        return next(span for span in SPANS if span >= max(self.span, min(reach, SPANS[-1])))

    def _negative(self) -> dict[str, Any] | None:
        """Where the negative of the selected point lies, and what it is made of."""
        if self.result.negatives is None:
            return None
        of_entries = self.result.negatives[self.selected]
        first, second = (self.classes[k] for k in of_entries.tolist())
        return {
            "at": rounded(self.plane.centers.gather(0, of_entries[None])[0]),
            "of": of_entries.tolist(),
            "where": f"the center of {first}" if first == second else f"x of {first}, y of {second}",
        }

    def _sliders(self) -> list[dict[str, Any]]:
        """Those that the loss has a use for."""
        settings, sliders = self.settings, []
        if self.loss.has_margin:
            about = "In squared distance"
            sliders.append(slider("margin", "Margin m", settings.margin, low=0, high=20, step=0.1, about=about))
        if self.loss.has_candidates:
            most, about = len(self.classes) - 1, "Nearest centers of other classes that may give a coordinate"
            sliders.append(
                slider("candidates", "Candidates", settings.candidates, low=1, high=most, step=1, about=about)
            )
        if self.loss.loss is not None:
            about = "Cross-entropy times this is added to the loss"
            sliders.append(
                slider("ce_weight", "CE weight λ", settings.ce_weight, low=0, high=5, step=0.05, about=about)
            )
        if self._plane_loss().uses_classifier:
            sliders.append(
                slider(
                    "temperature", "Temperature", settings.temperature, low=0.1, high=10, step=0.05,
                    about="Divides the logits: low is sharp, high is soft", log=True,
                )
            )  # fmt: skip
        return [*sliders, learning_rate_slider(self.learning_rate)]


def arrow_gain(plane: Plane, loss: PlaneLoss) -> float:
    """How much longer than the negative gradient its arrows are, so that they can be seen and fit."""
    return len(plane.points) / (4 if loss.drawable.has_centers else 1)

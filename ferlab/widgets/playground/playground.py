"""A plane of points that one drags, to feel what a loss wants of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.palette import class_colors
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.kit.turns import one_at_a_time
from ferlab.widgets.playground.checks import LIMIT, class_names, coordinates, number, point_labels, whole
from ferlab.widgets.playground.descent import MOVABLE, Descent
from ferlab.widgets.playground.drawable import drawable_methods, find_drawable
from ferlab.widgets.playground.on_plane import OnPlane
from ferlab.widgets.playground.on_profiles import OnProfiles
from ferlab.widgets.playground.page import Page
from ferlab.widgets.playground.plane import Plane, PlaneSettings, deal_plane
from ferlab.widgets.playground.plane_scene import PlaneScene
from ferlab.widgets.playground.profiles_scene import ProfilesScene
from ferlab.widgets.playground.scene import PlaygroundScene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
MOST_POINTS = 70
FIRST_OF_PROFILES = "ad-corre"  # what the profiles are seen with before a loss over heads is chosen


@one_at_a_time()
class LossPlayground(OnPlane, OnProfiles, anywidget.AnyWidget):
    """Draggable embeddings and class centers, with the loss, its gradient and its level sets live beside them.

    Points and centers lie on a plane; a loss over heads such as Ad-Corre, whose correlations need more than two
    entries, gets profiles of eight entries instead. Everything shown is computed by the classes of `ferlab.losses` and
    by autograd.

    What is moved on the page is what the attributes say, and setting them moves what is on the page. While it plays,
    the page asks for one step of gradient descent after the other; so nothing moves where nobody looks.

    Args:
        loss: name of a method whose loss can be drawn, such as "ce", "center", "tcl-nearest", "tcl-fully-synthesized",
            "tcl-semi-synthesized", "tcl-predicted" or "ad-corre"; "pml:NAME" for a loss of pytorch-metric-learning
            without weights of its own. A strength behind it ("center@2") multiplies it.
        points: (N, 2) embeddings, together with `labels`; random ones otherwise.
        labels: (N,), 0..K-1.
        centers: (K, 2); random ones otherwise.
        classes: the number of classes, 2 to 7, or their names.
        points_per_class: of the random points.
        margin: of TCL, in squared distance.
        candidates: of the semi-synthesized negative.
        temperature: divides the logits of the linear classifier.
        ce_weight: cross-entropy times this is added to every other loss on the plane.
        seed: of the random points and centers.

    Attributes:
        points: (N, 2) embeddings on the plane; can be set, as all that follow unless said otherwise.
        labels: (N,) class of every point.
        centers: (K, 2) class centers.
        classifier: (K, 2) weight vectors of the linear classifier that gives the logits.
        margin, candidates, temperature, ce_weight: as above.
        losses: (N,) loss of every point; None where the loss compares points, as Ad-Corre does. Cannot be set.
        negatives: (N, 2) negative of every point; None where the loss has none. Cannot be set.
        negative_classes: (N, 2) class of the center that gives each coordinate of the negative. Cannot be set.
        profiles: (B, 2, 8), two heads of eight entries a face, what Ad-Corre works on.
        profile_labels: (B,) class of every face with profiles. Cannot be set.
        correlations: (2, B, B) correlations of the profiles, head by head. Cannot be set.
        term_weights: weights of the terms of a loss over heads, such as Ad-Corre's "FD", "MD" and "ED".
        selected_entry: head and entry of the selected face whose possible losses are shown.

    Raises:
        FerlabError: arguments that do not fit together; the sentence says which and what to do.

    Example:
        >>> playground = LossPlayground("tcl-nearest", margin=2.0)
        >>> playground.points.shape, playground.centers.shape
        ((12, 2), (3, 2))
        >>> before = playground.value
        >>> playground.step(10)
        >>> playground.value < before
        True
    """

    _esm = "\n".join(
        (HERE / f"{part}.js").read_text("utf-8")
        for part in ("../kit/shapes", "tools", "plane", "profiles", "playground")
    )
    _css = HERE / "playground.css"
    # All that the page shows. It answers with messages only (see page.py), so there is one way in and one way out.
    _scene = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        loss: str = "tcl-nearest",
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        centers: ArrayLike | None = None,
        classes: int | Sequence[str] = 3,
        points_per_class: int = 4,
        margin: float = 4.0,
        candidates: int = 2,
        temperature: float = 1.0,
        ce_weight: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._turn = threading.RLock()
        super().__init__()
        self._classes = class_names(classes)
        self._points_per_class = whole(points_per_class, "points_per_class", 1, MOST_POINTS // len(self._classes))
        self._seed = whole(seed, "seed", 0, 2**31)
        settings = PlaneSettings(
            margin=number(margin, "margin", 0, LIMIT),
            candidates=whole(candidates, "candidates", 1, len(CLASSES)),
            temperature=number(temperature, "temperature", 0.01, 100),
            ce_weight=number(ce_weight, "ce_weight", 0, LIMIT),
        )
        chosen = find_drawable(loss)
        self._plane = PlaneScene(find_drawable("ce") if chosen.takes_heads else chosen, settings)
        self._profiles = ProfilesScene(chosen if chosen.takes_heads else find_drawable(FIRST_OF_PROFILES))
        self._shown: PlaygroundScene = self._profiles if chosen.takes_heads else self._plane
        self._descent = Descent()
        self._page = Page(self, self._descent, turn=self._turn, tell=self._tell)
        self._deal(_with_given(self._random_plane(), points, labels, centers))
        self._page.channel.listen(self)

    # ---- state ---------------------------------------------------------------------------------------------------

    @property
    def loss(self) -> str:
        """Name of the loss; setting it keeps points and centers."""
        return self._shown.loss.name

    @loss.setter
    def loss(self, value: str) -> None:
        chosen = find_drawable(value)
        self._shown = self._profiles if chosen.takes_heads else self._plane
        self._shown.show(chosen)
        self._descent.begin()
        self._tell()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return self._classes

    @property
    def num_classes(self) -> int:
        """K, 2 to 7; setting another number deals new points."""
        return len(self._classes)

    @num_classes.setter
    def num_classes(self, value: int) -> None:
        self._classes = class_names(whole(value, "num_classes", 2, len(CLASSES)))
        self._points_per_class = min(self._points_per_class, MOST_POINTS // len(self._classes))
        self._deal(self._random_plane())

    @property
    def learning_rate(self) -> float:
        """Of gradient descent; the plane and the profiles have one each."""
        return self._shown.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._shown.learning_rate = number(value, "learning_rate", 1e-6, LIMIT)
        self._tell()

    @property
    def moving(self) -> tuple[str, ...]:
        """What gradient descent moves on the plane: any of "points", "centers", "classifier"."""
        return tuple(name for name in MOVABLE if name in self._descent.moving)

    @moving.setter
    def moving(self, value: Iterable[str]) -> None:
        names = frozenset([value] if isinstance(value, str) else value)
        if names - set(MOVABLE):
            raise FerlabError(f"moving may name {', '.join(MOVABLE)}, but names {sorted(names - set(MOVABLE))[0]!r}.")
        self._descent.moving = names
        self._tell()

    @property
    def selected(self) -> int:
        """The point (with Ad-Corre the face) that is looked at closely; first the one with the largest loss."""
        return self._shown.selected

    @selected.setter
    def selected(self, value: int) -> None:
        self._shown.selected = whole(value, "selected", 0, self._shown.count() - 1)
        self._tell()

    # ---- results -------------------------------------------------------------------------------------------------

    @property
    def value(self) -> float:
        """The loss."""
        return self._shown.value

    @property
    def parts(self) -> dict[str, float]:
        """The terms of the loss before their weights; with Ad-Corre "FD", "MD" and "ED"."""
        return dict(self._shown.parts)

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """Gradient of the loss: of "points", "centers" and "classifier", or with Ad-Corre of "profiles"."""
        return {name: gradient.numpy().copy() for name, gradient in self._shown.gradients.items()}

    @property
    def history(self) -> list[float]:
        """The loss before each of the last steps since the last reset or change of the loss, and the loss now."""
        return self._descent.history(self._shown)

    @property
    def steps(self) -> int:
        """Steps of gradient descent since the last reset or change of the loss."""
        return self._descent.steps

    @property
    def playing(self) -> bool:
        """Whether the page asks for one step after the other."""
        return self._descent.playing

    # ---- what one does with it -----------------------------------------------------------------------------------

    def play(self) -> None:
        """Let gradient descent run while the widget is shown; it pauses where nothing moves any more."""
        self._descent.playing, self._descent.message = True, ""
        self._tell()

    def pause(self) -> None:
        """Stop after the step that is on its way."""
        self._descent.playing = False
        self._tell()

    def step(self, n: int = 1) -> None:
        """`n` steps of gradient descent: everything in `moving` goes by -learning_rate * gradient."""
        for _ in range(whole(n, "n", 1, 100_000)):
            if not self._descent.step(self._shown):
                break
        self._tell()

    def reset(self) -> None:
        """Back to the first points, centers and profiles; loss and sliders stay."""
        self._plane.reset()
        self._profiles.reset()
        self._descent.playing = False
        self._descent.begin()
        self._tell()

    def shuffle(self) -> None:
        """Deal other random points, centers and profiles."""
        self._seed += 1
        self._deal(self._random_plane())

    def figure(self) -> Figure:
        """What is shown, as a static matplotlib figure."""
        return self._shown.figure(f"{self._shown.loss.words.title}: {self.value:.3f}")

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and beside it a picture for places that show no widgets."""
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        return f"LossPlayground({self.loss!r}, {self.num_classes} classes, loss {self.value:.4g})"

    # ---- inside --------------------------------------------------------------------------------------------------

    def _random_plane(self) -> Plane:
        return deal_plane(self.num_classes, self._points_per_class, self._seed)

    def _deal(self, plane: Plane) -> None:
        self._plane.deal(self._classes, plane)
        self._profiles.deal(self._classes, self._seed)
        if self._shown is self._plane:
            self._plane.selected = self._plane.result.loudest()
        self.reset()

    def _tell(self) -> None:
        """The page draws what stands in `_scene`."""
        shown, descent = self._shown, self._descent
        self._scene = {
            "loss": self.loss,
            "losses_to_choose": list({**drawable_methods(), self.loss: shown.loss.words.title}.items()),
            "about": shown.loss.words.about,
            "classes": self._classes,
            "colors": class_colors(list(self._classes)),
            "value": self.value,
            "selected": self.selected,
            "playing": descent.playing,
            "steps": descent.steps,
            "message": descent.message,
            "reply": self._page.answer(),
            "history": [round(value, 5) for value in self.history],
            "moving": self.moving,
            **shown.describe(),
        }


def _with_given(plane: Plane, points: ArrayLike | None, labels: ArrayLike | None, centers: ArrayLike | None) -> Plane:
    """A plane with those points and centers that are given."""
    if (points is None) != (labels is None):
        raise FerlabError("points and labels belong together: give both, or neither for random ones.")
    if points is not None:
        placed = coordinates(points, "points", (None, 2))
        if not 1 <= len(placed) <= MOST_POINTS:
            raise FerlabError(f"Give 1 to {MOST_POINTS} points; got {len(placed)}.")
        plane = replace(plane, points=placed, labels=point_labels(labels, len(placed), len(plane.centers)))
    if centers is not None:
        plane = replace(plane, centers=coordinates(centers, "centers", (len(plane.centers), 2)))
    return plane

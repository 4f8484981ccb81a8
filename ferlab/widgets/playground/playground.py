"""A plane of points that one drags, to feel what a loss wants of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets

from ferlab.data.classes import CLASSES
from ferlab.errors import FerlabError
from ferlab.palette import class_colors
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.kit.turns import one_at_a_time
from ferlab.widgets.playground import plane as on_plane
from ferlab.widgets.playground import profiles as on_profiles
from ferlab.widgets.playground import scene

HERE = Path(__file__).parent
MOVABLE = ("points", "centers", "classifier")
MOST_POINTS = 70
SPANS = (5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0, 500.0, 1200.0)
HISTORY = 400  # values kept for the curve


@one_at_a_time()
class LossPlayground(anywidget.AnyWidget):
    """Draggable embeddings and class centers, with the loss, its gradient and its level sets live beside them.

    Points and centers lie on a plane; Ad-Corre, whose correlations need more than two entries, gets profiles of
    eight entries instead. Everything shown is computed by the classes of `ferlab.losses` and by autograd.

    What is moved on the page is what the attributes say, and setting them moves what is on the page. While it plays,
    the page asks for one step of gradient descent after the other; so nothing moves where nobody looks.

    Args:
        loss: one of "ce", "center", "tcl-nearest", "tcl-fully-synthesized", "tcl-semi-synthesized", "tcl-predicted",
            "ad-corre".
        points: (N, 2) embeddings, together with `labels`; random ones otherwise.
        labels: (N,), 0..K-1.
        centers: (K, 2); random ones otherwise.
        classes: the number of classes, 2 to 7, or their names.
        points_per_class: of the random points.
        margin: of TCL, in squared distance.
        candidates: of the semi-synthesized negative.
        temperature: divides the logits of the linear classifier.
        ce_weight: cross-entropy times this is added to center loss and TCL.
        seed: of the random points and centers.

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

    _esm = "\n".join((HERE / f"{part}.js").read_text("utf-8") for part in ("tools", "plane", "profiles", "playground"))
    _css = HERE / "playground.css"
    # All that the page shows. It answers with messages only (see _answer), so there is one way in and one way out.
    _scene = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        loss: str = "tcl-nearest",
        points: Sequence | None = None,
        labels: Sequence | None = None,
        centers: Sequence | None = None,
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
        self._classes = _class_names(classes)
        self._points_per_class = _whole(points_per_class, "points_per_class", 1, MOST_POINTS // len(self._classes))
        self._seed = _whole(seed, "seed", 0, 2**31)
        self._settings = on_plane.PlaneSettings(
            margin=_number(margin, "margin", 0, on_plane.LIMIT),
            candidates=_whole(candidates, "candidates", 1, len(CLASSES)),
            temperature=_number(temperature, "temperature", 0.01, 100),
            ce_weight=_number(ce_weight, "ce_weight", 0, on_plane.LIMIT),
        )
        self._weights = {"FD": 1.0, "MD": 1.0, "ED": 1.0}
        self._rates = {"plane": 0.2, "profiles": 2.0}
        self._moving = frozenset(MOVABLE)
        self._playing = False
        self._message = ""
        self._reply: list = []
        self._loss = _choice(loss, "loss", scene.LOSSES)
        self._deal(points, labels, centers)
        self.on_msg(self._answer)

    # ---- state ---------------------------------------------------------------------------------------------------

    @property
    def loss(self) -> str:
        """Name of the loss; setting it keeps points and centers."""
        return self._loss

    @loss.setter
    def loss(self, value: str) -> None:
        self._loss = _choice(value, "loss", scene.LOSSES)
        self._forget()
        self._update()

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
        self._classes = _class_names(_whole(value, "num_classes", 2, len(CLASSES)))
        self._points_per_class = min(self._points_per_class, MOST_POINTS // len(self._classes))
        self._deal()

    @property
    def points(self) -> np.ndarray:
        """(N, 2) embeddings on the plane."""
        return self._plane.points.numpy().copy()

    @points.setter
    def points(self, value: Sequence) -> None:
        self._place("points", _coordinates(value, "points", tuple(self._plane.points.shape)))

    @property
    def labels(self) -> np.ndarray:
        """(N,) class of every point, int64."""
        return self._plane.labels.numpy().copy()

    @labels.setter
    def labels(self, value: Sequence) -> None:
        self._plane = replace(self._plane, labels=_labels(value, len(self._plane.points), self.num_classes))
        self._update()

    @property
    def centers(self) -> np.ndarray:
        """(K, 2) class centers."""
        return self._plane.centers.numpy().copy()

    @centers.setter
    def centers(self, value: Sequence) -> None:
        self._place("centers", _coordinates(value, "centers", tuple(self._plane.centers.shape)))

    @property
    def classifier(self) -> np.ndarray:
        """(K, 2) weight vectors of the linear classifier that gives the logits."""
        return self._plane.classifier.numpy().copy()

    @classifier.setter
    def classifier(self, value: Sequence) -> None:
        self._place("classifier", _coordinates(value, "classifier", tuple(self._plane.classifier.shape)))

    @property
    def profiles(self) -> np.ndarray:
        """(B, 2, 8): two heads of eight entries a face, what Ad-Corre works on."""
        return self._profiles.numpy().copy()

    @profiles.setter
    def profiles(self, value: Sequence) -> None:
        self._profiles = _coordinates(value, "profiles", tuple(self._profiles.shape))
        self._update()

    @property
    def profile_labels(self) -> np.ndarray:
        """(B,) class of every face with profiles, int64."""
        return self._profile_labels.numpy().copy()

    @property
    def margin(self) -> float:
        """Margin of TCL, in squared distance."""
        return self._settings.margin

    @margin.setter
    def margin(self, value: float) -> None:
        self._set(margin=_number(value, "margin", 0, on_plane.LIMIT))

    @property
    def candidates(self) -> int:
        """Centers that may give a coordinate to the semi-synthesized negative."""
        return self._settings.candidates

    @candidates.setter
    def candidates(self, value: int) -> None:
        self._set(candidates=_whole(value, "candidates", 1, len(CLASSES)))

    @property
    def temperature(self) -> float:
        """Divides the logits."""
        return self._settings.temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._set(temperature=_number(value, "temperature", 0.01, 100))

    @property
    def ce_weight(self) -> float:
        """Weight of the cross-entropy that is added to center loss and TCL."""
        return self._settings.ce_weight

    @ce_weight.setter
    def ce_weight(self, value: float) -> None:
        self._set(ce_weight=_number(value, "ce_weight", 0, on_plane.LIMIT))

    @property
    def term_weights(self) -> dict[str, float]:
        """Weights of Ad-Corre's terms, "FD", "MD" and "ED"."""
        return dict(self._weights)

    @term_weights.setter
    def term_weights(self, value: dict[str, float]) -> None:
        if not isinstance(value, dict) or set(value) - set(self._weights):
            raise FerlabError(f"term_weights must be a dictionary with FD, MD or ED, but is {value!r}.")
        changed = {name: _number(weight, f"the weight of {name}", 0, on_plane.LIMIT) for name, weight in value.items()}
        self._weights = self._weights | changed
        self._update()

    @property
    def learning_rate(self) -> float:
        """Of gradient descent; the plane and the profiles have one each."""
        return self._rates[self._view]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rates[self._view] = _number(value, "learning_rate", 1e-6, on_plane.LIMIT)
        self._update()

    @property
    def moving(self) -> tuple[str, ...]:
        """What gradient descent moves on the plane: any of "points", "centers", "classifier"."""
        return tuple(name for name in MOVABLE if name in self._moving)

    @moving.setter
    def moving(self, value: Iterable[str]) -> None:
        names = frozenset([value] if isinstance(value, str) else value)
        if names - set(MOVABLE):
            raise FerlabError(f"moving may name {', '.join(MOVABLE)}, but names {sorted(names - set(MOVABLE))[0]!r}.")
        self._moving = names
        self._update()

    @property
    def selected(self) -> int:
        """The point (with Ad-Corre the face) that is looked at closely; first the one with the largest loss."""
        return self._selected[self._view]

    @selected.setter
    def selected(self, value: int) -> None:
        there = len(self._plane.points if self._view == "plane" else self._profiles)
        self._selected[self._view] = _whole(value, "selected", 0, there - 1)
        self._update()

    @property
    def selected_entry(self) -> tuple[int, int]:
        """Head and entry of the selected face whose possible losses are shown with Ad-Corre."""
        return self._entry

    @selected_entry.setter
    def selected_entry(self, value: tuple[int, int]) -> None:
        try:
            head, entry = value
        except (TypeError, ValueError):
            raise FerlabError(f"selected_entry must be a head and an entry, but is {value!r}.") from None
        self._choose(self._selected["profiles"], head, entry)
        self._tell()

    # ---- results -------------------------------------------------------------------------------------------------

    @property
    def value(self) -> float:
        """The loss."""
        return self._result.value

    @property
    def parts(self) -> dict[str, float]:
        """The terms of the loss before their weights; with Ad-Corre "FD", "MD" and "ED"."""
        return dict(self._result.parts if self._view == "plane" else self._result.terms)

    @property
    def losses(self) -> np.ndarray | None:
        """(N,) loss of every point, whose mean is `value`; None with Ad-Corre, which compares pairs."""
        return self._result.losses.numpy().copy() if self._view == "plane" else None

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """Gradient of the loss: of "points", "centers" and "classifier", or with Ad-Corre of "profiles"."""
        if self._view == "profiles":
            return {"profiles": self._result.gradient.numpy().copy()}
        return {name: gradient.numpy().copy() for name, gradient in self._result.gradients.items()}

    @property
    def negatives(self) -> np.ndarray | None:
        """(N, 2) negative of every point; None where the loss has none."""
        classes = self.negative_classes
        return None if classes is None else np.take_along_axis(self.centers, classes, axis=0)

    @property
    def negative_classes(self) -> np.ndarray | None:
        """(N, 2) class of the center that gives each coordinate of the negative; None where the loss has none."""
        if self._view == "profiles" or self._result.negatives is None:
            return None
        return self._result.negatives.numpy().copy()

    @property
    def correlations(self) -> np.ndarray:
        """(2, B, B) correlations of the profiles, head by head."""
        return on_profiles.evaluate_profiles(self._profiles, self._profile_labels, self._weights).correlations.numpy()

    @property
    def history(self) -> list[float]:
        """The loss before each of the last steps since the last reset or change of the loss, and the loss now."""
        return [*self._history, self.value]

    # ---- what one does with it -----------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether the page asks for one step after the other."""
        return self._playing

    def play(self) -> None:
        """Let gradient descent run while the widget is shown; it pauses where nothing moves any more."""
        self._playing, self._message = True, ""
        self._update()

    def pause(self) -> None:
        """Stop after the step that is on its way."""
        self._playing = False
        self._update()

    def step(self, n: int = 1) -> None:
        """`n` steps of gradient descent: everything in `moving` goes by -learning_rate * gradient."""
        self._message = ""
        for _ in range(_whole(n, "n", 1, 100_000)):
            if not self._step_once():
                break
        self._tell()

    def reset(self) -> None:
        """Back to the first points, centers and profiles; loss and sliders stay."""
        self._plane, self._profiles, self._profile_labels = self._start
        self._span, self._playing = SPANS[0], False
        self._forget()
        self._update()

    def shuffle(self) -> None:
        """Deal other random points, centers and profiles."""
        self._seed += 1
        self._deal()

    # ---- inside --------------------------------------------------------------------------------------------------

    @property
    def _view(self) -> str:
        return "profiles" if self._loss == scene.AD_CORRE else "plane"

    @property
    def _plane_settings(self) -> on_plane.PlaneSettings:
        return replace(self._settings, loss=self._loss)

    def _deal(
        self, points: Sequence | None = None, labels: Sequence | None = None, centers: Sequence | None = None
    ) -> None:
        k = self.num_classes
        plane = on_plane.deal_plane(k, self._points_per_class, self._seed)
        if (points is None) != (labels is None):
            raise FerlabError("points and labels belong together: give both, or neither for random ones.")
        if points is not None:
            placed = _coordinates(points, "points", (None, 2))
            if not 1 <= len(placed) <= MOST_POINTS:
                raise FerlabError(f"Give 1 to {MOST_POINTS} points; got {len(placed)}.")
            plane = replace(plane, points=placed, labels=_labels(labels, len(placed), k))
        if centers is not None:
            plane = replace(plane, centers=_coordinates(centers, "centers", (k, 2)))
        self._start = (plane, *on_profiles.deal_profiles(k, self._seed))
        self._selected = {"plane": 0, "profiles": 0}
        self._entry = (0, 0)
        if self._view == "plane":
            # The point that has most to tell.
            self._selected["plane"] = int(on_plane.evaluate(plane, self._plane_settings).losses.argmax())
        self.reset()

    def _forget(self) -> None:
        """Another descent begins."""
        self._steps, self._message = 0, ""
        self._history: list[float] = []

    def _choose(self, face: int, head: int, entry: int) -> None:
        faces, heads, entries = self._profiles.shape
        self._entry = (_whole(head, "head", 0, heads - 1), _whole(entry, "entry", 0, entries - 1))
        self._selected["profiles"] = _whole(face, "face", 0, faces - 1)

    def _set(self, **changed: Any) -> None:
        self._settings = replace(self._settings, **changed)
        self._update()

    def _place(self, name: str, tensor: torch.Tensor) -> None:
        self._plane = replace(self._plane, **{name: tensor})
        self._update()

    def _evaluate(self) -> on_plane.PlaneResult | on_profiles.ProfilesResult:
        if self._view == "profiles":
            return on_profiles.evaluate_profiles(self._profiles, self._profile_labels, self._weights)
        return on_plane.evaluate(self._plane, self._plane_settings)

    def _step_once(self) -> bool:
        """One step; False, with a sentence, where there is none to take."""
        if self._view == "profiles":
            before = {"profiles": self._profiles}
            gradients, moving = {"profiles": self._result.gradient}, {"profiles"}
        else:
            before, gradients, moving = self._plane.movable, self._result.gradients, self._moving
        after = {name: before[name] - self.learning_rate * gradients[name] for name in moving}
        if not all(bool((tensor.abs() <= on_plane.LIMIT).all()) for tensor in after.values()):
            return self._stop("The steps ran out of bounds. Choose a smaller learning rate, then press Reset.")
        if all(torch.equal(before[name], after[name]) for name in after):
            return self._stop("The gradient is zero: nothing moves any more.")
        self._history = [*self._history, self.value][-HISTORY:]
        self._steps += 1
        if self._view == "profiles":
            self._profiles = after["profiles"]
        else:
            self._plane = replace(self._plane, **after)
        self._result = self._evaluate()
        return True

    def _stop(self, message: str) -> bool:
        self._playing, self._message = False, message
        return False

    def _update(self) -> None:
        self._result = self._evaluate()
        self._tell()

    def _tell(self) -> None:
        """The page draws what stands in `_scene`."""
        common = {
            "loss": self._loss, "losses_to_choose": list(scene.LOSSES.items()), "about": scene.ABOUT[self._loss],
            "classes": self._classes, "colors": class_colors(list(self._classes)), "value": self._result.value,
            "selected": self.selected, "playing": self._playing, "steps": self._steps, "message": self._message,
            "reply": self._reply, "history": [round(value, 5) for value in self.history], "moving": self.moving,
        }  # fmt: skip
        if self._view == "profiles":
            sliders = scene.profiles_sliders(self._weights, self.learning_rate)
            place = (self.selected, *self._entry)
            shown = scene.profiles_scene(
                self._profiles, self._profile_labels, self._result, self._weights, place, self.num_classes
            )
        else:
            settings, plane = self._plane_settings, self._plane
            self._span = self._wide_enough()
            levels = on_plane.level_sets(plane, settings, self._result, self.selected, self._span)
            sliders = scene.plane_sliders(settings, self.num_classes, self.learning_rate)
            border = on_plane.sectors(plane.classifier) if settings.uses_classifier else []
            shown = scene.plane_scene(plane, settings, self._result, levels, self.selected, border, self._classes)
            shown["span"] = self._span
            shown["explanation"] = on_plane.explain(plane, settings, self._result, self.selected, self._classes)
        self._scene = {**common, **shown, "sliders": sliders}

    def _wide_enough(self) -> float:
        """Half the side of the plane: it grows until everything has room, and shrinks on reset only."""
        reach = 1.15 * max(float(tensor.abs().max()) for tensor in self._plane.movable.values())
        return next(span for span in SPANS if span >= max(self._span, min(reach, SPANS[-1])))

    def _answer(self, widget: LossPlayground, content: dict, buffers: list) -> None:
        """What the page asks for; every message is answered by a scene that carries its number."""
        self._reply = [content.get("from"), content.get("number")]
        if content.get("do") != "tick":
            self._message = ""
        try:
            self._do(content)
        except FerlabError as error:
            self._message = str(error)
        if self._scene["reply"] != self._reply or self._scene["message"] != self._message:
            self._update()

    def _do(self, content: dict) -> None:
        match content:
            case {"do": "tick", "steps": at}:
                # Of several pages that show the same playground, the first one to ask gets the step.
                if self._playing and at == self._steps:
                    self.step()
            case {"do": "move", "what": "points" | "centers" | "classifier" as what, "index": index, "to": to}:
                moved = getattr(self, what)
                moved[_whole(index, "index", 0, len(moved) - 1)] = to
                setattr(self, what, moved)
            case {"do": "entry", "face": face, "head": head, "entry": entry, "to": to}:
                self._choose(face, head, entry)
                moved = self.profiles
                moved[face, head, entry] = to
                self.profiles = moved
            case {"do": "choose", "face": face, "head": head, "entry": entry}:
                self._choose(face, head, entry)
                self._tell()
            case {"do": "set", "name": "FD" | "MD" | "ED" as name, "value": value}:
                self.term_weights = {name: value}
            case {"do": "set", "name": name, "value": value} if name in _FROM_PAGE:
                setattr(self, name, value)
            case {"do": "step" | "play" | "pause" | "reset" | "shuffle" as name}:
                getattr(self, name)()

    # ---- without a page ------------------------------------------------------------------------------------------

    def figure(self):
        """What is shown, as a static matplotlib figure."""
        from ferlab.widgets.playground.figure import plane_figure, profiles_figure

        title = f"{scene.LOSSES[self._loss]}: {self.value:.3f}"
        if self._view == "profiles":
            return profiles_figure(self._profiles, self._profile_labels, self._result, self._classes, title)
        settings = self._plane_settings
        levels = on_plane.level_sets(self._plane, settings, self._result, self.selected, self._span)
        return plane_figure(
            self._plane, settings, self._result, levels, self.selected, self._span, self._classes, title
        )

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it a picture for places that show no widgets."""
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        return f"LossPlayground({self._loss!r}, {self.num_classes} classes, loss {self.value:.4g})"


# What a control of the page may set.
_FROM_PAGE = frozenset(
    {"loss", "num_classes", "selected", "margin", "candidates", "temperature", "ce_weight", "learning_rate", "moving"}
)


def _choice(value: str, name: str, options: Iterable[str]) -> str:
    if value not in options:
        raise FerlabError(f"There is no {name} {value!r}; choose one of: {', '.join(options)}.")
    return value


def _number(value: float, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise FerlabError(f"{name} must be a number from {low:g} to {high:g}, but is {value!r}.")
    return float(value)


def _whole(value: int, name: str, low: int, high: int) -> int:
    number = _number(value, name, low, high)
    if number != math.floor(number):
        raise FerlabError(f"{name} must be a whole number, but is {value!r}.")
    return int(number)


def _class_names(classes: int | Sequence[str]) -> tuple[str, ...]:
    if isinstance(classes, int):
        return CLASSES[: _whole(classes, "classes", 2, len(CLASSES))]
    names = tuple(classes)
    if isinstance(classes, str) or not 2 <= len(set(names)) == len(names) <= len(CLASSES):
        raise FerlabError(f"classes must be 2 to {len(CLASSES)} different names or their number, but is {classes!r}.")
    return names


def _coordinates(value: Sequence, name: str, shape: tuple[int | None, ...]) -> torch.Tensor:
    expected = "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise FerlabError(f"{name} must be numbers of shape {expected}.") from None
    if array.ndim != len(shape) or any(size not in (None, have) for size, have in zip(shape, array.shape, strict=True)):
        raise FerlabError(f"{name} must have shape {expected}, but has {array.shape}.")
    if not (np.abs(array) <= on_plane.LIMIT).all():
        raise FerlabError(f"{name} must be finite and lie within ±{on_plane.LIMIT:g}.")
    return torch.from_numpy(array)


def _labels(value: Sequence, points: int, num_classes: int) -> torch.Tensor:
    array = np.asarray(value)
    if array.shape != (points,) or array.dtype.kind not in "iu":
        raise FerlabError(f"labels must be whole numbers of shape ({points},), one for each point.")
    if array.min() < 0 or array.max() >= num_classes:
        raise FerlabError(
            f"labels must lie in 0..{num_classes - 1} for {num_classes} classes; give more classes, or other labels."
        )
    return torch.from_numpy(array.astype(np.int64))

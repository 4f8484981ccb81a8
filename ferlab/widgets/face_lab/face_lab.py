"""A face that one moves, and where it goes in the trained spaces."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from ferlab.arguments import check_cap
from ferlab.data.decoding import MEGAPIXELS
from ferlab.data.photos import crop_face, read_photo
from ferlab.errors import FerlabError
from ferlab.methods import method_label
from ferlab.rendering import ACTION_UNITS, Identity
from ferlab.widgets.face_lab import view
from ferlab.widgets.face_lab.controls import (
    EVERYDAY_LIGHT,
    NEUTRAL_POSE,
    checked_light,
    checked_pose,
    checked_units,
    prototype,
)
from ferlab.widgets.face_lab.portraits import (
    PICTURE_SIDE,
    Portrait,
    check_identity,
    imaginary_person,
    photographed,
    rendered,
)
from ferlab.widgets.face_lab.spaces import FaceSpaces, Seen
from ferlab.widgets.kit.channel import Channel
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.kit.turns import one_at_a_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_STEPS = 60


@one_at_a_time()
class FaceLab(anywidget.AnyWidget):
    """Sliders move a rendered face; its point moves in the maps of several trained networks.

    The face is rendered in the size and colors of the networks' images, goes through each network, and is placed on its
    map by :class:`ferlab.projection.FittedMap` among the test faces of the run. Below each map stand the network's
    class probabilities and, where it has pixel attention, where it looks. A walk leads from one expression to the next
    and leaves its trace. Instead of a rendered face a photo can be shown, which stays on the machine: it is neither
    sent nor kept, and also not saved with the notebook.

    Everything can be read and set from Python, at any time::

        lab.units = {"AU6": 0.7, "AU12": 1.0}      # the rest is 0
        lab.pose = {"yaw": 20}
        lab.positions["ce"], lab.probabilities["ce"]

    Args:
        run: a run folder with trained networks and maps (``ferlab compare``).
        methods: one to six methods of the run.
        seed: of the trainings; maps exist for the first seed of a run.
        identity: who is shown at first, as for :attr:`identity`.
        megapixels: of the largest photo that is read.

    Attributes:
        spaces: the networks and their maps.
        image: uint8 (size, size, C), the face as the networks see it.
        positions: method -> float64 (2,), where it lies on the map.
        probabilities: method -> float32 (K,), in the order of `spaces.classes`.
        attention: method -> float32 (H', W') for networks with pixel attention.

    Raises:
        FerlabError: a run, method or seed that is not there, a run without maps, missing rendering data.

    Example:
        >>> lab = FaceLab("runs/first")                           # doctest: +SKIP
        >>> lab.walk(["neutral", "happiness", "surprise"])        # doctest: +SKIP
        >>> lab.trace["ce"].shape                                 # doctest: +SKIP
        (25, 2)
    """

    _esm = Path(__file__).parent / "face_lab.js"
    _css = Path(__file__).parent / "face_lab.css"

    # What never changes: names, colors, ranges, presets.
    _setup = traitlets.Dict().tag(sync=True)
    _points = traitlets.Bytes().tag(sync=True)  # float32 (methods, N, 2)
    _labels = traitlets.Bytes().tag(sync=True)  # uint16 (N,)
    # What a person sets. The page sends one change and, while it is worked on, keeps only the newest of those that
    # follow (this is how ipywidgets sends traits), so that nothing piles up.
    _controls = traitlets.Dict().tag(sync=True)
    # What comes of it.
    _answer = traitlets.Dict().tag(sync=True)
    _film = traitlets.Dict().tag(sync=True)  # the last walk, picture by picture
    _notice = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        run: str | Path,
        methods: Sequence[str] = ("ce", "tcl-nearest", "ad-corre"),
        seed: int = 0,
        identity: int | Identity = 3,
        *,
        megapixels: float = MEGAPIXELS,
    ) -> None:
        self._megapixels = check_cap(megapixels, "megapixels")
        self._turn = threading.RLock()
        self.spaces = FaceSpaces(run, methods, seed)
        self._own_identity: Identity | None = None
        self._photo: np.ndarray | None = None  # (side, side, 3), the face of the photo
        self._count = 0
        person = self._person_number(identity)
        super().__init__(
            _setup=view.setup(self.spaces),
            _points=np.stack(list(self.spaces.layouts.values())).astype("<f4").tobytes(),
            _labels=self.spaces.labels.astype("<u2").tobytes(),
            _controls={
                "units": dict.fromkeys(ACTION_UNITS, 0.0),
                "pose": NEUTRAL_POSE,
                "light": EVERYDAY_LIGHT,
                "person": person,
                "photo": None,
            },
        )
        self.observe(lambda change: self._redraw(), names="_controls")
        channel = Channel(turn=self._turn, failed=self._say)
        channel.on("walk", self.walk)
        channel.on("photo", self._receive_photo)
        channel.listen(self)
        self._redraw()

    # ---- state ---------------------------------------------------------------------------------------------------

    @property
    def units(self) -> dict[str, float]:
        """Intensity of every action unit, 0 to 1. When set, units that are not named go to 0."""
        return dict(self._controls["units"])

    @units.setter
    def units(self, values: Mapping[str, float]) -> None:
        self._change(units=checked_units(values))

    @property
    def pose(self) -> dict[str, float]:
        """Degrees of "yaw", "pitch" and "roll", as in :class:`ferlab.rendering.Pose`; the eyes lead back to the camera.
        When set, angles that are not named go to 0."""
        return dict(self._controls["pose"])

    @pose.setter
    def pose(self, values: Mapping[str, float]) -> None:
        self._change(pose=checked_pose(values))

    @property
    def light(self) -> dict[str, float]:
        """Its "azimuth", "elevation", "softness", "warmth" and "exposure", as in :class:`ferlab.rendering.Light`. When
        set, what is not named gets its everyday value."""
        return dict(self._controls["light"])

    @light.setter
    def light(self, values: Mapping[str, float]) -> None:
        self._change(light=checked_light(values))

    @property
    def identity(self) -> int | Identity:
        """Who is shown: a whole number, from which an imaginary person is drawn, or an Identity of one's own."""
        person = self._controls["person"]
        return self._own_identity if person is None else person

    @identity.setter
    def identity(self, who: int | Identity) -> None:
        self._change(person=self._person_number(who))

    @property
    def photo(self) -> str | None:
        """The name of the photo that is shown; None while the rendered face is."""
        photo = self._controls["photo"]
        return None if photo is None else photo["name"]

    @property
    def trace(self) -> dict[str, np.ndarray]:
        """Method -> float64 (T, 2), the way of the last walk on its map; T is 0 before the first."""
        frames = self._film.get("frames", [])
        return {
            name: np.array([frame["spaces"][name]["at"] for frame in frames]).reshape(-1, 2)
            for name in self.spaces.methods
        }

    # ---- actions -------------------------------------------------------------------------------------------------

    def probabilities_of(self, units: Mapping[str, float]) -> dict[str, np.ndarray]:
        """Method -> float32 (K,), as :attr:`probabilities`, for other action units of the same person, pose and light.

        Nothing that is shown changes.

        Raises:
            FerlabError: an unknown action unit or an intensity out of range.
        """
        image = self._portrait(checked_units(units)).image
        return {name: seen.probabilities[0] for name, seen in self.spaces.see(image[None]).items()}

    def show_expression(self, expression: str, variant: str | None = None) -> None:
        """Show a prototype of :data:`ferlab.rendering.EXPRESSIONS` at full strength, by default its first variant.

        Raises:
            FerlabError: an unknown expression or variant.
        """
        self.units = prototype(expression, variant)

    def show_photo(self, path: str | Path) -> None:
        """Show the largest face of a photo to the networks, instead of the rendered one.

        The next change of a slider, or from Python, brings the rendered face back.

        Raises:
            FerlabError: no such file, no image, no face found, or the extra `ferlab[photos]` is not installed.
        """
        self._take_photo(path, Path(path).name)

    def walk(
        self, waypoints: Sequence[str | Mapping[str, float]] = ("neutral", "happiness", "surprise"), steps: int = 12
    ) -> dict[str, np.ndarray]:
        """Lead the face from one expression to the next, and leave its trace in each space.

        Args:
            waypoints: two to eight names of expressions, or action units with their intensities.
            steps: from one waypoint to the next, 1 to 60.

        Returns:
            :attr:`trace`. The page plays the walk; `units` are those of its end.

        Raises:
            FerlabError: an unknown expression or action unit, too few or too many waypoints or steps.
        """
        stops = _checked_stops(waypoints, steps)
        path = _between(stops, steps)
        portraits = [self._portrait(units) for units in path]
        seen = self.spaces.see(np.stack([portrait.image for portrait in portraits]))
        self._count += 1
        self._film = {
            "number": self._count,
            "frames": [
                {"units": units, **portrait.uris(), "spaces": view.answers(seen, i)}
                for i, (units, portrait) in enumerate(zip(path, portraits, strict=True))
            ],
            "stops": [
                [i * steps, waypoint if isinstance(waypoint, str) else "own"] for i, waypoint in enumerate(waypoints)
            ],
        }
        self.units = path[-1]
        return self.trace

    def clear_trace(self) -> None:
        """Take the trace of the last walk off the maps."""
        self._film = {}

    def figure(self) -> Figure:
        """The face and the maps as a static matplotlib figure. A photo is left out of it."""
        return view.face_lab_figure(
            self.spaces,
            self._portrait(self.units).picture if self.photo is None else None,
            self._caption(),
            positions=self.positions,
            probabilities=self.probabilities,
            trace=self.trace,
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and beside it a picture for places that show no widgets (GitHub, an export without state)."""
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        said = ", ".join(
            f"{method_label(name)}: {self.spaces.classes[int(values.argmax())]} {values.max():.0%}"
            for name, values in self.probabilities.items()
        )
        return f"FaceLab({self._caption()}; {said})"

    # ---- inside --------------------------------------------------------------------------------------------------

    def _portrait(self, units: Mapping[str, float]) -> Portrait:
        """The rendered face with these action units, and the person, pose and light that are set."""
        who = self.identity
        return rendered(
            who if isinstance(who, Identity) else imaginary_person(who),
            units,
            pose=self._controls["pose"],
            light=self._controls["light"],
            size=self.spaces.size,
            channels=self.spaces.channels,
        )

    def _change(self, **parts: Any) -> None:
        before = self._controls
        self._controls = {**before, "photo": None, **parts}
        if self._controls == before:  # traitlets keeps quiet; an Identity may have changed all the same
            self._redraw()

    def _redraw(self) -> None:
        """From the controls to everything that follows from them."""
        photo = None if self.photo is None else self._photo
        portrait = (
            self._portrait(self.units)
            if photo is None
            else photographed(photo, size=self.spaces.size, channels=self.spaces.channels)
        )
        self.image = portrait.image
        seen = self.spaces.see(self.image[None])
        self._remember(seen)
        self._count += 1
        shown = portrait.uris()
        self._answer = {
            "number": self._count,
            "caption": self._caption(),
            "spaces": view.answers(seen, 0),
            # A photo goes to the page apart, so that it is not saved with the notebook.
            **(shown if photo is None else dict.fromkeys(shown)),
        }
        if self._notice:
            self._notice = {}
        if photo is not None:
            self.send({"type": "photo", "number": self._count, **shown})

    def _remember(self, seen: Mapping[str, Seen]) -> None:
        self.positions = {name: of.positions[0] for name, of in seen.items()}
        self.probabilities = {name: of.probabilities[0] for name, of in seen.items()}
        self.attention = {name: of.attention[0] for name, of in seen.items() if of.attention is not None}

    def _caption(self) -> str:
        return view.caption(self.units, self.photo)

    def _person_number(self, who: int | Identity) -> int | None:
        """The number of an imaginary person; None for an Identity, which is kept."""
        who = check_identity(who)
        if isinstance(who, Identity):
            self._own_identity = who
            return None
        return who

    def _receive_photo(self, name: str, buffers: Sequence[bytes | memoryview]) -> None:
        self._take_photo(bytes(buffers[0]), name)

    def _take_photo(self, source: str | Path | bytes, name: str) -> None:
        self._photo = crop_face(read_photo(source, megapixels=self._megapixels), max(PICTURE_SIDE, self.spaces.size))
        self._change(photo={"name": name, "number": self._count})

    def _say(self, error: FerlabError) -> None:
        """Bad circumstances of what the page asks for become a sentence there."""
        self._count += 1
        self._notice = {"number": self._count, "text": str(error)}


def _checked_stops(waypoints: Sequence[str | Mapping[str, float]], steps: int) -> list[dict[str, float]]:
    """The action units at each waypoint; a FerlabError for a walk that leads nowhere."""
    if isinstance(waypoints, str) or not 2 <= len(waypoints) <= view.MOST_WAYPOINTS:
        raise FerlabError(f"A walk needs two to {view.MOST_WAYPOINTS} waypoints, for example neutral and happiness.")
    if not isinstance(steps, Integral) or not 1 <= steps <= MOST_STEPS:
        raise FerlabError(f"A walk makes 1 to {MOST_STEPS} steps to the next waypoint, not {steps!r}.")
    return [checked_units(prototype(waypoint) if isinstance(waypoint, str) else waypoint) for waypoint in waypoints]


def _between(stops: Sequence[dict[str, float]], steps: int) -> list[dict[str, float]]:
    """All action units on the way from stop to stop, both ends included."""
    path = [stops[0]]
    for before, after in zip(stops, stops[1:], strict=False):
        for part in np.arange(1, steps + 1) / steps:
            path.append({unit: (1 - part) * before[unit] + part * after[unit] for unit in ACTION_UNITS})
    return path

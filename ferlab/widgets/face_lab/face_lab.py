"""A face that one moves, and where it goes in the trained spaces."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from numbers import Integral
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from ferlab.data.photos import crop_face, read_photo
from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.palette import class_colors, method_label
from ferlab.rendering import (
    ACTION_UNITS,
    DESCRIPTIONS,
    EXPRESSIONS,
    Identity,
    Light,
    Pose,
    Scene,
    random_identity,
    render,
)
from ferlab.widgets.face_lab.controls import (
    EVERYDAY_LIGHT,
    GROUPS,
    LIGHT,
    NEUTRAL_POSE,
    POSE,
    checked_light,
    checked_pose,
    checked_units,
    prototype,
)
from ferlab.widgets.face_lab.spaces import FaceSpaces, Seen
from ferlab.widgets.kit.static import with_picture
from ferlab.widgets.kit.turns import one_at_a_time

PICTURE = 256  # pixels of the picture for people: one sample each, which the page shrinks a little and thereby smooths
BLUR, NOISE = 0.22, 0.006  # of the camera, the means of the built-in faces
MOST_WAYPOINTS, MOST_STEPS = 8, 60


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
    _labels = traitlets.Bytes().tag(sync=True)  # uint8 (N,)
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
    ) -> None:
        self._turn = threading.RLock()
        self.spaces = FaceSpaces(run, methods, seed)
        self._own_identity: Identity | None = None
        self._photo: np.ndarray | None = None  # (side, side, 3), the face of the photo
        self._count = 0
        person = self._checked_identity(identity)
        super().__init__(
            _setup=self._describe(),
            _points=np.stack(list(self.spaces.layouts.values())).astype("<f4").tobytes(),
            _labels=self.spaces.labels.astype(np.uint8).tobytes(),
            _controls={
                "units": dict.fromkeys(ACTION_UNITS, 0.0),
                "pose": NEUTRAL_POSE,
                "light": EVERYDAY_LIGHT,
                "person": person,
                "photo": None,
            },
        )
        self.observe(lambda change: self._redraw(), names="_controls")
        self.on_msg(self._asked)
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
        self._change(person=self._checked_identity(who))

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
        image, _ = self._faces(checked_units(units))
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
        if isinstance(waypoints, str) or not 2 <= len(waypoints) <= MOST_WAYPOINTS:
            raise FerlabError(f"A walk needs two to {MOST_WAYPOINTS} waypoints, for example neutral and happiness.")
        if not isinstance(steps, Integral) or not 1 <= steps <= MOST_STEPS:
            raise FerlabError(f"A walk makes 1 to {MOST_STEPS} steps to the next waypoint, not {steps!r}.")
        stops = [
            checked_units(prototype(waypoint) if isinstance(waypoint, str) else waypoint) for waypoint in waypoints
        ]
        path = [stops[0]]
        for before, after in zip(stops, stops[1:], strict=False):
            for part in np.arange(1, steps + 1) / steps:
                path.append({unit: (1 - part) * before[unit] + part * after[unit] for unit in ACTION_UNITS})
        images = [self._faces(units) for units in path]
        seen = self.spaces.see(np.stack([image for image, _ in images]))
        self._count += 1
        self._film = {
            "number": self._count,
            "frames": [
                {"units": units, **_shown(image, picture), "spaces": self._spaces(seen, i)}
                for i, (units, (image, picture)) in enumerate(zip(path, images, strict=True))
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

    def figure(self):
        """The face and the maps as a static matplotlib figure. A photo is left out of it."""
        import matplotlib.pyplot as plt

        from ferlab.figures import embedding_map
        from ferlab.figures.maps import figure_style

        methods = self.spaces.methods
        with figure_style():
            figure, (face, *maps) = plt.subplots(
                1, 1 + len(methods), figsize=(2.6 + 3.6 * len(methods), 4), layout="constrained",
                width_ratios=[2.4, *[3.6] * len(methods)],
            )  # fmt: skip
            face.axis("off")
            if self._controls["photo"] is None:
                face.imshow(self._faces(self.units)[1])
            face.set_title(self._caption(), fontsize=10)
            for name, ax in zip(methods, maps, strict=True):
                best = int(self.probabilities[name].argmax())
                said = f"{self.spaces.classes[best]} {self.probabilities[name][best]:.0%}"
                embedding_map(
                    self.spaces.layouts[name], self.spaces.labels, self.spaces.classes, ax,
                    f"{method_label(name)}:\n{said}",
                )  # fmt: skip
                for limit, middle, reach in zip(
                    (ax.set_xlim, ax.set_ylim), self._setup["middle"], self._setup["reach"], strict=True
                ):
                    limit(middle - reach, middle + reach)
                ax.plot(*self.trace[name].T, color="black", marker="o", ms=3, lw=1.2)
                color = class_colors(list(self.spaces.classes))[best]
                ax.plot(*self.positions[name], "o", ms=11, mfc=color, mec="black", mew=2.2, zorder=9)
        return figure

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and beside it a picture for places that show no widgets (GitHub, an export without state)."""
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        said = ", ".join(
            f"{method_label(name)}: {self.spaces.classes[int(values.argmax())]} {values.max():.0%}"
            for name, values in self.probabilities.items()
        )
        return f"FaceLab({self._caption()}; {said})"

    # ---- inside --------------------------------------------------------------------------------------------------

    def _change(self, **parts) -> None:
        before = self._controls
        self._controls = {**before, "photo": None, **parts}
        if self._controls == before:  # traitlets keeps quiet; an Identity may have changed all the same
            self._redraw()

    def _redraw(self) -> None:
        """From the controls to everything that follows from them."""
        photo = self._controls["photo"] is not None and self._photo is not None
        self.image, picture = self._photographed() if photo else self._faces(self._controls["units"])
        seen = self.spaces.see(self.image[None])
        self.positions = {name: of.positions[0] for name, of in seen.items()}
        self.probabilities = {name: of.probabilities[0] for name, of in seen.items()}
        self.attention = {name: of.attention[0] for name, of in seen.items() if of.attention is not None}
        self._count += 1
        shown = _shown(self.image, picture)
        self._answer = {
            "number": self._count,
            "caption": self._caption(),
            "spaces": self._spaces(seen, 0),
            # A photo goes to the page apart, so that it is not saved with the notebook.
            **(dict.fromkeys(shown) if photo else shown),
        }
        if self._notice:
            self._notice = {}
        if photo:
            self.send({"kind": "photo", "number": self._count, **shown})

    def _faces(self, units: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """The face for the networks, uint8 (size, size, C), and for people, (PICTURE, PICTURE, 3)."""
        person = self._controls["person"]
        who = self._own_identity if person is None else _person(person)
        turned = self._controls["pose"]
        # As in the built-in faces on average: the eyes lead back to the camera.
        pose = Pose(
            **turned, gaze_x=-0.65 * turned["yaw"], gaze_y=-0.6 * turned["pitch"], shift_x=-0.0012 * turned["yaw"]
        )
        light, scene = Light(**self._controls["light"]), Scene(background=who.seed, blur=BLUR, noise=NOISE)
        image = render(who, units, pose, light, self.spaces.size, scene=scene)
        picture = render(who, units, pose, light, PICTURE, scene=Scene(background=who.seed), supersample=1)
        return _in_channels(image, self.spaces.channels), picture

    def _photographed(self) -> tuple[np.ndarray, np.ndarray]:
        return _in_channels(_resized(self._photo, self.spaces.size), self.spaces.channels), _resized(
            self._photo, PICTURE
        )

    def _take_photo(self, source: str | Path | bytes, name: str) -> None:
        self._photo = crop_face(read_photo(source), max(PICTURE, self.spaces.size))
        self._change(photo={"name": name, "number": self._count})

    def _spaces(self, seen: Mapping[str, Seen], index: int) -> dict[str, dict]:
        return {
            name: {
                "at": of.positions[index].tolist(),
                "probabilities": of.probabilities[index].tolist(),
                "attention": None if of.attention is None else of.attention[index].tolist(),
            }
            for name, of in seen.items()
        }

    def _caption(self) -> str:
        if photo := self._controls["photo"]:
            return f"Photo: {photo['name']}"
        moved = [f"{unit} {value:.2f}" for unit, value in self._controls["units"].items() if value > 0]
        return ", ".join(moved) if 0 < len(moved) <= 4 else f"{len(moved)} action units" if moved else "Neutral face"

    def _checked_identity(self, who: int | Identity) -> int | None:
        """The number of an imaginary person; None, with `_own_identity` set, for an Identity."""
        if isinstance(who, Identity):
            render(who, size=16)  # says what is wrong with it
            self._own_identity = who
            return None
        if isinstance(who, bool) or not isinstance(who, Integral) or not 0 <= who < 2**31:
            raise FerlabError(
                f"The identity is {who!r}: give a whole number from 0 on, or a ferlab.rendering.Identity."
            )
        return int(who)

    def _asked(self, widget: FaceLab, content: dict, buffers: list) -> None:
        """What the page asks for beyond its controls. Bad circumstances become a sentence there."""
        try:
            if content["kind"] == "walk":
                self.walk(content["waypoints"])
            elif content["kind"] == "photo":
                self._take_photo(bytes(buffers[0]), content["name"])
        except FerlabError as error:
            self._count += 1
            self._notice = {"number": self._count, "text": str(error)}

    def _describe(self) -> dict:
        from ferlab.projection.names import densest

        spaces = self.spaces
        everywhere = np.concatenate(list(spaces.layouts.values()))
        low, high = everywhere.min(axis=0), everywhere.max(axis=0)
        # Maps may be flatter than a square, not much.
        reach = np.maximum(1.08 * (high - low) / 2, 0.7 * (high - low).max() / 2) + 1e-6
        names = {
            name: [
                densest(layout[spaces.labels == k]).tolist() if (spaces.labels == k).any() else None
                for k in range(len(spaces.classes))
            ]
            for name, layout in spaces.layouts.items()
        }
        return {
            "methods": [{"name": name, "label": method_label(name)} for name in spaces.methods],
            "attentive": spaces.with_attention(),
            "classes": [
                {"name": name, "color": color}
                for name, color in zip(spaces.classes, class_colors(list(spaces.classes)), strict=True)
            ],
            "groups": [[title, [[unit, DESCRIPTIONS[unit]] for unit in units]] for title, units in GROUPS.items()],
            "pose": [[name, *values] for name, values in POSE.items()],
            "light": [[name, *values] for name, values in LIGHT.items()],
            "neutral": {"pose": NEUTRAL_POSE, "light": EVERYDAY_LIGHT},
            "presets": {
                name: [[text, checked_units(units)] for text, units in variants.items()]
                for name, variants in EXPRESSIONS.items()
            },
            "middle": ((low + high) / 2).tolist(),
            "reach": reach.tolist(),
            "names": names,
            "size": spaces.size,
            "most": MOST_WAYPOINTS,
            "remark": f"The networks were trained on {spaces.dataset}: a rendered face is foreign to them."
            if spaces.dataset not in ("", "synthetic")
            else "",
        }


@lru_cache(maxsize=32)
def _person(seed: int) -> Identity:
    return random_identity(np.random.default_rng(seed))


def _in_channels(image: np.ndarray, channels: int) -> np.ndarray:
    from PIL import Image

    return image if channels == 3 else np.array(Image.fromarray(image).convert("L"))[..., None]


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


def _shown(image: np.ndarray, picture: np.ndarray) -> dict[str, str]:
    return {"seen": data_uri(image), "face": data_uri(picture)}

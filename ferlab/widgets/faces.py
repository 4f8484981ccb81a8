"""A face that one moves."""

from __future__ import annotations

from typing import Any

import ipywidgets
import numpy as np
from markupsafe import Markup

from ferlab import markup
from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.rendering import ACTION_UNITS, DESCRIPTIONS, Identity, random_identity, render
from ferlab.widgets.kit.static import with_html


class ActionUnitSlider(ipywidgets.VBox):
    """One action unit of a rendered face on a slider; see :func:`action_unit_slider`.

    Attributes:
        unit: the action unit, such as "AU12"; can be set.
        intensity: 0 to 1; can be set.
        image: uint8 array (size, size, 3) of the face as shown.
    """

    def __init__(self, identity: Identity, unit: str, intensity: float, size: int) -> None:
        self._identity, self._size, self._next_seed = identity, size, identity.seed + 1
        options = [(f"{name}  {DESCRIPTIONS[name]}", name) for name in ACTION_UNITS]
        self._unit = ipywidgets.Dropdown(options=options, value=unit, description="Action unit")
        self._intensity = ipywidgets.FloatSlider(
            value=intensity,
            min=0,
            max=1,
            step=0.05,
            description="Intensity",
            readout_format=".2f",
            continuous_update=True,
        )
        self._another = ipywidgets.Button(description="Another person")
        self._neutral, self._moved = ipywidgets.HTML(), ipywidgets.HTML()
        for control in (self._unit, self._intensity):
            control.observe(lambda change: self._draw(), names="value")
        self._another.on_click(lambda button: self._change_person())
        self._draw(also_neutral=True)
        faces = [
            ipywidgets.VBox([ipywidgets.Label(text), picture], layout={"align_items": "center"})
            for text, picture in (("neutral", self._neutral), ("with the action unit", self._moved))
        ]
        controls = ipywidgets.VBox([self._unit, self._intensity, self._another])
        super().__init__(
            [
                ipywidgets.HBox(
                    [controls, *faces], layout={"flex_flow": "row wrap", "grid_gap": "16px", "align_items": "center"}
                )
            ]
        )

    @property
    def unit(self) -> str:
        return self._unit.value

    @unit.setter
    def unit(self, value: str) -> None:
        self._unit.value = value

    @property
    def intensity(self) -> float:
        return self._intensity.value

    @intensity.setter
    def intensity(self, value: float) -> None:
        self._intensity.value = value

    def _change_person(self) -> None:
        self._identity = random_identity(np.random.default_rng(self._next_seed))
        self._next_seed += 1
        self._draw(also_neutral=True)

    def _draw(self, also_neutral: bool = False) -> None:
        if also_neutral:
            self._neutral.value = self._picture(
                render(self._identity, size=self._size), "The face without any action unit"
            )
        self.image = render(self._identity, {self.unit: self.intensity}, size=self._size)
        self._moved.value = self._picture(self.image, f"The face with {self._words()}")

    def _words(self) -> str:
        return f"{self.unit} ({DESCRIPTIONS[self.unit]}) at {self.intensity:.2f}"

    def _picture(self, image: np.ndarray, what: str) -> Markup:
        # ipywidgets.Image has no alternative text
        return markup.render("widgets/templates/face.html", uri=data_uri(image), what=what, size=self._size)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        # Both were rendered by _picture.
        faces = [(Markup(self._neutral.value), "neutral"), (Markup(self._moved.value), self._words())]
        html = markup.render("widgets/templates/faces.html", faces=faces)
        return with_html(super()._repr_mimebundle_(**kwargs), html, f"A face, neutral and with {self._words()}")


def action_unit_slider(
    unit: str = "AU12", identity: Identity | None = None, intensity: float = 0.6, size: int = 160
) -> ActionUnitSlider:
    """A rendered face, neutral and with one action unit, whose intensity a slider moves.

    Args:
        unit: the action unit to start with.
        identity: who; an imaginary person otherwise.
        intensity: to start with, 0 to 1.
        size: of the pictures in pixels.

    Raises:
        FerlabError: an unknown action unit.

    Example:
        >>> face = action_unit_slider("AU4", size=32)
        >>> face.intensity = 1.0
        >>> face.image.shape
        (32, 32, 3)
    """
    if unit not in ACTION_UNITS:
        raise FerlabError(f"There is no action unit {unit!r}; choose one of: {', '.join(ACTION_UNITS)}.")
    return ActionUnitSlider(
        identity or random_identity(np.random.default_rng(3)), unit, float(np.clip(intensity, 0, 1)), size
    )

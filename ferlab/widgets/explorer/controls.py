"""The buttons, sliders and menus of the explorer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets

from ferlab.errors import FerlabError
from ferlab.methods import method_label
from ferlab.projection import DISTANCES
from ferlab.projection.captions import CAPTIONS
from ferlab.texts import shortened
from ferlab.widgets.explorer.colors import is_unit
from ferlab.widgets.explorer.layouts import PROJECTIONS

OF_SELECTION = "selection"
LETTERS = 32  # of a name on a button
_WIDE = {"button_width": "auto"}

# Rows have length 1 in the explorer, and then "euclidean" finds the neighbors of "cosine".
DISTANCES_OF_ROWS = [metric for metric in DISTANCES if metric != "euclidean"]


class Controls:
    """All controls, laid out in rows, and one place that tells who presses them: a person, or the explorer itself.

    Args:
        methods: all that can be shown.
        with_epochs: whether there may be epochs to switch to.

    Attributes:
        rows: what stands above the maps: view, colors, spaces and projection.
        epoch_row, strength_row, morph_row: shown only while they are of use; `sliders` holds the first two.
        settings: UMAP's: name -> control.
    """

    def __init__(self, methods: list[str], with_epochs: bool) -> None:
        self._settling = False
        self.view = ipywidgets.ToggleButtons(
            options=[("Test faces, finished networks", "test"), ("Validation faces, epoch by epoch", "epochs")],
            tooltips=["The test faces in the spaces of the trained networks", "How the spaces form while training"],
            style=_WIDE,
        )
        display(self.view, with_epochs)
        self.stage = ipywidgets.ToggleButtons(
            options=[("Side by side", "side"), ("One map, morphing", "morph")],
            tooltips=["One map a method", "One large map whose points travel from method to method"],
            style=_WIDE,
        )
        self.color_by = ipywidgets.Dropdown(description="Color by", layout={"width": "300px"})
        self.person = ipywidgets.Dropdown(description="Person", layout={"width": "210px"})
        self.color_by.style.description_width = self.person.style.description_width = "auto"
        self.methods = {
            name: ipywidgets.ToggleButton(
                description=shortened(method_label(name), LETTERS),
                tooltip=f"Show or hide {method_label(name)}",
                layout={"width": "auto"},
            )
            for name in methods
        }
        spaces = row([ipywidgets.Label("Spaces"), *self.methods.values()])
        display(spaces, len(methods) > 1)
        self.rows = [
            row([self.view, self.stage], gap="6px 24px"),
            row([self.color_by, self.person, spaces], gap="4px 16px"),
        ]
        self.play = ipywidgets.Play(min=1, max=1, value=1, interval=1000, show_repeat=False, tooltip="Play the epochs")
        self.slider = ipywidgets.IntSlider(1, 1, 1, layout={"flex": "1 1 300px", "max_width": "620px"})
        self.slider.style.description_width = "auto"
        ipywidgets.jslink((self.play, "value"), (self.slider, "value"))
        self.epoch_row = row([self.play, self.slider], flex="1 1 380px")
        self.play_strengths = ipywidgets.Play(
            min=0, max=1, value=0, interval=1600, show_repeat=False, tooltip="Play the strengths"
        )
        self.strength = ipywidgets.SelectionSlider(
            options=[("0", 0.0)], description="Strength", layout={"flex": "1 1 300px", "max_width": "620px"}
        )
        self.strength.style.description_width = "auto"
        ipywidgets.jslink((self.play_strengths, "value"), (self.strength, "index"))
        self.strength_row = row([self.play_strengths, self.strength], flex="1 1 380px")
        self.sliders = row([self.epoch_row, self.strength_row], gap="4px 24px")
        self.tour = ipywidgets.Play(min=0, max=1, value=0, interval=2600, tooltip="Play the way through the spaces")
        self.stops = ipywidgets.ToggleButtons(style=_WIDE)
        self.morph_row = row([self.tour, self.stops])
        style = {"description_width": "90px"}
        self.kind = ipywidgets.ToggleButtons(style=_WIDE)
        self.rows.append(row([ipywidgets.Label("Projection"), self.kind]))
        self.settings = {
            "n_neighbors": ipywidgets.IntSlider(15, 2, 100, layout={"width": "320px"}, style=style),
            "min_dist": ipywidgets.FloatSlider(0.1, min=0, max=0.99, step=0.01, layout={"width": "320px"}, style=style),
            "metric": ipywidgets.Dropdown(options=DISTANCES_OF_ROWS, layout={"width": "220px"}, style=style),
            "seed": ipywidgets.BoundedIntText(0, 0, 2**31 - 1, layout={"width": "220px"}, style=style),
        }
        for name, control in self.settings.items():
            control.description = name
        self.again = ipywidgets.Button(description="Compute UMAP anew", layout={"width": "auto"})

    def projection(self, belief: ipywidgets.Widget) -> ipywidgets.Accordion:
        """UMAP's settings, folded away, with `belief` below them."""
        content = [row([*self.settings.values(), self.again], gap="4px 16px"), belief]
        accordion = ipywidgets.Accordion([ipywidgets.VBox(content)], titles=("Projection, and how far to believe it",))
        accordion.selected_index = None
        return accordion

    def when(self, control: ipywidgets.Widget, action: Callable[[Any], object], trait: str = "value") -> None:
        """Call `action(value)` when a person, or a program, changes the value; not while :meth:`settling`."""
        control.observe(lambda change: None if self._settling else action(change["new"]), names=trait)

    @contextmanager
    def settling(self) -> Iterator[None]:
        """For the block: controls are made to say what is the case, and do not answer."""
        before, self._settling = self._settling, True
        try:
            yield
        finally:
            self._settling = before

    def say_epochs(self, epochs: int, epoch: int | None) -> None:
        """So many epochs, and the one shown; None: none is."""
        display(self.epoch_row, epoch is not None)
        self.play.playing &= epoch is not None
        for control in (self.play, self.slider):
            control.max = max(epochs, 1)
        if epoch is not None:
            self.slider.value = epoch
        self.slider.description = f"Epoch (of {epochs})"

    def say_strengths(self, stops: list[float], strength: float | None) -> None:
        """All strengths, and the one shown; None: there are none."""
        display(self.strength_row, strength is not None)
        self.play_strengths.playing &= strength is not None
        if strength is None:
            return
        options = tuple((f"{stop:g}", stop) for stop in stops)
        if self.strength.options != options:
            self.strength.options = options
        self.play_strengths.max = len(stops) - 1
        # The page keeps slider and play button alike, and takes the button's value when it opens. What came from the
        # slider is not told back: it may have moved on.
        if self.strength.value != strength:
            self.strength.value = strength
            self.play_strengths.value = stops.index(strength)

    def say_methods(self, shown: list[str], available: list[str], morphed: str | None) -> None:
        for name, button in self.methods.items():
            button.value, button.disabled = name in shown, name not in available
        self.stage.value = "side" if morphed is None else "morph"
        display(self.morph_row, morphed is not None)
        self.tour.playing &= morphed is not None
        stops = [(shortened(method_label(name), LETTERS), name) for name in shown]
        if self.stops.options != tuple(stops):
            self.stops.options = stops
        if morphed is not None:
            self.stops.value = morphed
            self.tour.max = len(shown) - 1
            self.tour.value = shown.index(morphed)

    def say_colorings(self, names: list[str], people: list[int]) -> None:
        """What can be chosen."""
        options = tuple((_coloring_label(name), name) for name in names)
        if self.color_by.options != options:
            self.color_by.options = options
        whom = (("of the selection", OF_SELECTION), *((f"person {person}", person) for person in people))
        if self.person.options != whom:
            self.person.options = whom

    def say_coloring(self, name: str, person: int | None) -> None:
        """What is chosen."""
        self.color_by.value = name
        self.person.value = OF_SELECTION if person is None else person
        display(self.person, name == "identity")

    def say_projection(self, kind: str, kinds: list[str], possible: bool, working: bool) -> None:
        """The projection shown, and those that can be chosen."""
        options = tuple((PROJECTIONS[name], name) for name in kinds)
        if self.kind.options != options:
            self.kind.options, self.kind.tooltips = options, [CAPTIONS[name] for name in kinds]
        self.kind.value, self.kind.disabled = kind, not possible
        for control in (*self.settings.values(), self.again):
            control.disabled = working or not possible

    def umap_settings(self) -> dict[str, Any]:
        """As they stand on the page: name -> value."""
        return {name: control.value for name, control in self.settings.items()}

    def set_umap(self, wanted: dict[str, Any]) -> None:
        """Take over settings of UMAP that are not None.

        Raises:
            FerlabError: one is out of range; none is taken over then.
        """
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for name, value in wanted.items():
            control = self.settings[name]
            options = getattr(control, "options", None)
            if (value not in options) if options else not control.min <= value <= control.max:
                allowed = ", ".join(options) if options else f"{control.min:g} to {control.max:g}"
                raise FerlabError(f"{name} is {value!r}; choose from {allowed}.")
        for name, value in wanted.items():
            self.settings[name].value = value


def row(children: list[ipywidgets.Widget], gap: str = "4px 8px", flex: str | None = None) -> ipywidgets.HBox:
    """Widgets side by side that wrap where there is no room; `flex` is the row's own, within another."""
    layout = {"flex_flow": "row wrap", "grid_gap": gap, "overflow": "visible", "flex": flex}
    return ipywidgets.HBox(children, layout=layout)


def display(widget: ipywidgets.DOMWidget, shown: bool) -> None:
    """Show or hide."""
    widget.layout.display = None if shown else "none"


def _coloring_label(name: str) -> str:
    if is_unit(name):
        from ferlab.rendering import DESCRIPTIONS

        return f"{name} {DESCRIPTIONS.get(name, '')}".strip()
    return name.replace("_", " ")

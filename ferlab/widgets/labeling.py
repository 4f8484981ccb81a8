"""Faces to be named, one after the other: the learner as an annotator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from ferlab import markup
from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.texts import printable, shortened
from ferlab.widgets.kit.static import with_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS = 7  # faces a row of the static picture


class FaceLabeling(ipywidgets.VBox):
    """Shows one face at a time with a button a class, and keeps what was pressed.

    A face is named by a press, and the next one appears; *Back* goes to the one before. Nothing says what is right.

    Args:
        images: uint8 (N, H, W, 1 or 3).
        classes: class names, in label order.
        size: of the face on the page, in pixels.

    Attributes:
        answers: int64 (N,), class numbers, -1 where a face has no name yet; can be set.
        position: the face shown, from 0; N when all have been seen.

    Raises:
        FerlabError: no images, or arrays that are none.

    Example:
        >>> naming = FaceLabeling(np.zeros((2, 8, 8, 3), dtype=np.uint8), ["anger", "neutral"])
        >>> naming.name("neutral")
        >>> naming.answers.tolist(), naming.position
        ([1, -1], 1)
    """

    def __init__(self, images: np.ndarray, classes: Sequence[str], size: int = 192) -> None:
        images = np.asarray(images)
        if images.ndim != 4 or not len(images) or images.dtype != np.uint8:
            raise FerlabError(f"Faces to name are uint8 (N, H, W, C), but got {images.dtype} of shape {images.shape}.")
        self.images, self.classes = images, tuple(classes)
        self._answers = np.full(len(images), -1, dtype=np.int64)
        self._position, self._size = 0, size
        self._face, self._progress = ipywidgets.HTML(), ipywidgets.HTML()
        self._names = [
            ipywidgets.Button(
                description=shortened(printable(name), 40), tooltip=printable(name), layout={"width": "110px"}
            )
            for name in self.classes
        ]
        for button, name in zip(self._names, self.classes, strict=True):
            button.on_click(lambda pressed, name=name: self.name(name))
        self._back = ipywidgets.Button(description="Back", icon="arrow-left", layout={"width": "110px"})
        self._back.on_click(lambda pressed: self._go(self._position - 1))
        rows = ipywidgets.Box(self._names, layout={"flex_flow": "row wrap", "max_width": "480px"})
        super().__init__(
            [
                self._progress,
                ipywidgets.HBox(
                    [self._face, ipywidgets.VBox([rows, self._back])],
                    layout={"flex_flow": "row wrap", "grid_gap": "20px", "align_items": "center"},
                ),
            ]
        )
        self._draw()

    @property
    def answers(self) -> np.ndarray:
        return self._answers.copy()

    @answers.setter
    def answers(self, values: Sequence[int]) -> None:
        given = np.asarray(values)
        if given.shape != self._answers.shape or not np.isin(given, np.arange(-1, len(self.classes))).all():
            raise FerlabError(
                f"Give one class number from 0 to {len(self.classes) - 1}, or -1, for each of the {len(self.images)} "
                "faces."
            )
        self._answers = given.astype(np.int64)
        self._go(int(np.append(np.flatnonzero(self._answers < 0), len(self.images))[0]))

    @property
    def position(self) -> int:
        return self._position

    @property
    def done(self) -> bool:
        """Whether every face has a name."""
        return bool((self._answers >= 0).all())

    def name(self, name: str) -> None:
        """Name the face that is shown, as its button does.

        Raises:
            FerlabError: no such class.
        """
        if name not in self.classes:
            raise FerlabError(f"There is no class {name!r}; choose one of: {', '.join(self.classes)}.")
        if self._position < len(self.images):
            self._answers[self._position] = self.classes.index(name)
            self._go(self._position + 1)

    def figure(self) -> Figure:
        """All faces in the order in which they are shown, as a matplotlib figure."""
        from ferlab.figures import image_grid  # matplotlib takes long to import

        rows = [list(self.images[start : start + ACROSS]) for start in range(0, len(self.images), ACROSS)]
        return image_grid(rows, size=0.9)[0, 0].figure

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.figure, repr(self))

    def __repr__(self) -> str:
        return f"FaceLabeling({int((self._answers >= 0).sum())} of {len(self.images)} faces named)"

    def _go(self, position: int) -> None:
        self._position = int(np.clip(position, 0, len(self.images)))
        self._draw()

    def _draw(self) -> None:
        count, over = len(self.images), self._position == len(self.images)
        self._back.disabled = self._position == 0
        for button, name in zip(self._names, self.classes, strict=True):
            button.disabled = over
            # What was answered before, when one has gone back.
            chosen = not over and self._answers[self._position] == self.classes.index(name)
            button.button_style = "info" if chosen else ""
            button.icon = "check" if chosen else ""
        number = self._position + 1
        self._progress.value = markup.render(
            "widgets/templates/labeling_progress.html", over=over, number=number, count=count
        )
        if over:
            self._face.value = markup.render("widgets/templates/no_face.html", size=self._size)
            return
        self._face.value = markup.render(
            "widgets/templates/face.html",
            uri=data_uri(self.images[self._position]),
            what=f"Face {number} of {count}",
            size=self._size,
        )

"""Gradient descent on a scene, step by step."""

from __future__ import annotations

from ferlab.widgets.playground.scene import PlaygroundScene

MOVABLE = ("points", "centers", "classifier")
HISTORY = 400  # values kept for the curve


class Descent:
    """How a loss goes down.

    Attributes:
        moving: what is moved on the plane, some of `MOVABLE`; profiles always are.
        playing: whether the page asks for one step after the other.
        steps: taken since the beginning.
        message: why there are no more, in a sentence.
    """

    def __init__(self) -> None:
        self.moving = frozenset(MOVABLE)
        self.playing = False
        self.message = ""
        self.begin()

    def begin(self) -> None:
        """Another descent begins."""
        self.steps, self.message = 0, ""
        self._before: list[float] = []

    def history(self, scene: PlaygroundScene) -> list[float]:
        """The loss before each of the last steps, and the loss now."""
        return [*self._before, scene.value]

    def step(self, scene: PlaygroundScene) -> bool:
        """One step; False, with a message, where there is none to take."""
        value = scene.value
        self.message = scene.descend({*self.moving, "profiles"})
        if self.message:
            self.playing = False
            return False
        self._before = [*self._before, value][-HISTORY:]
        self.steps += 1
        return True

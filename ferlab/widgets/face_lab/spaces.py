"""Faces in the trained spaces of a run: what each network says of them, and where they lie on its map."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ferlab.errors import FerlabError
from ferlab.projection import FittedMap
from ferlab.runs import RunFolder
from ferlab.runs.reading import read_run

_TURN = threading.Lock()


@dataclass(frozen=True)
class Seen:
    """What one network says of B faces.

    Attributes:
        positions: float64 (B, 2) on the network's map.
        probabilities: float32 (B, K).
        attention: float32 (B, H', W'), the pixel attention over the last feature map; None without that attention.
    """

    positions: np.ndarray
    probabilities: np.ndarray
    attention: np.ndarray | None


class FaceSpaces:
    """The networks and maps of some methods of a finished run.

    Args:
        run: a run folder.
        methods: one to six methods of the run.
        seed: of the trainings.

    Attributes:
        methods: as given.
        classes: class names, in label order.
        size, channels: of the images that the networks take.
        dataset: name of the data set that they were trained on.
        layouts: method -> float32 (N, 2), the test faces on its map.
        maps: method -> :class:`ferlab.projection.FittedMap`, where new faces are placed.
        labels: int64 (N,), their classes.

    Raises:
        FerlabError: no finished run, a method or seed that it does not have, no maps, a network that cannot be read,
            networks that take different images.
    """

    def __init__(self, run: str | Path, methods: Sequence[str], seed: int = 0) -> None:
        finished = read_run(run)
        self.methods = list(methods)
        if not 1 <= len(self.methods) <= 6 or len(set(self.methods)) < len(self.methods):
            raise FerlabError(f"Choose one to six different methods; got: {', '.join(self.methods) or 'none'}.")
        if missing := [name for name in self.methods if name not in finished.methods]:
            have = ", ".join(finished.methods)
            raise FerlabError(f"{finished.path} has no method {missing[0]!r}; choose from: {have}.")
        self.dataset = str(finished.summary.get("dataset", ""))
        rows = finished.embeddings
        rows = rows[(rows["seed"] == seed) & np.isfinite(rows["x"]) & np.isfinite(rows["y"])]
        self._networks, self.maps, self.layouts = {}, {}, {}
        kinds = {}
        for name in self.methods:
            own = rows[rows["method"] == name]
            if not len(own):
                raise FerlabError(
                    f"{finished.path} has no map of {name} with seed {seed}: maps are made of the first seed only; run "
                    "the comparison again if it has none at all."
                )
            self.layouts[name] = own[["x", "y"]].to_numpy(dtype=np.float32)
            self.maps[name] = FittedMap(np.stack(own["embedding"].to_list()), self.layouts[name])
            self.labels = own["label"].to_numpy(dtype=np.int64)
            self._networks[name], self.classes, size = RunFolder(finished.path).network(name, seed)
            kinds[name] = (size, self._networks[name].in_channels, self.classes, len(own))
        first = kinds[self.methods[0]]
        if different := [name for name, kind in kinds.items() if kind != first]:
            raise FerlabError(
                f"{different[0]} and {self.methods[0]} were trained on other images or classes, or have other faces on "
                "their maps: show methods of one comparison."
            )
        self.size, self.channels = first[:2]

    def see(self, images: np.ndarray) -> dict[str, Seen]:
        """Method -> what its network says of uint8 `images` (B, size, size, channels)."""
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        seen = {}
        with torch.no_grad(), one_thread():
            for name, network in self._networks.items():
                output = network(batch)
                attention = output.pixel_attention
                seen[name] = Seen(
                    self.maps[name].place(output.joined_embeddings.numpy()),
                    output.logits.softmax(dim=1).numpy(),
                    None if attention is None else attention[:, 0].numpy(),
                )
        return seen

    def with_attention(self) -> list[str]:
        """The methods whose networks have pixel attention."""
        return [name for name in self.methods if self._networks[name].attention.pixel is not None]


@contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch compute in one thread.

    A face or two are not worth a second one, and waiting for it takes long where the processors are busy.
    """
    with _TURN:  # or two at the same time would each take the other's setting for the one to come back to
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

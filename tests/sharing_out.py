"""Which tests one worker takes together, and in which order: fast ones first, then the slowest.

pytest-xdist 3.8 cannot read its own groups under pytest 9, so the workers write down here which test belongs to which.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

USUAL_SECONDS = 15  # of a test that is marked slow without a number


def group(item: pytest.Item) -> str:
    """What a worker takes as a whole.

    All tests of a file, so that what they share is made once, but slow ones one by one; those that look at JupyterLab
    together, since there is one; and what is marked ``together(name)``.
    """
    if marker := item.get_closest_marker("together"):
        return marker.args[0]
    if "lab_server" in getattr(item, "fixturenames", ()):
        return "JupyterLab"
    return item.nodeid if item.get_closest_marker("slow") else item.nodeid.split("::")[0]


def seconds(item: pytest.Item) -> float:
    """About how long a slow test takes; 0 for the others."""
    marker = item.get_closest_marker("slow")
    return 0 if marker is None else marker.args[0] if marker.args else USUAL_SECONDS


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The fast tests, then the slow groups from the longest on; the doctests fill what time the last ones leave."""
    names = [group(item) for item in items]
    taken: dict[str, float] = {}
    for item, name in zip(items, names, strict=True):
        taken[name] = taken.get(name, 0) + seconds(item)
    fill = {name for item, name in zip(items, names, strict=True) if isinstance(item, pytest.DoctestItem)}
    turn = {name: (name in fill, taken[name] > 0, -taken[name]) for name in taken}
    return [items[i] for i in sorted(range(len(items)), key=lambda i: turn[names[i]])]


def write_groups(items: Sequence[pytest.Item], file: Path) -> None:
    """In a worker: write down the group of each test. Every worker finds the same."""
    handle, half = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as out:
        json.dump({item.nodeid: group(item) for item in items}, out)
    Path(half).replace(file)


class SharedOut(LoadScopeScheduling):
    """Hand the groups out to the workers in their order, the next one to whoever has little left to do."""

    def __init__(self, config: pytest.Config, log, file: Path) -> None:
        super().__init__(config, log)
        self.config.option.loadscopereorder = False
        self.file = file
        self.groups: Mapping[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        self.groups = self.groups or json.loads(self.file.read_text())
        return self.groups[nodeid]

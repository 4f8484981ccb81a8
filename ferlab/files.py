"""Writing files so that a crash leaves the old file or the new one, never half of either."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes ``path``'s place when the block ends without an error.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "note.txt") as beside:
    ...         _ = beside.write_text("done")
    ...     (Path(folder) / "note.txt").read_text()
    'done'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def is_free(folder: Path) -> bool:
    """Whether nothing lies at ``folder``, or an empty folder."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with atomic_path(path) as beside:
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_parquet(path: Path, rows: pd.DataFrame) -> None:
    """Write ``rows`` without their index, compressed, whole or not at all."""
    with atomic_path(path) as beside:
        rows.to_parquet(beside, index=False, compression="zstd")

"""Checksums of a folder's files, kept beside them in ``sha256.json``: what has changed since is noticed.

::

    {"config.json": "<64 hexadecimal digits>", "figures/maps.png": ...}

While a file is being replaced both the old checksum and the new one stand there, with a space between: whenever a
process is killed, what it leaves fits. A folder without the file is of an earlier version, and nothing is known of its
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import RootModel

from ferlab.errors import ChangedFile
from ferlab.files import atomic_path, is_partial, read_json, sha256_of, write_json

RECORD = "sha256.json"
_MEND = "restore it from a copy, or delete it to do without checksums"


class Checksums(RootModel[dict[str, str]]):
    """What ``sha256.json`` holds: a file's name in its folder, and the checksum of its content."""


def checksums(folder: Path) -> dict[str, str]:
    """What is recorded of the files in ``folder``; empty where nothing is.

    Raises:
        UnreadableFile: the record is damaged.
    """
    path = folder / RECORD
    return dict(read_json(path, Checksums, mend=_MEND)) if path.is_file() else {}


@contextmanager
def recorded_path(folder: Path, name: str) -> Iterator[Path]:
    """As :func:`~ferlab.files.atomic_path` of a file in ``folder``, whose checksum is recorded as well.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with recorded_path(Path(folder), "note.txt") as beside:
    ...         _ = beside.write_text("done")
    ...     changed(Path(folder)), (Path(folder) / "note.txt").write_text("gone"), changed(Path(folder))
    ([], 4, ['note.txt'])
    """
    known = checksums(folder)
    with atomic_path(folder / name) as beside:
        yield beside
        now = sha256_of(beside)
        before = known.get(name) or (sha256_of(folder / name) if (folder / name).is_file() else "")
        record(folder, {name: f"{before} {now}".strip()})
    record(folder, {name: now})


def record(folder: Path, found: dict[str, str]) -> None:
    """Write checksums into the folder's record, beside those that it has."""
    write_json(folder / RECORD, checksums(folder) | found)


def record_all(folder: Path, *, leave_out: Iterable[str] = (), more: dict[str, str] | None = None) -> None:
    """Write the folder's record anew, with every file in it and its folders.

    Args:
        folder: where the files lie.
        leave_out: names in ``folder`` of files and folders that come and go.
        more: checksums of files that are yet to be written.
    """
    passing = {RECORD, *leave_out}
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(is_partial(Path(part)) for part in name.parts) and name.parts[0] not in passing:
            found[name.as_posix()] = sha256_of(path)
    write_json(folder / RECORD, found | (more or {}))


def changed(folder: Path, names: Iterable[str] | None = None) -> list[str]:
    """The files of which the content is not the recorded one; those that are missing are not among them.

    Args:
        folder: where they lie.
        names: which; those that are recorded by default.
    """
    known = checksums(folder)
    return [
        name
        for name in (known if names is None else names)
        if name in known and (folder / name).is_file() and sha256_of(folder / name) not in known[name].split()
    ]


def check_unchanged(folder: Path, names: Iterable[str] | None = None, *, mend: str) -> None:
    """A ChangedFile that names those of :func:`changed`, if there are any.

    Args:
        folder, names: as there.
        mend: what to do, as the sentence's end.
    """
    if found := changed(folder, names):
        files = ", ".join(str(folder / name) for name in found[:3]) + (" and more" if len(found) > 3 else "")
        fits = "does" if len(found) == 1 else "do"
        raise ChangedFile(
            f"{files} {fits} not hold any more what ferlab wrote there (the checksum is another): {mend}."
        )

"""Reading and writing files: whole or not at all, where the user said and nowhere else, and checked before use."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import psutil
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from ferlab.errors import FerlabError, UnreadableFile, sentence_of

A_DAY = 86_400.0  # seconds: no file takes that long to write
_PARTIAL = re.compile(r"^\..*?(?:(?P<host>[0-9a-f]{8})-)?(?P<process>\d+)(?:-[^.]*)?\.partial$")
_LONGEST = 120  # letters of a hostile file's words in a sentence


# ---- writing


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path to write a file or make a folder at; it takes ``path``'s place when the block ends without an error.

    It lies in a new folder beside ``path``, which only this user can look into and whose name nobody can foretell: so
    no link that somebody has laid there is followed. What a killed process left of such folders is swept up by the
    next one that writes there (:func:`sweep`).

    Raises:
        OSError: the place cannot be written, or holds a device or a pipe;
            :func:`~ferlab.errors.sentence_of` says what to do.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "note.txt") as beside:
    ...         _ = beside.write_text("done")
    ...     (Path(folder) / "note.txt").read_text()
    'done'
    """
    path = Path(path)
    _check_replaceable(path)
    with folder_beside(path) as own:
        yield own / path.name
        os.replace(own / path.name, path)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A new folder beside ``path``, for this user alone, under a name that nobody can foretell; gone with the block.

    What killed processes left of such folders there is swept up.

    Raises:
        OSError: it cannot be made; the error names ``path``.
    """
    if path.parent.is_file():
        raise _refused(errno.ENOTDIR, path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(path.parent.absolute())
    try:
        own = Path(tempfile.mkdtemp(prefix=f".{host_tag()}-{os.getpid()}-", suffix=".partial", dir=path.parent))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that the user knows
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _check_replaceable(path: Path) -> None:
    """An OSError for a device, a pipe or a socket, also behind a link: a file in its place would break the system."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise _refused(errno.EEXIST, path)


def sweep(folder: Path, *, deep: bool = False) -> None:
    """Delete what killed processes left half written in ``folder``, and with ``deep`` in all folders within it.

    Left alone is what a process that still runs may be writing: on this machine it is asked for, and what another
    machine began is taken for abandoned after a day.
    """
    for left in folder.rglob(".*.partial") if deep else folder.glob(".*.partial"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True) if _is_folder(left) else left.unlink(missing_ok=True)


@lru_cache(maxsize=1024)
def sweep_once(folder: Path) -> None:
    """Once for every folder a process writes to: at its start, so to say."""
    sweep(folder)


def _is_abandoned(left: Path) -> bool:
    try:
        age = time.time() - left.lstat().st_mtime
    except OSError:  # gone by itself
        return False
    named = _PARTIAL.match(left.name)
    if named is None or age > A_DAY:
        return named is not None
    # Names of earlier versions have no machine in them.
    return named["host"] in (None, host_tag()) and not psutil.pid_exists(int(named["process"]))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


@lru_cache(maxsize=1)
def host_tag() -> str:
    """This machine, in eight letters of a file's name."""
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def is_partial(path: Path) -> bool:
    """Whether something is a half-written file's: it is there for a moment, or since a process was killed."""
    return _PARTIAL.match(path.name) is not None


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """An ordinary file, open for reading its bytes. A pipe, which would make the reader wait for ever, is refused.

    Raises:
        FerlabError: a pipe, a socket or a device; the words follow the file's name in a sentence.
        OSError: no such file, a folder, or no right to read it.
    """
    # Not to wait is asked for when it is opened: a look before that could be outrun.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        raise _refused(errno.EISDIR, path) if stat.S_ISDIR(kind) else FerlabError("is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def is_free(folder: Path) -> bool:
    """Whether nothing lies at ``folder``, or an empty folder."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def check_writable(path: Path, *, folder: bool = False) -> None:
    """Find out before a long work whether its result could be written.

    Args:
        path: a file to write or to replace, or a folder to write files to.
        folder: which of the two.

    Raises:
        OSError: it could not, with the reason.
    """
    path = Path(path).absolute()
    if not folder and path.is_dir():
        raise _refused(errno.EISDIR, path)
    _check_replaceable(path)
    place = path if folder else path.parent
    missing = [] if folder else [path.name]
    while not os.path.lexists(place):
        missing.append(place.name)
        place = place.parent
    if not place.is_dir():
        raise _refused(errno.ENOTDIR if place.exists() else errno.EEXIST, place)
    longest = os.pathconf(place, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    for name in missing:
        if len(os.fsencode(name)) > longest:
            raise _refused(errno.ENAMETOOLONG, path)
    if not os.access(place, os.W_OK | os.X_OK):
        is_read_only = hasattr(os, "statvfs") and bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        raise _refused(errno.EROFS if is_read_only else errno.EACCES, place)


def _refused(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


def json_text(content: Any) -> str:
    """``content`` as :func:`write_json` writes it."""
    return json.dumps(content, indent=2) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with atomic_path(path) as beside:
        beside.write_text(json_text(content), encoding="utf-8")


def write_parquet(path: Path, rows: pd.DataFrame) -> None:
    """Write ``rows`` without their index, compressed, whole or not at all."""
    with atomic_path(path) as beside:
        rows.to_parquet(beside, index=False, compression="zstd")


# ---- reading


def read_json(path: Path, kind: type[BaseModel], *, mend: str) -> Any:
    """The content of a JSON file, once all fields that ``kind`` names have been found to be of the right types.

    Args:
        path: the file.
        kind: the schema, a model of pydantic; fields that it does not know are left as they are, unless it forbids
            them.
        mend: what to do when that fails, as the sentence's end.

    Returns:
        The content as it stands there (dicts, lists, numbers, ..), not the model.

    Raises:
        UnreadableFile: the file is missing or damaged, nested too deeply, or a field of it is missing or of another
            type: the sentence names both.
    """
    try:
        text = _bytes_of(path, mend)
        kind.model_validate_json(text, strict=True)
        return from_json(text)
    except FileNotFoundError as error:
        raise UnreadableFile(f"{path} is missing: {mend}.") from error
    except OSError as error:
        raise UnreadableFile(sentence_of(error)) from error
    except UnreadableFile:
        raise
    except FerlabError as error:  # of settings that a schema holds, and that say themselves what is wrong with them
        raise UnreadableFile(f"{path} cannot be used. {error}") from error
    except ValidationError as error:
        raise UnreadableFile(f"{path} is damaged, {_first_problem(error)}: {mend}.") from error


def _bytes_of(path: Path, mend: str) -> bytes:
    """What lies in a file, for which nobody waits."""
    try:
        with regular_file(path) as file:
            return file.read()
    except FerlabError as error:
        raise UnreadableFile(f"{path} {error}: {mend}.") from error


def _first_problem(error: ValidationError) -> str:
    """Field and problem: ``its field seeds.0 should be a valid integer``."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    said = re.sub(r"^\w+ should", "should", first["msg"])
    if first["type"] == "json_invalid":
        return said.replace("Invalid JSON:", "it is no JSON:", 1)
    field = ".".join(str(part) for part in first["loc"])
    shown = ascii(field)[1:-1]
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    said = {"missing": "is missing", "extra_forbidden": "is not one that belongs there"}.get(first["type"], said)
    return f"its field {shown} {said}" if field else f"it {said}"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

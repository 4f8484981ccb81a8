"""Errors that are told apart by their type, never by their words."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class FerlabError(Exception):
    """One clear sentence: what is wrong, and what to do.

    The command line prints the sentence without a traceback and exits with code 2.
    """


class FerlabWarning(UserWarning):
    """One clear sentence about what was left out, or will take long, where the work goes on all the same.

    The command line prints the sentence; a program sees a Python warning.
    """


class TrainingDiverged(FerlabError):
    """A training whose numbers are no longer finite: the recipe was too strong, the program is all right."""


class UnreadableFile(FerlabError):
    """A file that ferlab wrote is missing, damaged, or holds something else than it should."""


class ChangedFile(FerlabError):
    """A file of a run is no longer what ferlab wrote there."""


class NotFinite(ValueError):
    """NaN or infinity in what a loss was given."""


_FULL = "the disk is full: free some space and run the command again, with --resume where it has that"
_NAMED_ELSEWHERE = "name another place, or mend its rights"
_PROBLEMS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL.replace("the disk is full", "your share of the disk is used up"),
    errno.EFBIG: "the file is larger than this disk allows: name a place on another disk",
    errno.EACCES: f"you have no right to read or write there: {_NAMED_ELSEWHERE}",
    errno.EPERM: f"the system does not allow it: {_NAMED_ELSEWHERE}",
    errno.EROFS: "that disk can only be read: name another place to write",
    errno.ENOENT: "there is no such file or folder (or it is a link to one that is gone): look at the name",
    errno.EEXIST: "something else has that name, maybe a link to a place that is gone: name another place",
    errno.ENOTDIR: "a part of that path is a file and no folder: name another place",
    errno.EISDIR: "it is a folder, and a file is wanted: name a file",
    errno.ENOTEMPTY: "the folder is not empty: name another place",
    errno.ELOOP: "its links lead round in a circle: name the place itself",
    errno.ENAMETOOLONG: "the name is longer than this system allows: choose a shorter one",
    errno.EINVAL: "this system does not allow such a name: choose another one",
    errno.EMFILE: "too many files are open: close other programs, or raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open: close other programs",
    errno.ENOMEM: "the memory is full: close other programs",
    errno.EIO: "the disk cannot be read or written: it may be damaged or unplugged",
    errno.ESTALE: "the disk of the network has gone away: connect it again",
    errno.EBUSY: "another program is using it: close that one",
    errno.ETXTBSY: "another program is using it: close that one",
    errno.EXDEV: "it lies on another disk: name a place on the same one",
}


def sentence_of(error: OSError) -> str:
    """What the operating system refused and what to do about it, in one sentence.

    >>> sentence_of(PermissionError(errno.EACCES, "Permission denied", "/data/run"))
    '/data/run: you have no right to read or write there: name another place, or mend its rights.'
    """
    problem = _PROBLEMS.get(error.errno or 0)
    if problem is None:
        said = error.strerror or " ".join(str(error).split()) or type(error).__name__
        problem = f"the system says {said!r}: look at that place, or name another one"
    where = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return f"{' to '.join(where)}: {problem}." if where else f"{problem[:1].upper()}{problem[1:]}."


@contextmanager
def warnings_as_sentences(say: Callable[[str], None]) -> Iterator[None]:
    """Hand every :class:`FerlabWarning` to `say`, each sentence once; what else warns is shown as ever.

    >>> with warnings_as_sentences(print):
    ...     for _ in range(2):
    ...         warnings.warn("Two files are left out.", FerlabWarning)
    Two files are left out.
    """
    said: set[str] = set()
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if not issubclass(category, FerlabWarning):
                shown(message, category, *place, **more)
            elif str(message) not in said:
                said.add(str(message))
                say(str(message))

        warnings.simplefilter("always", FerlabWarning)
        warnings.showwarning = show
        yield

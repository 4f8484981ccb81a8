"""What the numbers of a data set mean: its makers' own numbering, or one that is given by hand, and no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ferlab.data.classes import CLASSES, CONTEMPT, canonical_class
from ferlab.errors import FerlabError
from ferlab.texts import printable

LABELS_FILE = "ferlab-labels.txt"  # in a data set's folder: what its numbers mean, as --labels takes it
FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")  # codes 0 to 6
AFFECTNET = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", CONTEMPT)  # codes 0 to 7
Coding = tuple[tuple[str, str], ...]  # (code, class) in order; a tuple, so that it can be a key

RAFDB_CODING: Coding = tuple((str(number), name) for number, name in enumerate(CLASSES, 1))
FER2013_CODING: Coding = tuple((str(number), name) for number, name in enumerate(FER2013))
AFFECTNET_CODING: Coding = tuple((str(number), name) for number, name in enumerate(AFFECTNET))
_NUMBERINGS = {"RAF-DB": RAFDB_CODING, "FER-2013": FER2013_CODING, "AffectNet": AFFECTNET_CODING}
_EXAMPLE = "0=neutral,1=happiness,.."
_SAY_WHAT_THEY_MEAN = f"say with --labels {_EXAMPLE} what each label means"


def read_labels(labels: str | Mapping[str | int, str] | None) -> dict[str, str]:
    """A mapping by hand: what stands in the data set -> class. Expressions get their canonical names.

    Raises:
        FerlabError: no such mapping, or one number twice.

    Example:
        >>> read_labels("0=neutral, 1=happy")
        {'0': 'neutral', '1': 'happiness'}
        >>> read_labels({3: "bored"})
        {'3': 'bored'}
    """
    if isinstance(labels, str):
        pairs = [part.partition("=") for part in labels.replace("\n", ",").split(",") if part.strip()]
        if not pairs or not all(equals and code.strip() and name.strip() for code, equals, name in pairs):
            raise FerlabError(f"--labels takes pairs such as {_EXAMPLE}, not {labels[:60]!r}.")
        given = [(code.strip(), name.strip()) for code, _, name in pairs]
    elif labels is not None and not isinstance(labels, Mapping):
        raise FerlabError(f"labels are pairs such as {_EXAMPLE}, or a dict, not a {type(labels).__name__}.")
    else:
        given = [(str(code), str(name)) for code, name in (labels or {}).items()]
    found = {code: canonical_class(name) or name for code, name in given}
    if len(found) < len(given):
        twice = next(code for place, (code, _) in enumerate(given) if code in dict(given[:place]))
        raise FerlabError(f"--labels names {twice!r} twice: give each number one class.")
    return found


def stored_labels(root: Path | None) -> dict[str, str]:
    """The mapping in a data set's folder, in its file ``ferlab-labels.txt``; empty where there is none."""
    if root is None or not (path := root / LABELS_FILE).is_file():
        return {}
    try:
        return read_labels(path.read_text(encoding="utf-8"))
    except (FerlabError, UnicodeDecodeError) as error:
        raise FerlabError(f"{path} does not say what the labels mean, like 0=neutral,1=happiness: mend it.") from error


def coding_of(title: str, own: Coding, labels: Mapping[str, str] | None, classes: Collection[str]) -> Coding:
    """A data set's numbering: its makers', or the one given by hand.

    Args:
        title: of the data set, for messages.
        own: its makers' numbering.
        labels: by hand; None or empty for none.
        classes: what the data set can hold.

    Raises:
        FerlabError: a class that the data set has not.
    """
    if not labels:
        return own
    if strange := [name for name in labels.values() if name not in classes]:
        raise FerlabError(
            f"--labels names the class {strange[0]!r}, and {title} has {', '.join(classes)}: give one of these, or "
            "read the faces with --dataset folder."
        )
    return tuple(labels.items())


def check_codes(title: str, coding: Coding, found: Mapping[str, Collection[str]], *, needed: Collection[str]) -> None:
    """That each part of a data set holds the numbers that it should, and no other.

    Numbers that mean something else are still numbers: a copy that counts in another way would be read without a word,
    and nearly all of its labels would be wrong. So nothing is guessed.

    Args:
        title: of the data set.
        coding: what its numbers mean.
        found: place, such as a folder, -> the codes there.
        needed: the codes that every place must have.

    Raises:
        FerlabError: a code that is not known, or one that is missing.
    """
    known = dict(coding)
    for place, codes in found.items():
        if odd := sorted(set(codes) - set(known), key=_by_number):
            raise unknown_code(title, coding, f"{place} has the label {printable(odd[0])!r}", odd[0], codes)
        if missing := [code for code in needed if code not in codes]:
            name = f"{place} has no label {missing[0]!r} ({known[missing[0]]})"
            if not _is_own(title, coding):
                raise FerlabError(f"{name}, which --labels names: leave it out there, or get a complete copy.")
            raise FerlabError(
                f"{name}, and {_known(title, coding)}: get a complete copy, or, if it counts in another way, "
                f"{_SAY_WHAT_THEY_MEAN}."
            )


def unknown_code(title: str, coding: Coding, found: str, code: str, codes: Collection[str]) -> FerlabError:
    """The error about one code that is not known.

    Args:
        title: of the data set.
        coding: what its numbers mean.
        found: how the sentence begins: where the code stands.
        code: the one that is not known.
        codes: all codes there, which tell what numbering it may be.
    """
    if not _is_own(title, coding):
        given = ",".join(f"{known}={name}" for known, name in coding)
        return FerlabError(
            f"{found}, which --labels leaves out: give every label a class, --labels {given},{code}=NAME."
        )
    return FerlabError(f"{found}, and {_known(title, coding)}: {_what_it_may_be(title, code, set(codes))}.")


def _by_number(code: str) -> tuple[float, str]:
    return (float(code), code) if code.isdecimal() else (float("inf"), code)


def _is_own(title: str, coding: Coding) -> bool:
    return _NUMBERINGS[title] == coding


def _known(title: str, coding: Coding) -> str:
    return f"{title} knows {', '.join(f'{code} {name}' for code, name in coding)}"


def _what_it_may_be(title: str, odd: str, codes: set[str]) -> str:
    if canonical_class(odd):
        return f"if its labels are names, read it with --dataset folder, or {_SAY_WHAT_THEY_MEAN}"
    fitting = [
        f"{name} ({', '.join(f'{code} {of}' for code, of in coding)})"
        for name, coding in _NUMBERINGS.items()
        if name != title and codes <= {code for code, _ in coding}
    ]
    perhaps = f", perhaps as {' or '.join(fitting)}" if fitting else ""
    return f"it is damaged or counts in another way{perhaps}; look at some of its faces, and {_SAY_WHAT_THEY_MEAN}"

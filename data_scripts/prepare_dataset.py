"""Unpack a data set into a folder that ferlab reads, and check it.

    python data_scripts/prepare_dataset.py fer2013 DOWNLOADED --root DIR [--overwrite]
    python data_scripts/prepare_dataset.py rafdb basic.zip --root DIR
    python data_scripts/prepare_dataset.py affectnet train_set.tar val_set.tar --root DIR
    python data_scripts/prepare_dataset.py affectnet --root DIR        # only check what lies there

DOWNLOADED is one or more archives (zip, tar, tar.gz) or single files as you got them: for FER-2013 an archive from
Kaggle or its csv (votes of FER+, fer2013new.csv, come along from the archive or from beside the csv); for RAF-DB
the archive of the aligned faces and list_patition_label.txt, or the form with the folders DATASET/train/1 to 7; for
AffectNet training.csv, validation.csv and the pictures, or train_set and val_set. What ferlab does not need is not
unpacked. Afterwards every split is read once; counts and identical images are printed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ferlab.data import SPLITS, affectnet, fer2013, load_dataset, rafdb
from ferlab.data.image_files import SUFFIXES
from ferlab.errors import FerlabError
from ferlab.files import is_free


@dataclass(frozen=True)
class Source:
    """What a data set needs of its archives.

    Attributes:
        title: its name in a sentence.
        target: path in an archive -> path below the root, or None for what is not needed.
        marks: names in the root by which a copy is known.
    """

    title: str
    target: Callable[[PurePosixPath], PurePosixPath | None]
    marks: tuple[str, ...]


def _fer2013(path: PurePosixPath) -> PurePosixPath | None:
    if path.name in (*fer2013.CSV_NAMES, fer2013.VOTES_NAME):
        return PurePosixPath(path.name)
    in_split = len(path.parts) >= 3 and path.parts[-3] in ("train", "test")
    return PurePosixPath(*path.parts[-3:]) if in_split and path.suffix.lower() in fer2013.SUFFIXES else None


def _rafdb(path: PurePosixPath) -> PurePosixPath | None:
    if path.name == rafdb.LIST.name:
        return PurePosixPath(rafdb.LIST.as_posix())
    if path.suffix.lower() not in SUFFIXES:
        return None
    if len(path.parts) >= 3 and path.parts[-3] in ("train", "test") and path.parts[-2] in rafdb.CODES:
        return PurePosixPath("DATASET", *path.parts[-3:])
    return PurePosixPath(rafdb.ALIGNED.as_posix(), path.name) if path.stem.endswith("_aligned") else None


def _affectnet(path: PurePosixPath) -> PurePosixPath | None:
    if path.name in affectnet.LISTS.values():
        return PurePosixPath(path.name)
    parts, pictures = path.parts, affectnet.PICTURES[0]
    for name in affectnet.SETS.values():
        if name in parts and len(below := parts[parts.index(name) :]) == 3:
            needed = (below[1] == "images" and path.suffix.lower() in SUFFIXES) or (
                below[1] == "annotations" and path.stem.endswith(("_exp", "_val", "_aro")) and path.suffix == ".npy"
            )
            return PurePosixPath(*below) if needed else None
    if pictures in parts and path.suffix.lower() in SUFFIXES:
        return PurePosixPath(*parts[parts.index(pictures) :])
    return None


SOURCES = {
    "fer2013": Source("FER-2013", _fer2013, (*fer2013.CSV_NAMES, "train")),
    "rafdb": Source("RAF-DB", _rafdb, ("EmoLabel", "DATASET", "Image")),
    "affectnet": Source("AffectNet", _affectnet, (*affectnet.LISTS.values(), *affectnet.SETS.values())),
}
SOURCES["affectnet-8"] = SOURCES["affectnet"]


def target_of(source: Source, member: str) -> PurePosixPath | None:
    """Where a file of the archive goes below the root, or None when the data set does not need it.

    >>> target_of(SOURCES["fer2013"], "archive/train/angry/Training_3.jpg").as_posix()
    'train/angry/Training_3.jpg'
    >>> target_of(SOURCES["rafdb"], "aligned/train_00001_aligned.jpg").as_posix()
    'Image/aligned/train_00001_aligned.jpg'
    >>> target_of(SOURCES["affectnet"], "x/val_set/annotations/7_lnd.npy") is None
    True
    """
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise FerlabError(f"The archive holds {member!r}, a path outside its own folder; do not use this archive.")
    if any(part.startswith((".", "__")) for part in path.parts):
        return None
    return source.target(path)


def open_members(downloaded: Path, stack: ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of every regular file; links and devices are passed over."""
    if zipfile.is_zipfile(downloaded):
        archive = stack.enter_context(zipfile.ZipFile(downloaded))
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as content:
                    yield info.filename, content
    elif tarfile.is_tarfile(downloaded):
        archive = stack.enter_context(tarfile.open(downloaded))  # noqa: SIM115
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member)
    elif downloaded.suffix.lower() in (".csv", ".txt"):
        with downloaded.open("rb") as content:
            yield downloaded.name, content
    else:
        raise FerlabError(
            f"{downloaded} is neither a zip, a tar nor a list (csv, txt), or its download broke off; see --help."
        )


def unpack(source: Source, downloaded: Path, folder: Path) -> None:
    """Copy what the data set needs from one download into ``folder``."""
    found = 0
    try:
        with ExitStack() as stack:
            for name, content in open_members(downloaded, stack):
                target = target_of(source, name)
                if target is None:
                    continue
                path = folder / target
                if path.exists():
                    raise FerlabError(f"{downloaded} holds {target} once more; unpack it by hand and keep one.")
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as out:
                    shutil.copyfileobj(content, out)
                found += 1
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        RuntimeError,
    ) as error:
        raise FerlabError(
            f"{downloaded} is truncated, damaged or locked by a password; download it again, or unpack it by hand."
        ) from error
    if not found:
        raise FerlabError(f"{downloaded} holds nothing of {source.title}; see --help for what it should hold.")


def report(name: str, root: Path) -> str:
    """Counts of every split, and how many images are identical to one of the training split."""
    lines = []
    for split in SPLITS:
        faces = load_dataset(name, split, root)
        counts = ", ".join(f"{label} {count:,}" for label, count in faces.class_counts().items())
        same = int(faces.metadata["duplicate_of_train"].sum())
        meaning = "repeat an earlier image" if split == "train" else "stand in train too"
        lines.append(f"{split}: {len(faces):,} images ({counts}); {same:,} {meaning}")
    if faces.metadata.columns.str.startswith("ferplus_").any():
        lines.append("FER+ votes: joined")
    return "\n".join(lines)


def prepare(name: str, downloads: Sequence[Path], root: Path, overwrite: bool = False) -> str:
    """Unpack the downloads to ``root`` and return the report; ``root`` appears only when all could be read."""
    source = SOURCES[name]
    if not downloads:
        return report(name, root)
    for path in downloads:
        if path.is_dir():
            raise FerlabError(f"{path} is a folder: to check what lies there, give it as --root and no download.")
        if not path.is_file():
            raise FerlabError(f"There is no file {path}; give the file as you downloaded it.")
    votes = downloads[0].parent / fer2013.VOTES_NAME
    if name == "fer2013" and downloads[0].suffix.lower() == ".csv" and votes.is_file():
        downloads = list(dict.fromkeys([*downloads, votes]))
    if not is_free(root):
        if not overwrite:
            raise FerlabError(f"{root} exists; name a new folder, or say --overwrite to replace it.")
        if not any((root / mark).exists() for mark in source.marks):
            raise FerlabError(f"{root} exists and is not a copy of {source.title}; name another folder.")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as staging:
        fresh = Path(staging) / "new"
        fresh.mkdir()
        for path in downloads:
            unpack(source, path, fresh)
        try:
            text = report(name, fresh)
        except FerlabError as error:
            of = str(downloads[0]) if len(downloads) == 1 else "the unpacked folder"
            raise FerlabError(str(error).replace(str(fresh), of)) from error
        if root.exists():
            os.replace(root, Path(staging) / "old")
        os.replace(fresh, root)
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(SOURCES), help="the data set")
    parser.add_argument("downloads", type=Path, nargs="*", help="archives or lists as downloaded; none: only check DIR")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder to create, or to check")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder when it exists")
    options = parser.parse_args(arguments)
    downloads = [path.expanduser() for path in options.downloads]
    try:
        print(prepare(options.name, downloads, options.root.expanduser(), options.overwrite))
    except FerlabError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or options.root}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

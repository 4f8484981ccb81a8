"""Unpack FER-2013 into a folder that ferlab reads, and check it.

    python data_scripts/prepare_fer2013.py DOWNLOADED --root DIR [--overwrite]

DOWNLOADED is an archive from Kaggle (zip or tar.gz, with fer2013.csv, icml_face_data.csv or the folders
train/ and test/), or one of these csv files. Votes of FER+ (fer2013new.csv) in the archive, or beside the
csv, come along. Nothing else is unpacked. Afterwards every split is read once; counts and identical images
are printed.
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
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO

from ferlab.data import SPLITS, load_dataset
from ferlab.data.fer2013 import CSV_NAMES, SUFFIXES, VOTES_NAME
from ferlab.errors import FerlabError


def target_of(member: str) -> PurePosixPath | None:
    """Where a file of the archive goes below the root, or None when FER-2013 does not need it.

    >>> target_of("archive/train/angry/Training_3.jpg").as_posix()
    'train/angry/Training_3.jpg'
    >>> target_of("fer2013/README") is None
    True
    """
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise FerlabError(
            f"The archive holds {member!r}, a path outside its own folder; do not use this archive."
        )
    if path.name in (*CSV_NAMES, VOTES_NAME):
        return PurePosixPath(path.name)
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    in_split = len(path.parts) >= 3 and path.parts[-3] in ("train", "test")
    if in_split and path.suffix.lower() in SUFFIXES and not hidden:
        return PurePosixPath(*path.parts[-3:])
    return None


def open_members(source: Path, stack: ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of every regular file; links and devices are passed over."""
    if zipfile.is_zipfile(source):
        archive = stack.enter_context(zipfile.ZipFile(source))
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as content:
                    yield info.filename, content
    elif tarfile.is_tarfile(source):
        archive = stack.enter_context(tarfile.open(source))  # noqa: SIM115
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member)
    elif source.suffix.lower() == ".csv":
        for path in (source, source.parent / VOTES_NAME):
            if path.is_file():
                with path.open("rb") as content:
                    yield CSV_NAMES[0] if path == source else VOTES_NAME, content
    else:
        raise FerlabError(f"{source} is neither a zip, a tar.gz nor a csv; give the file that Kaggle offers.")


def unpack(source: Path, folder: Path) -> None:
    """Copy what FER-2013 needs from ``source`` into ``folder``."""
    found = 0
    try:
        with ExitStack() as stack:
            for name, content in open_members(source, stack):
                target = target_of(name)
                if target is None:
                    continue
                path = folder / target
                if path.exists():
                    raise FerlabError(f"{source} holds {target} twice; unpack it by hand and keep one.")
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
        raise FerlabError(f"{source} is truncated or damaged; download it again.") from error
    if not found:
        raise FerlabError(f"{source} holds no FER-2013; give the file that Kaggle offers.")


def report(root: Path) -> str:
    """Counts of every split, and how many images are identical to one of the training split."""
    lines = []
    for split in SPLITS:
        faces = load_dataset("fer2013", split, root)
        counts = ", ".join(f"{name} {count:,}" for name, count in faces.class_counts().items())
        same = int(faces.metadata["duplicate_of_train"].sum())
        meaning = "repeat an earlier image" if split == "train" else "stand in train too"
        lines.append(f"{split}: {len(faces):,} images ({counts}); {same:,} {meaning}")
    if faces.metadata.columns.str.startswith("ferplus_").any():
        lines.append("FER+ votes: joined")
    return "\n".join(lines)


def prepare(source: Path, root: Path, overwrite: bool = False) -> str:
    """Unpack ``source`` to ``root`` and return the report; ``root`` appears only when all could be read."""
    if not source.is_file():
        raise FerlabError(f"There is no file {source}; give the file that Kaggle offers.")
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        if not overwrite:
            raise FerlabError(f"{root} exists; name a new folder, or say --overwrite to replace it.")
        if not any((root / name).exists() for name in (*CSV_NAMES, "train")):
            raise FerlabError(f"{root} exists and is not a copy of FER-2013; name another folder.")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as staging:
        fresh = Path(staging) / "new"
        fresh.mkdir()
        unpack(source, fresh)
        try:
            text = report(fresh)
        except FerlabError as error:
            raise FerlabError(str(error).replace(str(fresh), str(source))) from error
        if root.exists():
            os.replace(root, Path(staging) / "old")
        os.replace(fresh, root)
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Unpack FER-2013 into a folder that ferlab reads, and check it."
    )
    parser.add_argument("source", type=Path, help="zip, tar.gz or csv as downloaded")
    parser.add_argument("--root", type=Path, required=True, help="folder to create")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder when it exists")
    options = parser.parse_args(arguments)
    try:
        print(prepare(options.source.expanduser(), options.root.expanduser(), options.overwrite))
    except FerlabError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or options.root}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

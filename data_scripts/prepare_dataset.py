"""Unpack a data set into a folder that ferlab reads, and check it.

    python data_scripts/prepare_dataset.py fer2013 DOWNLOADED --root DIR [--overwrite]
    python data_scripts/prepare_dataset.py rafdb basic.zip --root DIR
    python data_scripts/prepare_dataset.py affectnet train_set.tar val_set.tar --root DIR
    python data_scripts/prepare_dataset.py rafdb copy.zip --root DIR --labels 0=neutral,1=happiness,..
    python data_scripts/prepare_dataset.py affectnet --root DIR        # only check what lies there

DOWNLOADED is one or more archives (zip, tar, tar.gz) or single files as you got them: for FER-2013 an archive from
Kaggle or its csv (votes of FER+, fer2013new.csv, come along from the archive or from beside the csv); for RAF-DB
the archive of the aligned faces and list_patition_label.txt, or the form with the folders DATASET/train/1 to 7; for
AffectNet training.csv, validation.csv and the pictures, or train_set and val_set. What ferlab does not need is not
unpacked. Afterwards every split is read once; counts and identical images are printed.

A copy whose labels count in another way than its makers' is refused; --labels says what they mean, and is kept in DIR
in ferlab-labels.txt, where ferlab finds it. --overwrite replaces what this script has written to DIR, and nothing else.
"""

from __future__ import annotations

import argparse
import lzma
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel

from ferlab.arguments import check_cap
from ferlab.data import SPLITS, affectnet, fer2013, load_dataset, rafdb
from ferlab.data.codes import LABELS_FILE, read_labels
from ferlab.data.image_files import JUNK
from ferlab.errors import FerlabError, sentence_of, warnings_as_sentences
from ferlab.files import folder_beside, is_free, read_json, write_json

WRITTEN = "ferlab-unpacked"  # file in the root: what this script has written there
# Pictures do not shrink in an archive, and FER-2013's csv does to a third.
LARGEST_RATIO, ALWAYS_FINE = 50, 256_000_000  # times the archive's own size; bytes
LONGEST_TAIL = 64_000_000  # bytes of nothing behind the last file of a tar
AT_ONCE = 1 << 20  # bytes


class Written(BaseModel):
    """What the file ``ferlab-unpacked`` holds: of every file its size and time."""

    files: dict[str, list[int]]


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
    return PurePosixPath(*path.parts[-3:]) if in_split else None


def _rafdb(path: PurePosixPath) -> PurePosixPath | None:
    if path.name == rafdb.LIST.name:
        return PurePosixPath(rafdb.LIST.as_posix())
    if len(path.parts) >= 3 and path.parts[-3] in ("train", "test"):  # whatever its folder is called: the reader looks
        return PurePosixPath("DATASET", *path.parts[-3:])
    if path.name in ("train_labels.csv", "test_labels.csv"):  # which must say what the folders say
        return PurePosixPath("DATASET", path.name)
    return PurePosixPath(rafdb.ALIGNED.as_posix(), path.name) if path.stem.endswith("_aligned") else None


def _affectnet(path: PurePosixPath) -> PurePosixPath | None:
    if path.name in affectnet.LISTS.values():
        return PurePosixPath(path.name)
    parts, pictures = path.parts, affectnet.PICTURES[0]
    for name in affectnet.SETS.values():
        if name in parts and len(below := parts[parts.index(name) :]) == 3:
            needed = below[1] == "images" or (
                below[1] == "annotations" and path.stem.endswith(("_exp", "_val", "_aro")) and path.suffix == ".npy"
            )
            return PurePosixPath(*below) if needed else None
    if pictures in parts:
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
    if any(part.startswith(".") or part.lower() in JUNK for part in path.parts):
        return None
    return source.target(path)


class CheckedHeader(tarfile.TarInfo):
    """A file's header in a tar. tarfile itself takes a damaged one for the end, and what follows is lost unnoticed."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise  # a block of zeros: the mark of the end
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"no header at byte {archive.offset}") from error


def check_end(archive: tarfile.TarFile) -> None:
    """That behind the mark of a tar's end there is nothing: a header of zeros in its middle looks the same."""
    archive.fileobj.seek(archive.offset)
    length = 0
    while block := archive.fileobj.read(AT_ONCE):
        length += len(block)
        if block.strip(b"\0") or length > LONGEST_TAIL:
            raise tarfile.ReadError(f"more after the end at byte {archive.offset}")


def open_members(downloaded: Path, stack: ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of every regular file; links and devices are passed over."""
    if zipfile.is_zipfile(downloaded):
        archive = stack.enter_context(zipfile.ZipFile(downloaded))
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as content:
                    yield info.filename, content
    elif tarfile.is_tarfile(downloaded):
        archive = stack.enter_context(tarfile.open(downloaded, tarinfo=CheckedHeader))  # noqa: SIM115
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member)
        check_end(archive)
    elif downloaded.suffix.lower() in (".csv", ".txt"):
        with downloaded.open("rb") as content:
            yield downloaded.name, content
    else:
        raise FerlabError(
            f"{downloaded} is neither a zip, a tar nor a list (csv, txt), or its download broke off; see --help."
        )


def unpack(source: Source, downloaded: Path, folder: Path, most: float) -> None:
    """Copy what the data set needs from one download into ``folder``, at most so many bytes."""
    found, left = 0, most
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
                    while block := content.read(AT_ONCE):
                        left -= len(block)  # what the archive itself says of sizes need not be true
                        if left < 0:
                            raise FerlabError(
                                f"{downloaded} unpacks to more than {most / 1e9:g} GB, more than such pictures take: "
                                "it is damaged, or made to fill a disk; if you trust it, raise the limit (--gigabytes)."
                            )
                        out.write(block)
                found += 1
    except (
        zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, struct.error,
        ValueError, OverflowError, OSError,
    ) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of what was read
        raise FerlabError(
            f"{downloaded} is truncated, damaged or locked by a password; download it again, or unpack it by hand."
        ) from error
    if not found:
        raise FerlabError(f"{downloaded} holds nothing of {source.title}; see --help for what it should hold.")


def largest(downloaded: Path, gigabytes: float | None) -> float:
    """How many bytes a download may unpack to."""
    return 1e9 * gigabytes if gigabytes else max(ALWAYS_FINE, LARGEST_RATIO * downloaded.stat().st_size)


def report(name: str, root: Path, labels: Mapping[str, str] | None = None, *, megapixels: float | None = None) -> str:
    """Counts of every split, and how many images are identical to one of the training split."""
    lines = []
    for split in SPLITS:
        faces = load_dataset(name, split, root, labels=labels, megapixels=megapixels)
        counts = ", ".join(f"{label} {count:,}" for label, count in faces.class_counts().items())
        same = int(faces.metadata["duplicate_of_train"].sum())
        meaning = "repeat an earlier image" if split == "train" else "stand in train too"
        lines.append(f"{split}: {len(faces):,} images ({counts}); {same:,} {meaning}")
    if faces.metadata.columns.str.startswith("ferplus_").any():
        lines.append("FER+ votes: joined")
    return "\n".join(lines)


def files_in(folder: Path) -> list[str]:
    """Every file below a folder, as paths relative to it; links are not followed."""
    return [
        (Path(where) / name).relative_to(folder).as_posix() for where, _, names in os.walk(folder) for name in names
    ]


def written_in(root: Path) -> set[str]:
    """What this script has written to ``root`` and nobody has changed since."""
    try:
        known = read_json(root / WRITTEN, Written, mend="")["files"]
    except FerlabError:  # none, or not ours
        return set()
    # Names that lead out of the folder are none that this script has written, whoever wrote them there.
    inside = {name: when for name, when in known.items() if is_inside(name)}
    return {name for name, when in inside.items() if [*_stamp(root / name)] == when} | {WRITTEN}


def is_inside(name: str) -> bool:
    """Whether a name stays in the folder that it is looked for in.

    >>> is_inside("train/1/a.jpg"), is_inside("../a.jpg"), is_inside("/a.jpg")
    (True, False, False)
    """
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file; of none that no file has."""
    try:
        about = path.lstat()
    except OSError:
        return -1, -1
    return about.st_size, about.st_mtime_ns


def check_replaceable(source: Source, root: Path, fresh: Path, written: Collection[str]) -> None:
    """That nothing of anybody else's is in the way: files that would be read with the new ones, or be replaced."""
    new = set(files_in(fresh))
    others = [name for name in files_in(root) if name not in written]
    for name in others:
        is_data = source.target(PurePosixPath(name)) == PurePosixPath(name)
        if name in new or is_data:
            raise FerlabError(
                f"{root / name} was not written by this script, or changed since, and {root} would be replaced: move "
                "it away, or name another folder."
            )


def put_in_place(root: Path, fresh: Path, old: Path, written: Collection[str]) -> None:
    """Move what was ``written`` to ``root`` out of it, and all of ``fresh`` in. Other files are never moved."""
    moves = [(root / name, old / name) for name in sorted(written)]
    moves += [(fresh / name, root / name) for name in files_in(fresh)]
    done = []
    try:
        for here, there in moves:
            there.parent.mkdir(parents=True, exist_ok=True)
            os.replace(here, there)
            done.append((here, there))
    except BaseException:
        for here, there in reversed(done):
            os.replace(there, here)
        raise
    for folder in sorted({(root / name).parent for name in written}, reverse=True):
        while folder != root and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def prepare(
    name: str,
    downloads: Sequence[Path],
    root: Path,
    overwrite: bool = False,
    *,
    labels: Mapping[str, str] | None = None,
    gigabytes: float | None = None,
    megapixels: float | None = None,
) -> str:
    """Unpack the downloads to ``root`` and return the report; ``root`` appears only when all could be read.

    Args:
        name: of the data set.
        downloads: archives and lists; none to report only.
        root: folder to write.
        overwrite: whether to replace what an earlier call has written there.
        labels: what the labels mean, in a copy that counts in another way.
        gigabytes: that a download may unpack to; None for what is plausible.
        megapixels: of the largest image that is read; None for the reader's limit.
    """
    source = SOURCES[name]
    if gigabytes is not None:
        gigabytes = check_cap(gigabytes, "gigabytes")
    if not downloads:
        return report(name, root, labels, megapixels=megapixels)
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
    with folder_beside(root) as staging:
        fresh, old = staging / "new", staging / "old"
        fresh.mkdir()
        for path in downloads:
            unpack(source, path, fresh, largest(path, gigabytes))
        if labels:
            meaning = ",".join(f"{code}={of}" for code, of in labels.items())
            (fresh / LABELS_FILE).write_text(meaning + "\n", encoding="utf-8")
        try:
            text = report(name, fresh, megapixels=megapixels)
        except FerlabError as error:
            of = str(downloads[0]) if len(downloads) == 1 else "the unpacked folder"
            raise FerlabError(str(error).replace(str(fresh), of)) from error
        write_json(fresh / WRITTEN, {"files": {file: _stamp(fresh / file) for file in files_in(fresh)}})
        if is_free(root) and not root.is_symlink():
            if root.exists():
                root.rmdir()
            os.replace(fresh, root)  # in one step, whatever happens
        else:
            written = written_in(root)
            check_replaceable(source, root, fresh, written)
            put_in_place(root, fresh, old, written)
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(SOURCES), help="the data set")
    parser.add_argument("downloads", type=Path, nargs="*", help="archives or lists as downloaded; none: only check DIR")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder to create, or to check")
    parser.add_argument("--overwrite", action="store_true", help="replace what this script has written to DIR before")
    parser.add_argument("--labels", metavar="0=neutral,..", help="what the labels of a copy mean that counts otherwise")
    parser.add_argument("--gigabytes", type=float, help="that a download may unpack to (default: what is plausible)")
    parser.add_argument("--megapixels", type=float, help="of the largest image that is read (default: 64)")
    options = parser.parse_args(arguments)
    downloads = [path.expanduser() for path in options.downloads]
    try:
        labels = read_labels(options.labels) if options.labels else None
        root = options.root.expanduser()
        with warnings_as_sentences(lambda sentence: print(sentence, file=sys.stderr)):
            limits = {"gigabytes": options.gigabytes, "megapixels": options.megapixels}
            print(prepare(options.name, downloads, root, options.overwrite, labels=labels, **limits))
    except FerlabError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(sentence_of(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

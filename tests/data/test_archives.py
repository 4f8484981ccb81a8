"""The preparation reads an archive to its end or refuses it, fills no disk, and takes away nobody else's files."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import own_files as copies
import prepare_dataset
import pytest

from ferlab.data import load_dataset
from ferlab.errors import FerlabError
from ferlab.files import host_tag, sweep_once

BLOCK = 512


@pytest.fixture
def tar(tmp_path) -> Path:
    """RAF-DB in folders, as a plain tar."""
    source = copies.rafdb_folders(tmp_path / "source")
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        for path in sorted(source.rglob("*.png")):
            out.add(path, path.relative_to(source).as_posix())
    return tmp_path / "a.tar"


def refused(archive: Path, root: Path, name: str = "rafdb", **options) -> str:
    with pytest.raises(FerlabError) as caught:
        prepare_dataset.prepare(name, [archive], root, **options)
    assert not root.exists(), "nothing is left behind"
    return str(caught.value)


def headers(path: Path) -> list[int]:
    """Where the files' headers stand."""
    with tarfile.open(path) as archive:
        return [member.offset for member in archive]


def test_a_whole_tar_is_unpacked(tar, tmp_path):
    assert "test: 7 images" in prepare_dataset.prepare("rafdb", [tar], tmp_path / "root")
    assert len(load_dataset("rafdb", "train", tmp_path / "root")) == 14


@pytest.mark.parametrize("after", [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 10])
@pytest.mark.parametrize("packed", [False, True], ids=["tar", "tar.gz"])
def test_a_tar_that_is_cut_at_a_header(tar, tmp_path, after, packed):
    whole = tar.read_bytes()
    cut = whole[: headers(tar)[-2] + after]
    tar.write_bytes(gzip.compress(cut) if packed else cut)
    assert f"{tar} is truncated, damaged" in refused(tar, tmp_path / "root")


@pytest.mark.parametrize("damage", [b"\xff" * 20, b"\0" * BLOCK, b"x" * BLOCK, b"\0" * 100])
def test_a_tar_that_is_damaged_at_a_header(tar, tmp_path, damage):
    content, at = bytearray(tar.read_bytes()), headers(tar)[-2]
    content[at : at + len(damage)] = damage
    tar.write_bytes(content)
    assert f"{tar} is truncated, damaged" in refused(tar, tmp_path / "root")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
@pytest.mark.parametrize("what", ["cut", "cut at the end", "middle", "end"])
def test_compressed_damage_is_a_sentence(tar, tmp_path, pack, what, capsys):
    content = bytearray(pack(tar.read_bytes()))
    if what.startswith("cut"):
        content = content[: -4 if "end" in what else len(content) // 2]
    else:
        at = len(content) // 2 if what == "middle" else len(content) - 6
        content[at : at + 4] = bytes(255 - value for value in content[at : at + 4])
    tar.write_bytes(content)
    assert prepare_dataset.main(["rafdb", str(tar), "--root", str(tmp_path / "root")]) == 2
    said = capsys.readouterr().err
    assert str(tar) in said and "None" not in said and not (tmp_path / "root").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("what", ["data", "method"])
def test_a_damaged_zip_is_a_sentence(tmp_path, method, what):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", method) as out:
        out.writestr("DATASET/train/1/a.png", bytes(range(256)) * 40)
    content = bytearray(archive.read_bytes())
    if what == "data":
        content[60:90] = b"\xa5" * 30
    else:  # a way to compress that nobody knows
        content[8:10] = content[content.index(b"PK\x01\x02") + 10 :][:2] = struct.pack("<H", 77)
        at = content.index(b"PK\x01\x02") + 10
        content[at : at + 2] = struct.pack("<H", 77)
    archive.write_bytes(content)
    assert f"{archive} is truncated, damaged" in refused(archive, tmp_path / "root")


# ------------------------------------------------------------------------------------------- too large
def inflated(path: Path, megabytes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out, out.open("DATASET/train/1/a.png", "w") as file:
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    return path


def sparse(path: Path, size: int) -> Path:
    """A tar whose one file is a hole of so many bytes."""
    info = tarfile.TarInfo("DATASET/train/1/a.png")
    info.size = BLOCK
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(size),
                        "GNU.sparse.name": "DATASET/train/1/a.png"}  # fmt: skip
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
        out.addfile(info, io.BytesIO(f"1\n{size}\n0\n".encode().ljust(BLOCK, b"\0")))
    return path


def test_an_inflated_archive_fills_no_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_dataset, "ALWAYS_FINE", 2_000_000)
    archive = inflated(tmp_path / "a.zip", 8)
    assert "unpacks to more than 0.002 GB" in refused(archive, tmp_path / "root")
    assert "more than 0.003 GB" in refused(archive, tmp_path / "root", gigabytes=0.003)
    assert "holds no RAF-DB" in refused(archive, tmp_path / "root", gigabytes=1), "with the limit raised it is read"
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_sparse_archive_fills_no_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_dataset, "ALWAYS_FINE", 2_000_000)
    assert "(--gigabytes)" in refused(sparse(tmp_path / "a.tar", 10**12), tmp_path / "root")


def test_zeros_behind_a_tar_have_an_end(tar, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_dataset, "LONGEST_TAIL", 100_000)
    tar.write_bytes(tar.read_bytes() + bytes(200_000))
    assert "damaged" in refused(tar, tmp_path / "root")


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2,), (0,)])
def test_an_annotation_that_says_to_be_large_is_damaged(tmp_path, shape):
    path = copies.affectnet_sets(tmp_path) / "train_set" / "annotations" / "5_exp.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
        file.write(bytes(8))
    with pytest.raises(FerlabError, match=r"5_exp\.npy is missing or damaged"):
        load_dataset("affectnet", "test", tmp_path)


@pytest.mark.parametrize("descr", ["<U1000000000", "|O", "<c16"])
def test_an_annotation_of_another_kind_is_damaged(tmp_path, descr):
    path = copies.affectnet_sets(tmp_path) / "train_set" / "annotations" / "5_val.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": ()})
        file.write(bytes(16))
    with pytest.raises(FerlabError, match=r"5_val\.npy is missing or damaged"):
        load_dataset("affectnet", "test", tmp_path)


def test_an_annotation_that_is_long_is_not_read(tmp_path):
    path = copies.affectnet_sets(tmp_path) / "train_set" / "annotations" / "5_aro.npy"
    with path.open("r+b") as file:
        file.truncate(10**12)
    with pytest.raises(FerlabError, match=r"5_aro\.npy is missing or damaged"):
        load_dataset("affectnet", "test", tmp_path)


# ------------------------------------------------------------------------------------------- --overwrite
@pytest.fixture
def root(tar, tmp_path) -> Path:
    prepare_dataset.prepare("rafdb", [tar], tmp_path / "root")
    return tmp_path / "root"


def below(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def other_copy(tmp_path: Path) -> Path:
    source = copies.class_folders(tmp_path / "b" / "DATASET" / "train", range(1, 8), 2, first=5000).parents[1]
    copies.class_folders(source / "DATASET" / "test", range(1, 8), 1, first=6000)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as out:
        out.add(source / "DATASET", "DATASET")
    return tmp_path / "b.tar.gz"


def test_overwriting_keeps_what_it_did_not_write(root, tmp_path):
    (root / "mine.txt").write_text("mine")
    (root / "my results").mkdir()
    (root / "my results" / "a.png").write_bytes(b"mine too")
    prepare_dataset.prepare("rafdb", [other_copy(tmp_path)], root, overwrite=True)
    assert (root / "mine.txt").read_text() == "mine" and (root / "my results" / "a.png").read_bytes() == b"mine too"
    assert len(list((root / "DATASET" / "train").rglob("*.png"))) == 14, "the 21 of before are gone"
    assert len(load_dataset("rafdb", "test", root)) == 7


@pytest.mark.parametrize("what", ["added", "changed", "replaced", "no record"])
def test_overwriting_refuses_to_take_away_faces_of_anybody_else(root, tmp_path, what):
    path = root / "DATASET" / "train" / "3" / ("own.png" if what == "added" else "0.png")
    if what == "no record":
        (root / prepare_dataset.WRITTEN).unlink()
    else:
        path.unlink(missing_ok=True)
        copies.save(path, 777, size=(12, 12) if what != "changed" else (9, 9))
    before = below(root)
    with pytest.raises(FerlabError, match="was not written by this script, or changed since"):
        prepare_dataset.prepare("rafdb", [other_copy(tmp_path)], root, overwrite=True)
    assert below(root) == before


@pytest.mark.parametrize("at", [0, 5, 40])
def test_overwriting_that_breaks_off_leaves_everything_as_it_was(root, tmp_path, monkeypatch, at):
    archive, before, moved = other_copy(tmp_path), below(root), []
    real = prepare_dataset.os.replace

    def replace(here, there):
        if str(root) in (str(here) + str(there)):
            moved.append(here)
            if len(moved) == at + 1:
                raise OSError(5, "Input/output error")
        real(here, there)

    monkeypatch.setattr(prepare_dataset.os, "replace", replace)
    with pytest.raises(OSError):
        prepare_dataset.prepare("rafdb", [archive], root, overwrite=True)
    assert below(root) == before


def test_preparing_twice_gives_the_same(root, tar):
    before = below(root)
    prepare_dataset.prepare("rafdb", [tar], root, overwrite=True)
    after = below(root)
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} <= {prepare_dataset.WRITTEN}


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(tar, tmp_path, limit):
    assert "gigabytes must be a number above 0" in refused(tar, tmp_path / "to", gigabytes=limit)
    assert "megapixels must be a number above 0" in refused(tar, tmp_path / "to", megapixels=limit)


@pytest.mark.parametrize("name", ["../thesis.txt", "/{root}/../thesis.txt", "train/../../thesis.txt"])
def test_a_list_of_written_files_that_leads_out_of_the_folder_moves_nothing(tar, tmp_path, name):
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("my thesis")
    root = tmp_path / "to"
    prepare_dataset.prepare("rafdb", [tar], root)
    record = root / prepare_dataset.WRITTEN
    known = json.loads(record.read_text())
    known["files"][name.format(root=root)] = [thesis.stat().st_size, thesis.stat().st_mtime_ns]
    record.write_text(json.dumps(known))
    prepare_dataset.prepare("rafdb", [tar], root, overwrite=True)
    assert thesis.read_text() == "my thesis"


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", '{"files": 3}', '{"files": {"a": "x"}}', '{"files": null}'])
def test_a_list_of_written_files_that_is_none_says_that_nothing_was_written(tar, tmp_path, content):
    root = tmp_path / "to"
    prepare_dataset.prepare("rafdb", [tar], root)
    (root / prepare_dataset.WRITTEN).write_text(content)
    assert prepare_dataset.written_in(root) == set()
    with pytest.raises(FerlabError, match="was not written by this script"):
        prepare_dataset.prepare("rafdb", [tar], root, overwrite=True)


def test_lists_come_along_and_are_compared_with_the_folders(tmp_path):
    source = copies.rafdb_folders(tmp_path / "source")
    (source / "DATASET" / "train" / "3" / "0.png").rename(source / "DATASET" / "train" / "3" / "odd.png")
    (source / "train_labels.csv").write_text("image,label\nodd.png,3\n")
    prepare_dataset.prepare("rafdb", [copies.pack(source, tmp_path / "right.zip")], tmp_path / "to")
    assert (tmp_path / "to" / "DATASET" / "train_labels.csv").is_file()
    (source / "train_labels.csv").write_text("image,label\nodd.png,4\n")
    assert "gives odd.png the label '4'" in refused(copies.pack(source, tmp_path / "wrong.zip"), tmp_path / "other")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_what_the_system_refuses_is_a_sentence(tar, tmp_path, capsys):
    for root, said in (
        (tmp_path / ("x" * 300), "longer than this system allows"),
        (tar / "to", "is a file and no folder"),
    ):
        assert prepare_dataset.main(["rafdb", str(tar), "--root", str(root)]) == 2
        text = capsys.readouterr().err
        assert said in text and text.endswith(".\n")


def test_what_a_killed_preparation_left_is_swept_up_by_the_next(tar, tmp_path):
    left = tmp_path / f".{host_tag()}-{2**22 + 1}-x.partial"  # of a process that no system has
    (left / "new").mkdir(parents=True)
    sweep_once.cache_clear()  # as in a new process
    prepare_dataset.prepare("rafdb", [tar], tmp_path / "to")
    assert not left.exists() and not list(tmp_path.glob(".*"))

"""Nothing is left out without a word: what is an image is read whatever it is called, and the rest is counted."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import own_files as copies
import pytest

from ferlab.data import load_dataset
from ferlab.errors import FerlabError, FerlabWarning

KINDS = {
    "a.jfif": "JPEG", "b.jpe": "JPEG", "c.gif": "GIF", "d.ppm": "PPM", "e.avif": "AVIF", "f.jp2": "JPEG2000",
    "without_suffix": "PNG", "__m.png": "PNG", "h.txt": "PNG", "i.JPG": "JPEG", "j.tif": "TIFF", "k.webp": "WEBP",
    "l.heic": "JPEG",
}  # fmt: skip


def loaded(root: Path, name: str = "folder") -> tuple[dict, list[str]]:
    """The three splits, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        splits = {split: load_dataset(name, split, root) for split in ("train", "validation", "test")}
    assert all(warning.category is FerlabWarning for warning in caught)
    return splits, list(dict.fromkeys(str(warning.message) for warning in caught))


def sizes(root: Path) -> tuple[list[int], list[str]]:
    splits, said = loaded(root)
    return [len(faces) for faces in splits.values()], said


@pytest.mark.parametrize("name", KINDS)
def test_an_image_is_read_whatever_it_is_called(tmp_path, name):
    copies.class_folders(tmp_path, ["happy", "sad"])
    copies.save(tmp_path / "happy" / name, 99, KINDS[name])
    assert sum(sizes(tmp_path)[0]) == 21 and not sizes(tmp_path)[1]


def test_what_is_no_image_is_counted_in_every_class(tmp_path):
    copies.class_folders(tmp_path, ["happy", "sad", "bored"])
    for name in ("1.heic", "2.heic", "notes.txt", "4.mp4"):
        (tmp_path / "happy" / name).write_bytes(b"ftypheic")
    (tmp_path / "bored" / "x.heic").write_bytes(b"ftypheic")
    for junk in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / "sad" / junk).write_bytes(b"junk")
    counts, said = sizes(tmp_path)
    assert sum(counts) == 30
    assert said == [
        f"{tmp_path} has 5 files that cannot be read as an image and are left out, in bored 1 (x.heic); in happy 4 "
        "(2 .heic, 1 .mp4, 1 .txt: 1.heic, 2.heic, 4.mp4, ...): convert what is a face to JPEG or PNG."
    ]


@pytest.mark.parametrize("layout", ["folder", "rafdb", "fer2013", "affectnet"])
def test_a_class_with_files_but_no_image_is_refused_in_every_layout(tmp_path, layout):
    write, place = {
        "folder": (lambda root: copies.class_folders(root, ["happy", "sad"]), "happy"),
        "rafdb": (copies.rafdb_folders, "DATASET/train/3"),
        "fer2013": (copies.fer2013_folders, "train/happy"),
        "affectnet": (copies.affectnet_sets, "val_set/images"),
    }[layout]
    folder = write(tmp_path) / place
    for path in list(folder.iterdir()):
        path.with_suffix(".heic").write_bytes(b"ftypheic")
        path.unlink()
    with pytest.raises(FerlabError) as caught:
        load_dataset(layout, "test", tmp_path)
    assert str(caught.value).startswith(f"{folder} holds no image that can be read, but ")
    assert ".heic" in str(caught.value) and "convert them to JPEG or PNG" in str(caught.value)


@pytest.mark.parametrize("layout", ["rafdb", "fer2013", "affectnet"])
def test_what_is_no_image_is_said_in_every_layout(tmp_path, layout):
    write, place = {
        "rafdb": (copies.rafdb_folders, "DATASET/train/3"),
        "fer2013": (copies.fer2013_folders, "train/happy"),
        "affectnet": (copies.affectnet_sets, "val_set/images"),
    }[layout]
    (write(tmp_path) / place / "x.heic").write_bytes(b"ftypheic")
    left_out = rf"{tmp_path} has 1 file that cannot be read as an image and is left out, in {place} 1 \(x.heic\)"
    with pytest.warns(FerlabWarning, match=left_out):
        load_dataset(layout, "test", tmp_path)


def test_pipes_links_to_nothing_and_folders_in_a_class_are_left_out(tmp_path):
    copies.class_folders(tmp_path, ["happy", "sad"])
    os.mkfifo(tmp_path / "happy" / "a.png")
    (tmp_path / "happy" / "b.png").symlink_to(tmp_path / "nowhere.png")
    copies.save(tmp_path / "happy" / "more" / "c.png", 99)
    counts, said = sizes(tmp_path)
    assert sum(counts) == 20
    assert "has 3 files" in said[0] and "a.png, b.png, more" in said[0]


def test_a_pipe_among_listed_images_is_refused(tmp_path):
    copies.rafdb_list(tmp_path)
    listed = tmp_path / "Image" / "aligned" / "train_00001_aligned.jpg"
    listed.unlink()
    os.mkfifo(listed)
    with pytest.raises(FerlabError, match=r"train_00001_aligned\.jpg is no regular file; remove it\."):
        load_dataset("rafdb", "train", tmp_path)


def test_images_beside_the_classes_and_empty_classes_are_said(tmp_path):
    copies.class_folders(tmp_path, ["happy", "sad"])
    copies.save(tmp_path / "a.png", 98)
    (tmp_path / "README.txt").write_text("not needed")
    (tmp_path / "fear").mkdir()
    _, said = sizes(tmp_path)
    assert said == [
        f"{tmp_path} has 1 image in no class folder, left out: a.png.",
        f"The folder {tmp_path / 'fear'} is empty: it is no class.",
    ]


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_parts_have_their_usual_names(tmp_path, validation):
    for part, first in (("train", 0), (validation, 100), ("test", 200)):
        copies.class_folders(tmp_path / part, ["happy", "sad"], 4, first)
    counts, said = sizes(tmp_path)
    assert counts == [8, 8, 8] and not said


def test_without_a_test_part_the_validation_part_is_it(tmp_path):
    for part, first in (("training", 0), ("val", 100)):
        copies.class_folders(tmp_path / part, ["happy", "sad"], 10, first)
    counts, said = sizes(tmp_path)
    assert counts == [18, 2, 20]
    assert said == [f"{tmp_path} has no part for test: val is the test split, and a tenth of train is held out."]


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        (
            ["train/happy", "train/sad", "val/happy", "valid/happy", "test/sad"],
            "has val and valid, which mean the same",
        ),
        (["train/happy", "train/sad", "test/happy", "fear"], "and fear beside them, which would be left out"),
        (["train/happy", "train/sad", "test/happy", "test/bored"], "The test part of .* has the class 'bored'"),
        (["train/Bored", "train/sad", "test/bored", "test/sad"], "has the class 'bored' and the training part has not"),
        (["train/happy", "train/sad"], "has the part 'train' only"),
        (["val/happy", "test/sad"], "only"),
    ],
)
def test_parts_that_would_lose_faces_are_refused(tmp_path, folders, sentence):
    for place, name in enumerate(folders):
        copies.class_folders(tmp_path, [name], 3, 10 * place)
    with pytest.raises(FerlabError, match=sentence):
        load_dataset("folder", "train", tmp_path)


def test_names_that_are_no_utf8_are_spelled_out(tmp_path):
    copies.class_folders(tmp_path, ["happy", "sad"])
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    try:
        copies.class_folders(Path(odd), ["."])
    except OSError:
        pytest.skip("This file system takes no such names.")
    splits, _ = loaded(tmp_path)
    assert splits["test"].classes == ("happiness", "sadness", "caf\\xe9")
    assert any(name.startswith("caf\\xe9/") for name in splits["train"].metadata["file"])
    splits["train"].metadata.to_parquet(tmp_path / "table.parquet")


def test_an_image_named_so_that_cannot_be_decoded_stops_with_its_name(tmp_path):
    copies.class_folders(tmp_path, ["happy", "sad"])
    for path in (tmp_path / "happy").iterdir():
        path.write_bytes(b"ftypheic" + path.name.encode())
    with pytest.raises(
        FerlabError,
        match=r"happy/\d\.png cannot be decoded; it is damaged, or of a kind",
    ):
        loaded(tmp_path)


def test_much_memory_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr("ferlab.data.image_files.MUCH", 1e5)
    _, said = loaded(copies.class_folders(tmp_path, ["happy", "sad"]))
    assert any("train split of folder takes" in sentence and "GB of memory" in sentence for sentence in said)


def test_names_that_print_alike_stay_two_classes(tmp_path):
    copies.class_folders(tmp_path, ["a\a", "a\\x07", "b"], 10)
    assert load_dataset("folder", "train", tmp_path).classes == ("a\\x07", "a\\x07 (2)", "b")


def test_what_a_clustering_left_out_is_no_class_in_folders_too(tmp_path):
    copies.class_folders(tmp_path, ["-1", "0", "1"], 10)
    faces = load_dataset("folder", "train", tmp_path)
    assert faces.classes == ("0", "1", "no class") and len(faces.labelled()) == 14


@pytest.mark.parametrize("more", [0, 5])
def test_folders_within_a_class_are_called_folders(tmp_path, more):
    copies.class_folders(tmp_path, ["a", "b"], 10)
    copies.class_folders(tmp_path / "c", ["left"], 3, first=50)
    copies.class_folders(tmp_path, ["c"], more, first=80)
    said = "move what lies in a folder of a class into the class itself"
    if more:
        with pytest.warns(FerlabWarning, match=rf"in c 1 \(left/\): {said}"):
            load_dataset("folder", "train", tmp_path)
    else:
        with pytest.raises(FerlabError, match=rf"but 1 \(left/\): .*{said}"):
            load_dataset("folder", "train", tmp_path)


def test_images_beside_the_classes_are_known_by_what_they_hold(tmp_path):
    copies.class_folders(tmp_path, ["a", "b"], 10)
    (tmp_path / "a" / "0.png").rename(tmp_path / "portrait")
    (tmp_path / "README").write_text("my faces")
    with pytest.warns(FerlabWarning, match="has 1 image in no class folder, left out: portrait"):
        load_dataset("folder", "train", tmp_path)


def test_a_part_of_another_name_is_said(tmp_path):
    for part in ("train", "dev"):
        copies.class_folders(tmp_path / part, ["a", "b"], 5)
    with pytest.raises(
        FerlabError, match="has the part 'train' only, and dev beside it, which is no part's name; it needs"
    ):
        load_dataset("folder", "train", tmp_path)

"""The FER-2013 reader and its preparation script, on small copies that the tests make."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import prepare_dataset
import pytest
from PIL import Image

from ferlab.data import CLASSES, load_dataset
from ferlab.data.fer2013 import load_fer2013
from ferlab.errors import FerlabError

FOLDERS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # codes 0 to 6
TO_CANONICAL = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


@pytest.fixture
def rows() -> list[tuple[int, np.ndarray, str]]:
    """140 Training, 30 PublicTest, 30 PrivateTest rows of (code, pixels, usage), all images different."""
    random = np.random.default_rng(0)
    usages = ["Training"] * 140 + ["PublicTest"] * 30 + ["PrivateTest"] * 30
    return [(i % 7, random.integers(0, 256, (48, 48), dtype=np.uint8), usage) for i, usage in enumerate(usages)]


def write_csv(path: Path, rows, header: str = "emotion,pixels,Usage") -> Path:
    lines = [header]
    for code, pixels, usage in rows:
        cells = {"emotion": str(code), "pixels": " ".join(map(str, pixels.ravel())), "Usage": usage}
        lines.append(",".join(cells[name.strip()] for name in header.split(",")))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def write_folders(root: Path, rows, suffix: str = ".png", name=lambda row, usage: f"{usage}_{row}") -> Path:
    for row, (code, pixels, usage) in enumerate(rows):
        folder = root / ("train" if usage == "Training" else "test") / FOLDERS[code]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / (name(row, usage) + suffix))
    return root


def load_all(root: Path) -> dict:
    return {split: load_fer2013(split, root) for split in ("train", "validation", "test")}


def assert_error(root: Path | None, *words: str, split: str = "train") -> None:
    with pytest.raises(FerlabError) as caught:
        load_fer2013(split, root)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith((".", ")."))
    for word in words:
        assert word in sentence


# ------------------------------------------------------------------------------------------ layouts
@pytest.mark.parametrize(
    ("file_name", "header"),
    [("fer2013.csv", "emotion,pixels,Usage"), ("icml_face_data.csv", "emotion, Usage, pixels")],
)
def test_csv_has_the_official_splits(tmp_path, rows, file_name, header):
    write_csv(tmp_path / file_name, rows, header)
    splits = load_all(tmp_path)
    assert [len(splits[name]) for name in ("train", "validation", "test")] == [140, 30, 30]
    for split, first in (("train", 0), ("validation", 140), ("test", 170)):
        faces = splits[split]
        assert faces.images.shape[1:] == (48, 48, 1) and faces.images.dtype == np.uint8
        assert faces.labels.dtype == np.int64 and faces.classes == CLASSES
        for i in (0, 11):
            code, pixels, usage = rows[first + i]
            assert np.array_equal(faces.images[i, ..., 0], pixels)
            assert CLASSES[faces.labels[i]] == TO_CANONICAL[code]
            assert faces.metadata.loc[i, "usage"] == usage
            assert faces.metadata.loc[i, "number"] == first + i


def test_root_may_be_the_csv_itself(tmp_path, rows):
    path = write_csv(tmp_path / "mine.csv", rows)
    assert len(load_dataset("fer2013", "test", path)) == 30


def test_folders_and_csv_agree(tmp_path, rows):
    write_csv(tmp_path / "csv" / "fer2013.csv", rows)
    write_folders(tmp_path / "folders", rows)
    for split, faces in load_all(tmp_path / "csv").items():
        other = load_fer2013(split, tmp_path / "folders")
        assert np.array_equal(faces.images, other.images) and np.array_equal(faces.labels, other.labels)
        assert faces.metadata["number"].equals(other.metadata["number"])
        assert (tmp_path / "folders" / other.metadata.loc[0, "file"]).is_file()


def test_jpg_with_any_name_is_read_and_junk_is_passed_over(tmp_path, rows):
    write_folders(tmp_path, rows, ".JPG", lambda row, usage: f"face {row:08d}")
    (tmp_path / "train" / "angry" / ".DS_Store").write_bytes(b"junk")
    (tmp_path / "train" / "angry" / "notes.txt").write_text("junk")
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "README").write_text("junk")
    splits = load_all(tmp_path)
    assert len(splits["train"]) + len(splits["validation"]) == 140
    assert len(splits["test"]) == 60 and set(splits["test"].metadata["usage"]) == {"test"}
    assert splits["test"].metadata["number"].isna().all()


def test_numbers_that_are_no_rows_stay_unknown(tmp_path, rows):
    write_folders(tmp_path, rows, name=lambda row, usage: f"{usage}_{10_000_000 + row}")
    splits = load_all(tmp_path)
    assert [len(faces) for faces in splits.values()] == [140, 30, 30]  # the names still tell the parts
    assert splits["train"].metadata["number"].isna().all()


def test_reading_again_sees_new_files(tmp_path, rows):
    write_folders(tmp_path, rows)
    assert len(load_fer2013("train", tmp_path)) == 140
    Image.fromarray(rows[0][1]).save(tmp_path / "train" / "fear" / "Training_300.png")
    assert len(load_fer2013("train", tmp_path)) == 141


def test_a_split_may_be_changed_without_changing_the_next(tmp_path, rows):
    write_csv(tmp_path / "fer2013.csv", rows)
    first = load_fer2013("train", tmp_path)
    before = first.images.copy()
    first.images[:] = 0
    first.labels[:] = 0
    first.metadata["usage"] = "x"
    again = load_fer2013("train", tmp_path)
    assert np.array_equal(again.images, before) and len(set(again.labels)) == 7
    assert set(again.metadata["usage"]) == {"Training"}


# ---------------------------------------------------------------------------- the held-out validation
def test_one_test_part_holds_out_a_tenth_of_every_class(tmp_path, rows):
    rows = [row for row in rows if row[2] != "PrivateTest"]
    write_folders(tmp_path, rows)
    splits = load_all(tmp_path)
    assert [len(faces) for faces in splits.values()] == [126, 14, 30]
    assert set(splits["validation"].class_counts().values()) == {2}
    numbers = [set(faces.metadata["number"]) for faces in splits.values()]
    assert set.union(*numbers) == set(range(170)) and sum(map(len, numbers)) == 170
    again = load_fer2013("validation", write_csv(tmp_path / "other" / "fer2013.csv", rows))
    assert set(again.metadata["number"]) == numbers[1], "the choice depends on the images alone"


def test_identical_images_stay_on_one_side(tmp_path, rows):
    rows = [row for row in rows if row[2] != "PrivateTest"]
    for i in range(70):  # every image three times: once more in its class, once in the next one
        code, pixels, usage = rows[i]
        rows += [(code, pixels, usage), ((code + 1) % 7, pixels, usage)]
    write_csv(tmp_path / "fer2013.csv", rows)
    splits = load_all(tmp_path)
    train = {image.tobytes() for image in splits["train"].images}
    validation = {image.tobytes() for image in splits["validation"].images}
    assert validation and not train & validation
    assert not splits["validation"].metadata["duplicate_of_train"].any()


def test_duplicates_are_told(tmp_path, rows):
    rows[5] = (rows[5][0], rows[3][1], "Training")
    rows[145] = (2, rows[7][1], "PublicTest")
    rows[171] = (3, rows[7][1], "PrivateTest")
    write_csv(tmp_path / "fer2013.csv", rows)
    splits = load_all(tmp_path)
    where = {name: np.flatnonzero(faces.metadata["duplicate_of_train"]).tolist() for name, faces in splits.items()}
    assert where == {"train": [5], "validation": [5], "test": [1]}


# ------------------------------------------------------------------------------------------ FER+ votes
def test_votes_join_by_the_number_in_the_name(tmp_path, rows):
    write_folders(tmp_path, rows)
    (tmp_path / "fer2013new.csv").write_text(
        f"Usage,Image name,{VOTES}\nTraining,fer0000012.png,1,2,3,0,0,0,0,0,4,0\nTraining,,0,0,0,0,0,0,0,0,0,10\n"
    )
    metadata = load_fer2013("train", tmp_path).metadata.set_index("number")
    assert metadata.loc[12, "ferplus_surprise"] == 3 and metadata.loc[12, "ferplus_unknown"] == 4
    assert metadata["ferplus_neutral"].notna().sum() == 1


@pytest.mark.parametrize("numbering", ["csv rows", "FER+ numbers"])
def test_votes_join_by_whichever_numbers_the_copy_carries(tmp_path, rows, numbering):
    # FER+ passes over row 20 when it numbers its images; the vote counts here carry the row.
    lines, number, numbers = [f"Usage,Image name,{VOTES}"], 0, {}
    for row, (_, _, usage) in enumerate(rows):
        lines.append(f"{usage},{'' if row == 20 else f'fer{number:07d}.png'},{row},0,0,0,0,0,0,0,0,0")
        if row != 20:
            numbers[row] = number
            number += 1
    if numbering == "csv rows":
        write_csv(tmp_path / "fer2013.csv", rows)
    else:
        kept = {row: rows[row] for row in numbers}
        names = list(numbers.values())
        write_folders(tmp_path, list(kept.values()), name=lambda place, usage: f"{usage}_{names[place]}")
    (tmp_path / "fer2013new.csv").write_text("\n".join(lines) + "\n")
    for faces in load_all(tmp_path).values():
        for image, row in zip(faces.images[..., 0], faces.metadata["ferplus_neutral"], strict=True):
            assert np.array_equal(image, rows[row][1])


@pytest.mark.parametrize(
    "text",
    ["", "nothing\n1\n", f"Usage,Image name,{VOTES}\nTraining,fer0000001.png,many,0,0,0,0,0,0,0,0,0\n"],
)
def test_damaged_votes_are_named(tmp_path, rows, text):
    write_csv(tmp_path / "fer2013.csv", rows)
    (tmp_path / "fer2013new.csv").write_text(text)
    assert_error(tmp_path, "fer2013new.csv")


# ------------------------------------------------------------------------------------------ bad input
def test_root_is_needed_and_must_hold_the_data(tmp_path):
    assert_error(None, "--root")
    assert_error(tmp_path / "nowhere", "nowhere")
    assert_error(tmp_path, "holds no FER-2013", "fer2013.csv")
    with pytest.raises(FerlabError, match="split"):
        load_fer2013("all", tmp_path)


def test_folders_without_images(tmp_path, rows):
    write_folders(tmp_path, [row for row in rows if row[2] == "Training"])
    assert_error(tmp_path, "no folder test")
    (tmp_path / "test" / "angry").mkdir(parents=True)
    assert_error(tmp_path, "test", "no png or jpg")


def test_unknown_class_folder(tmp_path, rows):
    write_folders(tmp_path, rows)
    (tmp_path / "test" / "bored").mkdir()
    assert_error(tmp_path, "bored")


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "zip"])
def test_undecodable_image_is_named(tmp_path, rows, damage):
    write_folders(tmp_path, rows)
    path = tmp_path / "test" / "angry" / "PublicTest_140.png"
    content = {
        "empty": b"",
        "truncated": path.read_bytes()[:900],
        "text": b"hello" * 99,
        "zip": b"PK\x03\x04" * 50,
    }
    path.write_bytes(content[damage])
    assert_error(tmp_path, "PublicTest_140.png")


def test_wrong_size_is_named(tmp_path, rows):
    write_folders(tmp_path, rows)
    Image.new("L", (64, 48)).save(tmp_path / "train" / "sad" / "Training_200.png")
    assert_error(tmp_path, "Training_200.png", "64 x 48")


@pytest.mark.parametrize("cut", [0.999, 0.5])
def test_truncated_csv_names_the_row(tmp_path, rows, cut):
    path = write_csv(tmp_path / "fer2013.csv", rows)
    text = path.read_text()
    path.write_text(text[: int(len(text) * cut)])
    assert_error(tmp_path, "fer2013.csv", "Row 199" if cut > 0.9 else "Row 100")


def test_csv_cut_between_rows_has_no_test_images(tmp_path, rows):
    write_csv(tmp_path / "fer2013.csv", rows[:100])
    assert_error(tmp_path, "test", split="test")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "fer2013.csv"),
        ("emotion,pixels,Usage\n", "no rows"),
        ("emotion,pixels\n0,1 2 3\n", "Usage"),
        ('emotion,pixels,Usage\n0,"1 2 3', "fer2013.csv"),
        ("emotion,pixels,Usage\n0,1 2 3,Training,4,5\n0,1,2,3,4,5,6,7\n", "fer2013.csv"),
        (f"emotion,pixels,Usage\n0,{'256 ' * 2304},Training\n", "Row 0"),
        (f"emotion,pixels,Usage\n0,{'-1 ' * 2304},Training\n", "Row 0"),
        (f"emotion,pixels,Usage\n0,{'1e3 ' * 2304},Training\n", "Row 0"),
        (f"emotion,pixels,Usage\n7,{'1 ' * 2304},Training\n", "'7'"),
        (f"emotion,pixels,Usage\n1,{'1 ' * 2304},Other\n", "'Other'"),
    ],
)
def test_damaged_csv(tmp_path, text, word):
    (tmp_path / "fer2013.csv").write_text(text)
    assert_error(tmp_path, word)


def test_csv_that_is_no_text(tmp_path):
    (tmp_path / "fer2013.csv").write_bytes(b"\xff\xfe\x00\x81" * 100)
    assert_error(tmp_path, "fer2013.csv")


# ------------------------------------------------------------------------------------- the preparation
def pack(source: Path, archive: Path, prefix: str = "") -> Path:
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as out:
            for path in files:
                out.write(path, prefix + path.relative_to(source).as_posix())
    else:
        with tarfile.open(archive, "w:gz") as out:
            for path in files:
                out.add(path, prefix + path.relative_to(source).as_posix())
    return archive


@pytest.mark.parametrize(("name", "prefix"), [("a.zip", ""), ("a.zip", "archive/"), ("a.tar.gz", "fer2013/")])
@pytest.mark.parametrize("layout", ["csv", "folders"])
def test_prepare_archives(tmp_path, rows, capsys, name, prefix, layout):
    source = tmp_path / "source"
    write_csv(source / "fer2013.csv", rows) if layout == "csv" else write_folders(source, rows)
    (source / "README").write_text("not needed")
    archive = pack(source, tmp_path / name, prefix)
    assert prepare_dataset.main(["fer2013", str(archive), "--root", str(tmp_path / "root")]) == 0
    printed = capsys.readouterr().out
    assert "train: 140 images" in printed and "test: 30 images" in printed
    assert not (tmp_path / "root" / "README").exists()
    assert len(load_fer2013("validation", tmp_path / "root")) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "root", "source"])


def test_prepare_a_csv_with_votes_beside_it(tmp_path, rows):
    path = write_csv(tmp_path / "icml_face_data.csv", rows, "emotion, Usage, pixels")
    (tmp_path / "fer2013new.csv").write_text(f"Usage,Image name,{VOTES}\nTraining,fer0000000.png,1,2,3,0,0,0,0,0,4,0\n")
    assert "FER+ votes" in prepare_dataset.prepare("fer2013", [path], tmp_path / "root")


def test_prepare_keeps_what_exists(tmp_path, rows, capsys):
    archive = pack(write_folders(tmp_path / "source", rows), tmp_path / "a.zip")
    root = tmp_path / "root"
    root.mkdir()
    (root / "mine.txt").write_text("mine")
    for extra in ([], ["--overwrite"]):  # a folder that is no FER-2013 is never replaced
        assert prepare_dataset.main(["fer2013", str(archive), "--root", str(root), *extra]) == 2
        assert "exists" in capsys.readouterr().err and (root / "mine.txt").read_text() == "mine"
    (root / "train").mkdir()
    assert prepare_dataset.main(["fer2013", str(archive), "--root", str(root), "--overwrite"]) == 0
    assert len(load_fer2013("train", root)) == 140


@pytest.mark.parametrize(
    "member",
    ["../train/angry/a.png", "/train/angry/a.png", "x/../../train/angry/a.png", "C:\\train\\angry\\a.png"],
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_prepare_refuses_paths_that_leave_the_folder(tmp_path, capsys, member, kind):
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as out:
            out.writestr(member, b"x")
    else:
        with tarfile.open(archive, "w:gz") as out:
            info = tarfile.TarInfo(member)
            info.size = 1
            out.addfile(info, io.BytesIO(b"x"))
    assert prepare_dataset.main(["fer2013", str(archive), "--root", str(tmp_path / "root")]) == 2
    assert "outside" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


def test_prepare_passes_over_links(tmp_path, rows):
    secret = tmp_path / "secret.png"
    Image.fromarray(rows[0][1]).save(secret)
    archive = pack(write_folders(tmp_path / "source", rows), tmp_path / "a.tar")
    with tarfile.open(archive, "w:gz") as out:
        out.add(tmp_path / "source", ".")
        link = tarfile.TarInfo("train/angry/Training_300.png")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        out.addfile(link)
    prepare_dataset.prepare("fer2013", [archive], tmp_path / "root")
    assert not (tmp_path / "root" / "train" / "angry" / "Training_300.png").exists()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_prepare_damaged_archives(tmp_path, rows, capsys, kind):
    archive = pack(write_folders(tmp_path / "source", rows), tmp_path / f"a.{kind}")
    archive.write_bytes(archive.read_bytes()[:20_000])
    assert prepare_dataset.main(["fer2013", str(archive), "--root", str(tmp_path / "root")]) == 2
    assert str(archive) in capsys.readouterr().err and not (tmp_path / "root").exists()


def test_prepare_names_the_bad_image_and_leaves_nothing(tmp_path, rows, capsys):
    source = write_folders(tmp_path / "source", rows)
    (source / "train" / "fear" / "Training_2.png").write_bytes(b"no image")
    archive = pack(source, tmp_path / "a.zip")
    assert prepare_dataset.main(["fer2013", str(archive), "--root", str(tmp_path / "root")]) == 2
    assert "a.zip/train/fear/Training_2.png" in capsys.readouterr().err
    assert not (tmp_path / "root").exists()
    assert prepare_dataset.main(["fer2013", str(tmp_path / "none.zip"), "--root", str(tmp_path / "root")]) == 2


def test_metadata_is_a_frame_with_one_row_an_image(tmp_path, rows):
    write_folders(tmp_path, rows)
    faces = load_fer2013("test", tmp_path)
    assert isinstance(faces.metadata, pd.DataFrame) and list(faces.metadata.index) == list(range(len(faces)))

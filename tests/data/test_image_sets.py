"""The readers of RAF-DB, AffectNet and anybody's folder, on small copies that the tests make."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import prepare_dataset
import pytest
from PIL import Image

from ferlab.data import CLASSES, load_dataset
from ferlab.data.affectnet import CODED, COLUMNS
from ferlab.data.image_files import decode
from ferlab.errors import FerlabError

SPLITS = ("train", "validation", "test")


def picture(path: Path, number: int, size: tuple[int, int] = (20, 20)) -> Path:
    """A picture that no other number has; its top left pixel is about (number, 0, 0)."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] = (number % 256, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)
    return path


def load_all(name: str, root: Path) -> dict:
    return {split: load_dataset(name, split, root) for split in SPLITS}


def assert_error(name: str, root: Path | None, *words: str, split: str = "train") -> None:
    with pytest.raises(FerlabError) as caught:
        load_dataset(name, split, root)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith((".", ")."))
    for word in words:
        assert word in sentence, sentence


def write_rafdb(root: Path, layout: str, each: int = 10) -> list[tuple[str, int, str]]:
    """(usage, code, name) of every image: each code so often in train, half so often in test."""
    rows = [
        (usage, code, f"{usage}_{k:05d}")
        for usage, number in (("train", each), ("test", each // 2))
        for k, code in enumerate(np.repeat(np.arange(1, 8), number).tolist(), 1)
    ]
    for place, (usage, code, name) in enumerate(rows):
        folder = root / "Image" / "aligned" if layout == "list" else root / "DATASET" / usage / str(code)
        picture(folder / f"{name}_aligned.jpg", place, (100, 100))
    if layout == "list":
        (root / "EmoLabel").mkdir()
        (root / "EmoLabel" / "list_patition_label.txt").write_text("".join(f"{n}.jpg {c}\n" for _, c, n in rows))
    return rows


def write_affectnet_csv(root: Path, header: bool = True) -> pd.DataFrame:
    """11 codes, six training and three validation pictures each; a face stands right below the middle of a picture."""
    rows = []
    for usage, number in (("training", 6), ("validation", 3)):
        for k in range(11 * number):
            name = f"{k % 3}/{usage}{k}.jpg"
            picture(root / "Manually_Annotated_Images" / name, len(rows), (60, 50))
            rows.append((usage, name, 30, 25, 25, 25, "1;2;3", k % 11, 0.25, -0.5))
    table = pd.DataFrame(rows, columns=["usage", *COLUMNS])
    for usage in ("training", "validation"):
        part = table[table["usage"] == usage].drop(columns="usage")
        part.to_csv(root / f"{usage}.csv", index=False, header=header)
    return table


def write_affectnet_sets(root: Path) -> None:
    for name, number in (("train_set", 6), ("val_set", 3)):
        (root / name / "annotations").mkdir(parents=True)
        for k in range(8 * number):
            picture(root / name / "images" / f"{k}.jpg", k + (1000 if name == "val_set" else 0), (30, 30))
            for what, value in (("exp", str(k % 8)), ("val", "0.5"), ("aro", "-0.25")):
                np.save(root / name / "annotations" / f"{k}_{what}.npy", np.array(value))


# ------------------------------------------------------------------------------------------- RAF-DB
@pytest.mark.parametrize("layout", ["list", "folders"])
def test_rafdb_in_both_layouts(tmp_path, layout):
    rows = write_rafdb(tmp_path, layout)
    splits = load_all("rafdb", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [63, 7, 35]
    names = {f"{name}_aligned.jpg": CLASSES[code - 1] for _, code, name in rows}
    for split, faces in splits.items():
        assert faces.images.shape[1:] == (100, 100, 3) and faces.labels.dtype == np.int64 and faces.classes == CLASSES
        assert len(set(faces.class_counts().values())) == 1, "a tenth of every class"
        for label, file, image in zip(faces.labels, faces.metadata["file"], faces.images, strict=True):
            assert CLASSES[label] == names[Path(file).name]
            assert np.array_equal(image, np.asarray(Image.open(tmp_path / file)))
        assert set(faces.metadata["usage"]) == {"test" if split == "test" else "train"}
    files = [set(faces.metadata["file"]) for faces in splits.values()]
    assert len(set.union(*files)) == sum(map(len, files)) == len(rows)


def test_rafdb_layouts_hold_out_the_same_faces(tmp_path):
    write_rafdb(tmp_path / "a", "list")
    write_rafdb(tmp_path / "b", "folders")
    held = [
        {Path(file).name for file in load_dataset("rafdb", "validation", tmp_path / name).metadata["file"]}
        for name in ("a", "b")
    ]
    assert held[0] == held[1]


def test_rafdb_below_a_folder_basic(tmp_path):
    write_rafdb(tmp_path / "basic", "list")
    assert (
        load_dataset("rafdb", "test", tmp_path).metadata.loc[0, "file"] == "basic/Image/aligned/test_00001_aligned.jpg"
    )


def test_identical_files_stay_on_one_side_and_are_told(tmp_path):
    write_rafdb(tmp_path, "folders")
    published = sorted((tmp_path / "DATASET" / "train").rglob("*.jpg"))
    for k, path in enumerate(published):
        (path.parent.parent / str(k % 7 + 1) / f"again_{k}.jpg").write_bytes(path.read_bytes())
    (tmp_path / "DATASET" / "test" / "1" / "again.jpg").write_bytes(published[0].read_bytes())
    splits = load_all("rafdb", tmp_path)
    train, validation = ({image.tobytes() for image in splits[split].images} for split in ("train", "validation"))
    assert validation and not train & validation
    assert splits["train"].metadata["duplicate_of_train"].sum() == len(splits["train"]) // 2
    held = published[0].name in " ".join(splits["validation"].metadata["file"])
    assert not splits["validation"].metadata["duplicate_of_train"].any()
    assert splits["test"].metadata["duplicate_of_train"].sum() == (0 if held else 1)


def test_reading_again_sees_new_files(tmp_path):
    write_rafdb(tmp_path, "folders")
    before = len(load_dataset("rafdb", "test", tmp_path))
    picture(tmp_path / "DATASET" / "test" / "3" / "new.png", 5000, (100, 100))
    assert len(load_dataset("rafdb", "test", tmp_path)) == before + 1


def test_rafdb_that_is_damaged(tmp_path):
    assert_error("rafdb", None, "--root")
    assert_error("rafdb", tmp_path / "nowhere", "nowhere", "EmoLabel")
    write_rafdb(tmp_path, "list")
    labels = tmp_path / "EmoLabel" / "list_patition_label.txt"
    whole = labels.read_text()
    (tmp_path / "Image" / "aligned" / "train_00003_aligned.jpg").unlink()
    assert_error("rafdb", tmp_path, "train_00003_aligned.jpg", "unpack")
    picture(tmp_path / "Image" / "aligned" / "train_00003_aligned.jpg", 2).write_bytes(b"no image")
    for split in ("train", "validation"):  # it is in one of them
        try:
            load_dataset("rafdb", split, tmp_path)
        except FerlabError as error:
            assert "train_00003_aligned.jpg cannot be decoded" in str(error)
            break
    else:
        pytest.fail("The damaged image was read.")
    for text, word in (
        (whole.replace("train_00002.jpg 1", "train_00002.jpg 8"), "Line 2"),
        (whole.replace("train_00002.jpg 1", "train_00002.jpg"), "Line 2"),
        (whole.replace("train_00002.jpg", "../train_00002.jpg"), "Line 2"),
        ("", "no lines"),
        (whole.split("test")[0], "no images for the test split"),
    ):
        labels.write_text(text)
        assert_error("rafdb", tmp_path, word, split="test")
    labels.write_bytes(b"\xff\xfe\x00\x81")
    assert_error("rafdb", tmp_path, "no text")


# ----------------------------------------------------------------------------------------- AffectNet
@pytest.mark.parametrize("header", [True, False])
def test_affectnet_cuts_the_faces_out_of_its_pictures(tmp_path, header):
    table = write_affectnet_csv(tmp_path, header).set_index("subDirectory_filePath")
    splits = load_all("affectnet-8", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [40, 8, 24]
    for faces in splits.values():
        assert faces.classes == (*CLASSES, "contempt") and faces.images.shape[1:] == (112, 112, 3)
        for label, file in zip(faces.labels, faces.metadata["file"], strict=True):
            name = file.removeprefix("Manually_Annotated_Images/")
            assert faces.classes[label] == CODED[table.loc[name, "expression"]]
        assert set(faces.metadata["valence"]) == {0.25} and set(faces.metadata["arousal"]) == {-0.5}
    test = splits["test"]
    whole = Image.open(tmp_path / test.metadata.loc[0, "file"]).crop((30, 25, 55, 50))
    near = np.asarray(whole.resize((112, 112), Image.Resampling.LANCZOS))
    assert np.array_equal(test.images[0], near)


def test_affectnet_without_contempt(tmp_path):
    write_affectnet_csv(tmp_path)
    faces = load_dataset("affectnet", "test", tmp_path)
    assert len(faces) == 21 and faces.classes == CLASSES and faces.name == "affectnet"


def test_affectnet_of_images_and_annotations(tmp_path):
    write_affectnet_sets(tmp_path)
    splits = load_all("affectnet-8", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [40, 8, 24]
    for faces in splits.values():
        for label, file in zip(faces.labels, faces.metadata["file"], strict=True):
            assert faces.classes[label] == CODED[int(Path(file).stem) % 8]
        assert set(faces.metadata["valence"]) == {0.5} and set(faces.metadata["arousal"]) == {-0.25}
    assert len(load_dataset("affectnet", "test", tmp_path)) == 21


def test_affectnet_that_is_damaged(tmp_path):
    assert_error("affectnet", None, "--root")
    assert_error("affectnet", tmp_path, "training.csv", "train_set")
    write_affectnet_csv(tmp_path)
    path = tmp_path / "training.csv"
    whole = path.read_text()
    for text, word in (
        (whole.replace("expression", "emotion"), "expression"),
        (whole.replace(",30,25,25,25,", ",,25,25,25,", 1), "without a box"),
        (whole.split("\n")[0], "no faces"),
        ("", "training.csv"),
    ):
        path.write_text(text)
        assert_error("affectnet", tmp_path, "training.csv", word)
    path.write_text(whole.replace(",30,25,25,25,", ",90,25,25,25,"))
    assert_error("affectnet", tmp_path, "cannot be decoded")
    path.write_text(whole)
    (tmp_path / "validation.csv").rename(tmp_path / "hidden.csv")
    assert_error("affectnet", tmp_path, "validation.csv is missing")
    (tmp_path / "hidden.csv").rename(tmp_path / "validation.csv")
    (tmp_path / "Manually_Annotated_Images").rename(tmp_path / "elsewhere")
    assert_error("affectnet", tmp_path, "Manually_Annotated_Images")


@pytest.mark.parametrize("damage", ["missing", "text", "pickle", "code", "folder"])
def test_affectnet_annotations_that_are_damaged(tmp_path, damage):
    write_affectnet_sets(tmp_path)
    path = tmp_path / "train_set" / "annotations" / "5_exp.npy"
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_bytes(b"5")
    elif damage == "pickle":
        np.save(path, np.array({"5": 5}), allow_pickle=True)
    elif damage == "code":
        np.save(path, np.array("2.5"))
    else:
        (tmp_path / "val_set" / "annotations").rename(tmp_path / "val_set" / "other")
    word = {"code": "expression 2.5", "folder": "images and annotations"}.get(damage, "5_exp.npy is missing or damaged")
    assert_error("affectnet", tmp_path, word)


# ----------------------------------------------------------------------------------- anybody's folder
def test_a_folder_is_split_by_content(tmp_path):
    for k in range(60):
        picture(tmp_path / ("Happy", "neutral", "bored")[k % 3] / f"{k}.png", k, (40, 24))
    (tmp_path / "notes.txt").write_text("not needed")
    splits = load_all("folder", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [42, 6, 12]
    files = [set(faces.metadata["file"]) for faces in splits.values()]
    assert len(set.union(*files)) == 60
    test = splits["test"]
    assert test.classes == ("happiness", "neutral", "bored") and set(test.class_counts().values()) == {4}
    for label, file, image in zip(test.labels, test.metadata["file"], test.images, strict=True):
        assert ("Happy", "neutral", "bored")[label] == Path(file).parent.name
        middle = Image.open(tmp_path / file).crop((8, 0, 32, 24))
        assert np.abs(image.mean() - np.asarray(middle, dtype=float).mean()) < 3


def test_a_folder_with_parts(tmp_path):
    for k in range(60):
        part = ("train", "train", "train", "val", "test")[k % 5]
        picture(tmp_path / part / ("sad", "angry")[k // 5 % 2] / f"{k}.png", k)
    splits = load_all("folder", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [36, 12, 12]
    assert splits["train"].classes == ("sadness", "anger")
    for path in (tmp_path / "val").rglob("*.png"):
        path.unlink()
    splits = load_all("folder", tmp_path)
    assert [len(splits[split]) for split in SPLITS] == [32, 4, 12]


def test_a_folder_that_holds_no_classes(tmp_path):
    assert_error("folder", None, "--root")
    assert_error("folder", tmp_path / "nowhere", "nowhere")
    assert_error("folder", tmp_path, "0 classes")
    picture(tmp_path / "happy" / "a.png", 1)
    assert_error("folder", tmp_path, "1 classes")
    picture(tmp_path / "train" / "happy" / "a.png", 1)
    assert_error("folder", tmp_path, "'train' only")


def test_a_photo_is_held_upright(tmp_path):
    upright = np.zeros((20, 20, 3), dtype=np.uint8)
    upright[:10] = 255
    lying = Image.fromarray(np.rot90(upright))  # as a turned camera stores it
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise
    lying.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode([tmp_path / "a.png"], 20)[0], upright)


# ------------------------------------------------------------------------------------- the preparation
def pack(source: Path, archive: Path, prefix: str) -> Path:
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            out.write(path, prefix + path.relative_to(source).as_posix())
    return archive


def test_prepare_rafdb_of_pictures_and_a_list(tmp_path, capsys):
    write_rafdb(tmp_path / "source", "list")
    (tmp_path / "source" / "Image" / "aligned" / "thumbs.db").write_bytes(b"junk")
    archive = pack(tmp_path / "source" / "Image" / "aligned", tmp_path / "aligned.zip", "aligned/")
    labels = str(tmp_path / "source" / "EmoLabel" / "list_patition_label.txt")
    root = tmp_path / "root"
    assert prepare_dataset.main(["rafdb", str(archive), "--root", str(root)]) == 2, "the labels are missing"
    assert "holds no RAF-DB" in capsys.readouterr().err and not root.exists()
    assert prepare_dataset.main(["rafdb", str(archive), labels, "--root", str(root)]) == 0
    assert "train: 63 images" in capsys.readouterr().out
    assert sorted(path.name for path in root.rglob("*.*") if path.suffix != ".jpg") == ["list_patition_label.txt"]
    assert prepare_dataset.main(["rafdb", "--root", str(root)]) == 0, "without a download it checks"
    assert "test: 35 images" in capsys.readouterr().out


def test_prepare_rafdb_of_folders(tmp_path):
    write_rafdb(tmp_path / "source", "folders")
    archive = pack(tmp_path / "source", tmp_path / "a.zip", "raf/")
    assert "validation: 7 images" in prepare_dataset.prepare("rafdb", [archive], tmp_path / "root")


@pytest.mark.parametrize("layout", ["lists", "sets"])
def test_prepare_affectnet(tmp_path, layout):
    source = tmp_path / "source"
    write_affectnet_csv(source) if layout == "lists" else write_affectnet_sets(source)
    if layout == "sets":
        np.save(source / "train_set" / "annotations" / "5_lnd.npy", np.zeros(136))
    archive = pack(source, tmp_path / "a.zip", "AffectNet/")
    assert "test: 21 images" in prepare_dataset.prepare("affectnet", [archive], tmp_path / "root")
    assert not list((tmp_path / "root").rglob("*_lnd.npy"))


def test_prepare_says_what_it_does_not_know(tmp_path, capsys):
    archive = pack(picture(tmp_path / "source" / "a.jpg", 1).parent, tmp_path / "a.zip", "")
    assert prepare_dataset.main(["affectnet", str(archive), "--root", str(tmp_path / "root")]) == 2
    assert "holds nothing of AffectNet" in capsys.readouterr().err
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    assert prepare_dataset.main(["affectnet", str(tmp_path / "a.rar"), "--root", str(tmp_path / "root")]) == 2
    assert "neither a zip" in capsys.readouterr().err
    assert prepare_dataset.main(["affectnet-8", str(tmp_path / "source"), "--root", str(tmp_path / "root")]) == 2
    assert "source is a folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        prepare_dataset.main(["jaffe", "--root", str(tmp_path)])


def test_names_that_are_not_utf_8_are_escaped_and_the_faces_read(tmp_path):
    root = os.fsencode(tmp_path)
    try:
        for folder in (b"w\x81tend", b"froh"):
            for i in range(12):
                made = picture(tmp_path / "one.png", i + 20 * len(folder))
                os.makedirs(os.path.join(root, b"faces", folder), exist_ok=True)
                os.rename(os.fsencode(made), os.path.join(root, b"faces", folder, b"%d\xff.png" % i))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    faces = load_dataset("folder", "train", tmp_path / "faces")
    assert faces.classes == ("froh", "w\\x81tend") and faces.metadata["file"].str.endswith("\\xff.png").all()
    faces.metadata.to_parquet(tmp_path / "about.parquet")

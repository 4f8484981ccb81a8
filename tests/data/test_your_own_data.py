"""Every statement of the page *Your own data* that begins in bold is held here; a new one without a test fails."""

from __future__ import annotations

import io
import os
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import own_files as copies
import pandas as pd
import prepare_dataset
import pytest
from PIL import Image, ImageCms

from ferlab.apply import embed
from ferlab.classroom import collecting
from ferlab.command_options import options_of
from ferlab.data import CLASSES, class_labels, decoding, image_files, load_dataset, register_dataset
from ferlab.data.codes import AFFECTNET, FER2013, LABELS_FILE
from ferlab.data.dataset import FaceDataset
from ferlab.data.decoding import read_image
from ferlab.errors import FerlabError, FerlabWarning
from ferlab.palette import NO_CLASS, NO_CLASS_COLOR, class_color
from ferlab.projection.cost import map_cost
from ferlab.runs.plan import load_splits, recorded
from ferlab.settings import CompareSettings
from ferlab.widgets.explorer.tables import table_points

PAGE = Path(__file__).parents[2] / "docs" / "your_own_data.md"
STATED = re.findall(r"^- \*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
HELD: dict[str, Callable[[Path], None]] = {}
FROM_ZERO = ",".join(f"{code}={name}" for code, name in enumerate(AFFECTNET[:7]))
RAMP = np.tile(np.arange(256, dtype=np.uint8), (4, 1))

pytestmark = pytest.mark.filterwarnings("ignore::ferlab.errors.FerlabWarning")


def states(statement: str) -> Callable:
    def keep(check: Callable[[Path], None]) -> Callable[[Path], None]:
        assert statement not in HELD
        HELD[statement] = check
        return check

    return keep


def test_every_statement_is_held():
    assert len(STATED) > 30 and set(STATED) == set(HELD)


@pytest.mark.parametrize("statement", STATED)
def test_what_is_stated_holds(tmp_path, statement):
    HELD[statement](tmp_path)


def test_commands_and_options_on_the_page_exist():
    text = PAGE.read_text(encoding="utf-8")

    @options_of(CompareSettings)
    def compare(settings: CompareSettings) -> None: ...

    known = {f"--{name.replace('_', '-')}" for name in compare.__annotations__}
    assert set(re.findall(r"--[a-z]+", text)) <= known | {
        "--gigabytes", "--overwrite", "--map", "--no", "--out", "--megabytes", "--most",
    }  # fmt: skip


def sizes(root: Path, name: str = "folder") -> list[int]:
    return [len(load_dataset(name, split, root)) for split in ("train", "validation", "test")]


def refused(match: str, root: Path, name: str = "folder", **options) -> None:
    with pytest.raises(FerlabError, match=match):
        load_dataset(name, "train", root, **options)


def is_ramp(content: bytes) -> bool:
    return np.abs(np.asarray(read_image(content)).astype(int) - RAMP[..., None]).max() <= 1


def file_of(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


# -------------------------------------------------------------------------------------------- layouts
@states("A folder a class.")
def _(root):
    copies.class_folders(root, ["happy", "Happy", "happiness", "bored"], 5)
    faces = load_dataset("folder", "test", root)
    assert faces.classes == ("happiness", "bored") and faces.class_counts() == {"happiness": 3, "bored": 1}


@states("Parts have their usual names.")
def _(root):
    for place, name in enumerate(("val", "valid", "validation", "")):
        folder = root / f"with {name}"
        for part, first in (("train", 0), ("test", 100), *([(name, 200)] if name else [])):
            copies.class_folders(folder / part, ["happy", "sad"], 10, first + 1000 * place)
        assert sizes(folder) == ([20, 20, 20] if name else [18, 2, 20])
    assert sizes(copies.class_folders(root / "no parts", ["happy", "sad"], 10, 9000)) == [14, 2, 4]


@states("Without a test part")
def _(root):
    for part, first in (("train", 0), ("val", 100)):
        copies.class_folders(root / part, ["happy", "sad"], 10, first)
    with pytest.warns(FerlabWarning, match="val is the test split"):
        assert sizes(root) == [18, 2, 20]


@states("Two names for one part")
def _(root):
    for name in ("train/happy", "train/sad", "val/happy", "valid/happy", "test/sad"):
        copies.class_folders(root / "a", [name], 2)
    refused("val and valid", root / "a")
    for name in ("train/happy", "train/sad", "test/happy", "fear"):
        copies.class_folders(root / "b", [name], 2)
    refused("fear beside them", root / "b")


@states("A class that only the test part has")
def _(root):
    copies.class_folders(root / "train", ["happy", "Bored"], 2)
    copies.class_folders(root / "test", ["happy", "bored"], 2, 50)
    refused("'bored' and the training part has not", root)


@states("Identical files")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 10)
    for path in list(root.rglob("*.png")):
        path.with_name("again_" + path.name).write_bytes(path.read_bytes())
    train, test = (
        {image.tobytes() for image in load_dataset("folder", split, root).images} for split in ("train", "test")
    )
    assert not train & test


# --------------------------------------------------------------------------------- labels that are numbers
@states("Numbers mean what the makers of a data set say.")
def _(root):
    names = [CLASSES[label] for label in load_dataset("rafdb", "test", copies.rafdb_folders(root / "a")).labels]
    assert names == list(CLASSES) and names[0] == "surprise" and names[6] == "neutral"
    names = [CLASSES[label] for label in load_dataset("fer2013", "train", copies.fer2013_csv(root / "b")).labels]
    assert names == list(FER2013) and names[0] == "anger" and names[6] == "neutral"
    faces = load_dataset("affectnet-8", "test", copies.affectnet_lists(root / "c"))
    names = [faces.classes[label] for label in faces.labels]
    assert names == list(AFFECTNET) and names[0] == "neutral" and names[7] == "contempt"


@states("Another numbering is refused.")
def _(root):
    refused("'0', .* perhaps as .*AffectNet", copies.rafdb_folders(root / "a", range(7), range(7)), "rafdb")
    refused("no label '6'", copies.fer2013_csv(root / "b", range(6), range(6)), "fer2013")
    refused("no label '0'", copies.affectnet_sets(root / "c", range(1, 8)), "affectnet")


@states("Lists beside the folders")
def _(root):
    copies.rafdb_folders(root)
    images = [path for part in ("train", "test") for path in (root / "DATASET" / part).rglob("*.png")]
    for part in ("train", "test"):
        lines = [f"{path.name},{path.parent.name}" for path in images if path.parts[-3] == part]
        (root / f"{part}_labels.csv").write_text("\n".join(["image,label", *lines]))
    list(root.iterdir())
    with pytest.raises(FerlabError, match=r"train_labels.csv gives 0.png the label"):
        load_dataset("rafdb", "train", root)  # names of these copies are not of one image
    for path in images:
        path.rename(path.with_name(f"{path.parts[-3]}_{path.parent.name}_{path.name}"))
    for part in ("train", "test"):
        lines = [f"{path.name},{path.parent.name}" for path in (root / "DATASET" / part).rglob("*.png")]
        (root / f"{part}_labels.csv").write_text("\n".join(["image,label", *lines]))
    assert len(load_dataset("rafdb", "test", root)) == 7
    (root / "DATASET" / "test_labels.csv").write_text("image,label\ntest_3_0.png,2\n")
    refused("gives test_3_0.png the label '2', and it lies in the folder .*3'", root, "rafdb")
    (root / "DATASET" / "test_labels.csv").write_text("name\nx\n")
    refused("test_labels.csv is no list of images and labels", root, "rafdb")


@states("A mapping by hand")
def _(root):
    copies.rafdb_folders(root, range(7), range(7))
    for labels in (FROM_ZERO, dict(enumerate(AFFECTNET[:7]))):
        found = load_dataset("rafdb", "test", root, labels=labels).labels
        assert [CLASSES[label] for label in found] == list(AFFECTNET[:7])
    plan = CompareSettings(root / "out", "rafdb", root, labels=FROM_ZERO)
    assert load_splits(plan, ["test"])["test"].labels.tolist() == found.tolist()
    refused("'6'", root, "rafdb", labels=FROM_ZERO.rsplit(",", 1)[0])


@states("A mapping is kept.")
def _(root):
    archive = copies.pack(copies.rafdb_folders(root / "copy", range(7), range(7)), root / "a.zip")
    command = ["rafdb", str(archive), "--root", str(root / "set"), "--labels", FROM_ZERO]
    assert prepare_dataset.main(command) == 0
    assert (root / "set" / LABELS_FILE).read_text().strip() == FROM_ZERO
    assert load_dataset("rafdb", "test", root / "set").labels[0] == CLASSES.index("neutral")
    plan = CompareSettings(root / "out", labels=FROM_ZERO)
    assert recorded(plan, ("ce",), plan.train)["labels"] == FROM_ZERO


@states("AffectNet's valence and arousal")
def _(root):
    assert (
        load_dataset("affectnet", "test", copies.affectnet_sets(root / "a", valence=-2))
        .metadata["valence"]
        .isna()
        .all()
    )
    refused("valence 3", copies.affectnet_sets(root / "b", valence=3), "affectnet")


@states("AffectNet's lists")
def _(root):
    refused("outside AffectNet's own", copies.affectnet_lists(root, subDirectory_filePath="../a.jpg"), "affectnet")


# --------------------------------------------------------------------------------------- labels in tables
@states("Whole numbers of any type")
def _(root):
    for column in ([2.0, 0.0], np.uint8([2, 0]), pd.Series([2, 0], dtype="Int8"), pd.Series([2, 0], dtype=object)):
        assert class_labels(column)[1] == ("class 0", "class 2")
    assert class_labels(pd.Categorical(["b", "a"]))[1] == ("a", "b") == class_labels(["b", "a"])[1]
    assert class_labels([True, False])[0].tolist() == [1, 0]
    assert class_labels(["fold 10", "fold 9", "sadness"])[1] == ("sadness", "fold 9", "fold 10")
    assert class_labels(pd.Categorical(["b", "a"], ["b", "a"]))[1] == ("b", "a")


@states("Missing labels and -1")
def _(root):
    assert class_labels([0, None, -1, np.nan])[0].tolist() == [0, 1, 1, 1]
    assert class_labels(["a", "", "nan", "None", "<NA>"])[0].tolist() == [0, 1, 1, 1, 1]
    assert class_labels([0, None])[1][-1] == NO_CLASS == "no class" and class_color(NO_CLASS) == NO_CLASS_COLOR
    red, green, blue = bytes.fromhex(NO_CLASS_COLOR[1:])
    assert red == green == blue
    faces = FaceDataset(
        "m", "train", np.zeros((3, 4, 4, 1), np.uint8), [0, -1, 1], ("a", "b"), pd.DataFrame(index=range(3))
    )
    register_dataset("own-data-page", lambda split, root: faces)
    with pytest.warns(FerlabWarning, match="1 of the 3 train faces of m have no class"):
        assert len(load_splits(CompareSettings(dataset="own-data-page"), ["train"])["train"]) == 2


@states("Fractions are refused")
def _(root):
    for column, word in (([0.5], "fraction"), ([np.inf], "inf"), ([-2], "below 0"), (["a", 1], "mixes")):
        with pytest.raises(FerlabError, match=word):
            class_labels(column)


@states("Large numbers cost nothing.")
def _(root):
    assert class_labels([0, 1_000_000_000])[1] == ("class 0", "class 1000000000")
    with pytest.raises(FerlabError, match="1,001 different values"):
        class_labels(list(range(1001)))
    assert len(class_labels(list(range(1001)), most=5000)[1]) == 1001
    table = pd.DataFrame({"label": range(1001), "x": range(1001), "y": 0.0})
    assert len(table_points({"own": table}, None, most=5000)[0].classes) == 1001


# ------------------------------------------------------------------------------------------------- images
@states("Images are known by their content")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    for number, kind in enumerate(("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000")):
        copies.save(root / "happy" / f"no_suffix_{number}", 100 + number, kind)
    copies.save(root / "happy" / "a.jfif", 200, "JPEG")
    copies.save(root / "happy" / "b.jpe", 201, "JPEG")
    assert sum(sizes(root)) == 18
    with pytest.raises(FerlabError, match="cannot be decoded"):
        read_image(file_of(Image.fromarray(copies.face(1)), "EPS"))


@states("HEIC and other files that cannot be read")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    (root / "happy" / "a.heic").write_bytes(b"ftypheic")
    with pytest.warns(FerlabWarning, match=r"1 file that cannot be read .* in happy 1 \(a\.heic\)"):
        sizes(root)
    copies.class_folders(root, ["fear"], 0)
    (root / "fear").mkdir()
    (root / "fear" / "b.heic").write_bytes(b"ftypheic")
    refused("fear holds no image that can be read", root)


@states("A damaged image")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    for path in (root / "sad").iterdir():
        path.write_bytes(b"broken" + path.name.encode())
    refused(r"sad/\d.png cannot be decoded", root)
    with pytest.raises(FerlabError, match="cannot be decoded"):  # what embed takes note of, see tests/apply
        embed.read_face(root / "sad" / "0.png", 8, 3)


@states("16 bits")
def _(root):
    for kind in ("PNG", "TIFF", "PPM", "JPEG2000"):
        assert is_ramp(file_of(RAMP.astype(np.uint16) * 257, kind)), kind
    with pytest.raises(FerlabError, match="8 bits saved as 16"):
        read_image(file_of(RAMP.astype(np.uint16), "PNG"))


@states("Floating-point values")
def _(root):
    assert is_ramp(file_of((RAMP / 255).astype(np.float32), "TIFF")) and is_ramp(
        file_of(RAMP.astype(np.float32), "TIFF")
    )
    for low in (-1, 1, np.nan):
        with pytest.raises(FerlabError, match="cannot know what is white"):
            read_image(file_of(RAMP.astype(np.float32) + np.float32(low), "TIFF"))


@states("Integers of 32 bits")
def _(root):
    assert is_ramp(file_of(RAMP.astype(np.int32), "TIFF"))
    with pytest.raises(FerlabError, match="integers of 32 bits from 0 to 510"):
        read_image(file_of(RAMP.astype(np.int32) * 2, "TIFF"))


@states("CMYK, palettes, gray and Lab colors")
def _(root):
    picture = Image.fromarray(RAMP).convert("RGB")
    assert (
        is_ramp(file_of(picture.convert("CMYK"), "TIFF"))
        and is_ramp(file_of(RAMP, "GIF"))
        and is_ramp(file_of(RAMP, "BMP"))
    )
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = file_of(ImageCms.profileToProfile(picture, *profiles, outputMode="LAB"), "TIFF")
    assert np.abs(np.asarray(read_image(lab)).astype(int) - RAMP[..., None]).max() <= 3


@states("What is transparent")
def _(root):
    assert read_image(file_of(Image.new("RGBA", (2, 2), (9, 9, 9, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)


@states("Turned photos")
def _(root):
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = file_of(np.ascontiguousarray(RAMP[::-1, ::-1]), "PNG", exif=exif)
    assert is_ramp(turned)
    assert np.array_equal(np.asarray(read_image(turned, upright=False))[..., 0], RAMP[::-1, ::-1])


@states("Of an animation")
def _(root):
    later = [Image.new("L", (256, 4), 0)]
    for kind in ("GIF", "TIFF"):
        assert is_ramp(file_of(Image.fromarray(RAMP), kind, save_all=True, append_images=later))


@states("Any size and shape")
def _(root):
    for number in range(6):
        copies.save(root / "a" / ("happy", "sad")[number % 2] / f"{number}.png", number, size=(20 + 9 * number, 15))
    assert load_dataset("folder", "train", root / "a").images.shape[1:] == (112, 112, 3)
    assert load_dataset("rafdb", "test", copies.rafdb_folders(root / "b")).images.shape[1:] == (100, 100, 3)
    assert load_dataset("affectnet", "test", copies.affectnet_sets(root / "c")).images.shape[1:] == (112, 112, 3)
    copies.save(copies.fer2013_folders(root / "d") / "train" / "happy" / "x.png", 1, size=(50, 48))
    refused("50 x 48 pixels; those of FER-2013 have 48 x 48", root / "d", "fer2013")


# -------------------------------------------------------------------------------------------------- names
@states("Names that are not UTF-8")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    odd = os.fsdecode(os.fsencode(root / "happy") + b"/caf\xe9.png")
    try:
        Path(odd).write_bytes((copies.save(root.parent / "x.png", 99)).read_bytes())
    except OSError:
        pytest.skip("This file system takes no such names.")
    files = [load_dataset("folder", split, root).metadata["file"] for split in ("train", "validation", "test")]
    assert "happy/caf\\xe9.png" in pd.concat(files).tolist()


@states("Pipes, sockets and links to nothing")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    os.mkfifo(root / "happy" / "a.png")
    (root / "sad" / "b.png").symlink_to(root / "nowhere")
    with pytest.warns(FerlabWarning, match="2 files that cannot be read"):
        assert sum(sizes(root)) == 8
    with pytest.raises(FerlabError, match="is no regular file"):
        read_image(root / "happy" / "a.png")


@states("What systems leave in folders")
@pytest.mark.filterwarnings("error")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    for name in ("Thumbs.db", "desktop.ini", ".hidden"):
        (root / "happy" / name).write_bytes(b"junk")
    assert image_files.images_and_others(root / "happy")[1] == []


# -------------------------------------------------------------------------------------------------- sizes
@states("An image of more than 64 megapixels")
def _(root):
    assert decoding.MEGAPIXELS == 64
    copies.class_folders(root, ["happy", "sad"], 4)
    refused("12 x 12 pixels, more than the 0.0001 megapixels", root, megapixels=0.0001)
    plan = CompareSettings(root / "out", "folder", root, megapixels=0.0001)
    with pytest.raises(FerlabError, match="--megapixels"):
        load_splits(plan, ["test"])
    assert len(load_dataset("folder", "test", root, megapixels=200)) == 2


@states("An archive that unpacks to far more than its size")
def _(root):
    archive = root / "a.zip"
    archive.write_bytes(b"x" * 1000)
    assert prepare_dataset.largest(archive, None) == 256e6 and prepare_dataset.largest(archive, 20) == 20e9
    with archive.open("wb") as file:
        file.truncate(10_000_000)
    assert prepare_dataset.largest(archive, None) == 50 * 10e6
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("train/happy/a.png", bytes(3_000_000))
    with pytest.raises(FerlabError, match=r"more than 0\.001 GB.*--gigabytes"):
        prepare_dataset.prepare("fer2013", [archive], root / "set", gigabytes=0.001)


@states("A notebook of more than 50 MB")
def _(root):
    assert (collecting.MEGABYTES, collecting.MOST_FILES) == (50, 200)  # tests/classroom/test_collecting.py raises them


@states("A limit")
def _(root):
    copies.class_folders(root, ["happy", "sad"], 4)
    for limit in (0, -1, np.nan, np.inf):
        refused("megapixels must be a number above 0", root, megapixels=limit)


@states("An annotation")
def _(root):
    path = copies.affectnet_sets(root) / "train_set" / "annotations" / "0_exp.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    refused("0_exp.npy is missing or damaged", root, "affectnet")


@states("`ferlab embed` reads 512 images at a time")
def _(root):
    assert embed.AT_ONCE == 512  # tests/apply/test_embed.py looks on
    assert map_cost(400_000, 128).is_high and not map_cost(2_000, 128).is_high


@states("Pictures that fill more than 2 GB of memory")
def _(root):
    assert image_files.MUCH == 2e9  # tests/data/test_left_out.py hears it said


# ----------------------------------------------------------------------------------------------- unpacking
def tarred(root: Path, cut: int = 0) -> Path:
    source = copies.rafdb_folders(root / "source")
    with tarfile.open(root / "a.tar", "w") as out:
        out.add(source / "DATASET", "DATASET")
    if cut:
        with tarfile.open(root / "a.tar") as written:
            last = written.getmembers()[-1].offset
        (root / "a.tar").write_bytes((root / "a.tar").read_bytes()[:last])
    return root / "a.tar"


@states("An archive that is cut or damaged")
def _(root):
    with pytest.raises(FerlabError, match="truncated, damaged"):
        prepare_dataset.prepare("rafdb", [tarred(root, cut=1)], root / "set")


@states("Paths that leave the folder")
def _(root):
    with zipfile.ZipFile(root / "a.zip", "w") as out:
        out.writestr("../train/angry/a.png", b"x")
    with pytest.raises(FerlabError, match="outside its own folder"):
        prepare_dataset.prepare("fer2013", [root / "a.zip"], root / "set")
    with tarfile.open(tarred(root), "a") as out:
        link = tarfile.TarInfo("DATASET/train/1/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
    prepare_dataset.prepare("rafdb", [root / "a.tar"], root / "set")
    assert not (root / "set" / "DATASET" / "train" / "1" / "link.png").is_symlink()


@states("The folder appears whole")
def _(root):
    source = copies.rafdb_folders(root / "source")
    (source / "DATASET" / "test" / "3" / "0.png").write_bytes(b"broken")
    with pytest.raises(FerlabError, match="cannot be decoded"):
        prepare_dataset.prepare("rafdb", [copies.pack(source, root / "a.zip")], root / "set")
    assert sorted(path.name for path in root.iterdir()) == ["a.zip", "source"]


@states("`--overwrite` replaces what the script has written")
def _(root):
    archive = copies.pack(copies.rafdb_folders(root / "source"), root / "a.zip")
    prepare_dataset.prepare("rafdb", [archive], root / "set")
    (root / "set" / "mine.txt").write_text("mine")
    prepare_dataset.prepare("rafdb", [archive], root / "set", overwrite=True)
    assert (root / "set" / "mine.txt").read_text() == "mine"
    copies.save(root / "set" / "DATASET" / "train" / "1" / "mine.png", 999)
    with pytest.raises(FerlabError, match="mine.png was not written by this script"):
        prepare_dataset.prepare("rafdb", [archive], root / "set", overwrite=True)

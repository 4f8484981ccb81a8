"""Labels that are numbers mean what their makers said, or what is said by hand; nothing else is read."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import own_files as copies
import prepare_dataset
import pytest

from ferlab import cli
from ferlab.data import CLASSES, load_dataset, register_dataset
from ferlab.data.codes import AFFECTNET, FER2013, LABELS_FILE, read_labels
from ferlab.data.dataset import FaceDataset
from ferlab.errors import FerlabError
from ferlab.experiments import sweep, tune
from ferlab.runs import RunFolder, read_settings
from ferlab.runs.plan import load_splits, recorded
from ferlab.settings import CompareSettings, TuneSettings

FROM_ZERO = "0=neutral,1=happiness,2=sadness,3=surprise,4=fear,5=disgust,6=anger"


def refusal(name: str, root: Path, **options) -> str:
    with pytest.raises(FerlabError) as caught:
        load_dataset(name, "train", root, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("write", [copies.rafdb_folders, copies.rafdb_list])
def test_rafdb_that_counts_from_zero_is_refused_and_told_what_it_may_be(tmp_path, write):
    sentence = refusal("rafdb", write(tmp_path, range(7), range(7)))
    assert "has the label '0', and RAF-DB knows 1 surprise, 2 fear, 3 disgust" in sentence
    assert "perhaps as FER-2013 (0 anger, 1 disgust" in sentence and "or AffectNet (0 neutral, 1 happiness" in sentence
    assert sentence.endswith("say with --labels 0=neutral,1=happiness,.. what each label means.")


@pytest.mark.parametrize("write", [copies.rafdb_folders, copies.rafdb_list])
@pytest.mark.parametrize(
    ("train", "test", "word"),
    [
        (range(1, 8), range(7), "'0'"),
        (range(1, 9), range(1, 9), "'8'"),
        (range(1, 7), range(1, 8), "has no label '7' (neutral)"),
        (range(1, 8), [1, 2, 3, 4, 5, 7], "has no label '6' (anger)"),
        (["01", *range(2, 8)], range(1, 8), "'01'"),
        ([*range(1, 8), "happy"], range(1, 8), "--dataset folder"),
        ([*range(1, 8), 10**9], range(1, 8), "'1000000000'"),
    ],
)
def test_rafdb_with_anything_but_one_to_seven_in_both_parts(tmp_path, write, train, test, word):
    assert word in refusal("rafdb", write(tmp_path, train, test))


@pytest.mark.parametrize("write", [copies.rafdb_folders, copies.rafdb_list])
def test_rafdb_with_a_mapping_by_hand(tmp_path, write):
    write(tmp_path, range(7), range(7))
    for labels in (FROM_ZERO, {int(part[0]): part[2:] for part in FROM_ZERO.split(",")}):
        faces = load_dataset("rafdb", "test", tmp_path, labels=labels)
        assert faces.classes == CLASSES and len(faces) == 7
        by_order = [CLASSES[label] for label in faces.labels]
        assert by_order == list(AFFECTNET[:7])
    one_is_left_out = refusal("rafdb", tmp_path, labels=FROM_ZERO.rsplit(",", 1)[0])
    assert "'6', which --labels leaves out: give every label a class, --labels 0=neutral,1=happ" in one_is_left_out
    one_too_many = refusal("rafdb", tmp_path, labels=FROM_ZERO + ",7=fear")
    assert "has no label '7' (fear), which --labels names: leave it out there" in one_too_many
    assert "'bored'" in refusal("rafdb", tmp_path, labels=FROM_ZERO.replace("anger", "bored"))


def test_a_mapping_in_the_folder_is_found_and_one_by_hand_goes_before(tmp_path):
    copies.rafdb_folders(tmp_path, range(7), range(7))
    (tmp_path / LABELS_FILE).write_text(FROM_ZERO.replace(",", "\n"))
    assert load_dataset("rafdb", "test", tmp_path).labels[0] == CLASSES.index("neutral")
    other = FROM_ZERO.replace("neutral", "x").replace("anger", "neutral").replace("x", "anger")
    assert load_dataset("rafdb", "test", tmp_path, labels=other).labels[0] == CLASSES.index("anger")
    (tmp_path / LABELS_FILE).write_bytes(b"\xff")
    assert LABELS_FILE in refusal("rafdb", tmp_path)


@pytest.mark.parametrize(
    ("train", "test", "word"),
    [
        (range(1, 8), range(7), "emotion '7'"),
        (range(7), [*range(7), 9], "emotion '9'"),
        ([*range(7), "1.5"], range(7), "emotion '1.5'"),
        (range(6), range(6), "The Training part"),  # six classes: disgust joined to anger, and all others moved
        (range(7), range(6), "The PublicTest part"),
    ],
)
def test_fer2013_csv_with_other_numbers(tmp_path, train, test, word):
    sentence = refusal("fer2013", copies.fer2013_csv(tmp_path, train, test))
    assert word in sentence and "FER-2013 knows 0 anger, 1 disgust" in sentence and "--labels" in sentence


def test_fer2013_csv_as_a_spreadsheet_saves_it_and_with_a_mapping(tmp_path):
    plain = load_dataset("fer2013", "train", copies.fer2013_csv(tmp_path / "a"))
    assert [CLASSES[label] for label in plain.labels] == list(FER2013)
    saved = copies.fer2013_csv(tmp_path / "b", [f"{k}.0" for k in range(7)])
    assert np.array_equal(load_dataset("fer2013", "train", saved).labels, plain.labels)
    labels = {k + 1: name for k, name in enumerate(FER2013)}
    moved = load_dataset(
        "fer2013", "train", copies.fer2013_csv(tmp_path / "c", range(1, 8), range(1, 8)), labels=labels
    )
    assert np.array_equal(moved.labels, plain.labels)


def test_fer2013_folders_with_numbers(tmp_path):
    copies.fer2013_folders(tmp_path, range(7))
    assert "--labels 0=neutral" in refusal("fer2013", tmp_path)
    faces = load_dataset("fer2013", "test", tmp_path, labels=FROM_ZERO)
    assert [CLASSES[label] for label in faces.labels[::3]] == list(AFFECTNET[:7])


@pytest.mark.parametrize("write", [copies.affectnet_lists, copies.affectnet_sets])
@pytest.mark.parametrize(
    ("train", "word"),
    [
        ([*range(8), 11], "expression 11"),
        ([*range(8), 2.5], "expression 2.5"),
        ([*range(8), -1], "expression -1"),
        ([*range(8), 10**9], "expression 1"),
        (range(1, 9), "has no label '0' (neutral)"),
        ([0, 1, 2, 3, 4, 5, 7], "has no label '6' (anger)"),
    ],
)
def test_affectnet_with_other_numbers(tmp_path, write, train, word):
    sentence = refusal("affectnet-8", write(tmp_path, train))
    assert word in sentence and "AffectNet knows 0 neutral, 1 happiness" in sentence


@pytest.mark.parametrize("write", [copies.affectnet_lists, copies.affectnet_sets])
def test_affectnet_with_a_mapping_by_hand(tmp_path, write):
    write(tmp_path, range(1, 9), range(1, 9))
    faces = load_dataset("affectnet-8", "test", tmp_path, labels={k + 1: name for k, name in enumerate(AFFECTNET)})
    assert [faces.classes[label] for label in faces.labels] == list(AFFECTNET)


def test_affectnet_expressions_in_words_are_refused(tmp_path):
    assert "expression Happy" in refusal("affectnet", copies.affectnet_lists(tmp_path, expression="Happy"))


@pytest.mark.parametrize("write", [copies.affectnet_lists, copies.affectnet_sets])
@pytest.mark.parametrize(("valence", "fine"), [(1, True), (-2, True), (-1.5, False), (3, False), ("nan", False)])
def test_affectnet_valence(tmp_path, write, valence, fine):
    write(tmp_path, valence=valence)
    if not fine:
        assert "valence" in refusal("affectnet-8", tmp_path)
        return
    found = [load_dataset("affectnet-8", split, tmp_path).metadata["valence"] for split in ("train", "test")]
    wanted = np.nan if valence == -2 else valence
    assert any((np.isnan(values) if valence == -2 else values == wanted).any() for values in found)


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "1/../../secret.jpg", "/etc/secret.jpg", "C:\\secret.jpg", "1\\..\\..\\secret.jpg"]
)
def test_affectnet_lists_stay_in_their_folder(tmp_path, name):
    copies.save(tmp_path / "secret.jpg", 7, "JPEG")
    root = copies.affectnet_lists(tmp_path / "set", subDirectory_filePath=name)
    sentence = refusal("affectnet", root)
    assert "Line 2 of" in sentence and "outside AffectNet's own folder" in sentence


@pytest.mark.parametrize(
    ("box", "word"), [(10**9, "without a box"), (1e300, "without a box"), ("nan", "without a box")]
)
def test_affectnet_boxes_that_cannot_be(tmp_path, box, word):
    assert word in refusal("affectnet", copies.affectnet_lists(tmp_path, face_width=box))


def test_a_folder_of_numbers_keeps_them_as_names_or_has_a_mapping(tmp_path):
    copies.class_folders(tmp_path, range(3))
    assert load_dataset("folder", "test", tmp_path).classes == ("0", "1", "2")
    faces = load_dataset("folder", "test", tmp_path, labels="0=happy,1=bored")
    assert faces.classes == ("happiness", "2", "bored")
    assert "no folder of that name" in refusal("folder", tmp_path, labels="0=happy,9=bored")


@pytest.mark.parametrize("text", ["0", "0=", "=happy", "0:happy", ",", "0=happy,1"])
def test_a_mapping_that_is_none(text):
    with pytest.raises(FerlabError, match="--labels takes pairs such as 0=neutral,1=happiness"):
        read_labels(text)


def test_a_number_that_is_named_twice_and_a_data_set_without_numbers():
    with pytest.raises(FerlabError, match="names '0' twice"):
        read_labels("0=happy,1=sad,0=anger")
    with pytest.raises(FerlabError, match="'synthetic' has no others"):
        load_dataset("synthetic", labels="0=happy")


# ------------------------------------------------------------------------------ compare and the preparation
def test_a_comparison_reads_with_the_mapping_and_keeps_it(tmp_path):
    copies.rafdb_folders(tmp_path, range(7), range(7))
    plan = CompareSettings(tmp_path / "out", "rafdb", tmp_path, labels=FROM_ZERO)
    assert load_splits(plan, ["test"])["test"].labels[0] == CLASSES.index("neutral")
    assert recorded(plan, ("ce",), plan.train)["labels"] == FROM_ZERO
    assert "labels" not in recorded(CompareSettings(tmp_path), ("ce",), plan.train), "as in runs of earlier versions"
    run = RunFolder(tmp_path / "out")
    run.write_settings(recorded(dataclasses.replace(plan, megapixels=2.5), ("ce",), plan.train))
    assert (read_settings(run).labels, read_settings(run).megapixels) == (FROM_ZERO, 2.5)
    with pytest.raises(FerlabError, match="labels was '0=neutral"):
        run.check_same_settings(recorded(dataclasses.replace(plan, labels=None, megapixels=2.5), ("ce",), plan.train))


def test_the_jobs_of_a_search_and_of_a_comparison_read_with_the_mapping_too(tmp_path, monkeypatch):
    read = []

    def look(plan, *splits):
        read.append((plan.labels, plan.megapixels))
        raise FerlabError("That will do.")

    for module, job, plan in (
        (tune, lambda: tune.search_job(str(tmp_path), "ce", 0), TuneSettings(tmp_path, labels=FROM_ZERO, megapixels=3)),
        (
            sweep,
            lambda: sweep.train_job(str(tmp_path), "ce", 0, 0),
            CompareSettings(tmp_path, labels="0=sad", megapixels=4),
        ),
    ):
        monkeypatch.setattr(module, "load_splits", look)
        RunFolder(tmp_path).write_settings(recorded(plan, ("ce",), plan.train))
        with pytest.raises(FerlabError, match="That will do"):
            job()
    assert read == [(FROM_ZERO, 3), ("0=sad", 4)]


@pytest.mark.parametrize("command", ["compare", "tune", "train ce"])
def test_the_commands_take_the_mapping_and_the_limit(tmp_path, command, monkeypatch, capsys):
    copies.rafdb_folders(tmp_path, range(7), range(7))
    (tmp_path / "DATASET" / "train" / "3" / "x.heic").write_bytes(b"ftypheic")
    options = ["--dataset", "rafdb", "--root", str(tmp_path), "--out", str(tmp_path / "out")]
    for more, said in (
        ([], "has the label '0', and RAF-DB knows"),
        (["--labels", FROM_ZERO, "--megapixels", "0.0001"], "more than the 0.0001 megapixels that ferlab reads"),
    ):
        monkeypatch.setattr("sys.argv", ["ferlab", *command.split(), *options, *more])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        error = capsys.readouterr().err
        assert stop.value.code == 2 and said in error and not (tmp_path / "out").exists()
    assert f"ferlab: {tmp_path} has 1 file that cannot be read as an image and is left out" in error


def test_prepare_refuses_what_the_reader_refuses_and_keeps_a_mapping(tmp_path, capsys):
    archive = copies.pack(copies.rafdb_folders(tmp_path / "copy", range(7), range(7)), tmp_path / "a.zip")
    command = ["rafdb", str(archive), "--root", str(tmp_path / "root")]
    assert prepare_dataset.main(command) == 2
    said = capsys.readouterr().err
    assert "a.zip/DATASET/train has the label '0'" in said and not (tmp_path / "root").exists()
    assert prepare_dataset.main([*command, "--labels", FROM_ZERO]) == 0
    assert "neutral 1" in capsys.readouterr().out
    assert load_dataset("rafdb", "test", tmp_path / "root").labels[0] == CLASSES.index("neutral")
    assert prepare_dataset.main(["rafdb", "--root", str(tmp_path / "root"), "--labels", FROM_ZERO]) == 0
    assert prepare_dataset.main([*command[:1], "--root", str(tmp_path / "root"), "--labels", "0"]) == 2


# -------------------------------------------------------------------------------- labels of a reader of one's own
def dataset_of(labels, classes=("a", "b")) -> FaceDataset:
    import pandas as pd

    images = np.zeros((len(labels), 4, 4, 1), np.uint8)
    return FaceDataset("mine", "train", images, labels, classes, pd.DataFrame(index=range(len(labels))))


def test_a_data_set_takes_labels_of_any_kind():
    import pandas as pd

    for labels in (
        [0, 1],
        np.uint8([0, 1]),
        np.array([0.0, 1.0]),
        ["a", "b"],
        pd.Categorical(["a", "b"]),
        [False, True],
    ):
        faces = dataset_of(labels)
        assert faces.labels.dtype == np.int64 and faces.labels.tolist() == [0, 1] and faces.classes == ("a", "b")
    with pytest.raises(FerlabError, match=r"The column labels of mine holds 0\.5, and a class has no fraction"):
        dataset_of(np.array([0.5, 1.5]))
    with pytest.raises(FerlabError, match="none of the 2 classes"):
        dataset_of([0, 10**9])


@pytest.mark.filterwarnings("always::ferlab.errors.FerlabWarning")
def test_faces_without_a_class_are_shown_and_not_trained_on():
    faces = dataset_of([0, -1, 1, 1])
    assert faces.classes == ("a", "b", "no class") and faces.class_counts() == {"a": 1, "b": 2, "no class": 1}
    assert faces.labelled().labels.tolist() == [0, 1, 1] and faces.labelled().classes == ("a", "b")
    register_dataset("with-missing", lambda split, root: faces)
    with pytest.warns(UserWarning, match="1 of the 4 train faces of mine have no class and are left out"):
        found = load_splits(CompareSettings(dataset="with-missing"), ["train"])["train"]
    assert len(found) == 3 and found.classes == ("a", "b")


def test_labels_that_are_no_mapping_are_refused(tmp_path):
    with pytest.raises(FerlabError, match=r"labels are pairs such as 0=neutral,1=happiness,.., or a dict, not a list"):
        load_dataset("rafdb", "train", copies.rafdb_folders(tmp_path), labels=["neutral", "happiness"])


def test_a_picture_without_a_name_is_refused(tmp_path):
    with pytest.raises(FerlabError, match=r"Line 2 of .*training.csv names the picture '', which is none"):
        load_dataset("affectnet", "train", copies.affectnet_lists(tmp_path, subDirectory_filePath=""))


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_folder_of_fer2013_that_is_missing_is_told(tmp_path, part):
    root = copies.fer2013_folders(tmp_path)
    shutil.rmtree(root / part / "happy")
    with pytest.raises(FerlabError, match=rf"{part} has no images of happiness, which FER-2013 has: unpack it again"):
        load_dataset("fer2013", "train", root)


@pytest.mark.parametrize(("part", "codes"), [("train", ["1", "2"]), ("test", ["6", "7"])])
def test_a_list_that_contradicts_the_folders_is_refused(tmp_path, part, codes):
    root = copies.rafdb_folders(tmp_path)
    folder = root / "DATASET" / part / codes[0]
    image = sorted(folder.iterdir())[0].rename(folder / "odd.png")
    (root / f"{part}_labels.csv").write_text(f"image,label\n{image.name},{codes[1]}\n")
    said = rf"{part}_labels.csv gives odd.png the label '{codes[1]}', and it lies in the folder .*{part}/{codes[0]}'"
    with pytest.raises(FerlabError, match=said):
        load_dataset("rafdb", "test", root)
    (root / f"{part}_labels.csv").write_text(f"image,label\n{image.name},{codes[0]}.0\n")
    assert len(load_dataset("rafdb", "test", root)) == 7

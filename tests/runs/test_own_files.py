"""A run can come from anybody: whatever its files hold, one sentence names file and field, and nothing is fetched."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
from safetensors.torch import load_file, save_file
from tiny import tiny_faces

from ferlab.checksums import RECORD, record_all
from ferlab.errors import ChangedFile, FerlabError, UnreadableFile
from ferlab.models import ExpressionNetwork
from ferlab.runs import RunFolder, read_run, read_settings
from ferlab.runs.faces_record import check_same_faces, record_of, records_of
from ferlab.runs.plan import check_settings, recorded
from ferlab.runs.summary import summarize
from ferlab.settings import CompareSettings

SPLITS = {"train": tiny_faces("train", 12), "validation": tiny_faces("validation", 4), "test": tiny_faces("test", 6)}
JSON = ("config.json", "summary.json", "ce/seed_0/scores.json", "ce/seed_0/model.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one method, whose network has learned nothing."""
    run = RunFolder(tmp_path_factory.mktemp("own") / "run")
    settings = CompareSettings(run.path, "tiny", methods=("ce",), epochs=2)
    names, base = check_settings(settings)
    run.write_settings(recorded(settings, names, base), records_of(SPLITS))
    training = run.training("ce", 0)
    row = {"seconds": 1.0, "train_loss": 2.0, "validation_accuracy": 0.1, "validation_balanced_accuracy": 0.1}
    network = ExpressionNetwork(7, embedding_size=8).eval()
    training.save_epoch(1, np.zeros((3, 8)))
    training.save(network, [{"epoch": 1, **row}, {"epoch": 2, **row}], SPLITS["train"], SPLITS["test"])
    finished = training.load()
    assert finished is not None
    maps = finished.embeddings.assign(x=0.0, y=0.0)
    run.write_results(
        history=finished.history, embeddings=maps, epochs=None, summary=summarize([finished], "tiny", 2, 3.0)
    )
    return run.path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> RunFolder:
    shutil.copytree(made, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def rewrite(run: RunFolder, name: str, content: str | bytes | Callable[[Any], Any], *, fitting: bool = True) -> None:
    """Give a file other content, and with ``fitting`` the checksums that belong to it."""
    path = run.path / name
    if callable(content):
        values = json.loads(path.read_text())
        content = json.dumps(content(values) or values)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if fitting:
        record_all(run.path / "ce/seed_0")
        record_all(run.path, leave_out=("ce",))


def read_everything(run: RunFolder) -> None:
    """Whatever ferlab reads of a run."""
    read_settings(run)
    read_run(run.path)
    training = run.training("ce", 0)
    training.load()
    training.load_network()
    training.load_epochs(1)


def test_a_whole_run_is_read(run):
    read_everything(run)
    assert json.loads((run.path / RECORD).read_text()).keys() == {
        "config.json", "summary.json", "history.parquet", "embeddings.parquet",
    }  # fmt: skip
    assert json.loads((run.path / "ce/seed_0" / RECORD).read_text()).keys() == {
        "scores.json", "model.json", "model.safetensors", "history.parquet", "embeddings.parquet",
        "epochs/epoch_0001.npy",
    }  # fmt: skip


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '"x"', "{}", "[" * 50_000, b"\xff\xfe", "NaN"])
def test_a_file_that_is_something_else_is_named(run, name, content):
    rewrite(run, name, content)
    with pytest.raises(FerlabError, match=name.replace(".", r"\.")):
        read_everything(run)


def put(*keys: str, value: Any) -> Callable[[Any], None]:
    """A change of one field of nested dicts."""

    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


WRONG = [
    ("config.json", put("settings", value=3), "settings"),
    ("config.json", put("settings", "train", "epochs", value="many"), "settings.train.epochs"),
    ("config.json", put("settings", "train", "epochs", value=0), "epochs must be at least 1"),
    ("config.json", put("settings", "train", "augmentation", value=[]), "settings.train.augmentation"),
    ("config.json", put("settings", "train", "learning_speed", value=1), "learning_speed"),
    ("config.json", put("settings", "seeds", value=1e9), "settings.seeds"),
    ("config.json", put("settings", "seeds", value=10**30), "settings.seeds"),
    ("config.json", put("settings", "methods", value="ce"), "settings.methods"),
    ("config.json", put("settings", "table", value={"ce": 3}), "settings.table.ce"),
    ("config.json", put("data", value={"train": {"faces": -1, "sha256": "x"}}), "data.train.faces"),
    ("config.json", put("versions", value=[]), "versions"),
    ("summary.json", put("methods", value={}), "methods"),
    ("summary.json", put("methods", "ce", value=3), "methods.ce"),
    ("summary.json", put("methods", "ce", "accuracy", value=0.5), "methods.ce.accuracy"),
    ("summary.json", put("methods", "ce", "accuracy", "values", value=["x"]), "methods.ce.accuracy.values.0"),
    ("summary.json", put("methods", "ce", "geometry", "silhouette", value={}), "methods.ce.geometry.silhouette"),
    ("summary.json", put("methods", "ce", "confusion", value=[["x"]]), "methods.ce.confusion.0.0"),
    ("summary.json", put("seeds", value=[]), "seeds"),
    ("summary.json", put("seconds", value="long"), "seconds"),
    ("summary.json", put("doses", value={"ce": []}), "doses.ce"),
    ("ce/seed_0/scores.json", put("accuracy", value="high"), "accuracy"),
    ("ce/seed_0/scores.json", put("geometry", value=[]), "geometry"),
    ("ce/seed_0/scores.json", put("slices", value=[3]), "slices.0"),
    ("ce/seed_0/model.json", put("image_size", value=10**9), "image_size"),
    ("ce/seed_0/model.json", put("network", "embedding_size", value=10**12), "network.embedding_size"),
    ("ce/seed_0/model.json", put("network", "embedding_size", value=60_000), "classifier.weight"),
    ("ce/seed_0/model.json", put("network", "attention", value=["everything"]), "network.attention.0"),
    ("ce/seed_0/model.json", put("network", "backbone", value="resnet1001"), "resnet1001"),
    ("ce/seed_0/model.json", put("network", "pretrained", value=True), "network.pretrained"),
    ("ce/seed_0/model.json", put("network", "checkpoint_path", value="/etc/passwd"), "network.checkpoint_path"),
    ("ce/seed_0/model.json", put("classes", value=["a", "b"]), "2 classes for a network of 7"),
]


@pytest.mark.parametrize(("name", "change", "field"), WRONG, ids=[f"{name}-{field}" for name, _, field in WRONG])
def test_a_field_of_a_wrong_type_is_named_though_the_checksums_fit(run, name, change, field):
    rewrite(run, name, change)
    with pytest.raises(FerlabError) as refused:
        read_everything(run)
    said = str(refused.value)
    assert field in said and said.endswith(".") and "\n" not in said
    assert name.rpartition("/")[2].partition(".")[0] in said or field == "learning_speed"


def test_loading_never_asks_the_network(run, monkeypatch):
    """Weights and names that point elsewhere, in a run from anybody."""

    def no_network(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was asked")

    create = timm.create_model
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(
        timm, "create_model", lambda name, **given: create(name, **given) if not given["pretrained"] else no_network()
    )
    for backbone in ("resnet10t", "hf-hub:somebody/evil", "local-dir:/tmp", "resnet10t.c3_in1k"):
        for pretrained in (True, None):
            extra = {} if pretrained is None else {"pretrained": pretrained}

            def change(values: Any, backbone: str = backbone, extra: dict = extra) -> None:
                values["network"] |= {"backbone": backbone, **extra}

            rewrite(run, "ce/seed_0/model.json", change)
            with pytest.raises(UnreadableFile):
                run.training("ce", 0).load_network()
            rewrite(run, "ce/seed_0/model.json", lambda values: values["network"].pop("pretrained", None) and None)


TABLES = ("history.parquet", "embeddings.parquet", "ce/seed_0/history.parquet", "ce/seed_0/embeddings.parquet")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("damage", ["bytes", "column missing", "text for numbers", "negative"])
def test_a_table_that_is_something_else_is_named(run, name, damage):
    path = run.path / name
    column = "epoch" if "history" in name else "label"
    rows = pd.read_parquet(path)
    if damage == "bytes":
        rewrite(run, name, b"PAR1 and no more")
    else:
        changes = {"text for numbers": rows[column].astype(str), "negative": -1 - rows[column]}
        rows = rows.drop(columns=column) if damage == "column missing" else rows.assign(**{column: changes[damage]})
        rows.to_parquet(path)
        rewrite(run, name, path.read_bytes())
    with pytest.raises(UnreadableFile, match=rf"{name} is damaged" + ("" if damage == "bytes" else f".*{column}")):
        read_everything(run)


def test_embeddings_of_several_lengths_are_named(run):
    rows = pd.read_parquet(run.path / "embeddings.parquet")
    rows["embedding"] = [np.zeros(2 + i % 2) for i in range(len(rows))]
    rows.to_parquet(run.path / "embeddings.parquet")
    rewrite(run, "embeddings.parquet", (run.path / "embeddings.parquet").read_bytes())
    with pytest.raises(UnreadableFile, match="embedding should hold vectors, of one length"):
        read_run(run.path)


@pytest.mark.parametrize("damage", ["bytes", "pickle", "huge", "of text", "of one dimension"])
def test_damaged_epochs_are_named_and_nothing_is_unpickled(run, damage, tmp_path):
    path = run.path / "ce/seed_0/epochs/epoch_0001.npy"
    content = {"pickle": np.array([{"a": 1}]), "of text": np.array([["a"]]), "of one dimension": np.zeros(3)}
    if damage == "bytes":
        path.write_bytes(b"\x93NUMPY")
    elif damage == "huge":
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 128)})
    else:
        np.save(path, content[damage], allow_pickle=True)
    with pytest.raises(UnreadableFile, match=r"epoch_0001\.npy is damaged"):
        run.training("ce", 0).load_epochs(1)


def test_weights_of_another_network_are_named(run):
    file = run.path / "ce/seed_0/model.safetensors"
    save_file(ExpressionNetwork(7, embedding_size=16).state_dict(), file)
    rewrite(run, "ce/seed_0/model.safetensors", file.read_bytes())
    with pytest.raises(UnreadableFile, match=r"model\.safetensors is not the network that model\.json .* describes"):
        run.network("ce")


# ---- checksums


FILES = ("model.safetensors", "model.json", "history.parquet", "embeddings.parquet", "scores.json")


@pytest.mark.parametrize("name", FILES)
def test_a_finished_training_with_a_changed_file_is_neither_used_nor_made_again_without_a_word(run, name):
    path = run.path / "ce/seed_0" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ChangedFile, match=rf"{name} does not hold any more .*delete .*ce/seed_0 to have that training"):
        run.training("ce", 0).load()


@pytest.mark.parametrize("name", FILES)
def test_of_an_earlier_version_a_training_with_a_damaged_file_is_not_finished(run, name):
    (run.path / "ce/seed_0" / RECORD).unlink()
    assert run.training("ce", 0).load() is not None
    (run.path / "ce/seed_0" / name).write_bytes(b"half")
    assert run.training("ce", 0).load() is None


def test_a_missing_file_is_not_finished_and_its_checksum_does_not_matter(run):
    (run.path / "ce/seed_0/scores.json").unlink()
    assert run.training("ce", 0).load() is None and not run.training("ce", 0).is_finished()


def test_a_changed_network_is_not_shown_to_anybody(run):
    file = run.path / "ce/seed_0/model.safetensors"
    save_file({name: value + 1 for name, value in load_file(file).items()}, file)
    with pytest.raises(ChangedFile, match=r"model\.safetensors"):
        run.network("ce")


def test_a_changed_table_is_read_with_a_warning(run):
    rows = pd.read_parquet(run.path / "embeddings.parquet")
    rows["predicted"] = 0
    rows.to_parquet(run.path / "embeddings.parquet")
    with pytest.warns(UserWarning, match=r"embeddings\.parquet is not as ferlab wrote it"):
        read_run(run.path)
    with pytest.raises(ChangedFile, match=r"embeddings\.parquet"):
        run.check_unchanged()


def test_a_run_of_an_earlier_version_is_read(run, recwarn):
    for name in (RECORD, f"ce/seed_0/{RECORD}"):
        (run.path / name).unlink()

    def as_before(values: Any) -> None:
        del values["data"], values["settings"]["table"], values["settings"]["embedding_size"]

    rewrite(run, "config.json", as_before, fitting=False)
    read_everything(run)
    run.check_unchanged()
    run.check_same_faces(SPLITS, mend="")
    assert not [warning for warning in recwarn if "ferlab wrote" in str(warning.message)]


# ---- faces


def test_other_faces_are_told_from_the_same():
    faces = SPLITS["test"]
    kept = records_of(SPLITS)
    check_same_faces(kept, SPLITS, where="run", mend="")
    pixel, label = faces.images.copy(), faces.labels.copy()
    pixel[3, 2, 1, 0] ^= 1
    label[0] = (label[0] + 1) % 7
    others = {
        "a pixel": (pixel, faces.labels, faces.classes),
        "a label": (faces.images, label, faces.classes),
        "a class's name": (faces.images, faces.labels, (*faces.classes[:-1], "bored")),
        "the order": (faces.images[::-1], faces.labels[::-1], faces.classes),
        "one face fewer": (faces.images[1:], faces.labels[1:], faces.classes),
    }
    for what, (images, labels, classes) in others.items():
        other = type(faces)("tiny", "test", images, labels, classes, faces.metadata.iloc[: len(labels)])
        with pytest.raises(
            FerlabError, match=r"run was made of other faces than tiny holds now, in test \(.*: mend it"
        ):
            check_same_faces(kept, SPLITS | {"test": other}, where="run", mend="mend it")
        assert record_of(other) != kept["test"], what
    # How an array lies in memory is nothing of its content.
    turned = np.asfortranarray(faces.images)
    assert record_of(type(faces)("x", "test", turned, faces.labels, faces.classes, faces.metadata)) == kept["test"]

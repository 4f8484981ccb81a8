"""What can be known before a training is refused before it; what is refused has changed nothing."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tiny import read_tiny

from ferlab import cli
from ferlab.data import FaceDataset, register_dataset
from ferlab.errors import ChangedFile, FerlabError
from ferlab.experiments import CompareSettings, TuneSettings, checks, one_training, run_compare, run_tune, tune
from ferlab.experiments.bars import progress_bars
from ferlab.experiments.evaluate import evaluate_run
from ferlab.experiments.sweep import train_job
from ferlab.experiments.terminal import say, terminal_table
from ferlab.runs import RunFolder
from ferlab.training import TrainSettings

QUIET = Console(quiet=True)
TINY = TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true")
OPEN = dataclasses.replace(TINY, learning_rate=None)  # a search chooses it
SHOWN: dict[str, dict[str, object]] = {}  # split -> what of its faces is other than in "tiny"


def changing(split: str, root: Path | None) -> FaceDataset:
    """The tiny faces as :data:`SHOWN` changes them: ``count``, ``labels``, ``classes``, ``images``."""
    faces, change = read_tiny(split, root), SHOWN.get(split, {})
    if "count" in change:
        faces = faces.subset(np.arange(change["count"]))
    labels = faces.labels if "labels" not in change else np.resize(change["labels"], len(faces)).astype(np.int64)
    images = faces.images.copy()
    if "pixel" in change:
        images[0, 0, 0, 0] ^= 1
    if "size" in change:
        images = np.ascontiguousarray(images[:, : change["size"], : change["size"]])
    if "grey" in change:
        images = images[..., :1]
    return FaceDataset("changing", split, images, labels, change.get("classes", faces.classes), faces.metadata)


register_dataset("changing", changing)


@pytest.fixture(autouse=True)
def as_they_were():
    SHOWN.clear()
    yield
    SHOWN.clear()


def settings(out: Path, **changes) -> CompareSettings:
    return CompareSettings(out, "changing", **{"methods": ("ce", "tcl-nearest"), "epochs": 1, "train": TINY} | changes)


def searched(out: Path, **changes) -> TuneSettings:
    return TuneSettings(out, "changing", **{"methods": ("ce",), "epochs": 1, "trials": 1, "train": OPEN} | changes)


@pytest.fixture
def no_training(monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("it was trained")

    monkeypatch.setattr(one_training, "train", never)
    monkeypatch.setattr(tune, "train", never)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SEVEN, TWO = read_tiny("train", None).classes, ("a", "b")
ALL = ("train", "validation", "test")
COUNTS = {
    "few test faces": ({"test": {"count": 10}}, {}, "the test split of changing has 10 of"),
    "one class in test": ({"test": {"labels": [3]}}, {}, "at least 2 classes, and two of one class; the test split"),
    "one class in training": ({"train": {"labels": [3]}}, {}, "no training images of"),
    "a class without training": ({"train": {"labels": range(6)}}, {}, "no training images of neutral"),
    "one class": (dict.fromkeys(ALL, {"labels": [0], "classes": ("a",)}), {}, "has 1 class: a network needs two"),
    "no validation": ({"validation": {"count": 0}}, {}, "no validation images"),
    "fewer than a batch": ({"train": {"count": 30}}, {}, "fewer than one batch of 32"),
    "other classes": ({"test": {"classes": (*SEVEN[:6], "bored")}}, {}, "test split of changing has the classes"),
    "other sizes": ({"test": {"size": 16}}, {}, r"of the test split .* shape \(16, 16, 3\).*\(32, 32, 3\)"),
    "other colors": ({"validation": {"grey": True}}, {}, "of the validation split .* must be the same"),
    "an odd size": ({}, {"train": TrainSettings(batch_size=32, input_size=33)}, "of 33 x 33 pixels .*--input-size"),
    "too small for a backbone": (
        {},
        {"train": TrainSettings(batch_size=32, input_size=8, backbone="vgg11_bn")},
        r"vgg11_bn cannot read images of 8 x 8 pixels",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTS)
def test_what_counts_tell_is_refused_before_a_comparison(tmp_path, no_training, case):
    shown, changes, said = COUNTS[case]
    SHOWN.update(shown)
    with pytest.raises(FerlabError, match=said):
        run_compare(settings(tmp_path / "run", **changes), QUIET)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("case", [case for case in COUNTS if "test" not in COUNTS[case][0] or len(COUNTS[case][0]) > 1])
def test_what_counts_tell_is_refused_before_a_search(tmp_path, no_training, case):
    shown, changes, said = COUNTS[case]
    SHOWN.update(shown)
    with pytest.raises(FerlabError, match=said):
        run_tune(searched(tmp_path / "search", **changes), QUIET)
    assert not (tmp_path / "search").exists()


@pytest.mark.parametrize("start", [lambda out: run_compare(settings(out)), lambda out: run_tune(searched(out))])
def test_a_loss_that_cannot_be_with_so_many_classes_is_refused_first(tmp_path, no_training, monkeypatch, start):
    asked = []

    def only_seven(method, num_classes, *args):
        asked.append(num_classes)
        raise ValueError("it takes 7 classes.")

    monkeypatch.setattr(checks, "build_loss", only_seven)
    SHOWN.update(dict.fromkeys(ALL, {"labels": [0, 1], "classes": TWO}))
    with pytest.raises(FerlabError, match="ce cannot be trained on the 2 classes of changing: it takes 7 classes"):
        start(tmp_path / "run")
    assert asked == [2] and not (tmp_path / "run").exists()


def test_a_search_measures_on_validation(tmp_path, no_training):
    SHOWN["validation"] = {"count": 10}
    with pytest.raises(FerlabError, match="more than 10 faces.* the validation split of changing has 10 of"):
        run_tune(searched(tmp_path / "search"), QUIET)


def test_few_validation_faces_leave_out_the_maps_over_epochs_and_say_so(tmp_path, capsys):
    SHOWN["validation"] = {"count": 6}
    summary = run_compare(settings(tmp_path / "run", methods=("ce",)))
    assert list(summary["methods"]) == ["ce"]
    said = " ".join(capsys.readouterr().out.split())
    assert "The validation split has 6 faces, fewer than the 10 that a map needs" in said
    run = RunFolder(tmp_path / "run").read()
    assert not len(run.epochs) and run.mapped_methods == ["ce"] and (run.path / "report.html").is_file()


# ---- going on with what was changed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    SHOWN.clear()
    out = tmp_path_factory.mktemp("refusals") / "run"
    run_compare(settings(out), QUIET)
    return out


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    "shown",
    [
        {"train": {"pixel": True}},
        {"validation": {"labels": range(7)}},
        {"test": {"count": 70}},
    ],
    ids=["pixel", "labels", "count"],
)
def test_other_faces_are_neither_gone_on_with_nor_evaluated(run, no_training, shown):
    before = everything_in(run)
    SHOWN.update(shown)
    split = next(iter(shown))
    with pytest.raises(FerlabError, match=f"made of other faces than changing holds now, in {split}"):
        run_compare(settings(run, seeds=2, resume=True), QUIET)
    if split != "validation":
        with pytest.raises(FerlabError, match=f"made of other faces than changing holds now, in {split}"):
            evaluate_run(run)
    with pytest.raises(FerlabError, match="made of other faces"):
        train_job(str(run), "ce", 5, threads=0)
    assert everything_in(run) == before


def other_settings(run: Path) -> dict:
    return {"epochs": 2}


def changed_config(run: Path) -> dict:
    text = (run / "config.json").read_text()
    (run / "config.json").write_text(text.replace('"muon"', '"sgd"'))
    return {"train": TrainSettings(batch_size=32, learning_rate=0.05, precision="32-true", optimizer="sgd")}


def changed_training(run: Path) -> dict:
    file = run / "tcl-nearest/seed_0/history.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    return {}


def impossible_method(run: Path) -> dict:
    return {"methods": ("ce", "ad-corre"), "embedding_size": 3}


REASONS = {
    other_settings: "epochs was 1 and is 2",
    changed_config: r"config\.json does not hold any more",
    changed_training: r"history\.parquet does not hold any more",
    impossible_method: "cannot have --embedding-size 3",
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_refused_resume_has_changed_nothing(run, no_training, reason):
    changes = reason(run)
    before = everything_in(run)
    with pytest.raises(FerlabError, match=REASONS[reason]):
        run_compare(settings(run, **{"seeds": 2, "resume": True} | changes), QUIET)
    assert everything_in(run) == before


@pytest.mark.parametrize("holder", ["comparison", "training"])
def test_a_running_comparison_is_left_as_it_is(run, no_training, holder):
    folder = RunFolder(run)
    held = folder.held() if holder == "comparison" else folder.training("ce", 0).held()
    with held:
        before = everything_in(run)
        for changes in ({"methods": ("ce", "center"), "resume": True}, {"overwrite": True}):
            with pytest.raises(FerlabError, match="Another process is still"):
                run_compare(settings(run, **changes), QUIET)
        assert everything_in(run) == before


def test_evaluate_refuses_what_changed_and_takes_a_run_without_checksums(run):
    (run / "report.html").write_text("all is well")
    with pytest.raises(ChangedFile, match=r"report\.html does not hold any more"):
        evaluate_run(run)
    for path in run.rglob("sha256.json"):
        path.unlink()
    assert evaluate_run(run).differences == []


def test_every_file_of_a_run_has_its_checksum(run):
    from ferlab.checksums import changed, checksums

    of = {"": checksums(run), **{f"{name}/seed_0/": checksums(run / name / "seed_0") for name in ("ce", "tcl-nearest")}}
    known = {folder + name for folder, names in of.items() for name in names}
    there = {name for name in everything_in(run) if not name.endswith((".lock", "sha256.json"))}
    assert there == known and changed(run) == []


def test_a_search_is_not_gone_on_with_after_changes(tmp_path, monkeypatch):
    out = tmp_path / "search"
    run_tune(searched(out), QUIET)
    before = everything_in(out)
    SHOWN["validation"] = {"pixel": True}
    with pytest.raises(FerlabError, match="other faces than changing holds now, in validation"):
        run_tune(searched(out, trials=2, resume=True), QUIET)
    SHOWN.clear()
    assert everything_in(out) == before
    scores = out / "ce/trial_0/scores.json"
    scores.write_text(scores.read_text().replace('"trial": 0', '"trial": 1'))
    with pytest.raises(ChangedFile, match=r"trial_0/scores\.json"):
        run_tune(searched(out, trials=2, resume=True), QUIET)


# ---- the command line


def command(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and error text of ``ferlab ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["ferlab", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, capsys.readouterr().err


WRITERS = {
    "compare": ["compare", "--out", "{out}", "--quick"],
    "train": ["train", "ce", "--out", "{out}", "--quick"],
    "tune": ["tune", "--out", "{out}", "--quick", "--methods", "ce"],
    "embed": ["embed", "{run}", "{run}", "--out", "{out}"],
    "export": ["export", "{run}", "--out", "{out}", "--torchscript"],
    "projector": ["export", "{run}", "--out", "{out}", "--projector"],
    "gallery": ["gallery", "--out", "{out}"],
    "hand-out": ["hand-out", "00", "--out", "{out}"],
    "collect": ["collect", "{run}", "--out", "{out}"],
}
PLACES = {
    "in a file": ("file/[red]x", "[red]x"),
    "behind a broken link": ("link/[red]x", "link"),
    "round in a circle": ("circle/[red]x", "circle"),
    "too long": ("[red]" + "n" * 300, "longer than this system allows"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_place_that_cannot_be_written_is_one_sentence(
    monkeypatch, capsys, tmp_path, made, no_training, writer, place
):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    name, said = PLACES[place]
    arguments = [part.format(out=tmp_path / name, run=made) for part in WRITERS[writer]]
    code, text = command(monkeypatch, capsys, *arguments)
    assert code == 2 and text.startswith("ferlab: ") and len(text.splitlines()) == 1
    assert str(tmp_path) in text and "Errno" not in text and (said in text or name.partition("/")[0] in text)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link", "circle"}


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO", "EMFILE", "ESTALE"])
def test_what_the_system_refuses_while_writing_is_one_sentence(monkeypatch, capsys, tmp_path, number):
    def refused(*args, **kwargs):
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)), str(tmp_path / "[red]"))

    monkeypatch.setattr("ferlab.experiments.run_compare", refused)
    code, text = command(monkeypatch, capsys, "compare", "--out", str(tmp_path / "run"))
    assert code == 2 and "[red]: " in text and len(text.splitlines()) == 1 and "Errno" not in text


def test_brackets_are_no_markup(tmp_path, capsys, monkeypatch, made):
    out = tmp_path / "[red]run[/] :smile:"
    shutil.copytree(made, out)
    monkeypatch.setattr(sys, "argv", ["ferlab", "evaluate", str(out)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0 and f"numbers are those of {out}/summary.json." in capsys.readouterr().out
    console = Console(width=120)
    say(Console(width=40), f"Report: {out}")
    name = "pml:Some(a=[red],b=[/])"
    scores = RunFolder(out).summary()
    console.print(terminal_table(scores | {"methods": {name: scores["methods"]["ce"]}}))
    with progress_bars(console) as bars:
        bars.add_task(name, total=1, note=name)
        bars.refresh()
    shown = capsys.readouterr().out
    assert f"Report: {out}\n" in shown and name in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input-size", "1"], "input_size must be 0 (faces as they are) or at least 8 pixels, but is 1"),
        (["--input-size", "-8"], "input_size must be at least 0"),
        (["--input-size", "100000"], "input_size must be at most 2,048"),
        (["--epochs", "1000000000000000000000"], "number of epochs must be at most 100,000"),
        (["--seeds", "1000000000000000000000"], "number of seeds must be at most 10,000"),
        (["--jobs", "1000000000000"], "number of jobs must be at most 1,000"),
        (["--jobs", "0"], "number of jobs must be at least 1"),
        (["--batch-size", "100000000000"], "ferlab: batch_size must be at most 1,000,000"),
        (["--devices", "100000000000"], "number of devices must be at most 1,000"),
        (["--embedding-size", "1000000000000"], "embedding_size must be at most 65,536"),
        (["--patience", "1000000000000"], "patience must be at most 100,000"),
        (["--learning-rate", "inf"], "learning_rate must be above 0 and finite"),
        (["--gradient-clip", "inf"], "gradient_clip must be at most"),
        (["--gradient-clip", "nan"], "gradient_clip must be at least 0"),
        (["--weight-decay", "inf"], "weight_decay must be at most"),
        (["--warm-up", "inf"], "warm_up must be at most"),
    ],
)
def test_sizes_that_cannot_be_meant_are_refused(monkeypatch, capsys, tmp_path, no_training, arguments, said):
    code, text = command(monkeypatch, capsys, "compare", "--out", str(tmp_path / "run"), *arguments)
    assert code == 2 and said in text and len(text.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_search_has_limits_too(monkeypatch, capsys, tmp_path, no_training):
    for arguments, said in ((["--trials", "1" + "0" * 21], "at most 100,000"), (["--trials", "0"], "at least 1")):
        code, text = command(monkeypatch, capsys, "tune", "--out", str(tmp_path / "search"), *arguments)
        assert code == 2 and f"number of trials must be {said}" in text and not (tmp_path / "search").exists()


def test_a_sentence_cannot_steer_the_terminal(monkeypatch, capsys, tmp_path):
    code, text = command(monkeypatch, capsys, "evaluate", str(tmp_path / "\x1b[31mrun\x07"))
    assert code == 2 and "\\x1b[31mrun\\x07" in text and "\x1b" not in text


def test_names_that_are_no_text_are_shown_escaped(monkeypatch, capsys, tmp_path):
    code, text = command(monkeypatch, capsys, "embed", str(tmp_path / "caf\udce9"), str(tmp_path), "--out", "x.parquet")
    assert code == 2 and "caf\\xe9" in text

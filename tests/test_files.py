"""Files are written whole, where the user said; hostile or forgotten things beside them do no harm."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from safetensors.torch import save_file

from ferlab import files
from ferlab.checksums import RECORD, changed, check_unchanged, checksums, recorded_path
from ferlab.errors import ChangedFile, UnreadableFile, sentence_of
from ferlab.files import atomic_path, check_writable, is_partial, read_json, sweep, write_json, write_parquet


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    files.sweep_once.cache_clear()  # as in a process that has just begun
    return tmp_path


def test_links_with_names_that_could_be_foretold_are_not_followed(folder):
    victim = folder / "victim"
    victim.write_text("years of work")
    for name in (f".out.json.{os.getpid()}.partial", "out.json.partial", ".out.json.partial"):
        (folder / name).symlink_to(victim)
    (folder / "out.json").symlink_to(victim)  # the target itself too is replaced, not written through
    write_json(folder / "out.json", {"a": 1})
    assert victim.read_text() == "years of work"
    assert not (folder / "out.json").is_symlink() and json.loads((folder / "out.json").read_text()) == {"a": 1}


def test_what_is_being_written_lies_where_nobody_else_can_look(folder):
    seen = set()
    for _ in range(2):
        with atomic_path(folder / "out.txt") as beside:
            beside.write_text("x")
            seen.add(beside.parent.name)
            assert beside.parent.stat().st_mode & 0o077 == 0 and beside.parent.parent == folder
            assert not list(folder.glob("out.txt")) or len(seen) == 2
    assert len(seen) == 2, "a name of its own every time"
    assert (folder / "out.txt").stat().st_mode & 0o444 == 0o444, "the file is as readable as others"
    assert [path.name for path in folder.iterdir()] == ["out.txt"]


def test_an_error_leaves_the_old_file(folder):
    (folder / "out.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic_path(folder / "out.txt") as beside:
        beside.write_text("half")
        raise RuntimeError
    assert (folder / "out.txt").read_text() == "old" and len(list(folder.iterdir())) == 1


def test_a_name_as_long_as_the_system_allows_can_be_written(folder):
    name = "n" * 250 + ".json"
    write_json(folder / name, 1)
    assert (folder / name).read_text() == "1\n"


def test_what_killed_processes_left_is_swept_up_at_the_next_start(folder):
    writer = (
        "import os, sys; from pathlib import Path; from ferlab.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1]) / 'out.txt') as beside: beside.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", writer, str(folder / "in")], check=False)
    assert len(list((folder / "in").glob(".*.partial"))) == 1
    (folder / "in/.model.safetensors.999999999.partial").write_text("of an earlier version")
    alive = folder / f"in/.{files.host_tag()}-{os.getpid()}-abc.partial"
    elsewhere = folder / "in/.00000000-999999999-abc.partial"  # another machine's, on a disk of the network
    forgotten = folder / "in/.00000000-999999998-abc.partial"
    mine = folder / "in/.thesis.partial"  # none of ours
    for path in (alive, elsewhere, forgotten):
        path.mkdir()
    mine.write_text("years of work")
    long_ago = time.time() - 2 * files.A_DAY
    os.utime(forgotten, (long_ago, long_ago))
    write_json(folder / "in/other.json", 1)
    assert {path.name for path in (folder / "in").iterdir()} == {alive.name, elsewhere.name, mine.name, "other.json"}


def test_a_sweep_goes_deep_but_follows_no_link(folder):
    (folder / "run/ce").mkdir(parents=True)
    (folder / "elsewhere").mkdir()
    left = [folder / name / ".00000000-1-x.partial" for name in ("run/ce", "elsewhere")]
    for path in left:
        path.mkdir()
        os.utime(path, (0, 0))
    (folder / "run/link").symlink_to(folder / "elsewhere")
    (folder / "run/.00000000-2-x.partial").symlink_to(folder / "elsewhere")
    os.utime(folder / "run/.00000000-2-x.partial", (0, 0), follow_symlinks=False)
    sweep(folder / "run", deep=True)
    assert not left[0].exists() and left[1].exists() and not (folder / "run/.00000000-2-x.partial").is_symlink()


def test_partial_names():
    assert is_partial(Path(".a.json.12.partial")) and is_partial(Path(".0a1b2c3d-12-x_y.partial"))
    assert not any(is_partial(Path(name)) for name in ("a.partial", ".a.partial", "12.partial", ".12.json"))


REFUSED = {
    "a file in the way": (lambda folder: (folder / "file").write_text("x"), "file/out", errno.ENOTDIR),
    "a link that is broken": (lambda folder: (folder / "link").symlink_to("gone"), "link/out", errno.EEXIST),
    "links in a circle": (lambda folder: (folder / "a").symlink_to("a"), "a/out", errno.ELOOP),
    "a name too long": (lambda folder: None, "new/" + "n" * 300, errno.ENAMETOOLONG),
    "a folder": (lambda folder: (folder / "out").mkdir(), "out", errno.EISDIR),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_place_that_cannot_be_written_is_known_before_the_work(folder, case):
    make, name, number = REFUSED[case]
    make(folder)
    with pytest.raises(OSError) as refused:
        check_writable(folder / name)
    assert refused.value.errno in {number, errno.EEXIST}
    said = sentence_of(refused.value)
    assert str(folder) in said and said.endswith(".") and "[Errno" not in said


def test_a_place_without_rights_is_known_before_the_work(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OSError, match="denied") as refused:
        check_writable(folder / "a/b/out.txt")
    assert "no right to read or write" in sentence_of(refused.value)
    assert not (folder / "a").exists()


def test_a_good_place_is_fine(folder):
    (folder / "out.txt").write_text("old")
    check_writable(folder / "out.txt")
    check_writable(folder / "new/deep/out.txt")
    check_writable(folder, folder=True)
    check_writable(folder / "new", folder=True)
    assert not (folder / "new").exists()


def test_every_refusal_of_the_system_is_a_sentence_that_says_what_to_do():
    for number in errno.errorcode:
        said = sentence_of(OSError(number, os.strerror(number), "/a/[red]place"))
        assert said.startswith("/a/[red]place: ") and said.endswith(".") and "\n" not in said
        assert "Errno" not in said and ":" in said.removeprefix("/a/[red]place: ")
    assert sentence_of(OSError("Arrow said no\nand more")).startswith("The system says 'Arrow said no and more'")
    assert sentence_of(OSError(errno.EXDEV, "x", "/a", None, "/b")).startswith("/a to /b: ")


# ---- checksums


def test_a_changed_file_is_named_and_a_missing_one_is_not(folder):
    for name in ("a.txt", "in/b.txt"):
        with recorded_path(folder, name) as beside:
            beside.write_text("as written")
    assert changed(folder) == [] and set(checksums(folder)) == {"a.txt", "in/b.txt"}
    (folder / "in/b.txt").write_text("as changed")
    assert changed(folder) == ["in/b.txt"] and changed(folder, ("a.txt",)) == []
    with pytest.raises(ChangedFile, match=r"in/b\.txt does not hold any more what ferlab wrote there .*: mend it\."):
        check_unchanged(folder, mend="mend it")
    with recorded_path(folder, "in/b.txt") as beside:  # written anew, it is right again
        beside.write_text("anew")
    (folder / "a.txt").unlink()
    assert changed(folder) == []


@pytest.mark.parametrize("moment", ["before it is replaced", "after it was replaced"])
def test_a_kill_while_a_file_is_replaced_leaves_what_fits(folder, monkeypatch, moment):
    with recorded_path(folder, "a.txt") as beside:
        beside.write_text("old")

    def killed(old, new, real=os.replace):
        if Path(new).name == "a.txt":
            if moment.startswith("after"):
                real(old, new)
            raise SystemExit  # nothing after it is done
        real(old, new)

    monkeypatch.setattr(files.os, "replace", killed)
    with pytest.raises(SystemExit), recorded_path(folder, "a.txt") as beside:
        beside.write_text("new")
    assert changed(folder) == [] and (folder / "a.txt").read_text() == ("new" if moment.startswith("after") else "old")
    (folder / "a.txt").write_text("neither")
    assert changed(folder) == ["a.txt"]


def test_a_folder_of_an_earlier_version_has_none(folder):
    (folder / "a.txt").write_text("x")
    assert checksums(folder) == {} and changed(folder) == []
    with recorded_path(folder, "a.txt") as beside:
        beside.write_text("y")
    assert len(checksums(folder)["a.txt"]) == 64


@pytest.mark.parametrize("content", ["[]", '{"a": 3}', "{", "[" * 100_000, '{"a": ["x"]}'])
def test_a_damaged_record_is_a_sentence(folder, content):
    (folder / RECORD).write_text(content)
    with pytest.raises(UnreadableFile, match="sha256.json is damaged, .* restore it from a copy"):
        changed(folder)


# ---- reading


class Kind(BaseModel):
    seeds: list[int]
    name: str = ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"seeds": [1, "two"]}', r"its field seeds\.1 should be a valid integer"),
        (b'{"seeds": 3}', r"its field seeds should be a valid array"),
        (b"{}", r"its field seeds is missing"),
        (b"[1]", r"it should be an object"),
        (b"null", r"it should be an object"),
        (b'{"seeds": [1', r"it is no JSON"),
        (b"", r"it is no JSON"),
        (b'{"seeds": [1], "name": "\xff"}', r"it is no JSON"),
        (b'{"seeds": ' + b"[" * 100_000, r"it is no JSON: recursion limit"),
        (b'{"seeds": [1.5]}', r"its field seeds\.0 should be a valid integer"),
        (b'{"seeds": [true]}', r"its field seeds\.0 should be a valid integer"),
    ],
)
def test_a_json_file_that_is_not_what_it_should_be_names_its_field(folder, content, said):
    (folder / "kept.json").write_bytes(content)
    with pytest.raises(UnreadableFile, match=rf"kept\.json is damaged, {said}.*: mend it\.$") as refused:
        read_json(folder / "kept.json", Kind, mend="mend it")
    assert len(str(refused.value)) < 600


def test_hostile_names_of_fields_are_shown_short_and_harmless(folder):
    class Scores(BaseModel):
        of: dict[str, int]

    (folder / "kept.json").write_text(json.dumps({"of": {"\x1b[31m" + "n" * 5000: "x"}}))
    with pytest.raises(UnreadableFile) as refused:
        read_json(folder / "kept.json", Scores, mend="mend it")
    assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 600


def test_numbers_and_unknown_fields_come_as_they_are(folder):
    write_json(folder / "kept.json", {"seeds": [1], "later": {"x": [1, 1.0, None, float("nan")]}})
    kept = read_json(folder / "kept.json", Kind, mend="")
    assert kept["seeds"] == [1] and str(kept["later"]) == "{'x': [1, 1.0, None, nan]}"
    with pytest.raises(UnreadableFile, match="other.json is missing: mend it"):
        read_json(folder / "other.json", Kind, mend="mend it")
    with pytest.raises(UnreadableFile, match="it is a folder"):
        read_json(folder, Kind, mend="mend it")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_nobody_waits_for_a_pipe_with_the_name_of_a_file(folder):
    os.mkfifo(folder / "kept.json")
    with pytest.raises(UnreadableFile, match=r"kept\.json is no regular file: mend it\.$"):
        read_json(folder / "kept.json", Kind, mend="mend it")


def test_other_writers_take_the_place_too(folder):
    import torch

    write_parquet(folder / "rows.parquet", pd.DataFrame({"a": np.arange(3)}))
    with atomic_path(folder / "model.safetensors") as beside:
        save_file({"w": torch.ones(2)}, beside)
    assert {path.name for path in folder.iterdir()} == {"rows.parquet", "model.safetensors"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("behind_a_link", [False, True])
def test_a_pipe_or_device_is_never_replaced(folder, behind_a_link):
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    target = folder / "link" if behind_a_link else pipe
    if behind_a_link:
        target.symlink_to(pipe)
    with pytest.raises(FileExistsError):
        check_writable(target)
    with pytest.raises(FileExistsError), atomic_path(target) as beside:
        beside.write_text("gone")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and target.is_symlink() == behind_a_link


def test_what_cannot_be_written_is_called_by_the_name_that_was_given(folder, monkeypatch):
    def full(*_, dir, **__):
        raise OSError(errno.ENOSPC, "No space left on device", f"{dir}/.0123abcd-7-x.partial")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(OSError, match=r"/note\.txt'$"), atomic_path(folder / "note.txt"):
        pass

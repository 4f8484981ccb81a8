"""``ferlab assignments`` and ``ferlab grade``, as an instructor types them."""

from __future__ import annotations

import csv
import shutil

import pytest

from ferlab import cli


@pytest.fixture
def ferlab(monkeypatch, tmp_path):
    """Run a command; its exit code."""

    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["ferlab", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0

    return run


@pytest.mark.slow(25)
def test_from_monday_to_the_grades(ferlab, tmp_path, capsys):
    out, grades, submitted = tmp_path / "assignments", tmp_path / "grades", tmp_path / "submitted"
    assert ferlab("assignments", "2", "--out", str(out)) == 0
    handed_out, answers = (out / who / "2_ad_corre.ipynb" for who in ("student", "instructor"))
    assert "Ad-Corre" in capsys.readouterr().out and (out / "instructor" / "dashboard.ipynb").is_file()
    for student, notebook, called in (
        ("untouched", handed_out, handed_out.name),
        ("=1+1", answers, "Copy of 2_ad_corre (1).ipynb"),
    ):
        (submitted / student).mkdir(parents=True)
        shutil.copy(notebook, submitted / student / called)
    words = ("grade", str(submitted), "--assignment", "2", "--out", str(grades))
    assert ferlab(*words) == 0
    said = capsys.readouterr()
    assert "untouched: Ad-Corre: 0 of 49" in said.out and "Students' code runs" in said.out + said.err
    rows = {row["student"]: row for row in csv.DictReader((grades / "grades.csv").open(encoding="utf-8"))}
    assert float(rows["untouched"]["points"]) == 0 and float(rows["'=1+1"]["points"]) == 32, "all that machines grade"

    # The written parts are marked in the table, and grading again takes them.
    table = (grades / "to_mark.csv").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith("'=1+1,2_ad_corre,proof,1,2,,"))
    marked = table.replace(row, row.replace("proof,1,2,,", "proof,1,2,1.5,"))
    (grades / "to_mark.csv").write_text(marked, encoding="utf-8")
    assert ferlab(*words) == 0
    rows = {row["student"]: row for row in csv.DictReader((grades / "grades.csv").open(encoding="utf-8"))}
    assert float(rows["'=1+1"]["points"]) == 33.5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("grade", "{}/nowhere"), "There is nothing in {}/nowhere: one folder a student is expected."),
        (("grade", "{}"), "There is nothing in {}: one folder a student is expected."),
        (("assignments", "9"), "There is no assignment 9 in "),
    ],
)
def test_what_cannot_be_is_one_sentence(ferlab, tmp_path, capsys, words, sentence):
    out = str(tmp_path.parent / f"{tmp_path.name}-out")
    assert ferlab(*(word.format(tmp_path) for word in words), "--out", out) == 2
    assert sentence.format(tmp_path) in " ".join(capsys.readouterr().err.split())

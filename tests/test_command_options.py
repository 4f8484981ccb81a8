"""The command line is made from the settings: every field with a help text is an option, with one default."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ferlab import cli, experiments
from ferlab.settings import HELP, CompareSettings, TrainSettings, TuneSettings


@pytest.fixture
def asked(monkeypatch):
    """What the command was asked to run, instead of running it."""
    seen = []
    monkeypatch.setattr(experiments, "run_compare", seen.append)
    monkeypatch.setattr(experiments, "run_tune", seen.append)
    return seen


def call(*arguments: str):
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_nothing_given_is_the_default_of_the_dataclass(asked):
    call("compare", "--out", "somewhere")
    call("tune", "--out", "somewhere")
    assert asked == [CompareSettings(Path("somewhere")), TuneSettings(Path("somewhere"))]


def test_what_is_given_arrives(asked):
    call(
        "compare", "--out", "x", "--methods", "ce, ad-corre@2.0,pml:TripletMarginLoss(margin=0.1,swap=True)",
        "--seeds", "3",
        "--root", "faces", "--quick", "--resume", "--learning-rate", "0.3", "--pretrained", "--batches", "per-class",
        "--no-figures",
    )  # fmt: skip
    call("train", "tcl-nearest", "--out", "y", "--epochs", "2")
    call("tune", "--out", "z", "--trials", "4", "--methods", "ce,center")
    first, second, third = asked
    assert first == CompareSettings(
        Path("x"),
        methods=("ce", "ad-corre@2", "pml:TripletMarginLoss(margin=0.1,swap=True)"),
        seeds=3,
        root=Path("faces"),
        quick=True,
        resume=True,
        no_figures=True,
        train=TrainSettings(learning_rate=0.3, pretrained=True, batches="per-class"),
    )
    assert second == CompareSettings(Path("y"), methods=("tcl-nearest",), epochs=2)
    assert third == TuneSettings(Path("z"), trials=4, methods=("ce", "center"))


@pytest.mark.parametrize(("command", "settings"), [("compare", CompareSettings), ("tune", TuneSettings)])
def test_every_setting_with_a_help_text_is_an_option(command, settings):
    shown = call(command, "--help")
    all_fields = [*fields(settings), *fields(TrainSettings)]
    wanted = {field.name for field in all_fields if HELP in field.metadata}
    if settings is TuneSettings:
        wanted.remove("tuned")  # a search chooses these values
    for name in {field.name for field in all_fields}:
        assert (f"--{name.replace('_', '-')} " in shown) == (name in wanted), name


def test_help_needs_no_pytorch():
    code = "import sys; from ferlab import cli; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"

"""Trainings side by side, as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console
from tiny import write_tiny_folder

from ferlab.errors import FerlabError
from ferlab.experiments import CompareSettings, jobs, run_compare, sweep
from ferlab.runs import RunFolder
from ferlab.training import TrainSettings

QUIET = Console(quiet=True)
TRAIN = TrainSettings(batch_size=16, precision="32-true")


@pytest.mark.slow
def test_processes_train_what_is_pending_and_a_failure_is_named(tmp_path, monkeypatch):
    faces = write_tiny_folder(tmp_path / "faces")  # the processes know nothing of a data set registered here
    plan = {"dataset": "folder", "root": faces, "methods": ("ce", "ce-heads"), "epochs": 1, "train": TRAIN}
    plan["no_figures"] = True
    run_compare(CompareSettings(tmp_path / "one", **plan), QUIET)
    run_compare(CompareSettings(tmp_path / "two", **plan, jobs=2), QUIET)
    one, two = (json.loads((tmp_path / name / "summary.json").read_text())["methods"] for name in ("one", "two"))
    for name in plan["methods"]:
        # The same data, order and weights; two threads round sums differently from one.
        assert two[name]["accuracy"]["mean"] == pytest.approx(one[name]["accuracy"]["mean"], abs=0.05)
        assert len(list((tmp_path / "two/jobs").glob("*_result.pkl"))) == 2

    finished = RunFolder(tmp_path / "two").training("ce", 0).path / "scores.json"
    before = finished.stat().st_mtime_ns
    (RunFolder(tmp_path / "two").training("ce-heads", 0).path / "scores.json").unlink()
    run_compare(CompareSettings(tmp_path / "two", **plan, jobs=2, resume=True), QUIET)
    assert finished.stat().st_mtime_ns == before and len(list((tmp_path / "two/jobs").glob("*_result.pkl"))) == 3

    config = tmp_path / "two/config.json"
    config.write_text(config.read_text().replace('"dataset": "folder"', '"dataset": "imagenet"'))
    with pytest.raises(FerlabError, match=r"ce, seed 1 failed: .*no data set 'imagenet'.*_log\.err"):
        sweep.run_sweep(CompareSettings(tmp_path / "two", jobs=2), TRAIN, [("ce", 1)], QUIET)


@pytest.mark.slow
def test_a_strength_that_breaks_its_network_leaves_the_other_processes(tmp_path, capsys):
    faces = write_tiny_folder(tmp_path / "faces")
    plan = {"dataset": "folder", "root": faces, "epochs": 2, "train": TRAIN, "no_figures": True}
    broken = CompareSettings(tmp_path / "run", **plan, methods=("center",), strengths=(0.0, 1e38), jobs=2)
    summary = run_compare(broken, Console(width=200))
    assert list(summary["methods"]) == ["ce"]
    assert "center@1e+38, seed 0: Training stopped in epoch" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a process group is interrupted in another way there")
def test_ctrl_c_leaves_no_traceback_on_the_terminal(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from rich.console import Console\n"
        "from ferlab.experiments.jobs import run_jobs; from ferlab.settings import CompareSettings\n"
        "from ferlab.training import TrainSettings\n"
        "out = Path(sys.argv[1]); plan = CompareSettings(out, jobs=2)\n"
        "calls = {str(i): (time.sleep, 60) for i in range(2)}\n"
        "calls = {name: (lambda seconds, threads: time.sleep(seconds), 60) for name in calls}\n"
        "try: run_jobs(plan, TrainSettings(), calls, Console(quiet=True), total=2, epochs_done=lambda: 0)\n"
        "except KeyboardInterrupt: print('stopped')\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("jobs/*_log.out"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does, to all of its processes
    out, err = running.communicate(timeout=60)
    assert out.strip() == "stopped" and "Traceback" not in err
    assert (tmp_path / "jobs" / jobs.PROCESSES_LOG).exists()


def test_jobs_are_as_many_as_the_memory_allows(monkeypatch):
    class Memory:
        available = 6e9

    monkeypatch.setattr(jobs.psutil, "virtual_memory", lambda: Memory)
    assert jobs.affordable_jobs() == 2
    Memory.available = 1e9
    assert jobs.affordable_jobs() == 1


def test_bad_options_are_one_sentence(tmp_path):
    with pytest.raises(FerlabError, match="--cluster one of local, slurm"):
        run_compare(CompareSettings(tmp_path / "run", cluster="abacus"), QUIET)
    with pytest.raises(FerlabError, match="no slurm here"):
        sweep.run_sweep(CompareSettings(tmp_path, cluster="slurm"), TRAIN, [("ce", 0)], QUIET)

"""The grading process's side of a worker: it asks, waits within limits, and ends what does not end by itself."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from ferlab.classroom.grading.judging import Answer, Call, answer_of
from ferlab.classroom.grading.sandbox import Limits, Sandbox, library_paths, python
from ferlab.errors import FerlabError

START_SECONDS = 600  # until PyTorch is loaded, on a busy machine with a slow disk
_LOOK_EVERY = 0.5  # seconds, at memory and processes: a look goes through all processes of the machine
# Beside the process that is started: in a sandbox it is not Python itself but what Python runs in.
_OWN_PROCESSES = {"limits": 0, "namespaces": 1, "bubblewrap": 2}
_SPARE_PROCESSES = 2  # no exercise needs any; what is only being ended still counts
_WORKER = Path(__file__).with_name("worker.py")

NOT_DEFINED = (
    "The function {name} is not defined in what you handed in: its cell is missing, or does not run by itself."
)
ENDED = "Your code ended the process that called it, by an exit or a crash."
TOO_LONG = "Your function did not come to an end in {seconds} seconds: look for an endless loop."
WAITED = "Your function was still waiting after {seconds} seconds."
TOO_MUCH_MEMORY = "Your function took more than {memory} MB of memory."
TOO_MANY_PROCESSES = "Your code started other processes, which is not needed and not allowed."
TOO_MUCH_OUTPUT = "What your function answers is larger than {output} MB."
TOO_MUCH_DISK = "Your code wrote more than {disk} MB to the disk."


class StopExercise(Exception):
    """Why the code of an exercise was ended, as a sentence for the student."""


class Workers:
    """Runs the functions of one student, each exercise in a process of its own, in one sandbox after the other.

    PyTorch is loaded once for all exercises. Where one of them passes a limit or leaves processes behind, the whole
    sandbox is ended with all in it, and the next exercise begins in a new one.

    Args:
        sandbox: where.
        limits: of each exercise.

    Use it as a context manager.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits) -> None:
        self.sandbox, self.limits = sandbox, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._rest = b""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def answers(self, function: str, statements: Sequence[str], calls: Sequence[Call]) -> list[Answer]:
        """What a student's function answers to every call.

        Where a call ends the process, the calls after it are made by a new one, so that one bad case costs no more than
        itself; after three such ends, or where a limit was passed, the rest is given up.

        Args:
            function: its name.
            statements: definitions and imports, in order.
            calls: to make.
        """
        found: dict[int, Answer] = {}
        waiting = list(range(len(calls)))
        for _ in range(3):
            if not waiting:
                break
            ended_at, why = self._run(function, statements, [(number, calls[number]) for number in waiting], found)
            if not why:
                break
            given_up = [ended_at] if why == ENDED and ended_at in waiting else waiting
            found |= {number: Answer(problem=why) for number in given_up if number not in found}
            waiting = [number for number in waiting if number not in found]
        return [found.get(number, Answer(problem=ENDED)) for number in range(len(calls))]

    def _run(
        self, function: str, statements: Sequence[str], calls: Sequence[tuple[int, Call]], found: dict[int, Answer]
    ) -> tuple[int, str]:
        """Fill `found` from one process; the call at which it was ended and why, or why is empty."""
        self._start()
        limits = self.limits.as_dict()
        if not self.sandbox.isolates and self.sandbox.user is None:
            limits["processes"] = 2**15  # it would count all of the instructor's own
        request = {
            "function": function,
            "statements": list(statements),
            "calls": [(number, call.as_dict()) for number, call in calls],
            "limits": limits,
        }
        wanted, at, not_defined = {number for number, _ in calls}, -1, ""
        try:
            self._send(request)
            deadline = time.monotonic() + self.limits.wall_seconds
            for line in self._lines(deadline):
                if line.get("defined") is False:
                    not_defined = NOT_DEFINED.format(name=function)
                if line.get("begins") in wanted:
                    at = int(line["begins"])
                if line.get("call") in wanted:
                    found.setdefault(int(line["call"]), answer_of(line))
                if "ended" in line:
                    if self._left_behind():
                        self.stop()
                    return (-1, "") if wanted <= set(found) else (at, not_defined or self._why_ended(line["ended"]))
            raise StopExercise(ENDED)
        except StopExercise as stop:
            self.stop()
            return at, str(stop)
        except (OSError, ValueError, RecursionError, TypeError):  # the process is gone, or wrote something else
            self.stop()
            return at, ENDED

    def _why_ended(self, status: Any) -> str:
        values = self.limits.as_dict()
        by_time = (-24, -9)  # SIGXCPU, and SIGKILL where that was not heeded
        return TOO_LONG.format(**values) if status in by_time else ENDED

    # ---- the process ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        self._folder = Path(tempfile.mkdtemp(prefix="ferlab-grade-"))
        if self.sandbox.user is not None and not self.sandbox.isolates:
            os.chown(self._folder, self.sandbox.user, self.sandbox.user)
        program = [python(), "-I", "-S", "-B", "-c", _WORKER.read_text(encoding="utf-8"), json.dumps(library_paths())]
        self._process, self._rest = self.sandbox.start(program, self.limits, self._folder), b""
        try:
            ready: dict[str, Any] = next(self._lines(time.monotonic() + START_SECONDS, watched=False), {})
        except StopExercise:
            ready = {}
        if not ready.get("ready"):
            self.stop()
            raise FerlabError(
                f"The worker does not start in the sandbox ({self.sandbox.name}): can it read Python and PyTorch? Try: "
                "ferlab doctor"
            )

    def stop(self) -> None:
        """End the sandbox, with everything in it."""
        if self._process is not None:
            doomed = self._descendants()
            # The end of the first process of a namespace is the end of all in it.
            for process in (*doomed, self._process):
                with contextlib.suppress(psutil.Error, OSError):
                    process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=60)
            psutil.wait_procs(doomed, timeout=10)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _descendants(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def _left_behind(self) -> bool:
        """Whether an exercise that has ended left processes running."""
        return len(self._descendants()) > _OWN_PROCESSES[self.sandbox.name]

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        self._process.stdin.flush()

    def _lines(self, deadline: float, watched: bool = True) -> Any:
        """Lines of JSON that the worker writes, until its end.

        Raises:
            StopExercise: a limit is passed.
        """
        assert self._process is not None and self._process.stdout is not None
        received, most, next_look = 0, self.limits.output * 2**20, time.monotonic() + _LOOK_EVERY
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                while b"\n" in self._rest:
                    line, self._rest = self._rest.split(b"\n", 1)
                    told = json.loads(line)
                    yield told if isinstance(told, dict) else {}
                if time.monotonic() > deadline:
                    raise StopExercise(WAITED.format(seconds=self.limits.wall_seconds))
                if watched and time.monotonic() > next_look:
                    self._watch()
                    next_look = time.monotonic() + _LOOK_EVERY
                if not selector.select(_LOOK_EVERY):
                    continue
                part = os.read(self._process.stdout.fileno(), 2**16)
                if not part:
                    return
                received += len(part)
                if received > most:
                    raise StopExercise(TOO_MUCH_OUTPUT.format(**self.limits.as_dict()))
                self._rest += part

    def _watch(self) -> None:
        """Look at what all processes of the exercise take together: limits of a process bind each of them alone."""
        processes = self._descendants()
        if len(processes) > _OWN_PROCESSES[self.sandbox.name] + 1 + _SPARE_PROCESSES:
            raise StopExercise(TOO_MANY_PROCESSES)
        most = (self.limits.memory + 1024) * 2**20
        # What forked processes share is counted for each of them; to know better takes longer.
        if _memory(processes, "rss") > most and _memory(processes, "pss") > most:
            raise StopExercise(TOO_MUCH_MEMORY.format(**self.limits.as_dict()))
        if self._folder is not None and not self.sandbox.isolates:
            sizes = sum(path.lstat().st_size for path in self._folder.rglob("*") if not path.is_dir())
            if sizes > self.limits.disk * 2**20:
                raise StopExercise(TOO_MUCH_DISK.format(**self.limits.as_dict()))


def _memory(processes: Sequence[psutil.Process], kind: str) -> int:
    """Bytes that processes hold together: ``"rss"``, or ``"pss"``, in which what is shared counts once."""
    held = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            about = process.memory_info() if kind == "rss" else process.memory_full_info()
            held += getattr(about, kind, about.rss)
    return held

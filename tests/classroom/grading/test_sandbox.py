"""Which sandbox is chosen, and what is said where there is none."""

from __future__ import annotations

import pytest

from ferlab.classroom.grading import Limits, find_sandbox
from ferlab.classroom.grading.judging import call
from ferlab.classroom.grading.running import Workers
from ferlab.classroom.grading.sandbox import Sandbox
from ferlab.errors import FerlabError

LIMITS = Limits(seconds=10, wall_seconds=300)
LOOKS = "import os\ndef f(x):\n    return float(os.path.exists({place!r}))"


def test_where_there_is_none_it_is_said_or_refused(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *words, **named: None)
    found = find_sandbox()
    assert not found.isolates and "There is no sandbox on this machine" in found.sentence()
    with pytest.raises(FerlabError, match="No sandbox works on this machine, and one is required"):
        find_sandbox(require=True)


def test_within_limits_alone_functions_are_graded_all_the_same(tmp_path):
    with Workers(Sandbox("limits", False), LIMITS) as workers:
        (answer,) = workers.answers("f", ["def f(x):\n    return x + 1"], [call(1.5)])
        assert float(answer.value) == 2.5
        (answer,) = workers.answers("f", ["def g(x):\n    return x"], [call(1.5)])
        assert answer.problem.startswith("The function f is not defined")
        answers = workers.answers("f", ["import os\ndef f(x):\n    return x if x else os._exit(1)"], [call(0), call(2)])
        assert answers[0].problem.startswith("Your code ended the process") and float(answers[1].value) == 2


@pytest.mark.parametrize("kind", ["bubblewrap", "namespaces"])
def test_a_sandbox_hides_files_network_and_what_was_handed_in(kind, tmp_path):
    sandbox = find_sandbox(kinds=(kind,))
    if sandbox.name != kind:
        pytest.skip(f"{kind} does not work on this machine")
    (tmp_path / "answers").write_text("42", encoding="utf-8")
    with Workers(sandbox, LIMITS) as workers:
        for place, there in ((str(tmp_path), 0), (__file__, 0), ("/etc/hostname", 0), ("/usr", 1)):
            (answer,) = workers.answers("f", [LOOKS.format(place=place)], [call(0)])
            assert float(answer.value) == there, place
        count = "import socket\ndef f(x):\n    return len([n for _, n in socket.if_nameindex() if n != 'lo'])"
        (answer,) = workers.answers("f", [count], [call(0)])
        assert float(answer.value) == 0, "no network but its own"
        (answer,) = workers.answers("f", ["def f(x):\n    open('/usr/x', 'w')"], [call(0)])
        assert "OSError" in answer.problem or "PermissionError" in answer.problem

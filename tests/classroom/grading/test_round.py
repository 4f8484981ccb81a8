"""A whole round with a class of all kinds: build, hand out, submit, grade, feedback, exports."""

from __future__ import annotations

import csv
import json
import socket

import numpy as np
import pytest
from notebook_reading import ROOT
from sample_submissions import DESERVED, HOSTILE, WRONG, full_marks, solutions, states_beside, submit

from ferlab.classroom.grading import Judge, Limits, find_assignments, find_sandbox, grade, write_marks, write_results
from ferlab.classroom.grading.by_hand import checked_state, state_of

pytestmark = [pytest.mark.slow(7), pytest.mark.together("grading round")]  # one round for all of them
LIMITS = Limits(seconds=5, wall_seconds=200, memory=512)
TEXTS = find_assignments()
JUDGES = {text.name: Judge(text) for text in TEXTS}
FIRST = TEXTS[0]


def outward(centers, own):
    """The direction from a center in which one gets away from all others fastest."""
    around = np.stack([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 181)])
    away = centers[own] - np.delete(centers, own, axis=0)
    return around[(around @ (away / np.linalg.norm(away, axis=1, keepdims=True)).T).min(axis=1).argmax()]


def zero_loss_state():
    from ferlab.widgets import LossPlayground

    plane = LossPlayground("tcl-nearest", margin=4.0, seed=11)
    plane.points = np.stack([plane.centers[c] + 6 * outward(plane.centers, c) for c in plane.labels])
    assert plane.value == 0
    return state_of(plane)


def mixed_state():
    from ferlab.widgets import LossPlayground

    plane = LossPlayground("tcl-fully-synthesized", seed=12, classes=4)
    points, at, judge = plane.points.copy(), plane.selected, JUDGES[FIRST.name]
    others = [c for c in range(4) if c != plane.labels[at]]
    for x_from in others:
        for y_from in others:
            points[at] = plane.centers[x_from][0] + 0.02, plane.centers[y_from][1] + 0.02
            plane.points = points
            plane.selected = at
            if judge.judge_state("mixed_negative", checked_state(state_of(plane)))[0].points:
                return state_of(plane)
    raise AssertionError("no place of two centers")


def heads_state():
    from ferlab.widgets import LossPlayground

    playground = LossPlayground("ad-corre", seed=21)
    profiles = playground.profiles.copy()
    profiles[:, 1] = -profiles[:, 0]
    playground.profiles, playground.term_weights = profiles, {"FD": 0, "MD": 0, "ED": 1}
    return state_of(playground)


def region_state():
    space, labels = JUDGES[TEXTS[2].name].namespace["made_up_space"](31)
    distances = np.linalg.norm(space[:, None] - space, axis=2)
    np.fill_diagonal(distances, np.inf)
    mixed = (labels[distances.argsort(axis=1)[:, :5]] != labels[:, None]).mean(axis=1)
    return {"kind": "explorer", "selection": np.argsort(-mixed)[:20].tolist(), "focus": None}


def untouched_state():
    from ferlab.widgets import LossPlayground

    return state_of(LossPlayground("tcl-nearest", margin=4.0, seed=11))


@pytest.fixture(scope="module")
def the_class(tmp_path_factory):
    """Folders of students, by name."""
    folder = tmp_path_factory.mktemp("round") / "submitted"
    states = {
        FIRST.name: {"zero_loss": zero_loss_state(), "mixed_negative": mixed_state()},
        TEXTS[1].name: {"opposite_heads": heads_state()},
        TEXTS[2].name: {"mixed_region": region_state()},
    }
    for text in TEXTS:
        judge = JUDGES[text.name]
        submit(folder / "perfect", text, judge, solutions(text), written=True, states=states[text.name])
        submit(folder / "empty", text, judge)
        for which in (0, 1):
            code = {part: WRONG[part][which][0] for part in solutions(text)}
            submit(folder / f"wrong {which}", text, judge, code, written=True)
    states_beside(folder / "wrong 0", {"zero_loss": untouched_state()})
    states_beside(folder / "wrong 1", {"zero_loss": zero_loss_state() | {"margin": 0.0}})
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = f"HERE = {str(folder)!r}\nREPOSITORY = {str(ROOT)!r}\nPORT = {server.getsockname()[1]}\n"
        for which, code in enumerate(HOSTILE):
            own = {part: head + source for part, source in code.items()}
            submit(folder / f"hostile {which}", FIRST, JUDGES[FIRST.name], own)
        yield folder, server


@pytest.fixture(scope="module")
def sandbox():
    return find_sandbox()


@pytest.fixture(scope="module")
def grades(the_class, sandbox):
    folder, _ = the_class
    given = {key: value for text in TEXTS for key, value in full_marks(text, "perfect").items()}
    found = grade(folder, TEXTS, given=given, limits=LIMITS, sandbox=sandbox)
    return {(one.student, one.text.name): one for one in found}


def lost_checks(one, part):
    return {mark.about for mark in one.of_part(part) if mark.points < mark.out_of}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_perfect_gets_all_and_empty_nothing(grades, text):
    perfect, empty = grades["perfect", text.name], grades["empty", text.name]
    assert [(mark.part, mark.about, mark.reason) for mark in perfect.marks if mark.points < mark.out_of] == []
    assert perfect.points == perfect.out_of > 40 and perfect.odd == ()
    assert empty.points == 0 and empty.out_of == perfect.out_of
    assert all(mark.reason for mark in empty.marks)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_a_wrong_one_loses_exactly_what_it_should(grades, text, which):
    for part in solutions(text):
        assert lost_checks(grades[f"wrong {which}", text.name], part) == WRONG[part][which][1], part


def test_what_is_written_and_not_marked_yet_says_so(grades):
    marks = grades["wrong 0", FIRST.name].of_part("study")
    assert {mark.reason for mark in marks} == {"Not marked yet."} and sum(mark.points for mark in marks) == 0


def test_work_by_hand_is_judged_again_from_what_was_kept(grades):
    reasons = [mark.reason for mark in grades["wrong 0", FIRST.name].of_part("zero_loss")]
    assert "hinges are open" in reasons[0] and all(
        mark.points == 0 for mark in grades["wrong 0", FIRST.name].of_part("zero_loss")
    )
    reasons = [mark.reason for mark in grades["wrong 1", FIRST.name].of_part("zero_loss")]
    assert reasons[0] == "Loss, margin or a center is not as it was at the start."


@pytest.mark.parametrize("which", [0, 1])
def test_a_hostile_one_gets_what_it_deserves(grades, the_class, sandbox, which):
    if not sandbox.isolates:
        pytest.skip("no sandbox on this machine")
    folder, server = the_class
    one = grades[f"hostile {which}", FIRST.name]
    got = {part: sum(mark.points for mark in one.of_part(part)) for part in DESERVED[which]}
    assert got == DESERVED[which]
    server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        server.accept()
    assert len(list(folder.rglob("*.ipynb"))) == 3 * 4 + 2, "nothing of it is deleted"


def test_the_reasons_of_the_limits(grades):
    reasons = {part: {mark.reason for mark in grades["hostile 0", FIRST.name].of_part(part)} for part in DESERVED[0]}
    assert reasons["gradient"] == {
        f"Your function did not come to an end in {LIMITS.seconds} seconds: look for an endless loop."
    }
    assert reasons["synthesized"] == {"Your code ended the process that called it, by an exit or a crash."}
    assert all("memory" in reason.lower() for reason in reasons["strongest"])


def test_feedback_tables_and_gradescope(grades, tmp_path):
    every = list(grades.values())
    write_results(every, tmp_path)
    rows = list(csv.DictReader((tmp_path / "grades.csv").open(encoding="utf-8")))
    assert {row["student"]: float(row["points"]) for row in rows}["perfect"] == sum(
        one.out_of for one in every if one.student == "perfect"
    )
    page = (tmp_path / "feedback" / "wrong 0.html").read_text(encoding="utf-8")
    assert "You took the mean over the dimensions too" in page and "Half of the class" in page
    assert "hostile" not in page and "perfect" not in page, "nobody reads of another student"
    told = json.loads((tmp_path / "gradescope" / f"wrong 1.{FIRST.name}.json").read_text(encoding="utf-8"))
    one = grades["wrong 1", FIRST.name]
    assert told["score"] == one.points == round(sum(test["score"] for test in told["tests"]), 2)
    assert sum(test["max_score"] for test in told["tests"]) == one.out_of
    write_marks(tmp_path / "to_mark.csv", [(one.text, one.submission) for one in every], {})
    to_mark = list(csv.DictReader((tmp_path / "to_mark.csv").open(encoding="utf-8")))
    assert {row["points"] for row in to_mark} == {""} and "An answer to study." in {row["answer"] for row in to_mark}

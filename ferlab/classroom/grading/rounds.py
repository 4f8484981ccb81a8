"""Grading a class: functions run in a sandbox, what was done by hand is judged again, rubrics are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ferlab.classroom.grading.assignment_text import AssignmentText
from ferlab.classroom.grading.by_hand import checked_state
from ferlab.classroom.grading.judging import Judge, Mark
from ferlab.classroom.grading.marking import Given, written_marks
from ferlab.classroom.grading.running import Workers
from ferlab.classroom.grading.sandbox import Limits, Sandbox, find_sandbox
from ferlab.classroom.grading.submission import Submission, definitions_of, read_submission
from ferlab.errors import FerlabError

NOTHING_DONE = "Nothing was handed in for this part."
NOTHING_KEPT = "Nothing was kept: run the cell that keeps your work, and save the notebook."


@dataclass(frozen=True)
class Grade:
    """One student's work on one assignment, with its marks.

    Attributes:
        text: the assignment.
        submission: what was handed in.
        marks: a line a check and line of a rubric, in order.
        odd: what to look at.
    """

    text: AssignmentText
    submission: Submission
    marks: tuple[Mark, ...]
    odd: tuple[str, ...] = field(default=())

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def points(self) -> float:
        return round(sum(mark.points for mark in self.marks), 2)

    @property
    def out_of(self) -> float:
        return sum(mark.out_of for mark in self.marks)

    def of_part(self, part: str) -> list[Mark]:
        """The marks of one part."""
        return [mark for mark in self.marks if mark.part == part]


def student_folders(folder: str | Path) -> list[Path]:
    """The folders of a class, one a student; links and hidden folders are none.

    Raises:
        FerlabError: there is none.
    """
    folder = Path(folder)
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [p for p in places if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")]
    if not found:
        raise FerlabError(f"There is nothing in {folder}: one folder a student is expected.")
    return found


def grade(
    folder: str | Path,
    texts: Sequence[AssignmentText],
    *,
    given: Given | None = None,
    seed: int | None = None,
    limits: Limits | None = None,
    sandbox: Sandbox | None = None,
    require_sandbox: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
) -> list[Grade]:
    """Grade what a class handed in.

    Whatever one student handed in, the others' grades are the same: each student's functions run in a sandbox of their
    own, on data drawn from the seed and the student's name, and the scores are computed here.

    Args:
        folder: has one folder a student, with their notebooks at any depth and under any name.
        texts: the assignments to look for.
        given: points for written parts, from :func:`ferlab.classroom.grading.read_marks`.
        seed: instead of the assignments' own.
        limits: of every exercise.
        sandbox: by default the best one that works here.
        require_sandbox: refuse to grade where there is none.
        say: is told which student is graded.

    Returns:
        A grade for every student and assignment; students who handed in nothing of an assignment have empty ones.

    Raises:
        FerlabError: nothing to grade, no sandbox though one is required, or a mistake in an assignment.
    """
    students, limits = student_folders(folder), limits or Limits()
    judges = [Judge(text, seed) for text in texts]
    sandbox = sandbox or find_sandbox(require_sandbox, hidden=(Path(folder),))
    say(sandbox.sentence())
    grades = []
    for student in students:
        for judge in judges:
            say(f"{student.name}: {judge.text.name}")
            grades.append(_grade_one(student, judge, given or {}, limits, sandbox))
    return grades


def _grade_one(student: Path, judge: Judge, given: Given, limits: Limits, sandbox: Sandbox) -> Grade:
    try:
        submission = read_submission(student, judge.text)
    except Exception as error:  # nobody else shall miss their grade for it
        submission = Submission(student.name, odd=[f"{type(error).__name__}: what is in the folder cannot be read"])
    marks: dict[str, list[Mark]] = {name: [] for name in judge.text.parts}
    for mark in written_marks(judge.text, submission, given):
        marks[mark.part].append(mark)
    with Workers(sandbox, limits) as workers:
        for part in judge.text.parts.values():
            if part.kind == "function":
                marks[part.id] = _function_marks(judge, part.id, submission, workers)
            elif part.kind == "hand":
                marks[part.id] = _hand_marks(judge, part.id, submission)
    every = tuple(mark for part in judge.text.parts for mark in marks[part])
    return Grade(judge.text, submission, every, tuple(submission.odd))


def _nothing(judge: Judge, part: str, reason: str) -> list[Mark]:
    return [Mark(part, check.about, 0.0, check.points, reason) for check in judge.checks[part]]


def _function_marks(judge: Judge, part: str, submission: Submission, workers: Workers) -> list[Mark]:
    if part not in submission.code:
        return _nothing(judge, part, NOTHING_DONE)
    pending = judge.begin(part, submission.student)
    # The instructor's given code first; then the student's, since they may have split their work over cells.
    statements = judge.text.provided(part) + submission.definitions + definitions_of(submission.code[part])
    answers = workers.answers(
        judge.text.parts[part].function, statements, [call for check in pending for call in check.calls]
    )
    marks, at = [], 0
    for check in pending:
        marks.append(check.mark(answers[at : at + len(check.calls)]))
        at += len(check.calls)
    return marks


def _hand_marks(judge: Judge, part: str, submission: Submission) -> list[Mark]:
    """Of several kept states the best one counts: the file beside a notebook may be older, or newer."""
    judged = [judge.judge_state(part, checked_state(state)) for state in submission.states.get(part, ())[:10]]
    if not judged:
        return _nothing(judge, part, NOTHING_KEPT)
    return max(judged, key=lambda marks: sum(mark.points for mark in marks))

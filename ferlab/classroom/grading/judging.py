"""The judge: draws hidden data for every student, computes what is expected, and compares, in the grading process.

A judge cell of an assignment defines checks, generators that call the student's function and say what is wrong::

    @check(points=2, about="value")
    def value(draw):
        embeddings, labels = draw.normal(12, 5), draw.labels(12, 3)
        answer = yield call(embeddings, labels)
        return compare(answer, solve(call(embeddings, labels)), mistakes=[(.., "You took the sum.")])

An empty string is full points; a sentence none; ``(share, sentence)`` a share of them. A check whose call failed says
how it failed and is not asked. For what is done by hand, ``@check`` takes functions of the kept state instead.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import io
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ferlab.classroom.grading import worker
from ferlab.classroom.grading.assignment_text import AssignmentText, Part
from ferlab.errors import FerlabError

MOST_BYTES = 64 * 2**20  # of one array that comes from a student
NONE_YET = "Your function returns None: put your code in place of the dots, with a `return`."


@dataclass(frozen=True)
class Call:
    """A call of the student's function.

    Attributes:
        arguments: tensors and arrays (which arrive as tensors), numbers, strings, lists of them.
        gradients: positions of the arguments whose gradients are wanted.
        count: whether operations are counted.
    """

    arguments: tuple[Any, ...]
    gradients: tuple[int, ...] = ()
    count: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For the worker."""
        arguments = [
            {"npy": worker.npy_text(np.asarray(value))} if hasattr(value, "shape") else {"json": value}
            for value in self.arguments
        ]
        return {"arguments": arguments, "gradients": list(self.gradients), "count": self.count}


def call(*arguments: Any, gradients: Sequence[int] = (), count: bool = False) -> Call:
    """See :class:`Call`."""
    return Call(arguments, tuple(gradients), count)


@dataclass(frozen=True)
class Answer:
    """What came back from a call.

    Attributes:
        kind: ``"tensor"``, ``"array"``, ``"number"``, ``"tuple"``, ``"dict"``, or the name of another type.
        values: arrays by name or position; a single one under ``""``.
        gradients: one for every argument that was asked for, None where nothing reaches it.
        no_gradients: why there are none at all: ``"detached"`` or ``"no tensor"``.
        operations: how many there were, if counted.
        problem: why there is no answer, as a sentence for the student; empty where there is one.
    """

    kind: str = ""
    values: dict[str, np.ndarray] = field(default_factory=dict)
    gradients: tuple[np.ndarray | None, ...] = ()
    no_gradients: str = ""
    operations: int = 0
    problem: str = ""

    @property
    def value(self) -> np.ndarray:
        """The single array; an empty one where there are several or none."""
        return self.values.get("", np.zeros(0))


def array_of(text: Any) -> np.ndarray:
    """An array from a ``.npy`` file in base64, of plain numbers, and no larger than what was sent.

    Raises:
        ValueError: it is none.
    """
    data = base64.b64decode(str(text), validate=True)
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("another version of the format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=2000)
    # Not by numpy.load, which makes room for whatever the header claims.
    content = data[file.tell() :]
    if dtype.hasobject or dtype.kind not in "biufc" or dtype.itemsize * math.prod(shape) != len(content):
        raise ValueError("not so many plain numbers as its header says")
    if len(content) > MOST_BYTES or len(shape) > 8:
        raise ValueError("larger than any answer")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def answer_of(line: Any) -> Answer:
    """An answer from a worker's line, which may hold anything."""
    try:
        if "error" in line:
            at = f" in line {int(line['line'])} of its definition" if isinstance(line.get("line"), int) else ""
            name = str(line["error"])[:40]
            return Answer(problem=f"Your function stopped with {name if name.isidentifier() else 'an error'}{at}.")
        kind = str(line["kind"])[:80]
        values = {str(name): array_of(text) for name, text in dict(line["values"]).items()}
        gradients = line.get("gradients", [])
        none = gradients if gradients in ("detached", "no tensor") else ""
        found = () if none else tuple(None if text is None else array_of(text) for text in gradients)
        answer = Answer(kind, values, found, none, int(line.get("operations", 0)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, SyntaxError):
        return Answer(problem="What your function answered could not be read: return plain tensors and numbers.")
    if kind == "None":
        return Answer(kind, problem=NONE_YET)
    if not values:
        return Answer(kind, problem=f"Your function returns {_article(kind)}, which holds no numbers.")
    return answer


def _article(kind: str) -> str:
    clean = "".join(letter for letter in kind if letter.isalnum() or letter in " _")
    return f"{'an' if clean[:1].lower() in 'aeiou' else 'a'} {clean or 'object'}"


class Draw:
    """Random data of one check and one student: the same student always gets the same.

    Example:
        >>> first, second = (Draw(1, "ada", "center_loss", "value").normal(2, 3) for _ in range(2))
        >>> first.shape, bool((first == second).all())
        ((2, 3), True)
    """

    def __init__(self, *key: object) -> None:
        digest = hashlib.sha256("\x1f".join(map(str, key)).encode("utf-8", "surrogatepass")).digest()
        self.rng = np.random.default_rng(list(digest))

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """Float32 of that shape, from a normal distribution."""
        return (scale * self.rng.normal(size=shape)).astype(np.float32)

    def uniform(self, low: float, high: float) -> float:
        """A number, rounded to two places."""
        return round(float(self.rng.uniform(low, high)), 2)

    def labels(self, count: int, classes: int) -> np.ndarray:
        """Int64 (count,), 0..classes-1, every class at least once, as evenly as goes, in random order."""
        return self.rng.permutation(np.arange(count, dtype=np.int64) % classes)


@dataclass(frozen=True)
class Check:
    """One line of a part's points: see the module."""

    part: str
    points: float
    about: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Mark:
    """What a check gave: points of so many, and why."""

    part: str
    about: str
    points: float
    out_of: float
    reason: str = ""


class Judge:
    """The checks of an assignment, and its solutions as the reference.

    Args:
        text: the assignment; its given code, solutions and judge cells are executed here, since the instructor wrote
            them.
        seed: instead of the assignment's.

    Raises:
        FerlabError: a cell of it fails.
    """

    def __init__(self, text: AssignmentText, seed: int | None = None) -> None:
        self.text, self.seed = text, text.seed if seed is None else seed
        self.checks: dict[str, list[Check]] = {name: [] for name in text.parts}
        part_now = [""]

        def check(points: float, about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
            def register(function: Callable[..., Any]) -> Callable[..., Any]:
                self.checks[part_now[0]].append(Check(part_now[0], float(points), about, function))
                return function

            return register

        def solve(asked: Call, part: str | None = None) -> Answer:
            return self.solve(part or _part_of(inspect.currentframe()), asked)

        tools = {"check": check, "call": call, "compare": compare, "grows": grows, "np": np, "solve": solve}
        self.namespace: dict[str, Any] = {"__name__": text.name, **tools}
        for cell in text.cells:
            if cell.role in ("given", "stand-in", "exercise", "judge"):
                part_now[0] = cell.part
                try:
                    source = compile(cell.source, f"<{text.name}: {cell.role} {cell.part}>", "exec")
                    exec(source, self.namespace)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    raise FerlabError(f"The {cell.role} cell of {cell.part} in {text.name} fails: {said}") from error
        for part in text.parts.values():
            if part.kind != "written" and not self.checks[part.id]:
                raise FerlabError(f"Part {part.id} of {text.name} has no check.")

    def points(self, part: Part) -> float:
        """What a part is worth."""
        if part.kind == "written":
            return sum(criterion.points for criterion in part.rubric)
        return sum(check.points for check in self.checks[part.id])

    def solve(self, part: str, asked: Call) -> Answer:
        """What the solution answers."""
        answer = answer_of(worker.answer_call(self.namespace[self.text.parts[part].function], asked.as_dict()))
        if answer.problem:
            raise FerlabError(f"The solution of {part} in {self.text.name} fails: {answer.problem}")
        return answer

    def begin(self, part: str, student: str) -> list[PendingCheck]:
        """The checks of a part for one student, each at the call that it wants to make."""
        return [
            PendingCheck(check, check.function(Draw(self.seed, student, self.text.name, part, check.about)))
            for check in self.checks[part]
        ]

    def judge_state(self, part: str, state: Any) -> list[Mark]:
        """The marks for what was done by hand, from what was kept of it."""
        return [_mark(check, _said(check.function, state)) for check in self.checks[part]]


def _part_of(frame: Any) -> str:
    """The part whose judge cell calls :func:`solve`, by the name that its code was compiled with."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<") and ": judge " in name:
            return str(name.rstrip(">").rsplit(" ", 1)[1])
        frame = frame.f_back
    raise FerlabError("solve(..) belongs into a judge cell; elsewhere name the part.")


class PendingCheck:
    """A check that waits for the answer to its calls.

    Attributes:
        check: which.
        calls: that it wants answers to.
    """

    def __init__(self, check: Check, steps: Generator[Call | list[Call], Any, Any]) -> None:
        self.check, self._steps = check, steps
        asked = next(steps)
        self._single = isinstance(asked, Call)
        self.calls: list[Call] = [asked] if isinstance(asked, Call) else list(asked)

    def mark(self, answers: Sequence[Answer]) -> Mark:
        """What it gives for these answers, one a call."""
        problem = next((answer.problem for answer in answers if answer.problem), "")
        if problem:
            return _mark(self.check, problem)
        try:
            self._steps.send(answers[0] if self._single else list(answers))
        except StopIteration as end:
            return _mark(self.check, end.value)
        except FerlabError:  # the solution itself fails
            raise
        except Exception:  # arrays of unforeseen shapes; a hidden value may stand in the error's words
            return _mark(
                self.check, "What your function answered is of another form than asked for: see its docstring."
            )
        raise FerlabError(f"Check {self.check.about} of {self.check.part} asks twice; let it ask for a list of calls.")


def _said(function: Callable[[Any], Any], state: Any) -> Any:
    try:
        return function(state)
    except Exception:  # a state may hold anything
        return "What was kept of your work cannot be read: run the cell that keeps it again, and save."


def _mark(check: Check, said: Any) -> Mark:
    share, reason = said if isinstance(said, tuple) else (0.0 if said else 1.0, said or "")
    return Mark(
        check.part, check.about, round(check.points * min(max(float(share), 0), 1), 2), check.points, str(reason)
    )


# ---- what judge cells compare with -----------------------------------------------------------------------------------

Mistake = tuple[ArrayLike, str]


def compare(
    answer: Answer,
    right: Answer,
    *,
    mistakes: Iterable[Mistake] = (),
    gradient: int | None = None,
    gradient_mistakes: Iterable[Mistake] = (),
    rtol: float = 1e-3,
    atol: float = 1e-4,
    otherwise: str = "",
) -> str:
    """Empty where an answer is the right one; otherwise what seems to have gone wrong, without a hidden value.

    Args:
        answer, right: the student's and the solution's.
        mistakes: pairs of what comes out with a known mistake, and its sentence.
        gradient: compare this gradient (its place among those asked for) instead of the value.
        gradient_mistakes: as `mistakes`, of the gradient.
        rtol, atol: how close is the same.
        otherwise: what to say of an unknown mistake.
    """
    if gradient is not None:
        return _compare_gradient(answer, right, gradient, gradient_mistakes, rtol, atol, otherwise)
    if set(answer.values) != set(right.values):
        wanted = ", ".join(sorted(right.values)) or "nothing"
        return f"Asked for is {'one tensor' if set(right.values) == {''} else f'answers named {wanted}'}."
    for name, expected in right.values.items():
        got, of_which = answer.values[name], f" of {name}" if name else ""
        if got.shape != expected.shape:
            said = next(
                (words for wrong, words in mistakes if np.shape(wrong) == got.shape and close(got, wrong, rtol, atol)),
                "",
            )
            return said or f"The shape{of_which} is {got.shape}, but should be {expected.shape}."
        if expected.dtype.kind in "iu" and got.dtype.kind == "f":
            return f"Asked for are whole numbers{of_which}, such as indices, not numbers with decimals."
        if close(got, expected, rtol, atol):
            continue
        if np.isnan(got).any():
            return f"Your answer{of_which} holds nan: is there a division by zero, or a root of 0?"
        if np.isinf(got).any() and not np.isinf(expected).any():
            return f"Your answer{of_which} holds an infinite number."
        known = next((words for wrong, words in mistakes if close(got, wrong, rtol, atol)), "")
        if known:
            return known
        share = 0.0 if got.ndim == 0 else float(np.isclose(got, expected, rtol=rtol, atol=atol).mean())
        some = f"{share:.0%} of the entries{of_which} are right." if share else f"The value{of_which} is not right."
        return f"{some} {otherwise}".strip()
    return ""


def _compare_gradient(
    answer: Answer, right: Answer, place: int, mistakes: Iterable[Mistake], rtol: float, atol: float, otherwise: str
) -> str:
    if answer.no_gradients == "no tensor":
        return "No gradient: return a tensor, not a float or an array; what leaves PyTorch trains nothing."
    if answer.no_gradients == "detached":
        return (
            "No gradient reaches what comes in: something is detached on the way (.detach(), .item(), no_grad, NumPy)."
        )
    got = answer.gradients[place] if place < len(answer.gradients) else None
    expected = right.gradients[place]
    if expected is None:
        return "" if got is None or not got.any() else f"No gradient should reach this argument. {otherwise}".strip()
    if got is None or (not got.any() and expected.any()):
        return f"No gradient reaches this argument, though the value depends on it. {otherwise}".strip()
    if got.shape != expected.shape:
        return "The gradient has another shape than what came in."
    if close(got, expected, rtol, atol):
        return ""
    if not np.isfinite(got).all():
        return f"The gradient holds nan or infinity: a root, a norm or a division at zero. {otherwise}".strip()
    known = next((words for wrong, words in mistakes if close(got, wrong, rtol, atol)), "")
    return known or f"A gradient comes, but not the right one. {otherwise}".strip()


def close(got: ArrayLike, wanted: ArrayLike, rtol: float = 1e-3, atol: float = 1e-4) -> bool:
    """Whether two arrays have one shape and nearly the same numbers."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    return got.shape == wanted.shape and bool(np.allclose(got, wanted, rtol=rtol, atol=atol))


def grows(small: Answer, large: Answer, *, at_most: float, times: int = 4) -> str:
    """Empty where the operations grew by a factor of `at_most` or less; else by how much, for `times` the faces."""
    if small.operations <= 0 or large.operations <= 0:
        return "No operations on tensors were counted: compute with tensors, without leaving PyTorch."
    factor = large.operations / small.operations
    if factor <= at_most:
        return ""
    return (
        f"With {times} times as many faces your function does {factor:.1f} times as many operations; "
        f"at most {at_most:g} are allowed."
    )

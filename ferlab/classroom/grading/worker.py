"""Runs in the sandbox: defines a student's functions, calls them, and writes what they answered.

It stands alone, since nothing of ferlab can be seen there. PyTorch is loaded once; then every exercise is a process of
its own that is forked from here, so that one exercise cannot change another one. Requests come as lines of JSON on the
standard input, answers go as lines of JSON to what was the standard output; arrays in them are ``.npy`` files in
base64, and nobody unpickles anything. What a student prints goes nowhere.

Nothing here knows an expected value or a score: whatever code in this process does, it only changes what is answered.
"""

from __future__ import annotations

import base64
import builtins
import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

MOST_ANSWERS = 64  # in a tuple, list or dict
SUBMISSION = "<submission>"


def npy_text(array: Any) -> str:
    """An array as the base64 of its ``.npy`` file."""
    import numpy

    file = io.BytesIO()
    numpy.save(file, numpy.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
    return base64.b64encode(file.getvalue()).decode("ascii")


def define(statements: list[str], namespace: dict[str, Any]) -> list[str]:
    """Execute statements one by one; what fails is passed over and named by its first line."""
    failed = []
    for source in statements:
        try:
            exec(compile(source, SUBMISSION, "exec"), namespace)
        except BaseException as error:  # also SystemExit: the other statements may be all that is needed
            failed.append(f"{type(error).__name__} in: {source.strip().splitlines()[0][:80]}")
    return failed


def answer_call(function: Any, call: dict[str, Any]) -> dict[str, Any]:
    """Call a function and describe its answer.

    Args:
        function: anything.
        call: ``arguments``, each ``{"npy": ..}`` (becomes a tensor) or ``{"json": ..}``; ``gradients``, positions of
            the arguments whose gradient is wanted; ``count``, whether operations are counted.

    Returns:
        ``kind`` and ``values``; ``gradients``; ``operations``; or ``error``, without the error's message, which could
        hold what the function was given.
    """
    import torch

    arguments = [_argument(argument) for argument in call["arguments"]]
    leaves = [arguments[position].requires_grad_() for position in call["gradients"]]
    counter = counting() if call["count"] else None
    try:
        with counter or contextlib.nullcontext():
            answer = function(*arguments)
        found = described(answer)
        if counter is not None:
            found["operations"] = counter.operations
        if leaves:
            found["gradients"] = _gradients(answer, leaves)
        return found
    except torch.OutOfMemoryError:
        return {"error": "MemoryError", "line": _line()}
    except BaseException as error:
        name = _name_of(error)
        # PyTorch says RuntimeError where its allocator gets no memory.
        if name == "RuntimeError" and "memory" in str(error) and "alloc" in str(error):
            name = "MemoryError"
        return {"error": name, "line": _line()}


def _name_of(error: BaseException) -> str:
    """The name of the built-in class that an error belongs to: a student's own class could be called anything."""
    return next((kind.__name__ for kind in type(error).__mro__ if vars(builtins).get(kind.__name__) is kind), "Error")


def _line() -> int | None:
    """The line of the student's text in which the error came up."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    return next((frame.lineno for frame in reversed(frames) if frame.filename == SUBMISSION), None)


def _argument(argument: dict[str, Any]) -> Any:
    import numpy
    import torch

    if "npy" in argument:
        array = numpy.load(io.BytesIO(base64.b64decode(argument["npy"])), allow_pickle=False)
        return torch.from_numpy(array.copy())
    return argument["json"]


def described(answer: Any) -> dict[str, Any]:
    """What kind of thing an answer is, and its arrays by name: ``""`` for a single one."""
    if answer is None:
        return {"kind": "None", "values": {}}
    if isinstance(answer, dict):
        items, kind = list(answer.items()), "dict"
    elif isinstance(answer, tuple | list):
        items, kind = list(enumerate(answer)), "tuple"
    else:
        kind, array = _array(answer)
        return {"kind": kind, "values": {} if array is None else {"": npy_text(array)}}
    values = {}
    for name, value in items[:MOST_ANSWERS]:
        inner, array = _array(value)
        if array is None:
            return {"kind": f"{kind} that holds {inner}", "values": {}}
        values[str(name)[:80]] = npy_text(array)
    return {"kind": kind, "values": values}


def _array(value: Any) -> tuple[str, Any]:
    import numpy
    import torch

    if isinstance(value, torch.Tensor):
        return "tensor", value.detach().resolve_conj().numpy()
    if isinstance(value, numpy.ndarray | numpy.generic):
        kind = "array" if isinstance(value, numpy.ndarray) and value.ndim else "number"
        array = numpy.asarray(value)
        return (kind, array) if array.dtype.kind in "biufc" else ("array of objects", None)
    if isinstance(value, bool | int | float):
        return "number", numpy.asarray(float(value))
    return type(value).__name__[:40], None


def _gradients(answer: Any, leaves: list[Any]) -> list[str | None] | str:
    """The gradient of the sum of an answer in every leaf, None where there is none; or why there is none at all."""
    import torch

    if not isinstance(answer, torch.Tensor):
        return "no tensor"
    if not answer.requires_grad:
        return "detached"
    found = torch.autograd.grad(answer.sum(), leaves, allow_unused=True)
    return [None if gradient is None else npy_text(gradient.numpy()) for gradient in found]


def counting() -> Any:
    """A context whose ``operations`` are those on tensors within it."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        """Adds up the entries that operations read and write, and the multiplications of matrix products."""

        operations = 0

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            answer = function(*args, **(kwargs or {}))
            if "mm." in str(function) or "_cdist_forward" in str(function):
                left = [value for value in args if isinstance(value, torch.Tensor)][-2]
                self.operations += answer.numel() * left.shape[-1]
            for value in (*args, *(answer if isinstance(answer, tuple | list) else (answer,))):
                if isinstance(value, torch.Tensor):
                    # An expanded view has more entries than there are numbers behind it.
                    stored = value.untyped_storage().nbytes() // max(1, value.element_size())
                    self.operations += min(value.numel(), stored)
            return answer

    return Counting()


@contextlib.contextmanager
def bounded_memory(megabytes: int) -> Iterator[None]:
    """Within it this process may take so much more than it has; what a system has no limit for stays as it is."""
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    usual = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_held()["VmSize"] + megabytes * 2**20, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, usual)


def limit(limits: dict[str, int]) -> None:
    """Bound what this process may use; what a system has no limit for stays as it is."""
    try:
        import resource
    except ImportError:  # Windows
        return
    megabyte, held = 2**20, _held()
    wanted = {
        "RLIMIT_CPU": limits["seconds"],
        "RLIMIT_DATA": held["VmData"] + limits["memory"] * megabyte,
        "RLIMIT_AS": held["VmSize"] + 2 * limits["memory"] * megabyte,
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_NOFILE": limits["files"],
        "RLIMIT_FSIZE": limits["disk"] * megabyte,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        with contextlib.suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def _held() -> dict[str, int]:
    """Bytes of memory that this process has asked for, as Linux says it."""
    found = {"VmData": 2**30, "VmSize": 2**32}
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0]) * 1024
    return found


def work(request: dict[str, Any], answers: int) -> None:
    """One exercise, in a process of its own."""
    limit(request["limits"])

    def tell(line: dict[str, Any]) -> None:
        data = json.dumps(line).encode("ascii") + b"\n"
        while data:
            data = data[os.write(answers, data) :]

    namespace: dict[str, Any] = {"__name__": "submission"}
    failed = define(request["statements"], namespace)
    function = namespace.get(request["function"])
    tell({"defined": callable(function), "failed": failed[:20]})
    if not callable(function):
        return
    for number, call in request["calls"]:
        tell({"begins": number})  # where a process dies, this says at which call
        try:
            found = answer_call(function, call)
        except BaseException as error:  # answers whose methods fail when they are looked at
            found = {"error": _name_of(error), "line": None}
        tell({"call": number} | found)


def adopt_orphans() -> None:
    """Let processes that lose their parent become this one's, so that who ends this one finds them (Linux)."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def main(paths: list[str]) -> None:
    """Answer requests until there are no more."""
    sys.path[:0] = paths
    sys.modules["ferlab"] = None  # what the exercises ask for lies there
    requests, answers, nowhere = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    adopt_orphans()
    import numpy  # noqa: F401
    import torch

    torch.set_num_threads(1)
    os.write(answers, b'{"ready": true}\n')
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            request = json.loads(line)
            child = os.fork() if hasattr(os, "fork") else 0
            if child:
                _, status = os.waitpid(child, 0)
                os.write(answers, json.dumps({"ended": os.waitstatus_to_exitcode(status)}).encode("ascii") + b"\n")
                continue
            try:
                if hasattr(os, "fork"):
                    os.close(lines.fileno())
                work(request, answers)
            finally:
                if hasattr(os, "fork"):
                    os._exit(0)
            os.write(answers, b'{"ended": 0}\n')


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

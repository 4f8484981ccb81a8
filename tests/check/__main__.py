"""``make check``: everything that can be wrong without running the package, in less than a minute.

    python tests/check                 # all parts, two at a time
    python tests/check format types    # some of them

Stops with 1 where a part fails, and says how to mend it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = "tests/check"


@dataclass(frozen=True)
class Part:
    """One thing to check.

    Attributes:
        name: what it is called on the command line.
        command: what Python runs, after ``python``.
        mend: what to do about a failure.
    """

    name: str
    command: tuple[str, ...]
    mend: str


# The types take longest, so they begin first; the others share the second core.
PARTS = (
    Part("types", ("-m", "mypy"), "annotate arguments and returns; the settings are in pyproject.toml, [tool.mypy]"),
    Part("lint", ("-m", "ruff", "check", "."), "make format mends what can be mended by itself"),
    Part("format", ("-m", "ruff", "format", "--check", "."), "make format"),
    Part(
        "layers",
        ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"),
        "move what is needed down, or the caller up; the layers are in pyproject.toml, [tool.importlinter]",
    ),
    Part("circles", (f"{HERE}/circles.py",), "move what both need into a module below them"),
    Part("privates", (f"{HERE}/private_names.py",), "give it a public name, or test what is seen from outside"),
    Part("notebooks", (f"{HERE}/notebook_text.py",), "make format writes every notebook anew from its text"),
    Part("names", (f"{HERE}/names.py",), "spell the name so, or mark it as code by backticks"),
    Part(
        "picture",
        ("docs/draw_architecture.py", "--check"),
        "python docs/draw_architecture.py, and look whether the picture says what you meant",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a part: whether all is well, what was said, how many seconds it took."""

    part: Part
    well: bool
    said: str
    seconds: float


def run(part: Part) -> Outcome:
    started = time.monotonic()
    done = subprocess.run([sys.executable, *part.command], cwd=ROOT, capture_output=True, text=True)
    return Outcome(part, done.returncode == 0, (done.stdout + done.stderr).strip(), time.monotonic() - started)


def check(names: Sequence[str] = (), parts: Sequence[Part] = PARTS) -> int:
    """Run the parts of these names, or all; 0 where all is well, 1 where a part failed, 2 for an unknown name."""
    if unknown := sorted(set(names) - {part.name for part in parts}):
        print(f"There is no part {', '.join(unknown)}; there are {', '.join(part.name for part in parts)}.")
        return 2
    started = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(run, [part for part in parts if not names or part.name in names]))
    failed = [outcome for outcome in outcomes if not outcome.well]
    for outcome in failed:
        print(f"--- {outcome.part.name}\n{outcome.said}\n--> to mend it: {outcome.part.mend}\n")
    for outcome in outcomes:
        print(f"{'ok    ' if outcome.well else 'FAILED'} {outcome.part.name:10} {outcome.seconds:5.1f} s")
    words = f"FAILED: {', '.join(outcome.part.name for outcome in failed)}" if failed else "All is well"
    print(f"{words}, in {time.monotonic() - started:.0f} s.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(check(sys.argv[1:]))

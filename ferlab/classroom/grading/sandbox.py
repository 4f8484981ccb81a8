"""Where a student's code runs: in bubblewrap, in namespaces, or, where a system has neither, within limits alone."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ferlab.errors import FerlabError

NOBODY = 65534
# What programs are linked with; everything else of the system stays out of sight.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/alternatives")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_WRITABLE = "/tmp"
_PROBE_SECONDS = 120


@dataclass(frozen=True)
class Limits:
    """What one exercise may use.

    Attributes:
        seconds: of computing.
        wall_seconds: on the clock, for what waits instead of computing.
        memory: MB, beyond what PyTorch takes by itself.
        processes: and threads.
        files: open at a time.
        disk: MB.
        output: MB that its answers may take in all.
    """

    seconds: int = 20
    wall_seconds: int = 120
    memory: int = 1024
    processes: int = 24
    files: int = 64
    disk: int = 32
    output: int = 64

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class Sandbox:
    """A way to start a program that others wrote.

    Attributes:
        name: ``"bubblewrap"``, ``"namespaces"`` or ``"limits"``.
        isolates: whether network, answers and other students' files are out of reach.
        user: whose rights the program has, where it is another user's than one's own.
    """

    name: str
    isolates: bool
    user: int | None = None
    hidden: tuple[Path, ...] = field(default=(), compare=False)

    def sentence(self) -> str:
        """What it holds back, for the instructor."""
        if self.isolates:
            return f"Students' code runs in {self.name}: no network, no files but Python's, and those read-only."
        as_whom = "as the user nobody" if self.user is not None else "with your own rights"
        return (
            f"There is no sandbox on this machine: students' code runs {as_whom}, within limits of time, memory and "
            "files, but it can reach the network and read what that user can read. Install bubblewrap (apt-get install "
            "bubblewrap), grade on Linux or in a container without a network, or refuse by --require-sandbox."
        )

    def command(self, program: Sequence[str], limits: Limits) -> list[str]:
        """The command that starts `program` within."""
        if self.name == "bubblewrap":
            return _bubblewrap(program, limits, self.hidden)
        if self.name == "namespaces":
            return _namespaces(program, limits, self.hidden, self.user)
        return list(program)

    def start(self, program: Sequence[str], limits: Limits, folder: Path) -> subprocess.Popen[bytes]:
        """Start a program with pipes for its input and output; ``folder`` is where it may write without a sandbox."""
        return subprocess.Popen(
            self.command(program, limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/" if self.isolates else folder,
            env=_environment(),
            start_new_session=True,
            **self.rights(),
        )

    def rights(self) -> dict[str, Any]:
        """As whom to start it; in namespaces the change of the user comes last, within."""
        if self.user is None or self.name != "limits":
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}


def python() -> str:
    """The interpreter itself, not the link in a virtual environment, whose folder may be out of sight within."""
    return os.path.realpath(sys.executable)


def library_paths() -> list[str]:
    """The folders that Python finds its own modules, NumPy and PyTorch in, and nothing else.

    Not all of ``sys.path``: the folder that one grades in may be on it, and a clone of this package.
    """
    folders = [Path(place).resolve() for place in sys.path if place and Path(place).is_dir()]
    own = [Path(sys.base_prefix).resolve() / name for name in ("lib", "lib64")]
    kept = [
        folder
        for folder in folders
        if {"site-packages", "dist-packages"} & set(folder.parts) or any(map(folder.is_relative_to, own))
    ]
    return [str(folder) for folder in dict.fromkeys(kept)]


def _environment() -> dict[str, str]:
    kept = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}  # Windows needs it
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return kept | one_thread | {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": _WRITABLE, "LC_ALL": "C.UTF-8"}


def _shown() -> list[str]:
    """What can be seen within, read-only."""
    inside = [sys.base_prefix, str(Path(python()).parent), *library_paths()]
    outer: list[str] = []
    for path in [*_SYSTEM, *dict.fromkeys(os.path.realpath(path) for path in inside)]:
        below = any(Path(path) != Path(other) and Path(path).is_relative_to(other) for other in outer)
        if os.path.exists(path) and path not in outer and not below and path != "/":
            outer.append(path)
    return outer


def _covered(hidden: Sequence[Path]) -> list[str]:
    """Folders within what is shown that are to be empty: this package, and what was handed in."""
    shown = [Path(path) for path in _shown()]
    wanted = [Path(__file__).parents[2].resolve(), *(path.resolve() for path in hidden)]
    return [
        str(path)
        for path in dict.fromkeys(wanted)
        if path.is_dir() and any(path.is_relative_to(place) for place in shown)
    ]


def _bubblewrap(program: Sequence[str], limits: Limits, hidden: Sequence[Path]) -> list[str]:
    bwrap = shutil.which("bwrap", path=_tool_path()) or "bwrap"
    words = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for path in _shown():
        target = os.readlink(path) if os.path.islink(path) and path in _SYSTEM else ""
        words += ["--symlink", target, path] if target else ["--ro-bind", path, path]
    for path in _covered(hidden):
        words += ["--tmpfs", path, "--remount-ro", path]
    words += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    words += ["--size", str(limits.disk * 2**20), "--tmpfs", _WRITABLE, "--remount-ro", "/", "--chdir", _WRITABLE]
    return [*words, "--", *program]


def _namespaces(program: Sequence[str], limits: Limits, hidden: Sequence[Path], user: int | None) -> list[str]:
    """As bubblewrap does it, by the tools of util-linux: a root of its own, without the old one, without any rights.

    Who is root becomes `user` at the end; anybody else needs a namespace of users to be allowed all this.
    """
    as_whom = "" if user is None else f"--reuid={user} --regid={user} --clear-groups"
    root = "/tmp"  # a new, empty tmpfs lies over it, which only this process sees
    lines = ["set -e", f"mount -t tmpfs -o mode=755,size=1m,nr_inodes=4k tmpfs {root}"]
    lines += [f"mkdir {root}/proc {root}/dev {root}/tmp {root}/.old"]
    for path in [*_shown(), *_DEVICES]:
        inside = shlex.quote(f"{root}{path}")
        if os.path.islink(path) and path in _SYSTEM:
            lines.append(f"ln -s {shlex.quote(os.readlink(path))} {inside}")
            continue
        make = f"mkdir -p {inside}" if os.path.isdir(path) else f"mkdir -p $(dirname {inside}); : > {inside}"
        lines.append(f"{make}; mount --rbind {shlex.quote(path)} {inside}")
        if path not in _DEVICES:
            lines.append(f"mount -o remount,bind,ro,nosuid,nodev {inside}")
    for path in _covered(hidden):
        lines.append(f"mount -t tmpfs -o ro,size=4k tmpfs {shlex.quote(root + path)}")
    lines += [
        f"mount -t proc proc {root}/proc 2>&- || true",  # refused where a container covers a part of /proc
        f"mount -t tmpfs -o mode=1777,nosuid,nodev,size={limits.disk}m,nr_inodes=2k tmpfs {root}{_WRITABLE}",
        f"cd {root}; pivot_root . .old; umount -l /.old; rmdir /.old; mount -o remount,bind,ro /; cd {_WRITABLE}",
        f'exec setpriv {as_whom} --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"',
    ]
    # Where the grading process is killed, all of this ends with it.
    unshare = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--fork", "--kill-child"]
    unshare += ["--net", "--mount", "--pid", "--ipc", "--uts"]
    unshare += ["--user", "--map-root-user"] if user is None else []
    return [*unshare, "--", "/bin/sh", "-c", "\n".join(lines), "sh", *program]


@cache
def _works(sandbox: Sandbox) -> bool:
    """Whether a small program that needs NumPy runs within."""
    code = f"import sys; sys.path[:0] = {library_paths()!r}; import numpy; print(6 * 7)"
    command = sandbox.command([python(), "-I", "-S", "-B", "-c", code], Limits())
    try:
        done = subprocess.run(
            command, capture_output=True, cwd="/", env=_environment(), timeout=_PROBE_SECONDS, **sandbox.rights()
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip() == b"42")


def find_sandbox(require: bool = False, hidden: Sequence[Path] = (), kinds: Sequence[str] = ()) -> Sandbox:
    """The best sandbox that works on this machine.

    Args:
        require: refuse where nothing keeps network and files out of reach.
        hidden: folders to cover where they lie within what Python needs: submissions, answers.
        kinds: to choose from; all of ``"bubblewrap"``, ``"namespaces"`` and ``"limits"`` when empty.

    Raises:
        FerlabError: there is none, and one is required.
    """
    # Limits of processes do not bind root, so a grader that is root gives the work to nobody.
    users = (NOBODY, None) if hasattr(os, "geteuid") and os.geteuid() == 0 else (None,)
    tools = {"bubblewrap": ("bwrap",), "namespaces": ("unshare", "mount", "pivot_root", "setpriv")}
    for name, needed in tools.items():
        if (not kinds or name in kinds) and all(shutil.which(tool, path=_tool_path()) for tool in needed):
            for user in users if name == "namespaces" else (None,):
                sandbox = Sandbox(name, True, user, tuple(hidden))
                if _works(sandbox):
                    return sandbox
    if require:
        raise FerlabError(
            "No sandbox works on this machine, and one is required: install bubblewrap (apt-get install bubblewrap), "
            "or grade on a Linux machine that allows user namespaces."
        )
    for user in users:
        sandbox = Sandbox("limits", False, user, tuple(hidden))
        if _works(sandbox):
            return sandbox
    return Sandbox("limits", False, None, tuple(hidden))


def _tool_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

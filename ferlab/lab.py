"""Start JupyterLab on the first notebook, for this computer only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ferlab.errors import FerlabError

__all__ = ["FIRST_NOTEBOOK", "find_clone", "lab", "lab_command"]

FIRST_NOTEBOOK = Path("notebooks/00_start_here.ipynb")
# Switches JupyterLab's question about news and its look for updates off: the lab needs no network.
CONFIG = Path(__file__).resolve().parent / "jupyter"


def lab(arguments: Sequence[str] = ()) -> int:
    """Run JupyterLab until it is stopped; it listens on 127.0.0.1 only and asks for its token.

    It opens the first notebook of the clone that is the current folder, or that ferlab is installed from,
    and a browser on it. ``--no-browser``, or ``BROWSER=none`` in the environment, only prints the address.

    Args:
        arguments: a notebook to open instead, and options for JupyterLab, such as ``--port=9000``.

    Returns:
        JupyterLab's exit code. On Linux and macOS this function does not return: JupyterLab takes the process
        over, so that Ctrl-C and signals reach it directly.

    Raises:
        FerlabError: JupyterLab is not installed, or there is no such notebook.

    Example:
        >>> lab(["notebooks/00_start_here.ipynb", "--no-browser"])    # doctest: +SKIP
    """
    command = lab_command(arguments)
    paths = [str(CONFIG), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def lab_command(arguments: Sequence[str] = ()) -> list[str]:
    """The command line that :func:`lab` runs."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise FerlabError("JupyterLab is not installed; run: pip install jupyterlab")
    notebooks = [word for word in arguments if word.endswith(".ipynb") and not word.startswith("-")]
    root, notebook = _find_notebook(notebooks[0] if notebooks else None)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{notebook.as_posix()}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers and CI; JupyterLab refuses otherwise
    if os.environ.get("BROWSER", "").lower() == "none":
        command.append("--no-browser")
    return command + [word for word in arguments if word not in notebooks]


def find_clone() -> Path | None:
    """The clone of the project that holds the notebooks: the current folder, or the one that ferlab is installed from.

    None where neither has them: an installed wheel brings no notebooks along.
    """
    return next((root for root in _possible_clones() if (root / FIRST_NOTEBOOK).is_file()), None)


def _possible_clones() -> tuple[Path, Path]:
    return Path.cwd(), Path(__file__).resolve().parent.parent


def _find_notebook(name: str | None) -> tuple[Path, Path]:
    """Absolute folder to serve, and the notebook below it."""
    if name is None:
        clone = find_clone()
        if clone is None:
            raise FerlabError(
                f"There is no {FIRST_NOTEBOOK.as_posix()} here; run this in a clone of ferlab or name a notebook."
            )
        return clone, FIRST_NOTEBOOK
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise FerlabError(f"There is no notebook {name}.")
    for root in _possible_clones():
        if path.is_relative_to(root):
            return root, path.relative_to(root)
    return path.parent, Path(path.name)

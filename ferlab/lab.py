"""Start JupyterLab on the first notebook, for this computer only."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ferlab.errors import FerlabError

__all__ = ["FIRST_NOTEBOOK", "lab", "lab_command"]

FIRST_NOTEBOOK = Path("notebooks/00_start_here.ipynb")


def lab_command(
    notebook: str | Path | None = None,
    *,
    browser: bool = True,
    port: int | None = None,
    extra: Sequence[str] = (),
) -> list[str]:
    """The command line that :func:`lab` runs.

    Example:
        >>> lab_command("notebooks/00_start_here.ipynb", browser=False)[-1]    # doctest: +SKIP
        '--no-browser'
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise FerlabError("JupyterLab is not installed; run: pip install jupyterlab")
    root, path = _locate(notebook)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{path.as_posix()}",
        # No question about news and no look for updates: the lab needs no network.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers and CI; JupyterLab refuses otherwise
    command += extra
    if not browser or os.environ.get("BROWSER", "").lower() == "none":
        command.append("--no-browser")
    return command


def lab(
    notebook: str | Path | None = None,
    *,
    browser: bool = True,
    port: int | None = None,
    extra: Sequence[str] = (),
) -> int:
    """Run JupyterLab until it is stopped; it listens on 127.0.0.1 only and asks for its token.

    Args:
        notebook: what to open; by default the first notebook of the clone that is the current folder, or that
            ferlab is installed from.
        browser: open a browser; with False, or ``BROWSER=none`` in the environment, only print the address.
        port: the port to take; by default 8888 or the next one that is free.
        extra: further options for JupyterLab.

    Returns:
        JupyterLab's exit code. On Linux and macOS this function does not return: JupyterLab takes the process
        over, so that Ctrl-C and signals reach it directly.

    Raises:
        FerlabError: JupyterLab is not installed, or there is no such notebook.
    """
    command = lab_command(notebook, browser=browser, port=port, extra=extra)
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def _locate(notebook: str | Path | None) -> tuple[Path, Path]:
    """Absolute folder to serve, and the notebook below it."""
    clone = Path(__file__).resolve().parent.parent
    if notebook is None:
        for root in (Path.cwd(), clone):
            if (root / FIRST_NOTEBOOK).is_file():
                return root, FIRST_NOTEBOOK
        raise FerlabError(
            f"There is no {FIRST_NOTEBOOK.as_posix()} here; run this in a clone of ferlab or name a notebook."
        )
    path = Path(notebook).expanduser().resolve()
    if not path.is_file():
        raise FerlabError(f"There is no notebook {notebook}.")
    for root in (Path.cwd().resolve(), clone):
        if path.is_relative_to(root):
            return root, path.relative_to(root)
    return path.parent, Path(path.name)

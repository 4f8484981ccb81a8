"""Starting JupyterLab, and driving it in the browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page, TimeoutError

ROOT = Path(__file__).parent.parent
# No sandbox for root in containers, and no calls home.
PLAIN_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
]
# WebGL without a graphics card. Whatever else is on the page is then drawn by the imitated card too, which is slower
# than what Chromium does by itself without one.
WEBGL_FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
CHROMIUM_FLAGS = [*PLAIN_FLAGS, *WEBGL_FLAGS]


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of someone who has just made their account: an empty home, no settings."""
    dropped = re.compile(r"JUPYTER|IPYTHON|XDG_|MPL|BROWSER|PYTEST|PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    # ferlab itself is importable also where it is not installed.
    return {**environment, "HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(ROOT)}


# What a kernel runs at its start: what its notebook trains, it trains on a sixth of the faces. The test split is whole,
# since finished networks are measured on it.
FEW_FACES = """\
import os

if not os.environ.get("ALL_FACES"):
    from ferlab.data import DATASETS
    from ferlab.vectors import random_part

    def few(split, root, read=DATASETS["synthetic"], sizes={"train": 1500, "validation": 300}):
        faces = read(split, root)
        return faces.subset(random_part(len(faces), sizes.get(split, len(faces))))

    DATASETS["synthetic"] = few
"""


def train_on_few_faces(home: Path) -> None:
    """Let the kernels of this home train on few faces: what a test asks of a notebook does not depend on how many."""
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "few_faces.py").write_text(FEW_FACES)


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab.

    Attributes:
        process: the server itself.
        address: such as ``http://127.0.0.1:41234``.
        token: what it asks for.
        folder: the copy of the project's notebooks that it serves lies in ``folder/notebooks``.
    """

    process: psutil.Process
    address: str
    token: str
    folder: Path

    def shut_kernels_down(self) -> None:
        """End all kernels; their notebooks stay."""
        for session in json.loads(self._ask("GET", "/api/sessions")):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method: str, path: str) -> bytes:
        header = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.address + path, method=method, headers=header)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()


@contextmanager
def running_lab(folder: Path, environment: Mapping[str, str]) -> Iterator[LabServer]:
    """What ``make lab`` starts, on a free port, on a copy of the notebooks in ``folder``."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ferlab", "lab", "--no-browser", f"--port={port}"],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        token = _wait_for_token(process, log, address)
        yield LabServer(psutil.Process(process.pid), address, token, folder)
    finally:
        _stop(process)


def _wait_for_token(process: subprocess.Popen, log: Path, address: str, seconds: float = 300) -> str:
    """The token in the address that the server prints for its user."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(re.escape(address) + r"/lab\S*[?&]token=(\w+)", log.read_text()):
            return found[1]
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def _stop(process: subprocess.Popen) -> None:
    """End the server and the kernels that it started, and nothing else."""
    if process.poll() is not None:
        return
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in started:
        if child.is_running():
            child.kill()


def run_all_cells(page: Page) -> None:
    """Run > Run All Cells of the open notebook, and see that it starts.

    JupyterLab shows an idle kernel a moment before it takes orders, and drops what comes earlier; so the menu is used
    again until a cell shows that it runs or has run.
    """
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    started = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]")).first
    for attempt in range(6):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            started.wait_for(timeout=10_000)
            return
        except TimeoutError:
            if attempt == 5:
                raise


def wait_until_run(page: Page, path: Path, seconds: float) -> dict:
    """Save whenever the kernel rests, until the saved notebook's last code cell has run; the notebook.

    Raises:
        RuntimeError: a cell failed, or time ran out.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.wait_for_timeout(1000)
        if not page.get_by_text("Python 3 (ipykernel) | Idle").is_visible():
            continue  # to save a notebook with its outputs is work, for the page and for the server
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # read while it was being written
            continue
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"])]
        for cell in cells:
            for output in cell["outputs"]:
                if output["output_type"] == "error":
                    source = "".join(cell["source"])
                    raise RuntimeError(f"{output['ename']}: {output['evalue']}\nin the cell\n{source}")
        if all(cell["execution_count"] for cell in cells):
            return notebook
    raise RuntimeError(f"The notebook did not finish within {seconds:.0f} seconds.")

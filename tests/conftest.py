"""A Chromium page and a running JupyterLab, for the tests that look at what a person sees."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import chromium
import psutil
import pytest

ROOT = Path(__file__).parent.parent
# WebGL without a graphics card, no sandbox for root in containers, and no calls home.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
]


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


@pytest.fixture(scope="session")
def build_folder() -> Path:
    """Where screenshots stay for a look after the tests."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory) -> dict[str, str]:
    """The environment of someone who has just made their account: an empty home, no settings."""
    home = tmp_path_factory.mktemp("home")
    dropped = re.compile(r"JUPYTER|IPYTHON|XDG_|MPL|BROWSER|PYTEST|PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    # ferlab itself is importable also where it is not installed.
    return {**environment, "HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Headless Chromium, through playwright."""
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A fresh page; 1600 x 1000 pixels hold three plots side by side."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(180_000)  # a busy machine is slow, not wrong
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory, clean_environment) -> Iterator[LabServer]:
    """What ``make lab`` starts, on a free port, on a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*", "runs"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ferlab", "lab", "--no-browser", f"--port={port}"],
            cwd=folder, env=clean_environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
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
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


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

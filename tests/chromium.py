"""Find a Chromium for the browser tests; run as a program, install one when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
MISSING = (
    "There is no Chromium for the browser tests; install Chromium or Chrome, name one in FERLAB_CHROMIUM, "
    "or leave these tests out with -m 'not browser'."
)


def find() -> str | None:
    """Path of a Chromium, Chrome or Edge: the one named in FERLAB_CHROMIUM, the system's, or playwright's."""
    if named := os.environ.get("FERLAB_CHROMIUM"):
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for place in PLACES:
        if Path(place).is_file():
            return place
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def driver_starts() -> bool:
    """Whether playwright itself runs here; its program needs libatomic, which a bare system lacks."""
    return subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True).returncode == 0


def install() -> None:
    """Try the system's package manager where that is allowed, then playwright's own download."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = ["libatomic1"] if find() else ["libatomic1", "chromium"]
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            env=environment, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    if driver_starts() and not find():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    if not driver_starts() or not find():
        print("Installing what the browser tests need, once.", flush=True)
        install()
    if not driver_starts():
        sys.exit("Playwright does not start; on Debian and Ubuntu: apt-get install libatomic1")
    if not find():
        sys.exit(MISSING)

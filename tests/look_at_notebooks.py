"""Run notebooks in JupyterLab in a real browser and keep pictures of all that is seen, in light and dark.

    PYTHONPATH=tests python tests/look_at_notebooks.py [NUMBER ...]      # such as 03 07; all by default: half an hour

The pictures are in build/screenshots/notebooks/NAME/. Stops with 1 where a cell fails, a widget is not alive or the
page says an error. The tests run every notebook too, but only the first one in a browser: this is for eyes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import chromium
from jupyterlab_driver import (
    CHROMIUM_FLAGS,
    ROOT,
    LabServer,
    clean_environment,
    run_all_cells,
    running_lab,
    wait_until_run,
)
from playwright.sync_api import Page, sync_playwright

LIMIT = 900  # seconds a notebook
HARMLESS = ("[anywidget] Failed to initialize model.",)  # of a widget that takes more than two seconds, and then works
SCROLLED = """(step) => { const of = [...document.querySelectorAll(".jp-WindowedPanel-outer")].find(
    (element) => element.offsetParent && element.scrollHeight > element.clientHeight + 10);
    if (!of) return true; of.scrollTop = step < 0 ? 0 : of.scrollTop + step;
    return of.scrollTop + of.clientHeight >= of.scrollHeight - 5; }"""
DEAD = ".jp-OutputArea-output:has-text('Error displaying widget'), .jupyter-widgets-disconnected, .jp-RenderedError"
WARNED = "[data-mime-type='application/vnd.jupyter.stderr']"


def main(numbers: list[str]) -> int:
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    chosen = [name for name in names if not numbers or name[:2] in numbers]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        home.mkdir()
        with running_lab(Path(folder), clean_environment(home)) as lab:
            for name in chosen:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=CHROMIUM_FLAGS)
                page = browser.new_page(viewport={"width": 1280, "height": 1400})
                page.set_default_timeout(120_000)
                said = look(page, lab, name)
                print("; ".join(said) or "all well", flush=True)
                wrong += bool(said)
                browser.close()
    return min(wrong, 1)


def look(page: Page, lab: LabServer, name: str) -> list[str]:
    """Run one notebook and photograph it twice; what is wrong with it."""
    shots = ROOT / "build" / "screenshots" / "notebooks" / name
    shutil.rmtree(shots, ignore_errors=True)
    shots.mkdir(parents=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab.address}/lab/workspaces/{name}/tree/notebooks/{name}.ipynb?token={lab.token}&reset")
    started = time.monotonic()
    run_all_cells(page)
    said = []
    try:
        wait_until_run(page, lab.folder / "notebooks" / f"{name}.ipynb", LIMIT)
    except RuntimeError as error:
        said.append(str(error).replace("\n", " "))
    took = time.monotonic() - started
    for theme in ("light", "dark"):
        show_theme(page, theme)
        photograph(page, shots, theme)
        if dead := page.locator(DEAD).count():
            said.append(f"{dead} outputs are not alive ({theme})")
        if warned := page.locator(WARNED).count():
            said.append(f"{warned} outputs are warnings ({theme})")
    print(f"{name}: ran in {took:.0f} s", end="; ", flush=True)
    return said + [error for error in errors if error not in HARMLESS]


def show_theme(page: Page, theme: str) -> None:
    """By the menu. JupyterLab remembers the choice, also for the next notebook."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-item", has_text=f"JupyterLab {theme.title()}").first.click()
    page.wait_for_function("(theme) => document.body.dataset.jpThemeName === theme", arg=f"JupyterLab {theme.title()}")
    page.wait_for_timeout(3000)


def photograph(page: Page, folder: Path, theme: str) -> None:
    """The whole notebook, a window's height at a time."""
    page.evaluate(SCROLLED, -1)
    for number in range(60):
        page.wait_for_timeout(1500)  # cells are drawn when they come into sight
        page.screenshot(path=folder / f"{theme}_{number:02d}.png")
        if page.evaluate(SCROLLED, 1200):
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

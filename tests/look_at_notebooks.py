"""Run notebooks in JupyterLab in a real browser and keep pictures of all that is seen, in light and dark.

    PYTHONPATH=tests python tests/look_at_notebooks.py [NUMBER ...]      # such as 03 07; all by default: half an hour

The pictures are in build/screenshots/notebooks/NAME/. Stops with 1 where a cell fails, a widget is not alive or the
page says an error. The tests run every notebook too, but only the first one in a browser: this is for eyes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import chromium
from jupyterlab_driver import CHROMIUM_FLAGS, ROOT, LabServer, run_all_cells, running_lab
from playwright.sync_api import Page, sync_playwright

LIMIT = 900  # seconds a notebook
HARMLESS = ("[anywidget] Failed to initialize model.",)  # of a widget that takes more than two seconds, and then works
SCROLLED = """(step) => { const of = [...document.querySelectorAll(".jp-WindowedPanel-outer")].find(
    (element) => element.offsetParent && element.scrollHeight > element.clientHeight + 10);
    if (!of) return true; of.scrollTop = step < 0 ? 0 : of.scrollTop + step;
    return of.scrollTop + of.clientHeight >= of.scrollHeight - 5; }"""
DEAD = ".jp-OutputArea-output:has-text('Error displaying widget'), .jupyter-widgets-disconnected, .jp-RenderedError"


def main(numbers: list[str]) -> int:
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    chosen = [name for name in names if not numbers or name[:2] in numbers]
    dropped = re.compile(r"JUPYTER|IPYTHON|XDG_|MPL|BROWSER|PYTEST|PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        home.mkdir()
        with running_lab(Path(folder), {**environment, "HOME": str(home), "PYTHONPATH": str(ROOT)}) as lab:
            for name in chosen:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=CHROMIUM_FLAGS)
                page = browser.new_page(viewport={"width": 1280, "height": 1400})
                page.set_default_timeout(120_000)
                started = time.monotonic()
                said = look(page, lab, name)
                print(f"{name}: {time.monotonic() - started:.0f} s; {'; '.join(said) or 'all well'}", flush=True)
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
    run_all_cells(page)
    said = wait_until_run(page, lab.folder / "notebooks" / f"{name}.ipynb")
    for theme in ("light", "dark"):
        photograph(page, shots, theme)
        if dead := page.locator(DEAD).count():
            said.append(f"{dead} outputs are not alive ({theme})")
        if theme == "light":
            page.get_by_role("menuitem", name="Settings", exact=True).click()
            page.locator(".lm-Menu-item", has_text="Theme").first.hover()
            page.locator(".lm-Menu-item", has_text="JupyterLab Dark").first.click()
            page.wait_for_timeout(3000)
    return said + [error for error in errors if error not in HARMLESS]


def wait_until_run(page: Page, path: Path) -> list[str]:
    """Save again and again until the last cell has run; the error of a cell that failed, if any."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(2000)
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # read while it was being written
            continue
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"])]
        failed = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
        if failed:
            return [f"{failed[0]['ename']}: {failed[0]['evalue']}"]
        if all(cell["execution_count"] for cell in cells):
            return []
    return [f"not finished after {LIMIT} s"]


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

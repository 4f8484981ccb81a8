"""Driving JupyterLab in the browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, TimeoutError


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

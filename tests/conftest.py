"""A Chromium page and a running JupyterLab, for the tests that look at what a person sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chromium
import jupyterlab_driver
import pytest
from jupyterlab_driver import CHROMIUM_FLAGS, ROOT, LabServer, running_lab


@pytest.fixture(scope="session")
def build_folder() -> Path:
    """Where screenshots stay for a look after the tests."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory) -> dict[str, str]:
    return jupyterlab_driver.clean_environment(tmp_path_factory.mktemp("home"))


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
    with running_lab(tmp_path_factory.mktemp("lab"), clean_environment) as lab:
        yield lab

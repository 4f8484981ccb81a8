"""Order and sharing of the tests among workers, and what they share: a Chromium, a JupyterLab, executed notebooks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# With several workers each has its share of the cores; more threads than that would only wait for each other. Set
# before anything imports numpy or torch, for what the tests start too.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    share = str(max(1, (os.cpu_count() or 1) // workers))
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(threads, share)

import chromium
import jupyterlab_driver
import pytest
import sharing_out
from filelock import FileLock
from jupyterlab_driver import PLAIN_FLAGS, ROOT, LabServer, running_lab

if TYPE_CHECKING:
    from executed_notebooks import ExecutedNotebooks

GROUPS = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "slow(seconds): takes more than ten seconds; leave out with -m 'not slow'",
        "browser: needs Chromium; leave out with -m 'not browser'",
        "together(name): one worker takes all tests of this name, one after the other",
    ):
        config.addinivalue_line("markers", marker)
    config.stash[GROUPS] = Path(tempfile.mkdtemp(prefix="ferlab-tests-")) / "groups.json"


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[GROUPS].parent, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["groups"] = str(node.config.stash[GROUPS])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> sharing_out.SharedOut:
    return sharing_out.SharedOut(config, log, config.stash[GROUPS])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = sharing_out.in_order(items)
    if workers:
        sharing_out.write_groups(items, Path(config.workerinput["groups"]))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if workers else folder) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def build_folder() -> Path:
    """Where screenshots stay for a look after the tests."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    jupyterlab_driver.train_on_few_faces(home)
    return jupyterlab_driver.clean_environment(home)


@pytest.fixture(scope="session")
def opened_gallery(shared_folder: Path) -> Path:
    """The gallery as a run folder, for all tests that leave it as it is."""
    from ferlab.gallery import open_gallery

    with FileLock(shared_folder / "gallery.lock"):
        return open_gallery(shared_folder / "gallery")


@pytest.fixture(scope="session")
def opened_parts(shared_folder: Path, opened_gallery: Path) -> dict[str, Path]:
    """All parts of the gallery, likewise."""
    from ferlab.gallery import PARTS, open_gallery

    with FileLock(shared_folder / "gallery.lock"):
        return {part: open_gallery(shared_folder / PARTS[part].name, part) for part in PARTS}


@pytest.fixture(scope="session")
def executed_notebooks(
    request: pytest.FixtureRequest,
    shared_folder: Path,
    opened_parts: dict[str, Path],
    clean_environment: dict[str, str],
) -> ExecutedNotebooks:
    """The notebooks as they are after a run, each executed once by whoever comes first."""
    from executed_notebooks import FIRST, ExecutedNotebooks  # nbformat takes seconds, and most tests need none of it

    tests = request.session.items
    asked = {item.callspec.params["name"] for item in tests if item.name.startswith("test_notebook_runs")}
    if any(item.name == "test_first_notebook_runs_in_the_browser" for item in tests):
        asked.add(FIRST)
    folder = shared_folder / "notebooks"
    folder.mkdir(exist_ok=True)
    return ExecutedNotebooks(folder, clean_environment, opened_parts, frozenset(asked))


@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    """What Chromium is started with; a file whose pages draw with WebGL asks for CHROMIUM_FLAGS instead."""
    return PLAIN_FLAGS


@pytest.fixture(scope="module")
def browser(browser_flags: list[str]) -> Iterator:
    """Headless Chromium, through playwright. Closed after each file: while it is open it draws."""
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=browser_flags)
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
def running_lab_server(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]
) -> Iterator[LabServer]:
    """What ``make lab`` starts, on a free port, on a copy of the notebooks; one for all tests."""
    with running_lab(tmp_path_factory.mktemp("lab"), clean_environment) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab_server(running_lab_server: LabServer) -> Iterator[LabServer]:
    """The JupyterLab of all tests. Its kernels end with each file: they would go on working."""
    yield running_lab_server
    running_lab_server.shut_kernels_down()

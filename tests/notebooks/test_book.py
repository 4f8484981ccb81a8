"""The book of the notebooks: complete, without dead links, and readable from disk without a network."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import make_book
import nbformat
import pytest
import series
from nbclient import NotebookClient

import ferlab

ROOT = series.ROOT
pytestmark = pytest.mark.together("book")


@pytest.fixture(scope="module")
def book(tmp_path_factory, executed_notebooks) -> Path:
    """The book of the notebooks as this run of the tests has executed them, without outputs where it does not."""
    out = tmp_path_factory.mktemp("book")
    for entry in series.entries():
        make_book.write(executed_notebooks.for_the_book(entry.path), out / Path(entry.path).name)
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "book" / "make_book.py", "--executed", out, "--out", out],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr  # a warning is an error
    return out / "book"


class Page(HTMLParser):
    """What a page loads, where it links to, and what can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads, self.links, self.anchors, self.without_words = [], [], {""}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name") if tag == "a" else None}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "link" and {"stylesheet", "preload", "icon"} & set(found.get("rel", "").split()):
            self.loads.append(found["href"])
        if tag != "a" and found.get("src"):
            self.loads.append(found["src"])
        if tag == "img" and not (found.get("alt") or "").strip():
            self.without_words.append(found["src"][:60])


@pytest.fixture(scope="module")
def pages(book) -> dict[Path, Page]:
    return {path: Page(path) for path in book.rglob("*.html") if "_static" not in path.relative_to(book).parts}


def test_every_notebook_stands_in_the_table_of_contents(book, pages):
    for entry in series.entries():
        assert entry.path.replace(".ipynb", ".html") in pages[book / "index.html"].links
        text = (book / entry.path).with_suffix(".html").read_text(encoding="utf-8")
        assert entry.title in text
        assert "FERLAB_SOURCE" not in text


def test_links_within_the_book_lead_somewhere(pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if not address.scheme:
                target = (path.parent / unquote(address.path)).resolve() if address.path else path
                there = target.is_file() if target not in pages else unquote(address.fragment) in pages[target].anchors
                if not there:
                    dead.append(f"{path.name}: {link}")
    assert not dead


def test_nothing_is_loaded_from_elsewhere(pages):
    for path, page in pages.items():
        for address in page.loads:
            if not address.startswith("data:"):
                assert not urlsplit(address).scheme and not address.startswith("//"), f"{path.name} loads {address}"
                assert (path.parent / unquote(urlsplit(address).path)).is_file(), f"{path.name} lacks {address}"


def test_every_picture_has_words(pages):
    assert {path.name: page.without_words for path, page in pages.items() if page.without_words} == {}


def test_formulas_are_mathml(book):
    text = (book / "notebooks" / "03_center_and_triplet_center_loss.html").read_text(encoding="utf-8")
    assert text.count("<math") > 20
    assert (book / "_static" / "STIXTwoMath-Regular.ttf").stat().st_size > 100_000


REFERENCE = re.findall(r"^   (ferlab\.\S+)$", (ROOT / "docs" / "book" / "api.md").read_text("utf-8"), re.MULTILINE)


def test_the_reference_lists_every_package():
    packages = {f"ferlab.{found.name}" for found in pkgutil.iter_modules(ferlab.__path__) if found.ispkg}
    assert packages <= set(REFERENCE)


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_holds_every_public_name(book, name):
    text = (book / "api" / f"{name}.html").read_text(encoding="utf-8")
    package = importlib.import_module(name)
    things = {thing: getattr(package, thing) for thing in package.__all__}
    described = [thing for thing, what in things.items() if inspect.isclass(what) or inspect.isfunction(what)]
    assert [thing for thing in described if f'id="{name}.{thing}"' not in text] == []


def test_a_table_that_a_cell_computes_is_a_table(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text("# Book\n\n```{toctree}\npage\n```\n", encoding="utf-8")
    output = nbformat.v4.new_output("display_data", {"text/markdown": "| a | b |\n|---|---|\n| 1 | 2 |"})
    cells = [nbformat.v4.new_markdown_cell("# Page"), nbformat.v4.new_code_cell("table", outputs=[output])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), source / "page.ipynb")
    html = tmp_path / "html"
    made = subprocess.run(
        [sys.executable, "-m", "sphinx", "--builder", "html", "--conf-dir", ROOT / "docs" / "book", source, html],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "<td" in (html / "page.html").read_text(encoding="utf-8")


def test_a_widget_becomes_its_picture_or_its_text(tmp_path):
    cell = nbformat.v4.new_code_cell
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell("from ferlab.widgets import LossPlayground, action_unit_slider\nLossPlayground('ce')"),
            cell("from ferlab.classroom import ask\nask('Which <one>?', ['this', 'that'])"),
            cell("action_unit_slider('AU12', size=32)"),
            cell("import ipywidgets\nipywidgets.Output()"),
            cell("print('said')"),
        ]
    )
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    make_book.write(notebook, tmp_path / "widgets.ipynb")
    playground, question, face, nothing, words = (cell.outputs for cell in notebook.cells)
    assert playground[0].data["text/html"].startswith('<img src="data:image/png;base64,')
    assert 'alt="LossPlayground(&#x27;ce&#x27;, 3 classes' in playground[0].data["text/html"]
    assert "Which &lt;one&gt;?" in question[0].data["text/html"] and "<li>that</li>" in question[0].data["text/html"]
    assert 'alt="The face with AU12 (lip corner puller) at 0.60"' in face[0].data["text/html"]
    assert nothing == [] and words[0].text == "said\n"
    assert "widget" not in nbformat.writes(notebook).replace("ferlab.widgets", "").replace("ipywidgets", "")


# A picture of a whole page takes seconds; `make notebooks` makes the book to look at.
LOOKED_AT = ("index", "docs/DATA_CARD", "notebooks/03_center_and_triplet_center_loss")


@pytest.mark.browser
@pytest.mark.slow(1)  # after all that is slow: the book waits for the notebooks
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_is_readable_from_disk_without_a_network(book, browser, build_folder, scheme):
    wrong = []
    for width in (1280, 640):  # 640: what is left of 1280 at 200 % zoom
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        page = context.new_page()
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.on("requestfailed", lambda request: wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        names = ["index", "glossary", "api/ferlab.losses", "docs/DATA_CARD"]
        names += [entry.path.removesuffix(".ipynb") for entry in series.entries()]
        for name in names:
            page.goto((book / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.dataset.theme") == scheme
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (
                f"{name} is wider than {width} pixels"
            )
            if name in LOOKED_AT:
                picture = build_folder / f"book_{name.replace('/', '_')}_{scheme}_{width}.png"
                page.screenshot(path=picture, full_page=True)
        page.goto((book / "search.html").as_uri() + "?q=margin")
        page.locator("#search-results li", has_text="Center loss and Triplet-Center Loss").wait_for()
        context.close()
    assert wrong == []

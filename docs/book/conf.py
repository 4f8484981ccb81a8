"""Sphinx's settings for the book; make_book.py lays the pages out and calls Sphinx."""

import sys
from importlib.resources import files
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import series  # noqa: E402

import ferlab  # noqa: E402

project = "ferlab"
author = "The ferlab authors"
copyright = author
version = release = ferlab.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "mathml"]
exclude_patterns = ["README.md"]  # only a part of it is shown, by index.md
templates_path = [str(Path(__file__).parent / "templates")]

nb_render_markdown_format = "myst"  # else tables that a cell computes stay bars and dashes
nb_execution_mode = "off"  # make_book.py has executed them
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "groupwise"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_display_short_literal_types = True
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_title = "ferlab"
html_static_path = ["book.css", str(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf")]
html_css_files = ["book.css"]
html_copy_source = False
html_show_search_summary = False  # from disk, a page cannot read another
html_show_sphinx = False
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is; a button changes it
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # its search stands in the sidebar already
    "show_toc_level": 2,
    "use_download_button": False,
}
if repository := series.repository():
    html_theme_options |= {
        "repository_url": repository,
        "repository_branch": series.BRANCH,
        "use_repository_button": True,
        "launch_buttons": {
            "colab_url": series.COLAB,
            "binderhub_url": series.BINDER,
            "notebook_interface": "jupyterlab",
        },
    }

linkcheck_timeout = 15
linkcheck_report_timeouts_as_broken = False


def leave_out(app, kind, name, thing, skip, options):
    """A named tuple's own word for its fields; the class's docstring says what they are."""
    return True if (getattr(thing, "__doc__", "") or "").startswith("Alias for field number") else None


def setup(app):
    app.connect("autodoc-skip-member", leave_out)

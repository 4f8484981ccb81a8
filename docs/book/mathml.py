"""Sphinx extension: formulas as MathML, which browsers draw themselves, without JavaScript and without a network."""

from __future__ import annotations

from html import escape

from docutils.nodes import Element, SkipNode
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

CONVERTER = LatexToMathML(annotation=True, fancy_error=False)
LOGGER = logging.getLogger(__name__)


def mathml(node: Element, display: bool) -> str:
    """The formula of a node; a formula that cannot be read gives a warning and stays LaTeX."""
    try:
        return CONVERTER.convert_with_local_state(node.astext(), displaystyle=display)
    except LatexError as error:
        LOGGER.warning("formula %s: %s", node.astext(), error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def visit_math(writer: HTML5Translator, node: Element) -> None:
    writer.body.append(mathml(node, display=False))
    raise SkipNode


def visit_displaymath(writer: HTML5Translator, node: Element) -> None:
    writer.body.append(f'<div class="formula">{mathml(node, display=True)}</div>\n')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""HTML from templates: one jinja2 environment for the report and the widgets.

A template is a file of the package, named by its path below ``ferlab/``. Every value is escaped: nothing that came from
data, a user or a file's name can become markup; nor does it turn the text around it, since what cannot be seen is
escaped too. In a template, ``{{ value | json }}`` writes a value into a script element, ``{{ name | short(24) }}`` the
beginning and the end of a long name, and ``{{ source("report/report.css") }}`` a file of the package as it is.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from ferlab.texts import printable, shortened

LOADER = PackageLoader("ferlab", "")


def script_json(value: Any) -> Markup:
    """JSON that can stand in a script element whatever its strings hold: the filter ``json`` of the templates.

    Raises:
        ValueError: NaN or infinity, which JSON does not have.

    Example:
        >>> print(script_json({"name": "</script>"}))
        {"name":"\\u003c/script\\u003e"}
    """
    return Markup(htmlsafe_json_dumps(value, separators=(",", ":"), allow_nan=False))


def source(path: str) -> Markup:
    """A stylesheet or script of the package, to stand in a style or script element; nothing in it is escaped.

    Args:
        path: below ``ferlab/``, such as ``"report/report.css"``.

    Raises:
        jinja2.TemplateNotFound: no such file.
    """
    return Markup(LOADER.get_source(ENVIRONMENT, path)[0])


def _finalized(value: Any) -> Any:
    """What a template writes: of texts that are no markup, only what can be seen."""
    return printable(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


ENVIRONMENT = Environment(
    loader=LOADER,
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_finalized,
)
ENVIRONMENT.filters["short"] = shortened
ENVIRONMENT.filters["json"] = script_json
ENVIRONMENT.globals["source"] = source


def render(template: str, /, **values: Any) -> Markup:
    """The HTML of a template.

    Args:
        template: its path below ``ferlab/``, such as ``"report/templates/page.html"``.
        values: by the names that the template uses. All are escaped but what :func:`render` itself returned, so that
            the HTML of one template can be a value of another.

    Raises:
        jinja2.TemplateNotFound: no such file.
        jinja2.UndefinedError: the template uses a name that has no value.
    """
    return Markup(ENVIRONMENT.get_template(template).render(values))

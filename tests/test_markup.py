"""Templates: what is escaped, what is not, and that a forgotten value is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

import ferlab
from ferlab.markup import ENVIRONMENT, script_json, source

PACKAGE = Path(ferlab.__file__).parent
HOSTILE = "</script><img src=x onerror='a()'>\" & \u2028"


def from_text(text: str, **values: object) -> str:
    return ENVIRONMENT.from_string(text).render(values)


def test_values_are_escaped_in_text_and_attributes():
    html = from_text('<p title="{{ value }}">{{ value }}</p>', value=HOSTILE)
    assert html.count("<") == html.count(">") == 2 and html.count('"') == 2 and "'" not in html
    assert "&lt;/script&gt;" in html and "&amp;" in html


def test_the_html_of_one_template_is_a_value_of_another():
    inner = Markup(from_text("<b>{{ value }}</b>", value="<i>"))
    assert from_text("<p>{{ inner }}</p>", inner=inner) == "<p><b>&lt;i&gt;</b></p>"


def test_a_name_without_a_value_is_an_error():
    with pytest.raises(UndefinedError, match="forgotten"):
        from_text("{{ forgotten }}")
    with pytest.raises(UndefinedError, match="forgotten"):
        from_text("{% if forgotten %}there{% endif %}")


def test_lines_that_hold_a_block_alone_leave_nothing():
    text = "<ul>\n  {% for value in values %}\n  <li>{{ value }}</li>\n  {% endfor %}\n</ul>"
    assert from_text(text, values=[1, 2]) == "<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>"


def test_json_stays_within_its_script_element():
    value = {"names": [HOSTILE], "share": 0.5, "none": None}
    html = from_text('<script type="application/json">{{ value | json }}</script>', value=value)
    assert html.count("<") == 2 and "&" not in html and "\u2028" not in html
    assert json.loads(html.removeprefix('<script type="application/json">').removesuffix("</script>")) == value
    with pytest.raises(ValueError, match="JSON"):
        script_json([float("nan")])


def test_files_of_the_package_come_as_they_are():
    css = (PACKAGE / "report" / "report.css").read_text(encoding="utf-8")
    assert source("report/report.css") == css
    assert from_text('<style>{{ source("report/report.css") }}</style>') == f"<style>{css}</style>"
    with pytest.raises(TemplateNotFound):
        source("../pyproject.toml")


def test_what_cannot_be_seen_is_escaped_and_markup_is_left_alone():
    assert (
        from_text("{{ value }}|{{ inner }}", value="a\u202eb\udce4\x1b\n", inner=Markup("<b>"))
        == r"a\u202eb\xe4\x1b" + "\n|<b>"
    )
    assert from_text("{{ value | short(9) }}", value="x" * 200 + "<") == "xxxxx…xx&lt;"

"""The templates escape every value, reject a missing one, and contain no unescaped output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from pneumonia.errors import UnreadableImage
from pneumonia.evaluation.table import Table
from pneumonia.inference.decision import Failure
from pneumonia.web import batch_text, page_text, plots, rendering

from .parsed_html import SCRIPT, Page, answer

WEB = Path(rendering.__file__).parent
TEMPLATES = sorted(rendering.TEMPLATES.rglob("*.html"))
ATTRIBUTE = 'x" onerror="alert(1)" y=\''
"""Leaves its attribute if quotes are not escaped."""


def figures(table: Table, **options: Any) -> str:
    macro = rendering.environment().get_template("table.html").module.figures  # type: ignore[attr-defined]
    return str(macro(table, **options))


def test_a_table_is_html() -> None:
    table = Table("Caption", ["a", "b"], [["1", "2"]])
    assert figures(table).replace("\n", "") == (
        '<div class="scroll" tabindex="0" role="region" aria-label="Caption"><table class="figures">'
        '<caption>Caption</caption><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
        '<tbody><tr><th scope="row">1</th><td class="short">2</td></tr></tbody></table></div>'
    )
    assert '<table class="figures tight">' in figures(table, is_compact=True)


def test_every_cell_of_a_table_is_escaped() -> None:
    html = figures(Table("<i>", ["<b>", "<b>"], [["<script>", '"&']]))
    assert "<i>" not in html and "<b>" not in html and "<script>" not in html
    assert html.count("&lt;b&gt;") == 2 and "&#34;&amp;" in html


@pytest.mark.parametrize("text", [SCRIPT, ATTRIBUTE, "{{ 7 * 7 }}{% raw %}"])
def test_text_stays_text_and_attributes_stay_attributes(text: str) -> None:
    error = UnreadableImage(text)
    pages = [
        Page(page_text.failure(Failure(text, error))),
        Page(page_text.headline(answer("Normal", 0.2, warnings=(text,)))),
        Page(batch_text.error_message(error)),
        Page(figures(Table(text, [text], [[text]]))),
        Page(str(plots.plot(text, text, plots.Axes(text, text), marks=[plots.Mark(0.5, 0.5, text)]))),
    ]
    for page in pages:
        assert text in page.text
        assert "script" not in page.names
        assert not any("onerror" in attributes for _, attributes in page.elements)
    labels = [
        attributes["aria-label"] for page in pages for _, attributes in page.elements if "aria-label" in attributes
    ]
    assert labels == [text, f"{text}. {text}"]


def test_a_missing_variable_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendering.render("film_deleted.html")
    with pytest.raises(TemplateNotFound):
        rendering.render("../page.css")


def test_only_a_fragment_is_not_escaped_again() -> None:
    plain, fragment = rendering.render("no_film.html"), rendering.render_fragment("no_film.html")
    assert type(plain) is str and type(fragment) is Markup and plain == fragment
    assert Page(rendering.render("film_deleted.html", message=plain)).text == f"Film deleted {plain}"
    assert "div" in Page(rendering.render("film_deleted.html", message=fragment)).names


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(rendering.TEMPLATES).as_posix())
def test_a_template_compiles_and_turns_escaping_off_nowhere(path: Path) -> None:
    rendering.environment().get_template(path.relative_to(rendering.TEMPLATES).as_posix())
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape", source)
    # Every value in an attribute is quoted, because escaping does not protect an unquoted one.
    assert not re.search(r"=\{\{", source)


def test_only_rendering_declares_text_as_html() -> None:
    """Other modules use `Markup` as a type and as the empty fragment `Markup()`."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in WEB.rglob("*.py")}
    assert [name for name, source in sources.items() if re.search(r"Markup\([^)]", source)] == ["rendering.py"]


def test_python_contains_no_html() -> None:
    tag = re.compile(r"""["'f]<[a-z]+[ >]|</[a-z]+>""")
    assert [path.name for path in WEB.rglob("*.py") if tag.search(path.read_text(encoding="utf-8"))] == []

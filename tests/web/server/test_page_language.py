"""Gradio's HTML page carries the language of the request, before any script of Gradio runs."""

from __future__ import annotations

import gradio
import pytest

from pneumonia.languages import LANGUAGES, use_language
from pneumonia.web.server.page_language import localise

PAGE = b'<!doctype html>\n<html\n\tlang="en"\n\tstyle="margin: 0">\n<head>\n<title>x</title></head><p lang="en"><head>'


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_has_the_tag_of_the_language_and_the_script(code: str) -> None:
    with use_language(code):
        text = localise(PAGE).decode()
    assert f'<html\n\tlang="{LANGUAGES[code].tag}"\n' in text
    assert text.count("<script>") == 1 and text.index("<script>") < text.index("<title>")
    assert f'served = "{code}"' in text and '<p lang="en"><head>' in text


def test_gradios_page_has_the_places_that_are_replaced() -> None:
    with open(f"{gradio.__path__[0]}/templates/frontend/index.html", "rb") as file:
        page = file.read()
    with use_language("vi"):
        localised = localise(page)
    assert b'lang="vi"' in localised[:200]
    assert localised.index(b"<head><script>") < localised.index(b"window.gradio_config")


def test_other_pages_are_unchanged() -> None:
    with use_language("fr"):
        assert localise(b"<p>No page</p>") == b"<p>No page</p>"

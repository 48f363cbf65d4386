"""Configuration and answers of a page are in the language of the request; its public endpoints are English."""

from __future__ import annotations

import asyncio
import contextvars
import gettext
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest

from pneumonia import messages
from pneumonia.languages import use_language
from pneumonia.messages import deferred, message, translate
from pneumonia.web.localised_page import LocalisedPage
from pneumonia.web.server.request_language import language_of


class Upper(gettext.NullTranslations):
    """A catalogue in which every sentence is in capitals."""

    def gettext(self, message: str) -> str:
        return message.upper()


@pytest.fixture(autouse=True)
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    english = gettext.NullTranslations()
    monkeypatch.setattr(messages, "catalogue", lambda code: Upper() if code == "fr" else english)


@pytest.fixture
def page() -> LocalisedPage:
    page: LocalisedPage
    with LocalisedPage(analytics_enabled=False) as page:
        gr.HTML(deferred(lambda: f"<p>{translate(message('hello'))}</p>"))
        gr.Markdown(message("a note"))
        label, choice, kept = gr.Textbox(label=message("name")), gr.Radio([(message("one"), "one")]), gr.State()
        button = gr.Button(message("run"))
        button.click(_answer, None, [label, choice, kept, button], api_visibility="private")
        button.click(_answer, None, [label, choice, kept, button], api_name="answer")
        button.click(lambda: {label: message("by component")}, None, [label, choice], api_visibility="private")
    return page


def _answer() -> tuple[Any, ...]:
    return message("done"), gr.update(choices=[(message("two"), "two")]), message("state"), gr.Button(message("again"))


def texts(config: dict[str, Any]) -> list[Any]:
    found = []
    for component in config["components"]:
        props = component["props"]
        found += [props.get("value"), props.get("label"), props.get("choices")]
    return [text for text in found if text]


def call(page: LocalisedPage, index: int) -> list[Any]:
    """The outputs of a function of the page, called in a thread, because a browser test's loop may run in this one."""
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(context.run, lambda: asyncio.run(page.process_api(index, []))).result()
    data: list[Any] = result["data"]
    return data


def test_the_configuration_is_translated_for_each_request(page: LocalisedPage) -> None:
    with use_language("fr"):
        translated = texts(page.config)
    expected = ["<p>HELLO</p>", "A NOTE", "NAME", "RUN", [["ONE", "one"]]]
    assert [text for text in expected if text not in translated] == []
    assert "<p>hello</p>" in texts(page.config) and [("one", "one")] in texts(page.config)


def test_handlers_of_the_page_answer_in_the_language_of_the_request(page: LocalisedPage) -> None:
    with use_language("fr"):
        text, radio, state, button = call(page, 0)
    assert (text, radio["choices"], state, button["value"]) == ("DONE", [["TWO", "two"]], None, "AGAIN")
    assert call(page, 0)[0] == "done"


def test_a_public_endpoint_answers_in_english(page: LocalisedPage) -> None:
    with use_language("fr"):
        assert call(page, 1)[0] == "done"
        assert "NAME" not in str(page.get_api_info())


def test_outputs_by_component_are_translated(page: LocalisedPage) -> None:
    with use_language("fr"):
        assert call(page, 2)[0] == "BY COMPONENT"


@pytest.mark.parametrize(
    ("query", "header", "code"),
    [
        (b"lang=vi", "fr", "vi"),
        (b"lang=zh-CN&x=1", "", "zh"),
        (b"lang=xx", "pt-BR,pt;q=0.9", "pt"),
        (b"", "de,en;q=0.5", "en"),
        (b"lang=%FF&lang", "", "en"),
        (b"", "", "en"),
    ],
)
def test_the_language_of_a_request_is_that_of_its_link_then_of_its_browser(
    query: bytes, header: str, code: str
) -> None:
    headers = [(b"accept-language", header.encode())]
    assert language_of({"type": "http", "query_string": query, "headers": headers}) == code

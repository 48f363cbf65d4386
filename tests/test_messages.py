"""A message is its English text, and is built again in another language with the same values."""

from __future__ import annotations

import copy
import gettext
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from pneumonia import languages, messages
from pneumonia.languages import current_language, use_language
from pneumonia.messages import deferred, join, message, number, plural_message, translate

FRENCH = {
    "The film has {count} frames.": "Le cliché a {count} images.",
    "Model: {name}. {advice}": "{advice} Modèle : {name}.",
    "Please wait.": "Veuillez patienter.",
    "about {share:.1f} %": "environ {share:.1f} %",
}


class Catalogue(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return FRENCH.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return "{count} cliché" if n < 2 else "{count} clichés"


@pytest.fixture(autouse=True)
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    english = gettext.NullTranslations()
    monkeypatch.setattr(messages, "catalogue", lambda code: Catalogue() if code == "fr" else english)


def test_a_message_is_its_english_text() -> None:
    text = message("The film has {count} frames.", count=3)
    assert text == "The film has 3 frames." and {text: 1} == {"The film has 3 frames.": 1}
    assert json.dumps([text]) == '["The film has 3 frames."]'


def test_a_message_is_translated_with_its_values() -> None:
    assert translate(message("The film has {count} frames.", count=3), "fr") == "Le cliché a 3 images."


def test_values_that_are_messages_are_translated_in_the_order_of_the_language() -> None:
    text = message("Model: {name}. {advice}", name="Please wait.", advice=message("Please wait."))
    assert translate(text, "fr") == "Veuillez patienter. Modèle : Please wait.."


def test_other_strings_are_returned_as_they_are() -> None:
    assert translate("Please wait.", "fr") == "Please wait."


def test_the_default_is_the_language_of_the_request() -> None:
    text = message("Please wait.")
    assert translate(text) == "Please wait."
    with use_language("fr"):
        assert translate(text) == "Veuillez patienter."
    assert translate(text) == "Please wait."


def test_numbers_have_the_signs_of_the_language() -> None:
    assert translate(message("about {share:.1f} %", share=93.44), "fr") == "environ 93,4 %"
    assert number(1234567) == "1,234,567"
    assert [translate(number(1234.5, ",.1f"), code) for code in ("fr", "pt", "zh")] == [
        "1\N{NO-BREAK SPACE}234,5",
        "1.234,5",
        "1,234.5",
    ]


def test_a_string_of_digits_and_dots_is_no_number() -> None:
    assert translate(message("Model: {name}. {advice}", name="v1.2", advice=""), "fr") == " Modèle : v1.2."


def test_braces_of_a_value_are_text() -> None:
    assert translate(message("Model: {name}. {advice}", name="{x}", advice=""), "fr") == " Modèle : {x}."


def test_plural_forms_follow_the_language() -> None:
    films = [plural_message("{count} film", "{count} films", count) for count in (0, 1, 2)]
    assert films == ["0 films", "1 film", "2 films"]
    assert [translate(text, "fr") for text in films] == ["0 cliché", "1 cliché", "2 clichés"]


def test_joined_texts_are_translated_one_by_one() -> None:
    text = join([message("Please wait."), "", "A.png", message("Please wait.")])
    assert text == "Please wait. A.png Please wait."
    assert translate(text, "fr") == "Veuillez patienter. A.png Veuillez patienter."
    assert translate(text, "zh") == "Please wait.A.pngPlease wait."
    assert translate(join(["a", "b"], " · "), "zh") == "a · b"


@pytest.mark.parametrize(
    ("code", "items", "title"),
    [("en", "a, b", "a: b"), ("es", "a, b", "a: b"), ("fr", "a, b", "a\N{NO-BREAK SPACE}: b"), ("zh", "a，b", "a：b")],
)
def test_signs_between_items_and_after_a_title_are_those_of_the_language(code: str, items: str, title: str) -> None:
    assert translate(join(["a", "b"], ", "), code) == items
    assert translate(join(["a", "b"], ": "), code) == title


def test_a_deferred_text_is_made_again_in_each_language() -> None:
    text = deferred(lambda name: f"{name}: {translate(message('Please wait.'))}", "A")
    with use_language("fr"):
        assert text == "A: Please wait."
    assert translate(text, "fr") == "A: Veuillez patienter."


def test_a_deferred_function_may_return_a_message() -> None:
    assert translate(deferred(lambda: deferred(lambda: message("Please wait."))), "fr") == "Veuillez patienter."


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_copy_keeps_its_template(copied: object) -> None:
    text = join([plural_message("{count} film", "{count} films", 3), message("Please wait.")])
    assert callable(copied) and translate(copied(text), "fr") == "3 clichés Veuillez patienter."


def test_requests_in_different_languages_do_not_mix() -> None:
    def answers(code: str) -> set[str]:
        with use_language(code):
            return {f"{current_language()} {translate(message('Please wait.'))}" for _ in range(500)}

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(answers, ["fr", "en"])) == [{"fr Veuillez patienter."}, {"en Please wait."}]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("pt-BR", "pt"),
        ("zh_CN.UTF-8", "zh"),
        ("zh-Hant-TW", "zh"),
        ("in", "id"),
        ("EN", "en"),
        ("id.UTF-8", "id"),
        ("C", None),
        ("", None),
        ("*", None),
        ("frx", None),
    ],
)
def test_a_language_tag_selects_a_language_or_none(tag: str, code: str | None) -> None:
    assert languages.find(tag) == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("de, id;q=0.5", "id"),
        ("en;q=0.2, es;q=0.7", "es"),
        ("fr;q=0, pt;q=0.1", "pt"),
        ("de;q=x, , ;q=, fr;q=nan", "en"),
        ("", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_first_known_language_of_a_browser_is_used(header: str, code: str) -> None:
    assert languages.from_accept_language(header) == code

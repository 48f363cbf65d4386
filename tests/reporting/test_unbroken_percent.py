from __future__ import annotations

import pytest

from pneumonia.languages import use_language
from pneumonia.messages import message, translate
from pneumonia.reporting.unbroken_percent import markdown_with_unbroken_percent, percent_parts
from pneumonia.web.rendering import render


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_a_percentage_and_its_sign_stay_together(space: str) -> None:
    parts = percent_parts(f"Below 2.5{space}% and above 97,5{space}%.")
    assert [part for part, is_percentage in parts if is_percentage] == [f"2.5{space}%", f"97,5{space}%"]
    assert "".join(part for part, _ in parts) == f"Below 2.5{space}% and above 97,5{space}%."


def test_an_interval_stays_together() -> None:
    parts = percent_parts("88.5 % (84.1-92.3), 97,5 % (96,4-99,2) of 12 (9 in 10)")
    kept = [part for part, is_kept in parts if is_kept]
    assert kept == ["88.5 %", "(84.1-92.3)", "97,5 %", "(96,4-99,2)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("children of 1-5 years, or 6-17", ["1-5", "6-17"]),
        ("AUROC .860 (.835-.884), 0,860 (0,835-0,884)", ["(.835-.884)", "(0,835-0,884)"]),
        ("79.0\u201384.6; COVID-19, ChestX-ray14, AI-1", ["79.0\u201384.6"]),
        ("SIIM-FISABIO-RSNA (955 films)", []),
    ],
)
def test_an_interval_of_any_notation_stays_together(text: str, expected: list[str]) -> None:
    assert [part for part, is_kept in percent_parts(text) if is_kept] == expected


def test_markdown_has_the_same_parts_outside_of_code() -> None:
    text = message("**a** `v1-2`, {share} (84.1-92.3): {share}", share=message("{value:.1f} %", value=5))
    marked = '<span class="nowrap">5.0 %</span>'
    assert markdown_with_unbroken_percent(text) == (
        f'**a** `v1-2`, {marked} <span class="nowrap">(84.1-92.3)</span>: {marked}'
    )
    with use_language("es"):
        assert "5,0" in translate(markdown_with_unbroken_percent(text))


def test_the_template_escapes_the_text_and_adds_no_space() -> None:
    html = render("depth.html", sentences=["<b>5 %</b>, 7 %."])
    assert '<p>&lt;b&gt;<span class="nowrap">5 %</span>&lt;/b&gt;, <span class="nowrap">7 %</span>.</p>' in html


def test_the_sentence_is_in_the_language_of_the_request() -> None:
    with use_language("es"):
        assert percent_parts(message("{share} %", share=2.5)) == [("2,5 %", True)]

from __future__ import annotations

import pytest

from pneumonia.languages import use_language
from pneumonia.messages import message
from pneumonia.reporting.unbroken_percent import percent_parts
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


def test_the_template_escapes_the_text_and_adds_no_space() -> None:
    html = render("depth.html", sentences=["<b>5 %</b>, 7 %."])
    assert '<p>&lt;b&gt;<span class="nowrap">5 %</span>&lt;/b&gt;, <span class="nowrap">7 %</span>.</p>' in html


def test_the_sentence_is_in_the_language_of_the_request() -> None:
    with use_language("es"):
        assert percent_parts(message("{share} %", share=2.5)) == [("2,5 %", True)]

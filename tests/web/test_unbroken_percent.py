from __future__ import annotations

import pytest

from pneumonia.languages import use_language
from pneumonia.messages import message
from pneumonia.web.unbroken_percent import unbroken_percent


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_a_percentage_and_its_sign_stay_on_one_line(space: str) -> None:
    html = unbroken_percent(f"Below 2.5{space}% and above 97,5{space}%.")
    assert html.count('<span class="nowrap">') == 2
    assert f'<span class="nowrap">97,5{space}%</span>' in html


def test_the_text_is_escaped() -> None:
    assert unbroken_percent("<b>5 %</b>") == '&lt;b&gt;<span class="nowrap">5 %</span>&lt;/b&gt;'


def test_the_sentence_is_in_the_language_of_the_request() -> None:
    with use_language("es"):
        assert "2,5 %" in unbroken_percent(message("{share} %", share=2.5))

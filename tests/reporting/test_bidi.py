"""Order of names that mix left-to-right and right-to-left letters, as the Unicode bidirectional algorithm has it."""

from __future__ import annotations

import pytest

from pneumonia.reporting.bidi import base_level, levels, visual_order


def shown(text: str) -> str:
    """The text from left to right as it is seen; capital letters below stand for Hebrew ones."""
    hebrew = text.translate({code: 0x5D0 + code - 65 for code in range(65, 91)})
    of = levels(hebrew, base_level(hebrew))
    order = visual_order(of)
    return "".join(text[index] for index in order)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("film one", "film one"),
        ("ABC", "CBA"),
        ("ABC DEF", "FED CBA"),
        ("name: ABC DEF", "name: FED CBA"),
        ("name: ABC DEF.png", "name: FED CBA.png"),
        ("ABC film DEF", "FED film CBA"),
        ("ABC 12", "12 CBA"),
        ("name ABC 12.png", "name 12 CBA.png"),
        ("film 12", "film 12"),
        ("ABC-DEF, film 3", "film 3 ,FED-CBA"),
        ("", ""),
        ("12", "12"),
    ],
)
def test_a_line_is_in_the_order_in_which_it_is_drawn(text: str, expected: str) -> None:
    assert shown(text) == expected

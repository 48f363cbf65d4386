"""The tables of `monitor` in a terminal: each column begins at the same place in every line, in every language."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pneumonia.languages import LANGUAGES, use_language
from pneumonia.monitoring import report_text
from pneumonia.monitoring.report_tables import COMPARISON_NAMES, RESULT_NAMES
from pneumonia.monitoring.report_text import FIRST_COLUMN, align, display_width


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("film", 4), ("胸片", 4), ("胸片，CR", 8), ("phổi", 4), ("phô\u0309i", 4), ("ｶﾅ", 2), ("95\u00a0%", 4)],
)
def test_the_width_is_that_of_a_terminal(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_columns_of_each_language_are_aligned(language: str) -> None:
    names, results = list(COMPARISON_NAMES.values()), list(RESULT_NAMES.values())
    rows = [["What", "Result", "n"], *([name, results[index % 4], "#"] for index, name in enumerate(names))]
    with use_language(language):
        lines = align(rows)
    ends = {display_width(line) for line in lines if line.endswith("#")}
    assert len(ends) == 1
    assert len([line for line in lines if line.endswith("#")]) == len(names)


@pytest.mark.parametrize("text", ["与训练图像相比的闸门最大指标" * 5, "word " * 30, "x" * 130, "门 gate " * 20])
def test_a_long_first_cell_continues_and_keeps_all_its_characters(text: str) -> None:
    first, *continued = align([[text, "1"], ["b", "2"]])[:-1]
    assert display_width(first) == FIRST_COLUMN + 2 + 1 or first.endswith("1")
    assert all(display_width(line) <= FIRST_COLUMN + 2 for line in continued)
    cell = first.removesuffix("1") + "".join(continued)
    assert "".join(cell.split()) == "".join(text.split())


def test_words_are_not_broken() -> None:
    lines = list(report_text._wrap("one two three four", 9))
    assert lines == ["one two", "three", "four"]
    assert all(display_width(f"{line} {following.split()[0]}") > 9 for line, following in pairwise(lines))

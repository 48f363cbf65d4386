"""Unusual and malformed files as rows of a table, from which both a test and a page of the documentation are made.

To document the behaviour for a class of files, a test module defines

    ODDITIES = (
        Oddity("a PNG whose text chunk has a wrong checksum", make_file, READ, "text does not change the picture"),
        Oddity("a PNG with broken EXIF tags", make_file, warned("orientation"), "the film may be stored rotated"),
        Oddity("a PDF", make_file, refused("unsupported_format"), "export the film as PNG or DICOM"),
    )

    @pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
    def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
        check(oddity, predictor, plain_film())

and is added to `SECTIONS` in `tests/inputs_page.py`. `python -m tests.inputs_page` then writes `docs/inputs.md`;
`tests/test_inputs_page.py` fails while the page differs from the tables. `make` takes no argument and returns the bytes
of the file; `plain_film()` is the array or file whose answer a file that is read must give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pneumonia import PneumoniaError, Predictor

MAX_DIFFERENCE = 0.02
"""Maximum difference of P(pneumonia) between the file and the plain film."""


class Expected(NamedTuple):
    """Result for a file: read as the plain film, with a warning that contains `warning`, or refused with `code`."""

    code: str = ""
    warning: str = ""
    message: str = ""

    def as_markdown(self) -> str:
        if self.code:
            return f"`{self.code}`" + (f": {self.message}" if self.message else "")
        return "read" + (f"; warning: {self.warning}" if self.warning else "")


READ = Expected()


def warned(warning: str) -> Expected:
    """Read as the plain film; one of the warnings contains `warning`."""
    return Expected(warning=warning)


def refused(code: str, message: str = "") -> Expected:
    """Refused with the error `code`; the message contains `message`."""
    return Expected(code=code, message=message)


class Oddity(NamedTuple):
    """One row: `name` says what the file is, `make` returns its bytes, `reason` says why it has this result."""

    name: str
    make: Callable[[], bytes]
    expected: Expected
    reason: str


def check(oddity: Oddity, predictor: Predictor, plain: Any) -> None:
    """Assert that the file has its expected result; `plain` is the same film without the oddity, as any source."""
    expected, data = oddity.expected, oddity.make()
    if expected.code:
        with pytest.raises(PneumoniaError) as caught:
            predictor.predict(data)
        assert caught.value.code == expected.code
        assert expected.message in caught.value.message
        return
    prediction, reference = predictor.predict(data), predictor.predict(plain)
    assert reference.probability is not None, "the plain film must be scored"
    assert prediction.probability is not None, prediction.reason
    assert prediction.label == reference.label
    assert abs(prediction.probability - reference.probability) <= MAX_DIFFERENCE
    assert any(expected.warning in warning for warning in prediction.warnings) or not expected.warning
    if not expected.warning:
        assert prediction.warnings == reference.warnings

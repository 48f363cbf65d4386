from __future__ import annotations

import inspect
import logging
import re
from pathlib import Path

import pytest

from pneumonia import PneumoniaError, errors
from tests.support.error_codes import UNREADABLE_CODES

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PneumoniaError)]
GROUPS = {errors.PneumoniaError, errors.FilmError, errors.ModelError, errors.PublishingError}
"""Base classes that are never raised; a caller can catch all of their subclasses."""


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in TREE if kind not in GROUPS]
    assert len(codes) == len(set(codes))


def test_the_tree_in_the_docstring_shows_every_error_under_its_base() -> None:
    lines = (errors.__doc__ or "").splitlines()
    base_of, base = {}, ""
    for line in lines:
        if match := re.match(r"(│   )?[├└]── (\w+)", line):
            base_of[match[2]] = base if match[1] else "PneumoniaError"
            base = base if match[1] else match[2]
    assert base_of == {kind.__name__: (kind.__base__ or object).__name__ for kind in TREE if kind is not PneumoniaError}


def test_the_docstring_gives_the_code_of_every_error() -> None:
    lines = (errors.__doc__ or "").splitlines()
    for kind in set(TREE) - GROUPS:
        [line] = [line for line in lines if re.search(rf"\b{kind.__name__}\b", line)]
        assert kind.code in line


def test_an_error_becomes_the_error_object_of_the_contract() -> None:
    assert errors.TooSmall("Too dark.").as_dict() == {"code": "too_small", "message": "Too dark."}


def test_film_error_covers_all_codes_of_unreadable_films() -> None:
    film_codes = {kind.code for kind in TREE if issubclass(kind, errors.FilmError)} - {"internal"}
    assert film_codes == UNREADABLE_CODES


def raised_error(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_hidden_error_shows_and_logs_the_same_id_and_never_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        error = errors.InternalError.from_exception(raised_error("PatientName Doe^Jane in jane_doe.dcm"))
    match = re.search(r"\b[0-9a-f]{12}\b", error.message)
    assert match is not None
    assert match[0] in caplog.text
    assert "ValueError" in caplog.text
    assert "jane" not in (caplog.text + error.message).lower()


def test_the_log_has_file_line_and_function_of_every_frame(caplog: pytest.LogCaptureFixture) -> None:
    def inner(secret: str) -> None:
        raise KeyError(secret)

    def outer(secret: str) -> None:
        inner(secret)

    with pytest.raises(KeyError) as caught:
        outer("jane_doe")
    errors.InternalError.from_exception(caught.value)
    first = inner.__code__.co_firstlineno
    for line, name in ((first + 1, "inner"), (first + 4, "outer")):
        assert f"tests/test_errors.py:{line} {name}" in caplog.text
    assert str(Path(__file__).parent) not in caplog.text, "the folder may contain the name of a user"
    assert "jane" not in caplog.text


def test_the_log_names_the_cause_of_a_hidden_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError) as caught:
        try:
            raise raised_error("jane_doe")
        except ValueError as error:
            raise RuntimeError("jane_doe") from error
    errors.InternalError.from_exception(caught.value)
    assert re.search(r"RuntimeError at .* \| caused by ValueError at .* raised_error", caplog.text)
    assert "jane" not in caplog.text


def test_an_error_that_was_never_raised_can_be_hidden_too(caplog: pytest.LogCaptureFixture) -> None:
    assert errors.InternalError.from_exception(KeyError("secret")).code == "internal"
    assert "secret" not in caplog.text


def test_two_incidents_have_two_ids() -> None:
    assert (
        errors.InternalError.from_exception(KeyError("x")).message.split()[-1]
        != (errors.InternalError.from_exception(KeyError("x")).message.split()[-1])
    )

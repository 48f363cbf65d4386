"""The decorator of the programs: what it returns and prints after an error."""

from __future__ import annotations

import pytest

from pneumonia.command_line import NOTHING_DONE, SOME_FAILED, entry_point
from pneumonia.errors import UsageError


@entry_point
def program(code: int, *, message: str = "") -> int:
    if message:
        raise UsageError(message)
    return code


def test_the_exit_code_is_that_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert program(SOME_FAILED) == SOME_FAILED
    assert capsys.readouterr() == ("", "")


def test_an_error_is_one_line_on_stderr_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert program(0, message="No films. Allowed: --data DIR. Received: none.") == NOTHING_DONE == 2
    assert capsys.readouterr() == ("", "usage: No films. Allowed: --data DIR. Received: none.\n")


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        entry_point(lambda: 1 // 0)()

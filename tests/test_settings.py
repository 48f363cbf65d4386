from __future__ import annotations

import os
import sys

import pytest

from pneumonia import settings
from pneumonia.errors import UsageError
from pneumonia.settings import Setting

NUMBERS = [
    settings.HUB_TIMEOUT_S,
    settings.MAX_FILE_MB,
    settings.MAX_UPLOAD_MB,
    settings.MAX_PIXELS,
    settings.THREADS,
    settings.QUEUE_SIZE,
    settings.RETENTION_S,
]


def test_threads_are_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert settings.THREADS.read() == 3


def test_threads_are_the_machines_cores_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings.THREADS.read() == 1


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_a_number_is_read_with_its_separators(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("1200", " 1200 ", "1,200", "1_200"):
        monkeypatch.setenv(setting.name, text)
        assert setting.read() == 1200


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_an_illegal_number_is_named_with_what_was_received(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("0", "-3", "ten", "2.5", "1e3", "nan"):
        monkeypatch.setenv(setting.name, text)
        with pytest.raises(UsageError) as caught:
            setting.read()
        assert caught.value.message == f"Invalid {setting.name}. {setting.help} Received: {text!r}."


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_the_minimum_of_a_number_is_one(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting.name, "1")
    assert setting.read() == 1
    monkeypatch.setenv(setting.name, "0")
    with pytest.raises(UsageError, match=setting.name):
        setting.read()


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_a_number_too_long_to_be_read_is_refused(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = sys.get_int_max_str_digits()
    monkeypatch.setenv(setting.name, "9" * (digits + 1))
    with pytest.raises(UsageError, match=setting.name):
        setting.read()


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {setting.name: setting.read() for setting in settings.SETTINGS}
    for text in ("", "   "):
        for name in defaults:
            monkeypatch.setenv(name, text)
        assert {setting.name: setting.read() for setting in settings.SETTINGS} == defaults


@pytest.mark.parametrize(("text", "on"), [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("no", False)])
def test_a_flag_is_read(text: str, on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_SHARE", text)
    assert settings.SHARE.read() is on


def test_an_invalid_flag_is_refused_and_not_taken_as_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_SHARE", "maybe")
    with pytest.raises(UsageError, match="PNEUMONIA_SHARE"):
        settings.SHARE.read()


def test_logins_are_pairs_and_a_password_may_hold_a_colon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_AUTH", "ward:pa:ss, night:owl,")
    assert settings.AUTH.read() == [("ward", "pa:ss"), ("night", "owl")]


@pytest.mark.parametrize("text", ["hunter2", ":hunter2", "ward:,night:hunter2"])
def test_an_illegal_login_is_refused_without_showing_the_password(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_AUTH", text)
    with pytest.raises(UsageError) as caught:
        settings.AUTH.read()
    assert "PNEUMONIA_AUTH" in caught.value.message
    assert "hunter2" not in caught.value.message
    # A traceback in the log would show the cause of the error.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_setting_is_read_when_asked_for_and_not_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MODEL", "first")
    assert settings.MODEL.read() == "first"
    monkeypatch.setenv("PNEUMONIA_MODEL", "second")
    assert settings.MODEL.read() == "second"


def test_the_table_for_the_docs_is_valid_markdown() -> None:
    lines = settings.as_markdown().splitlines()
    assert len(lines) == 2 + len(settings.SETTINGS)
    assert {line.count("|") for line in lines} == {4}, "no text of a setting contains the separator of columns"


@pytest.mark.parametrize("text", ["1.02", "3.1", "1", "1.2.", "1.2.a", "1." + "9" * 42])
def test_an_invalid_uid_root_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_UID_ROOT", text)
    with pytest.raises(UsageError, match="PNEUMONIA_UID_ROOT"):
        settings.UID_ROOT.read()

from __future__ import annotations

import os

import pytest

from pneumonia import settings
from pneumonia.errors import UsageError
from pneumonia.settings import Setting

DEFAULTS = {
    "PNEUMONIA_MODEL": "",
    "PNEUMONIA_HUB_TIMEOUT_S": 10,
    "PNEUMONIA_AUTH": [],
    "PNEUMONIA_MAX_FILE_MB": 50,
    "PNEUMONIA_MAX_UPLOAD_MB": 1000,
    "PNEUMONIA_MAX_PIXELS": 80_000_000,
    "PNEUMONIA_QUEUE_SIZE": 64,
    "PNEUMONIA_RETENTION_S": 600,
    "PNEUMONIA_SHARE": False,
    "PNEUMONIA_MCP": False,
}
"""The documented defaults; that of `PNEUMONIA_THREADS` depends on the machine and has its own test."""

BY_NAME = {setting.name: setting for setting in settings.SETTINGS}
NUMBERS = [setting for setting in settings.SETTINGS if type(DEFAULTS.get(setting.name)) is int]


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_each_setting_has_the_default_of_the_contract(name: str, default: object) -> None:
    assert BY_NAME[name].read() == default


def test_threads_are_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert settings.THREADS.read() == 3


def test_threads_are_the_machines_cores_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings.THREADS.read() == 1


@pytest.mark.parametrize("setting", [*NUMBERS, settings.THREADS], ids=lambda setting: setting.name)
def test_a_number_is_read_with_its_separators(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("1200", " 1200 ", "1,200", "1_200"):
        monkeypatch.setenv(setting.name, text)
        assert setting.read() == 1200


@pytest.mark.parametrize("text", ["0", "-3", "ten", "2.5", "1e3", "nan"])
@pytest.mark.parametrize("setting", [*NUMBERS, settings.THREADS], ids=lambda setting: setting.name)
def test_an_illegal_number_is_named_with_what_was_received(
    setting: Setting, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting.name, text)
    with pytest.raises(UsageError) as caught:
        setting.read()
    assert caught.value.message.startswith(f"Invalid {setting.name}. ")
    assert setting.help in caught.value.message
    assert caught.value.message.endswith(f"Received: {text!r}.")


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_setting_is_the_default(setting: Setting, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = setting.read()
    monkeypatch.setenv(setting.name, text)
    assert setting.read() == default


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


def test_the_table_for_the_docs_has_a_row_for_each_setting() -> None:
    head, rule, *rows = settings.as_markdown().splitlines()
    assert head.count("|") == rule.count("|") == 4
    assert [row.split("`")[1] for row in rows] == [row.name for row in settings.SETTINGS]
    assert all(row.help in line for row, line in zip(settings.SETTINGS, rows, strict=True))
    assert all(line.count("|") == 4 for line in rows)

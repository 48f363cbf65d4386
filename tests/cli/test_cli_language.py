"""Messages of the command line are in the language of the setting or of the terminal; JSON is English."""

from __future__ import annotations

import gettext
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumonia import messages, settings
from pneumonia.cli import main
from pneumonia.languages import ENGLISH, set_language


class Upper(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return message.upper()


@pytest.fixture(autouse=True)
def vietnamese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    english = gettext.NullTranslations()
    monkeypatch.setattr(messages, "catalogue", lambda code: Upper() if code == "vi" else english)
    yield
    set_language(ENGLISH)


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"PNEUMONIA_LANGUAGE": "pt", "LANG": "fr_FR.UTF-8"}, "pt"),
        ({"LC_ALL": "vi_VN.UTF-8", "LANG": "fr_FR.UTF-8"}, "vi"),
        ({"LC_MESSAGES": "zh_CN", "LANG": "fr_FR.UTF-8"}, "zh"),
        ({"LANG": "id_ID.UTF-8"}, "id"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_terminal_unless_the_setting_names_one(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str
) -> None:
    for name in ("PNEUMONIA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert settings.LANGUAGE.read() == code


def test_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PNEUMONIA_LANGUAGE", "tlh")
    assert main(["model"]) == 2
    assert "usage: Invalid PNEUMONIA_LANGUAGE" in capsys.readouterr().err


def test_text_is_translated_and_json_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PNEUMONIA_LANGUAGE", "vi")
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    assert main(["predict", str(empty)]) == 1
    assert capsys.readouterr().out == f"{empty}: empty_file: THE FILE IS EMPTY (0 BYTES).\n"
    assert main(["predict", "--json", str(empty)]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "The file is empty (0 bytes)."

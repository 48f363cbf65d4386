"""The TOML file of the PACS service: every key, and errors that name the key, what is allowed, what was received."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pneumonia.errors import UsageError
from pneumonia.pacs import configuration
from pneumonia.pacs.configuration import Configuration, Destination, Peer, load_configuration, parse_configuration
from pneumonia.pacs.toml_table import describe_keys

EXAMPLE = Path(__file__).parents[2] / "docs" / "pacs.example.toml"


def load_text(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "pacs.toml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path)


def test_the_example_is_valid() -> None:
    example = load_configuration(EXAMPLE)
    assert [peer.ae_title for peer in example.peers] == ["PACS", "CR_ROOM_1"]
    assert [destination.name for destination in example.destinations] == ["archive", "reading-room", "cloud"]
    assert example.folder == EXAMPLE.parent / "pneumonia-queue"


def test_the_example_shows_every_key_with_its_default() -> None:
    """A key behind "# " is read with the others; its value is the default, if it has one that can be shown."""
    lines = [re.sub(r"^# (\w+ = )", r"\1", line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    shown = tomllib.loads("\n".join(lines))
    parse_configuration(shown)
    for name, kind in {**configuration._TABLES, **configuration._LISTS}.items():
        rows = shown[name] if isinstance(shown[name], list) else [shown[name]]
        keys = {key: value for row in rows for key, value in row.items()}
        assert set(keys) == {key for key, _, _ in describe_keys(kind)}, name
    kinds = {**configuration._TABLES, **configuration._LISTS}
    table = ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        table = match[1] if (match := re.fullmatch(r"\[+(\w+)\]+", line)) else table
        if match := re.fullmatch(r"# (\w+) = (.*)", line):
            default = {key: default for key, default, _ in describe_keys(kinds[table])}[match[1]]
            assert default in {None, tomllib.loads(f"x = {match[2]}")["x"]}, line


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load_text(tmp_path, "") == Configuration(base=tmp_path)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[service]\nprot = 1", ["[service]", "Allowed: ae_title", "Received: prot"]),
        ("[servce]", ["[service]", "Received: servce"]),
        ("[service]\nport = 70000", ["[service] port", "0 to 65,535", "Received: 70000"]),
        ("[service]\nport = true", ["[service] port", "Received: True"]),
        ('[service]\nport = "104"', ["[service] port", "Received: '104'"]),
        ('[service]\nae_title = "TOO LONG A TITLE FOR DICOM"', ["[service] ae_title", "1 to 16 ASCII"]),
        ('[service]\nae_title = "  "', ["[service] ae_title"]),
        ("[service]\nprevalence = nan", ["[service] prevalence", "0 to 1"]),
        ('[results]\nkinds = ["pdf"]', ["[results] kinds", "dicom-sr", "Received: ['pdf']"]),
        ("[results]\nkinds = []", ["[results] kinds", "at least 1"]),
        ('[results]\nlanguage = "de"', ["[results] language", "en, id", "Received: 'de'"]),
        ("service = 1", ["service", "[service]"]),
        ("peer = 1", ["peer", "[[peer]]"]),
        ('[[peer]]\naddresses = ["10.0.0.1"]', ["[[peer]] ae_title", "required"]),
        ('[[peer]]\nae_title = "A"\naddresses = ["pacs.local"]', ["[[peer]] addresses", "10.0.0.0/24"]),
        ('[[peer]]\nae_title = "A"\naddresses = "10.0.0.1"', ["[[peer]] addresses", "square brackets"]),
        ('[[destination]]\nname = "a"\nae_title = "A"\nhost = "h"\nkinds = ["encapsulated-pdf"]', ["[results]"]),
        (2 * '[[destination]]\nname = "a"\nae_title = "A"\nhost = "h"\n', ["[[destination]] name", "Received: 'a'"]),
        ("[service", ["not valid TOML", "table declaration"]),
    ],
)
def test_an_error_names_the_key_what_is_allowed_and_what_was_received(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    with pytest.raises(UsageError) as error:
        load_text(tmp_path, text)
    assert all(part in str(error.value) for part in parts), str(error.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_configuration(tmp_path / "missing.toml")


def configured(**values: Any) -> Configuration:
    return dataclasses.replace(Configuration(), **values)


def test_title_and_address_of_a_peer_must_match() -> None:
    peers = (Peer("CT1"), Peer("CR1", ("10.0.0.0/24", "2001:db8::/32")))
    allows = configured(peers=peers).allows
    assert allows("CT1", "203.0.113.9")
    assert allows("CR1", "10.0.0.77")
    assert allows("CR1", "::ffff:10.0.0.77")
    assert allows("CR1", "2001:db8::5")
    assert not allows("CR1", "10.0.1.77")
    assert not allows("OTHER", "10.0.0.77")


def test_without_a_peer_only_this_machine_may_send() -> None:
    assert Configuration().allows("ANY", "127.0.0.1")
    assert Configuration().allows("ANY", "::1")
    assert not Configuration().allows("ANY", "10.0.0.7")


def test_a_destination_gets_its_kinds_and_callers() -> None:
    everything = Destination("a", "A", "h")
    some = Destination("b", "B", "h", kinds=("dicom-sr",), calling=("CR1",))
    assert everything.receives("secondary-capture", "CR2")
    assert some.receives("dicom-sr", "CR1")
    assert not some.receives("dicom-sr", "CR2")
    assert not some.receives("secondary-capture", "CR1")

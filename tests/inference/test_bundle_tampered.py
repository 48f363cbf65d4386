"""A bundle with any byte range changed is refused by its anchor of trust before any other file is parsed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pneumonia.errors import BundleCorrupt
from pneumonia.inference import bundle, embedded, sources
from pneumonia.inference.gate import Gate
from pneumonia.inference.graph import Graph

SHA256 = embedded.CONFIG_SHA256["children"]

LISTED = tuple(json.loads((sources.EMBEDDED_FOLDER / bundle.CONFIG).read_bytes())["files"])
RANGES = 12
"""Number of byte ranges per file, evenly distributed, including the first and the last byte."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path_factory.mktemp("tampered") / "model"))


@pytest.fixture(autouse=True)
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of a parser fails the test."""

    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("a file was parsed before all were verified")

    monkeypatch.setattr(bundle, "_parse", parsed)
    monkeypatch.setattr(Gate, "from_bytes", parsed)
    monkeypatch.setattr(Graph, "__init__", parsed)


def zeroed(part: bytes) -> bytes:
    return bytes(len(part))


def inverted(part: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in part)


def reversed_(part: bytes) -> bytes:
    return part[::-1]


def removed(part: bytes) -> bytes:
    return b""


def tampered_ranges(path: Path, change: Callable[[bytes], bytes]) -> Iterator[str]:
    """Change one byte range of the file after the other; the original is restored at the end."""
    original = path.read_bytes()
    random = np.random.default_rng(len(original))
    for start in np.linspace(0, len(original) - 1, RANGES).astype(int):
        end = int(start) + int(random.integers(1, 5_000))
        changed = original[:start] + change(original[start:end]) + original[end:]
        if changed != original:
            path.write_bytes(changed)
            yield f"{path.name}[{start}:{end}]"
    path.write_bytes(original)


@pytest.mark.parametrize("change", [zeroed, inverted, reversed_, removed], ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", LISTED)
def test_a_changed_range_of_a_file_is_refused(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    for _ in tampered_ranges(folder / name, change):
        with pytest.raises(BundleCorrupt, match=name.replace(".", r"\.")):
            bundle.load(folder, "embedded", config_sha256=SHA256)


@pytest.mark.parametrize("change", [zeroed, inverted, reversed_, removed], ids=lambda change: change.__name__)
def test_a_changed_range_of_the_config_is_refused_before_it_is_parsed(
    folder: Path, change: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("the config was parsed before it was verified")

    monkeypatch.setattr(bundle.json, "loads", parsed)
    for _ in tampered_ranges(folder / bundle.CONFIG, change):
        with pytest.raises(BundleCorrupt, match="does not match its sha256"):
            bundle.load(folder, "embedded", config_sha256=SHA256)


def test_every_bit_of_the_anchor_counts(folder: Path) -> None:
    for position in range(64):
        other = "0" if SHA256[position] != "0" else "1"
        with pytest.raises(BundleCorrupt, match="does not match its sha256"):
            bundle.load(folder, "embedded", config_sha256=SHA256[:position] + other + SHA256[position + 1 :])

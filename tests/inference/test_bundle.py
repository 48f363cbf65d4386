"""A bundle is verified before any file is parsed; damaged and foreign files are refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pneumonia.errors import BundleCorrupt, ModelNotFound
from pneumonia.inference import bundle, embedded, sources
from pneumonia.inference.gate import Gate

Config = dict[str, Any]
Change = Callable[[Config], object]

SHA256 = embedded.CONFIG_SHA256["children"]

LISTED = tuple(json.loads((sources.EMBEDDED_FOLDER / bundle.CONFIG).read_bytes())["files"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded bundle, which a test damages."""
    return Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "model"))


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of a parser fails the test with an exception that is not caught."""

    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("a file was parsed before all were verified")

    monkeypatch.setattr(bundle, "_parse", parsed)
    monkeypatch.setattr(Gate, "from_bytes", parsed)


def read(folder: Path) -> Config:
    config: Config = json.loads((folder / bundle.CONFIG).read_bytes())
    return config


def change_config(folder: Path, change: Change) -> None:
    config = read(folder)
    change(config)
    (folder / bundle.CONFIG).write_text(json.dumps(config))


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def remove(path: Path) -> None:
    path.unlink()


def turn_into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = (flip_a_byte, truncate, empty, append, remove, turn_into_a_folder)


def test_the_embedded_bundle_is_complete() -> None:
    loaded = bundle.load(sources.EMBEDDED_FOLDER, "embedded", config_sha256=SHA256)
    assert loaded.identity.sha256 == SHA256
    assert loaded.identity.name == "embedded"
    assert loaded.identity.revision == loaded.config["revision"]
    assert len(loaded.graph) == loaded.config["files"][bundle.GRAPH]["size"]
    assert set(loaded.operating_points) == {"screening", "balanced", "confirm"}
    assert loaded.examples and all(path.is_file() for path in loaded.examples)


def test_the_embedded_folder_holds_what_its_config_lists_and_nothing_else() -> None:
    present = {
        path.relative_to(sources.EMBEDDED_FOLDER).as_posix()
        for path in sources.EMBEDDED_FOLDER.rglob("*")
        if path.is_file()
    }
    assert present == {bundle.CONFIG, *LISTED}


def test_the_embedded_bundle_is_smaller_than_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in sources.EMBEDDED_FOLDER.rglob("*") if path.is_file()) < 10_000_000


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("file", LISTED)
def test_a_damaged_file_is_refused_before_any_file_is_parsed(
    folder: Path, file: str, damage: Callable[[Path], None]
) -> None:
    damage(folder / file)
    with pytest.raises(BundleCorrupt, match=file.replace(".", r"\.")):
        bundle.load(folder, "damaged")


@pytest.mark.usefixtures("no_parser")
def test_two_swapped_files_are_refused(folder: Path) -> None:
    graph, gate = folder / bundle.GRAPH, folder / bundle.GATE
    graph.rename(folder / "aside")
    gate.rename(graph)
    (folder / "aside").rename(gate)
    with pytest.raises(BundleCorrupt):
        bundle.load(folder, "swapped")


@pytest.mark.parametrize("damage", [flip_a_byte, truncate, empty, append], ids=lambda damage: damage.__name__)
def test_a_damaged_config_is_refused_by_the_anchor(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder / bundle.CONFIG)
    with pytest.raises(BundleCorrupt, match="does not match its sha256"):
        bundle.load(folder, "embedded", config_sha256=SHA256)


def test_another_valid_model_is_not_accepted_as_the_embedded_one(folder: Path) -> None:
    """An attacker with access to the folder can write matching hashes, but cannot change the anchor in the source."""
    config = read(folder)
    config["calibration"]["intercept"] += 1
    bundle.write_config(folder, config)
    assert bundle.load(folder, "mine").calibration.intercept == config["calibration"]["intercept"]
    with pytest.raises(BundleCorrupt, match="does not match its sha256"):
        bundle.load(folder, "embedded", config_sha256=SHA256)


def set_at(*keys: str | int, value: object) -> Change:
    """A change that sets `config[keys[0]][keys[1]]...`."""

    def change(config: Config) -> None:
        inner: Any = config
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def dropping(*keys: str) -> Change:
    def change(config: Config) -> None:
        inner: Any = config
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


EMPTY_FILE_ENTRY = {"size": 0, "sha256": hashlib.sha256(b"").hexdigest()}
FOREIGN: dict[str, tuple[Change, str]] = {
    "format": (set_at("format", value=2), "format 1"),
    "class order": (set_at("classes", value=["Pneumonia", "Normal"]), "class order"),
    "third class": (set_at("classes", value=["Normal", "Pneumonia", "Covid"]), "class order"),
    "input side": (set_at("input", "shape", value=[224, 224, 3]), "150"),
    "input channels": (set_at("input", "shape", value=[150, 150, 1]), "150"),
    "no graph": (dropping("files", bundle.GRAPH), "does not list model.tflite"),
    "no gate": (dropping("files", bundle.GATE), "does not list gate.npz"),
    "no evaluation": (dropping("files", bundle.EVALUATION), "does not list evaluation.json"),
    "size as text": (set_at("files", bundle.GRAPH, "size", value="6"), "invalid"),
    "short sha256": (set_at("files", bundle.GRAPH, "sha256", value="ab"), "invalid"),
}


@pytest.mark.parametrize(("change", "words"), FOREIGN.values(), ids=FOREIGN)
def test_a_config_of_another_kind_is_refused(folder: Path, change: Change, words: str) -> None:
    change_config(folder, change)
    with pytest.raises(BundleCorrupt, match=words):
        bundle.load(folder, "foreign")


INVALID: dict[str, Change] = {
    **{f"no {key}": dropping(key) for key in ("format", "classes", "input", "files", "revision", "calibration")},
    **{f"no {key}": dropping(key) for key in ("operating_points", "gate")},
    "unknown calibration": set_at("calibration", "temperature", value=1.0),
    "band upside down": set_at("operating_points", "balanced", "low", value=1.0),
    "point above one": set_at("operating_points", "balanced", "high", value=7.0),
    "Normal above one half": set_at("operating_points", "confirm", value={"low": 0.6, "threshold": 0.7, "high": 0.9}),
    "Pneumonia below one half": set_at(
        "operating_points", "screening", value={"low": 0, "threshold": 0.1, "high": 0.4}
    ),
    "no default point": dropping("operating_points", "balanced"),
    "files as list": set_at("files", value=[]),
    "file without facts": set_at("files", bundle.GRAPH, value=None),
}


@pytest.mark.parametrize("change", INVALID.values(), ids=INVALID)
def test_a_config_that_lacks_or_twists_something_is_refused(folder: Path, change: Change) -> None:
    change_config(folder, change)
    with pytest.raises(BundleCorrupt):
        bundle.load(folder, "unfit")


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{", "\xff", '"text"', "[" * 100_000])
def test_a_config_that_is_no_object_is_refused(folder: Path, text: str) -> None:
    (folder / bundle.CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleCorrupt):
        bundle.load(folder, "no object")


ESCAPES = ["../outside.png", "examples/../../outside.png", "/etc/passwd", "examples/..", "..", ".", "", ".hidden"]
ESCAPES += ["a/b/c", "examples\\..\\outside.png", "C:outside.png", "examples//x.png", "x.png\n", "x\0.png"]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "outside.png").write_bytes(b"")
    change_config(folder, set_at("files", name, value=EMPTY_FILE_ENTRY))
    with pytest.raises(BundleCorrupt, match="invalid name"):
        bundle.load(folder, "escape")


@pytest.mark.parametrize("file", [bundle.GATE, bundle.EVALUATION])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"\x80\x04.", b"nonsense"])
def test_a_file_with_a_valid_hash_and_invalid_content_is_refused(folder: Path, file: str, data: bytes) -> None:
    """The hashes match: the bundle was built wrongly, not damaged."""
    (folder / file).write_bytes(data)
    bundle.write_config(folder, read(folder))
    with pytest.raises(BundleCorrupt):
        bundle.load(folder, "nonsense")


def test_a_gate_that_would_run_code_is_refused(folder: Path, tmp_path: Path) -> None:
    """An object array is a pickle; loading it would create `tmp_path/ran`."""

    class Runs:
        def __reduce__(self) -> tuple[Any, tuple[Path]]:
            return Path.mkdir, (tmp_path / "ran",)

    np.savez(folder / bundle.GATE, mean=np.array([Runs()], dtype=object), components=np.zeros(1), variances=np.zeros(1))
    bundle.write_config(folder, read(folder))
    with pytest.raises(BundleCorrupt):
        bundle.load(folder, "pickle")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["", "missing", "file"])
def test_where_there_is_no_bundle_the_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelNotFound, match="Expected: a folder with config.json. Received: "):
        bundle.load(tmp_path / name, "missing")


def test_the_keras_model_may_be_missing(folder: Path) -> None:
    (folder / bundle.KERAS).write_bytes(b"weights")
    bundle.write_config(folder, read(folder))
    assert bundle.KERAS in read(folder)["files"]
    (folder / bundle.KERAS).unlink()
    bundle.load(folder, "without keras")


def test_write_config_lists_the_files_of_the_bundle_only(folder: Path) -> None:
    for foreign in ("checkpoint.keras", "curves.png", "model.tflite.partial", "examples/notes.txt", ".DS_Store"):
        (folder / foreign).write_bytes(b"foreign")
    (folder / "logs").mkdir()
    bundle.write_config(folder, read(folder))
    assert set(read(folder)["files"]) == set(LISTED)


def test_write_config_returns_the_sha256_that_load_reports(folder: Path) -> None:
    digest = bundle.write_config(folder, read(folder))
    assert bundle.load(folder, "sealed", config_sha256=digest).identity.sha256 == digest


def test_a_revision_from_the_hub_overrides_the_one_in_the_config(folder: Path) -> None:
    assert bundle.load(folder, "hub", revision="0123").identity.revision == "0123"

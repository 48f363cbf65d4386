"""Which model is loaded for which name; never another than the requested one."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from pneumonia import load_predictor
from pneumonia.errors import BundleCorrupt, HubUnreachable, ModelError, ModelNotFound
from pneumonia.inference import bundle, embedded, hub_download, sources

SHA256 = embedded.CONFIG_SHA256["children"]


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Hub is a closed port, and the cache is empty."""
    monkeypatch.setenv("PNEUMONIA_HUB_TIMEOUT_S", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    download_from_closed_port = partial(
        hub_download.download_bundle, endpoint="http://127.0.0.1:9", cache=tmp_path / "cache"
    )
    monkeypatch.setattr(sources.hub_download, "download_bundle", download_from_closed_port)


@pytest.fixture
def hub_requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Records the requests to a fake Hub, which returns the folder of the embedded bundle."""
    calls: list[tuple[str, str]] = []

    def fetch(repository: str, revision: str, *, endpoint: str | None = None) -> tuple[Path, str]:
        calls.append((repository, revision))
        return sources.EMBEDDED_FOLDER, "c" * 40

    monkeypatch.setattr(sources.hub_download, "download_bundle", fetch)
    return calls


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid bundle that is not the embedded one."""
    copy = Path(shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "runs" / "best"))
    config, _ = bundle.read_config(copy)
    bundle.write_config(copy, {**config, "revision": "mine"})
    return copy


def test_empty_is_the_embedded_model() -> None:
    identity = sources.load_bundle("").identity
    assert (identity.name, identity.sha256) == ("embedded", SHA256)


def test_without_a_setting_none_is_the_embedded_model() -> None:
    assert sources.load_bundle().identity == sources.load_bundle("").identity


def test_a_folder_is_loaded_under_its_own_name(folder: Path) -> None:
    identity = sources.load_bundle(str(folder)).identity
    assert (identity.name, identity.revision) == ("best", "mine")


def test_the_folder_here_has_a_name_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert sources.load_bundle(".").identity.name == "best"


def test_a_folder_takes_precedence_over_the_hub(
    folder: Path, hub_requests: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parents[1])
    assert sources.load_bundle("runs/best").identity.revision == "mine"
    assert hub_requests == []


def test_the_setting_names_the_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MODEL", str(folder))
    assert load_predictor().models[0].identity.name == "best"


def test_an_argument_takes_precedence_over_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MODEL", str(folder))
    assert sources.load_bundle("").identity.name == "embedded"


HUB_NAMES = {
    "owner/name": ("owner/name", "main"),
    "owner/name@v1.2": ("owner/name", "v1.2"),
    "owner/name@refs/pr/3": ("owner/name", "refs/pr/3"),
    "some-owner/a_b.c@" + "a" * 40: ("some-owner/a_b.c", "a" * 40),
}


@pytest.mark.parametrize(("name", "request_"), HUB_NAMES.items())
def test_a_name_with_an_owner_is_requested_from_the_hub(
    name: str, request_: object, hub_requests: list[object]
) -> None:
    identity = sources.load_bundle(name).identity
    assert hub_requests == [request_]
    assert (identity.name, identity.revision) == (name.partition("@")[0], "c" * 40)


BAD_NAMES = (
    "name",
    "a/b/c",
    "owner/name@",
    "@main",
    "owner/",
    "/name",
    "owner/name@a b",
    "../x y/z",
    "https://hub/a/b",
)


@pytest.mark.parametrize("name", [*BAD_NAMES, "/no/such/folder", "embedded", " ", "owner/name\n", "owner\\name"])
def test_an_invalid_name_is_refused_without_a_request(name: str, hub_requests: list[object]) -> None:
    with pytest.raises(ModelNotFound, match="Allowed: .* Received: "):
        sources.load_bundle(name)
    assert hub_requests == []


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path, hub_requests: list[object]) -> None:
    with pytest.raises(ModelNotFound, match="Expected: a folder with config.json"):
        sources.load_bundle(str(tmp_path))
    assert hub_requests == []


def test_a_damaged_folder_is_refused(folder: Path) -> None:
    (folder / bundle.GRAPH).write_bytes(b"")
    with pytest.raises(BundleCorrupt):
        sources.load_bundle(str(folder))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x1c\0\0\0TFL3" + bytes(100)])
def test_an_invalid_graph_is_refused_when_the_predictor_is_built(folder: Path, data: bytes) -> None:
    (folder / bundle.GRAPH).write_bytes(data)
    bundle.write_config(folder, bundle.read_config(folder)[0])
    with pytest.raises(BundleCorrupt):
        load_predictor(str(folder))


def test_a_hub_that_is_down_gives_an_error_and_not_the_embedded_model(no_hub: None) -> None:
    with pytest.raises(HubUnreachable):
        load_predictor("owner/name")


@pytest.mark.parametrize("name", ["owner/name", "name", "runs/none", "/no/such/folder"])
def test_no_setting_falls_back_to_another_model(no_hub: None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MODEL", name)
    with pytest.raises(ModelError):
        load_predictor()

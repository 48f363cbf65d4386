"""Publishing a bundle to a writable Hub, and what the Hub then holds."""

from __future__ import annotations

from pathlib import Path

from pneumonia.inference import bundle
from pneumonia.publishing import publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import TOKEN, WritableHub
from .conftest import MODEL


def plan(model: Repository, folder: Path, tag: str | None = "v1", *, private: bool = False) -> publish.PublishPlan:
    return publish.plan(publish.load(folder), model, tag, private=private)


def send(model: Repository, folder: Path, tag: str | None = "v1", *, private: bool = False) -> str:
    return publish.execute(plan(model, folder, tag, private=private))


def content(folder: Path) -> dict[str, bytes]:
    config, _ = bundle.read_config(folder)
    return {name: (folder / name).read_bytes() for name in (bundle.CONFIG, *config["files"])}


def assert_whole(hub: WritableHub, folder: Path, commit: str) -> None:
    remote_files = dict(hub.files(MODEL, commit))
    del remote_files[".gitattributes"]
    assert remote_files == content(folder)


def assert_safe_to_show(hub: WritableHub, message: str) -> None:
    assert f"Bearer {TOKEN}" in hub.tokens, "the test is meaningful only if the token was used"
    for secret in (TOKEN, "Bearer", "127.0.0.1", "signature", "Error("):
        assert secret not in message


def change(folder: Path) -> None:
    """Make another valid bundle: the same graph with another calibration."""
    config, _ = bundle.read_config(folder)
    config["calibration"]["intercept"] += 0.1
    bundle.write_config(folder, config)

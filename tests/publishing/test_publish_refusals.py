"""What is not published: without access, with an invalid name or tag, damaged or inconsistent bundles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia.errors import (
    Busy,
    NotAllowed,
    NotLoggedIn,
    PaidPlanNeeded,
    PneumoniaError,
    UsageError,
)
from pneumonia.inference import bundle, sources
from pneumonia.publishing import publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import READ_TOKEN, TOKEN, WritableHub
from .conftest import MODEL
from .publish_support import assert_safe_to_show, change, plan, send

Command = Callable[..., tuple[int, str, str]]


ROOT = Path(__file__).parents[2]


def test_private_publishing_to_a_public_repository_is_refused(
    hub: WritableHub, model: Repository, folder: Path
) -> None:
    hub.push(MODEL, {})
    with pytest.raises(UsageError, match="public"):
        send(model, folder, private=True)


def test_without_a_token_no_request_is_sent(
    hub: WritableHub, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    code, out, err = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER)
    assert (code, out) == (2, "")
    assert err.startswith("hub_login: There is no Hub token. Allowed: ")
    assert hub.requests == []


REFUSED = {
    ("create", 402): PaidPlanNeeded,
    ("create", 403): NotAllowed,
    ("create", 401): NotLoggedIn,
    ("preupload", 403): NotAllowed,
    ("put", 403): NotAllowed,
    ("commit", 403): NotAllowed,
    ("commit", 409): Busy,
    ("info", 401): NotLoggedIn,
}


@pytest.mark.parametrize(("step", "status"), REFUSED)
def test_refusals_of_the_hub_have_their_error_codes(
    hub: WritableHub, model: Repository, folder: Path, step: str, status: int
) -> None:
    hub.fail(step, status)
    with pytest.raises(REFUSED[step, status], match=str(status)) as caught:
        send(model, folder)
    assert_safe_to_show(hub, caught.value.message)


@pytest.mark.parametrize(
    ("token", "name", "error"),
    [
        ("hf_wrong", MODEL, NotLoggedIn),
        (READ_TOKEN, MODEL, NotAllowed),
        (TOKEN, "others/model", NotAllowed),
    ],
    ids=["a wrong token", "a read-only token", "another's namespace"],
)
def test_a_token_without_write_access(
    hub: WritableHub,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    name: str,
    error: type[PneumoniaError],
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(error) as caught:
        send(Repository(name, endpoint=hub.url), folder)
    assert token not in caught.value.message
    assert not hub.has(name)


def test_signed_upload_addresses_are_not_printed(hub: WritableHub, command: Command) -> None:
    hub.fail("put", 500)
    code, out, err = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER)
    assert (code, out) == (2, "")
    assert err.startswith("hub_unreachable: ") and err.count("\n") == 1


@pytest.mark.parametrize("name", ["films", "a/b/c", "clinic/", "/films", "clinic/a b", "clinic/--", "clinic/a..b", ""])
def test_an_invalid_name_is_refused(hub: WritableHub, command: Command, name: str) -> None:
    code, _, err = command("publish", name, "--bundle", sources.EMBEDDED_FOLDER)
    assert code == 2
    assert err.startswith("usage: ") and "OWNER/NAME" in err


TAGS = ["", "main", "HEAD", "a b", "v1/2", "-v1", ".v1", "v1.", "v..1", "v1.lock", "v1\n", "v@{1}", "f" * 40, "0" * 40]


@pytest.mark.parametrize("tag", TAGS)
def test_an_invalid_tag_is_refused(hub: WritableHub, model: Repository, folder: Path, tag: str) -> None:
    with pytest.raises(UsageError, match="Invalid version tag"):
        plan(model, folder, tag)


@pytest.mark.parametrize("tag", ["v1", "1.0", "v1.0-rc.1", "2026_11", "default-0123456789ab", "f" * 12])
def test_usual_tags_are_valid(model: Repository, folder: Path, tag: str) -> None:
    assert plan(model, folder, tag).tag == tag


@pytest.mark.parametrize("spoil", ["damage", "remove", "keras"])
def test_an_incomplete_or_damaged_bundle_is_not_published(
    hub: WritableHub, command: Command, folder: Path, spoil: str
) -> None:
    if spoil == "keras":
        (folder / bundle.KERAS).write_bytes(b"weights")
        bundle.write_config(folder, bundle.read_config(folder)[0])
        (folder / bundle.KERAS).unlink()
    elif spoil == "remove":
        (folder / bundle.GATE).unlink()
    else:
        (folder / bundle.GRAPH).write_bytes(bytes((folder / bundle.GRAPH).stat().st_size))
    code, out, err = command("publish", MODEL, "--bundle", folder)
    assert (code, out) == (2, "") and err.startswith("bundle_corrupt: ")
    assert hub.requests == []


def test_the_embedded_bundle_is_verified_against_its_trust_anchor(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    change(folder)
    monkeypatch.setattr(publish, "EMBEDDED_FOLDERS", {"children": folder})
    with pytest.raises(PneumoniaError, match="does not match its sha256"):
        publish.load(folder)


def test_inconsistent_figures_are_not_published(hub: WritableHub, command: Command, folder: Path) -> None:
    change(folder)
    code, out, err = command("publish", MODEL, "--bundle", folder)
    assert (code, out) == (2, "") and err.startswith("figures_disagree: ")
    assert hub.requests == []


def test_a_folder_without_a_bundle_is_refused(command: Command, hub: WritableHub, tmp_path: Path) -> None:
    code, _, err = command("publish", MODEL, "--bundle", tmp_path / "nowhere")
    assert code == 2 and err.startswith("model_not_found: ")


def test_the_command_needs_no_training_library(hub: WritableHub, tmp_path: Path) -> None:
    """Without these libraries, as on a machine that only serves."""
    for name in ("sklearn", "scipy", "keras", "tensorflow", "cv2", "matplotlib"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
    command = [sys.executable, "-m", "pneumonia", "publish", MODEL, "--dry-run"]
    command += ["--bundle", str(sources.EMBEDDED_FOLDER)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HF_TOKEN": TOKEN, "HF_ENDPOINT": hub.url}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    assert "config.json" in process.stdout


def test_a_full_disk_is_reported(
    hub: WritableHub, model: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.lfs.http_backoff", full)
    with pytest.raises(PneumoniaError) as caught:
        send(model, folder)
    assert caught.value.code == "disk_full"


def test_a_copy_elsewhere_has_the_same_tag(folder: Path, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert publish.default_tag(publish.load(folder)) == publish.default_tag(publish.load(elsewhere))

"""Publishing a bundle on the Hub: uploads, failures, refusals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.errors import (
    TagTaken,
)
from pneumonia.inference import bundle, sources
from pneumonia.publishing import publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import TOKEN, WritableHub
from .conftest import MODEL
from .publish_support import assert_whole, change, content, plan, send

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]

WRITING = {"create", "preupload", "batch", "put", "commit", "tag"}


@pytest.mark.slow
def test_a_published_model_predicts_like_the_embedded_one(
    hub: WritableHub, predictor: Predictor, tmp_path: Path
) -> None:
    """Real processes and a Hub over HTTP: publish, then predict with the printed name."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PNEUMONIA_", "HF_"))}
    hub_environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}

    def run(*arguments: str | Path) -> str:
        command = [sys.executable, "-m", "pneumonia", *map(str, arguments)]
        process = subprocess.run(
            command, cwd=ROOT, env=environment | hub_environment, capture_output=True, text=True, timeout=120
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    pinned = run("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER).strip()
    assert pinned == f"{MODEL}@{hub.history(MODEL)[-1]}"
    film = predictor.models[0].bundle.examples[1]
    remote = json.loads(run("predict", film, "--json", "--model", pinned))
    local = predictor.predict(film).as_dict()
    assert remote["model"] == {
        "name": MODEL,
        "revision": pinned.split("@")[1],
        "sha256": predictor.models[0].identity.sha256,
        "site": None,
    }
    assert {**remote, "model": None} == {**local, "model": None}


def test_the_hub_holds_the_bundle_and_nothing_else_in_one_commit(
    hub: WritableHub, model: Repository, folder: Path
) -> None:
    (folder / "training").mkdir()
    (folder / "training" / "history.json").write_text("{}")
    (folder / ".DS_Store").write_bytes(b"x")
    commit = send(model, folder)
    assert hub.history(MODEL)[1:] == [commit]
    assert hub.tags[MODEL] == {"v1": commit}
    assert_whole(hub, folder, commit)
    assert "model-index" in hub.files(MODEL)[bundle.CARD].decode()
    assert MODEL not in hub.private


def test_the_default_tag_is_derived_from_the_content(hub: WritableHub, model: Repository, folder: Path) -> None:
    send(model, folder, None)
    loaded = publish.load(folder)
    assert list(hub.tags[MODEL]) == [f"default-{loaded.identity.sha256[:12]}"] == [publish.default_tag(loaded)]


def test_a_model_can_be_loaded_by_its_tag(hub: WritableHub, model: Repository, folder: Path) -> None:
    commit = send(model, folder, "v1.0")
    assert sources.load_from_hub(f"{MODEL}@v1.0", endpoint=hub.url).identity.revision == commit


def test_a_model_for_fine_tuning_is_uploaded(hub: WritableHub, model: Repository, folder: Path) -> None:
    (folder / bundle.KERAS).write_bytes(b"weights")
    bundle.write_config(folder, bundle.read_config(folder)[0])
    commit = send(model, folder)
    assert hub.files(MODEL)[bundle.KERAS] == b"weights"
    loaded = sources.load_from_hub(f"{MODEL}@{commit}", endpoint=hub.url)
    assert not (loaded.folder / bundle.KERAS).exists(), "serving does not need it"


@pytest.mark.parametrize("exists", [False, True], ids=["new", "exists"])
def test_a_dry_run_sends_only_read_requests(
    hub: WritableHub, model: Repository, folder: Path, command: Command, exists: bool
) -> None:
    if exists:
        send(model, folder)
        change(folder)
        bundle.write_config(folder, bundle.read_config(sources.EMBEDDED_FOLDER)[0])
        (folder / bundle.CARD).write_text("another card")
        hub.requests.clear()
    code, out, _ = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER, "--tag", "v2", "--dry-run")
    assert code == 0
    assert all(request.startswith("GET ") for request in hub.requests)
    size = sum(map(len, content(sources.EMBEDDED_FOLDER).values()))
    assert f"{size:,}  bytes in" in out
    assert out.splitlines()[-1] == f"would {'change' if exists else 'create'} {hub.url}/{MODEL} and tag it v2"


def test_publishing_the_same_again_uploads_nothing(hub: WritableHub, command: Command) -> None:
    first = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER, "--tag", "v1")
    hub.steps.clear()
    again = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER, "--tag", "v1")
    assert again[:2] == first[:2] and again[0] == 0
    assert re.fullmatch(rf"{MODEL}@[0-9a-f]{{40}}\n", again[1])
    assert again[2] == "v1 exists already with the same content\n"
    assert not WRITING & set(hub.steps)
    dry = command("publish", MODEL, "--bundle", sources.EMBEDDED_FOLDER, "--tag", "v1", "--dry-run")
    assert dry == (0, "", again[2])


def test_a_second_tag_for_the_same_content_needs_no_commit(hub: WritableHub, model: Repository, folder: Path) -> None:
    commit = send(model, folder, "v1")
    assert send(model, folder, "v2") == commit
    assert hub.tags[MODEL] == {"v1": commit, "v2": commit}


def test_a_tag_is_never_moved(hub: WritableHub, model: Repository, folder: Path) -> None:
    commit = send(model, folder)
    change(folder)
    with pytest.raises(TagTaken, match=rf"another --tag. Received: 'v1', which names {commit}; different: config"):
        send(model, folder)
    assert hub.tags[MODEL] == {"v1": commit} and hub.history(MODEL)[-1] == commit


def test_a_tag_behind_main_still_gives_its_commit(hub: WritableHub, model: Repository, folder: Path) -> None:
    first = send(model, folder)
    change(folder)
    second = send(model, folder, "v2")
    assert send(model, sources.EMBEDDED_FOLDER, "v1") == first != second == hub.history(MODEL)[-1]


def test_a_newer_model_uploads_changes_and_removes_obsolete_files(
    hub: WritableHub, model: Repository, folder: Path
) -> None:
    hub.push(MODEL, {**content(folder), "examples/old.png": b"x", bundle.KERAS: b"x", "notes.txt": b"the owner's"})
    change(folder)
    upload_plan = plan(model, folder, "v2")
    assert upload_plan.obsolete == ("examples/old.png", bundle.KERAS)
    publish.execute(upload_plan)
    assert sorted(hub.operations[-1]) == [
        "deletedFile examples/old.png", f"deletedFile {bundle.KERAS}", f"file {bundle.CONFIG}"]  # fmt: skip
    assert set(hub.files(MODEL)) == {*content(folder), "notes.txt"}
    assert hub.uploads == []


def test_a_private_repository_is_created_as_private(hub: WritableHub, model: Repository, folder: Path) -> None:
    send(model, folder, private=True)
    assert MODEL in hub.private

"""Publishing a bundle on the Hub: uploads, failures, refusals."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Predictor
from pneumonia.errors import (
    Busy,
    HubUnreachable,
    NotAllowed,
    NotLoggedIn,
    PaidPlanNeeded,
    PneumoniaError,
    TagTaken,
    UsageError,
)
from pneumonia.inference import bundle, sources
from pneumonia.publishing import publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import READ_TOKEN, TOKEN, Break, WritableHub
from .conftest import MODEL

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]

WRITING = {"create", "preupload", "batch", "put", "commit", "tag"}
LFS_FILE_COUNT = 4
"""Graph, gate and two examples are stored in LFS."""


def plan(model: Repository, folder: Path, tag: str | None = "v1", *, private: bool = False) -> publish.PublishPlan:
    return publish.plan(publish.load(folder), model, tag, private=private)


def send(model: Repository, folder: Path, tag: str | None = "v1", *, private: bool = False) -> str:
    return publish.execute(plan(model, folder, tag, private=private))


def change(folder: Path) -> None:
    """Make another valid bundle: the same graph with another calibration."""
    config, _ = bundle.read_config(folder)
    config["calibration"]["intercept"] += 0.1
    bundle.write_config(folder, config)


def content(folder: Path) -> dict[str, bytes]:
    config, _ = bundle.read_config(folder)
    return {name: (folder / name).read_bytes() for name in (bundle.CONFIG, *config["files"])}


def assert_whole(hub: WritableHub, folder: Path, commit: str) -> None:
    remote_files = dict(hub.files(MODEL, commit))
    del remote_files[".gitattributes"]
    assert remote_files == content(folder)


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


ALWAYS = {("create", Break.LOST), ("put", Break.HALF), ("batch", 500), ("commit", Break.LOST), ("tag", Break.LOST)}
"""One case of each kind for the fast tests; the others are marked slow."""

BREAKS = [
    pytest.param(step, fault, marks=[] if (step, fault) in ALWAYS else [pytest.mark.slow])
    for step, faults in {
        "create": (Break.CUT, Break.LOST, 500),
        "validate": (Break.CUT,),
        "preupload": (Break.CUT, 500, 429),
        "batch": (Break.CUT, 500, 429),
        "put": (Break.CUT, Break.HALF, Break.LOST, 500, 429),
        "commit": (Break.CUT, Break.HALF, Break.LOST, 500, 429),
        "tag": (Break.CUT, Break.LOST, 500, 429),
        "tree": (Break.CUT, 500),
    }.items()
    for fault in faults
]


@pytest.mark.parametrize(("step", "fault"), BREAKS)
def test_after_a_failure_the_same_command_continues(
    hub: WritableHub, model: Repository, folder: Path, step: str, fault: Break | int
) -> None:
    hub.fail(step, fault)
    with pytest.raises(HubUnreachable) as caught:
        send(model, folder)
    assert_safe_to_show(hub, caught.value.message)
    assert "Run the same command again" in caught.value.message
    for commit in hub.history(MODEL)[1:]:
        assert_whole(hub, folder, commit)
    hub.breaks.clear()
    commit = send(model, folder)
    assert hub.history(MODEL)[1:] == [commit], "one commit, independent of the number of attempts"
    assert hub.tags[MODEL] == {"v1": commit}
    assert_whole(hub, folder, commit)
    if (step, fault) != ("put", Break.LOST):
        assert len(hub.uploads) == len(set(hub.uploads)) == LFS_FILE_COUNT, "no large file was uploaded twice"


@pytest.mark.parametrize("fault", [Break.CUT, Break.HALF, 500, 429])
def test_a_temporary_fault_is_retried(
    hub: WritableHub, model: Repository, folder: Path, fault: Break | int, waits: list[float]
) -> None:
    hub.fail("put", fault, times=2)
    assert_whole(hub, folder, send(model, folder))
    assert len(waits) == 2


def test_files_uploaded_before_a_failure_are_not_uploaded_again(
    hub: WritableHub, model: Repository, folder: Path
) -> None:
    hub.fail("put", 403, times=1)  # the storage refuses one file; 403 is not retried
    with pytest.raises(PneumoniaError):
        send(model, folder)
    arrived = set(hub.uploads)
    assert 0 < len(arrived) < LFS_FILE_COUNT
    hub.uploads.clear()
    send(model, folder)
    assert not arrived & set(hub.uploads) and len(arrived | set(hub.uploads)) == LFS_FILE_COUNT


def test_a_silent_hub_times_out(
    hub: WritableHub, model: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pneumonia.publishing.hub_client.REQUEST_TIMEOUT_S", 0.3)
    hub.fail("commit", Break.SILENT)
    with pytest.raises(HubUnreachable):
        send(model, folder)


def test_an_unreachable_hub_is_reported(hub: WritableHub, model: Repository, folder: Path) -> None:
    hub.stop()
    with pytest.raises(HubUnreachable, match="no connection"):
        send(model, folder)


def test_a_commit_that_differs_from_the_upload_gets_no_tag(
    hub: WritableHub, model: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = hub.push
    monkeypatch.setattr(hub, "push", lambda name, files: push(name, {**files, bundle.GATE: b"other"}))
    with pytest.raises(HubUnreachable, match="gate.npz"):
        send(model, folder)
    assert MODEL not in hub.tags


def test_a_concurrent_push_is_not_overwritten(hub: WritableHub, model: Repository, folder: Path) -> None:
    hub.push(MODEL, {"README.md": b"empty"})
    upload_plan = plan(model, folder)
    other_commit = hub.push(MODEL, {"README.md": b"somebody's"})
    with pytest.raises(Busy, match="412"):
        publish.execute(upload_plan)
    assert hub.history(MODEL)[-1] == other_commit


@pytest.mark.parametrize("same", [False, True], ids=["other", "same"])
def test_a_concurrently_set_tag_is_not_moved(hub: WritableHub, model: Repository, folder: Path, same: bool) -> None:
    upload_plan = plan(model, folder)
    other_commit = hub.push(MODEL, content(folder) if same else {"README.md": b"somebody's"})
    hub.tags[MODEL] = {"v1": other_commit}
    if same:
        assert publish.execute(upload_plan) == other_commit
    else:
        with pytest.raises(TagTaken, match=other_commit):
            publish.execute(upload_plan)
    assert hub.tags[MODEL] == {"v1": other_commit}


def test_a_private_repository_is_created_as_private(hub: WritableHub, model: Repository, folder: Path) -> None:
    send(model, folder, private=True)
    assert MODEL in hub.private


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


def assert_safe_to_show(hub: WritableHub, message: str) -> None:
    assert f"Bearer {TOKEN}" in hub.tokens, "the test is meaningful only if the token was used"
    for secret in (TOKEN, "Bearer", "127.0.0.1", "signature", "Error("):
        assert secret not in message


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

"""Publishing while the Hub fails, is slow, or is changed by somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia.errors import (
    Busy,
    HubUnreachable,
    PneumoniaError,
    TagTaken,
)
from pneumonia.inference import bundle
from pneumonia.publishing import publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import Break, WritableHub
from .conftest import MODEL
from .hub_faults import Fault, faults_of_steps
from .publish_support import assert_safe_to_show, assert_whole, content, plan, send

LFS_FILE_COUNT = 4
"""Graph, gate and two examples are stored in LFS."""


FAULTS: dict[str, tuple[Fault, ...]] = {
    "create": (Break.CUT, Break.LOST, 500),
    "validate": (Break.CUT,),
    "preupload": (Break.CUT, 500, 429),
    "batch": (Break.CUT, 500, 429),
    "put": (Break.CUT, Break.HALF, Break.LOST, 500, 429),
    "commit": (Break.CUT, Break.HALF, Break.LOST, 500, 429),
    "tag": (Break.CUT, Break.LOST, 500, 429),
    "tree": (Break.CUT, 500),
}

FAST: set[tuple[str, Fault]] = {
    ("create", Break.LOST),
    ("put", Break.HALF),
    ("batch", 500),
    ("commit", Break.LOST),
    ("tag", Break.LOST),
}
"""One fault of each kind for the fast tests."""


@pytest.mark.parametrize(("step", "fault"), faults_of_steps(FAULTS, FAST))
def test_after_a_failure_the_same_command_continues(
    hub: WritableHub, model: Repository, folder: Path, step: str, fault: Fault
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
    hub: WritableHub, model: Repository, folder: Path, fault: Fault, waits: list[float]
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

"""Deployments that fail or are refused: rights, faults of the Hub, changes by somebody else, unusable models."""

from __future__ import annotations

from pathlib import Path

import pytest

from pneumonia.errors import (
    Busy,
    HubUnreachable,
    ModelNotFound,
    NotAllowed,
    PaidPlanNeeded,
    PneumoniaError,
    RevisionNotFound,
    UsageError,
)
from pneumonia.inference import bundle, sources
from pneumonia.publishing import deploy, publish, space_files
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import PAID_PLAN_MESSAGE, TOKEN, Break, WritableHub
from .conftest import MODEL, SPACE
from .deploy_support import KEY, VARIABLE, Command, front_matter, send
from .hub_faults import Fault, faults_of_steps


def test_a_private_model_needs_a_token_in_the_space(hub: WritableHub, model: Repository, command: Command) -> None:
    publish.execute(publish.plan(publish.load(sources.EMBEDDED_FOLDER), model, "v1", private=True))
    code, _, err = command("deploy", SPACE, "--model", MODEL, "--private")
    assert code == 0 and KEY in hub.private
    assert front_matter(hub)["models"] == [MODEL] and "preload_from_hub" not in front_matter(hub)
    assert "secret HF_TOKEN" in err


@pytest.mark.parametrize("status", [402, 403])
def test_a_missing_paid_plan_is_reported_with_alternatives(hub: WritableHub, page: Repository, status: int) -> None:
    if status == 402:
        hub.paid_plan = False
    else:
        hub.fail("create", 403)
    kind = {402: PaidPlanNeeded, 403: NotAllowed}[status]
    with pytest.raises(kind, match="paid plan.*python app.py.*container") as caught:
        send(page)
    assert PAID_PLAN_MESSAGE not in caught.value.message and TOKEN not in caught.value.message
    assert not hub.has(KEY)


FAULTS: dict[str, tuple[Fault, ...]] = {
    "create": (Break.CUT, Break.LOST, 500),
    "variables": (Break.CUT, 500),
    "preupload": (Break.CUT, 429),
    "put": (Break.HALF, 500),
    "commit": (Break.CUT, Break.LOST, 500),
}

FAST: set[tuple[str, Fault]] = {("put", Break.HALF), ("commit", Break.LOST)}
"""One fault of each kind for the fast tests."""


@pytest.mark.parametrize(("step", "fault"), faults_of_steps(FAULTS, FAST))
def test_after_a_failure_the_same_command_continues(
    hub: WritableHub, page: Repository, published: str, step: str, fault: Fault
) -> None:
    hub.fail(step, fault)
    with pytest.raises(HubUnreachable):
        send(page, MODEL)
    hub.breaks.clear()
    send(page, MODEL)
    assert len(hub.history(KEY)) == 2
    assert hub.variables[KEY] == {VARIABLE: f"{MODEL}@{published}"}
    assert "app.py" in hub.files(KEY)


def test_a_concurrent_change_is_not_overwritten(hub: WritableHub, page: Repository) -> None:
    send(page)
    hub.push(KEY, {**hub.files(KEY), "app.py": b"# older"})
    upload_plan = deploy.plan(page, deploy.collect_content(page))
    hub.push(KEY, {**hub.files(KEY), "app.py": b"# somebody's"})
    with pytest.raises(Busy):
        deploy.execute(upload_plan)
    assert hub.files(KEY)["app.py"] == b"# somebody's"


WRONG_MODELS: dict[str, type[PneumoniaError]] = {
    "": ModelNotFound,
    "runs/best/x": ModelNotFound,
    "clinic/unknown": ModelNotFound,
    f"{MODEL}@v9": RevisionNotFound,
}


@pytest.mark.parametrize("name", WRONG_MODELS)
def test_an_unavailable_model_is_not_deployed(hub: WritableHub, page: Repository, published: str, name: str) -> None:
    with pytest.raises(WRONG_MODELS[name]):
        send(page, name)
    assert not hub.has(KEY)


def test_a_local_folder_of_the_same_name_is_not_used(
    hub: WritableHub, page: Repository, published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MODEL).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert deploy.collect_content(page, MODEL).variable == f"{MODEL}@{published}"


def test_a_damaged_model_on_the_hub_is_not_deployed(hub: WritableHub, page: Repository, published: str) -> None:
    hub.push(MODEL, {**hub.files(MODEL), bundle.GATE: b"x" * len(hub.files(MODEL)[bundle.GATE])})
    with pytest.raises(PneumoniaError, match="damaged"):
        send(page, MODEL)
    assert not hub.has(KEY)


def test_outside_a_checkout_the_error_lists_the_missing_files(page: Repository, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    with pytest.raises(UsageError, match="Missing: requirements.txt, LICENSE, NOTICE, README.md"):
        space_files.files(SPACE, sources.load_bundles(""), root=tmp_path)


def test_a_private_deployment_to_a_public_space_is_refused(hub: WritableHub, page: Repository) -> None:
    hub.push(KEY, {})
    with pytest.raises(UsageError, match="public"):
        send(page, private=True)


def test_without_a_token_no_request_is_sent(
    hub: WritableHub, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    code, out, err = command("deploy", SPACE)
    assert (code, out) == (2, "") and err.startswith("hub_login: ")
    assert hub.requests == []

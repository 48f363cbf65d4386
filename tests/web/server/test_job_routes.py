"""`/batch` and `/validation`: progress, actions and files of a job, only for who has its token and is its user."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pneumonia import Predictor
from pneumonia.validation.evaluate import Question
from pneumonia.web import page
from pneumonia.web.batch_job import BatchJobs
from pneumonia.web.server import login
from pneumonia.web.server.upload import Upload
from pneumonia.web.validation_job import Labels

from ...support.wait import until

PASSWORDS = {"reader": "light box", "other": "dark room"}


@pytest.fixture(scope="module")
def web_app(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        patch.setenv("PNEUMONIA_AUTH", ",".join(map(":".join, PASSWORDS.items())))
        yield page.create_app(predictor)


@pytest.fixture(scope="module")
def jobs(web_app: Any) -> BatchJobs:
    [jobs, _, _] = web_app.state.background
    assert isinstance(jobs, BatchJobs)
    return jobs


def client_of(web_app: Any, user: str | None) -> TestClient:
    client = TestClient(web_app, base_url="https://films.example")
    if user is not None:
        reply = client.post("/login", data={"username": user, "password": PASSWORDS[user]})
        assert reply.status_code == 200
    return client


@pytest.fixture(scope="module")
def clients(web_app: Any) -> dict[str, TestClient]:
    return {user: client_of(web_app, user) for user in PASSWORDS}


@pytest.fixture
def token(jobs: BatchJobs, files: dict[str, Path]) -> Iterator[str]:
    """A complete batch of the user `reader`: one film, one damaged file."""
    uploads = [Upload(files[name], name) for name in ("film.png", "broken.jpg")]
    owner = login.owner_name("reader")
    token = jobs.create(uploads, "balanced", owner=owner)
    jobs.start(token, "films", owner)
    wait(jobs, token)
    yield token
    jobs.delete(token)


def wait(jobs: BatchJobs, token: str) -> None:
    assert until(lambda: jobs._jobs[token].task is None), "the batch did not end"


def test_its_user_sees_rows_and_files(clients: dict[str, TestClient], token: str) -> None:
    state = clients["reader"].post("/batch", json={"token": token, "cursor": 0}).json()
    assert [row["file"] for row in state["rows"]] == ["film.png", "broken.jpg"]
    assert (state["state"], state["failed"], state["cursor"]) == ("done", 1, 2)
    assert state["files"] == ["results.csv", "results.jsonl"]
    reply = clients["reader"].post("/batch/results.csv", data={"token": token})
    assert reply.headers["content-disposition"] == 'attachment; filename="results.csv"'
    assert reply.headers["cache-control"] == "no-store"
    assert len(reply.text.splitlines()) == 3
    assert clients["reader"].post("/batch/reports.zip", data={"token": token}).status_code == 204


@pytest.mark.parametrize("user", ["other", None])
def test_nobody_else_learns_that_it_exists(
    web_app: Any, clients: dict[str, TestClient], jobs: BatchJobs, token: str, user: str | None
) -> None:
    client = client_of(web_app, None) if user is None else clients[user]
    for body in ({"token": token}, {"token": token, "action": "stop"}, {"token": token, "action": "reports"}):
        unknown = client.post("/batch", json={**body, "token": "x" * 32})
        reply = client.post("/batch", json=body)
        assert reply.status_code == (401 if user is None else 404)
        assert reply.text == unknown.text
    assert client.post("/batch/results.csv", data={"token": token}).content in {
        b"",
        b'{"detail":{"error":"Not authenticated","auth_message":null}}',
    }
    assert not jobs._jobs[token].stop.is_set()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"token": ["a"]}', b'{"token": null, "cursor": "x"}', b"\xff"])
def test_an_invalid_body_is_an_unknown_batch(clients: dict[str, TestClient], body: bytes) -> None:
    reply = clients["reader"].post("/batch", content=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "empty_file")
    assert "no longer exists" in reply.json()["error"]["message"]


@pytest.mark.parametrize("cursor", [-1, "1", None, 1.5, 10**30, True])
def test_an_invalid_cursor_is_harmless(clients: dict[str, TestClient], token: str, cursor: Any) -> None:
    assert clients["reader"].post("/batch", json={"token": token, "cursor": cursor}).status_code == 200


def test_actions(clients: dict[str, TestClient], jobs: BatchJobs, token: str) -> None:
    reader = clients["reader"]
    reply = reader.post("/batch", json={"token": token, "cursor": 2, "action": "again", "rows": [1, "0", None, -1]})
    assert reply.json()["state"] in {"waiting", "running", "done"}
    wait(jobs, token)
    assert [row["index"] for row in reader.post("/batch", json={"token": token, "cursor": 2}).json()["rows"]] == [1]
    assert reader.post("/batch", json={"token": token, "action": "reports"}).status_code == 200
    wait(jobs, token)
    assert reader.post("/batch/reports.zip", data={"token": token}).content.startswith(b"PK")
    reply = reader.post("/batch", json={"token": token, "action": "delete"})
    assert reply.status_code == 409 and "Allowed: stop, again, reports" in reply.json()["error"]["message"]


@pytest.mark.parametrize("name", ["results.csv.part", "0", "..%2F..%2Fetc%2Fpasswd", "results.csv/x"])
def test_no_other_file_is_sent(clients: dict[str, TestClient], token: str, name: str) -> None:
    assert clients["reader"].post(f"/batch/{name}", data={"token": token}).status_code == 404


def test_a_page_of_another_site_is_refused(clients: dict[str, TestClient], token: str) -> None:
    for path in ("/batch", "/batch/results.csv"):
        reply = clients["reader"].post(path, data={"token": token}, headers={"Origin": "https://evil.example"})
        assert reply.status_code == 403


def test_a_shutdown_answers_pages_and_starts_no_work(
    web_app: Any, clients: dict[str, TestClient], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_app.state, "draining", True)
    assert clients["reader"].post("/batch", json={"token": token}).status_code == 200
    reply = clients["reader"].post("/batch", json={"token": token, "action": "again"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "busy")


def test_the_log_contains_no_token(
    clients: dict[str, TestClient], token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clients["reader"].post("/batch", json={"token": token, "action": "reports"})
    clients["reader"].post("/batch/results.csv", data={"token": token})
    assert "route=/batch/file" in caplog.text
    assert token not in caplog.text


def test_a_validation_is_for_its_user_only(
    web_app: Any, clients: dict[str, TestClient], write_films: Callable[..., Path], tmp_path: Path
) -> None:
    [_, validations, _] = web_app.state.background
    root = write_films(tmp_path, {"NORMAL": ["a.png"], "PNEUMONIA": ["b.png"]})
    films = [Upload(path, str(path.relative_to(root))) for path in sorted(root.glob("*/*.png"))]
    owner = login.owner_name("reader")
    token = validations.create(films, Labels(), Question(), owner)
    validations.start(token, owner)
    assert until(lambda: validations.get(token, owner).task is None)
    state = clients["reader"].post("/validation", json={"token": token}).json()
    assert (state["state"], state["files"][-1]) == ("done", "validation.zip")
    reply = clients["reader"].post("/validation/report.pdf", data={"token": token})
    assert reply.content.startswith(b"%PDF") and reply.headers["cache-control"] == "no-store"
    assert clients["reader"].post("/validation/site.json", data={"token": token}).status_code == 204
    assert clients["reader"].post("/validation/films.txt", data={"token": token}).status_code == 404
    reply = clients["reader"].post("/validation", json={"token": token, "action": "again"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "usage")
    for user, status in (("other", 404), (None, 401)):
        client = client_of(web_app, None) if user is None else clients[user]
        assert client.post("/validation", json={"token": token}).status_code == status
        assert b"%PDF" not in client.post("/validation/report.pdf", data={"token": token}).content
    assert clients["reader"].post("/batch", json={"token": token}).status_code == 404, "it is no batch"

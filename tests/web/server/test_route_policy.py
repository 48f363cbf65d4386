"""Access control: every route of the running app, with and without a login, from this page and from other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.routing import Mount, Route

from pneumonia import Predictor
from pneumonia.web import page
from pneumonia.web.server import cleanup, login, route_policy
from pneumonia.web.server.route_policy import Audience

from ...support.wait import wait_for
from ..visit import serving

LOGIN = {"username": "reader", "password": "light box"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

UNLISTED_ROUTES = {
    "/gradio_api/token",
    "/gradio_api/dev/reload",
    "/gradio_api/runs",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/proxy={url_path:path}",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/file/{path:path}",
    "/gradio_api/run/{api_name}",
    "/gradio_api/api/{api_name}",
    "/gradio_api/deep_link",
    "/gradio_api/component_server",
    "/gradio_api/process_recording",
    "/gradio_api/vibe-edit",
    "/gradio_api/undo-vibe-edit",
    "/gradio_api/vibe-code",
    "/gradio_api/vibe-starter-queries",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/pwa_icon",
    "/pwa_icon/{size}",
}
"""Gradio's routes that the service does not need. A new route of a later Gradio fails the test until classified."""


@pytest.fixture(scope="module")
def login_page(predictor: Predictor, address: str) -> Iterator[Any]:
    """(address, app) of a page that requires a login. It shares the upload folder of the page at `address`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMONIA_AUTH", "reader:light box")
        app = page.create_app(predictor)
        with serving(app) as url:
            yield url, app


def routes(app: Any) -> list[tuple[str, set[str]]]:
    """(path, methods) of every route, including those of nested routers."""
    route_list: list[tuple[str, set[str]]] = []

    def walk(route_objects: Any, prefix: str) -> None:
        for route in route_objects:
            if isinstance(route, Route):
                route_list.append((prefix + route.path, set(route.methods or {"GET"})))
            elif isinstance(route, Mount):
                walk(route.routes or [], prefix + route.path)
            elif hasattr(route, "path_format") or hasattr(route, "original_router"):
                router = getattr(route, "original_router", None)
                own_prefix = getattr(getattr(route, "include_context", None), "prefix", "") or ""
                walk(router.routes if router else [], prefix + own_prefix)

    walk(app.routes, "")
    return route_list


def fill_placeholders(path: str) -> str:
    """A path with its placeholders replaced."""
    import re

    return re.sub(r"\{[^}]+\}", "x", path)


def rule_of(path: str) -> route_policy.RouteRule:
    return route_policy.rule_for({"path": fill_placeholders(path)})


def test_every_route_is_classified(login_page: Any) -> None:
    _, app = login_page
    paths = {path.rstrip("/") or "/" for path, _ in routes(app)}
    assert len(paths) > 50, "the walk found too few routes"
    endpoints = {f"/gradio_api/call{version}/{{api_name}}" for version in ("", "/v2")}  # four of their names are listed
    endpoints |= {"/batch/{name}", "/validation/{name}"}  # only the names of their files are listed
    unlisted = {path for path in paths - endpoints if rule_of(path).audience is Audience.NOBODY}
    assert unlisted == UNLISTED_ROUTES


def test_without_a_login_no_route_returns_data(login_page: Any, predictor: Predictor) -> None:
    address, app = login_page
    with httpx.Client(base_url=address, timeout=60) as client:
        for path, methods in routes(app):
            for method in sorted(methods - {"OPTIONS"}):
                reply = client.request(method, fill_placeholders(path))
                audience = rule_of(path).audience
                expected = {Audience.NOBODY: {404}, Audience.USERS: {401}, Audience.MCP_CLIENTS: {404}}.get(audience)
                assert expected is None or reply.status_code in expected, f"{method} {path}: {reply.status_code}"
                for secret in (predictor.models[0].identity.sha256, '"components":[{', str(Path.cwd())):
                    assert secret not in reply.text, f"{method} {path} returns {secret}"


def test_an_unlisted_route_is_404_for_logged_in_users_too(login_page: Any) -> None:
    address, _ = login_page
    with httpx.Client(base_url=address, timeout=60) as client:
        assert client.post("/login", data=LOGIN).status_code == 200
        assert client.get("/config").status_code == 200
        for path in UNLISTED_ROUTES:
            assert client.get(fill_placeholders(path)).status_code == 404


def test_a_login_expires_and_is_forgotten(login_page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address, app = login_page
    with httpx.Client(base_url=address, timeout=60) as client:
        assert client.post("/login", data=LOGIN).status_code == 200
        assert client.get("/config").status_code == 200
        with monkeypatch.context() as later:
            later.setattr(login, "LOGIN_LIFETIME_S", 0)
            assert client.get("/config").status_code == 401
            wait_for(cleanup.delete_expired_data(app))
        assert client.get("/config").status_code == 401


@pytest.mark.parametrize("endpoint", ["predict", "predict_batch", "analyze", "dicom_results"])
def test_no_call_bypasses_the_queue(address: str, endpoint: str) -> None:
    reply = httpx.post(f"{address}/gradio_api/run/{endpoint}", json={"data": [None]}, timeout=60)
    assert reply.status_code in {401, 404}, reply.text


def test_the_login_cookie_is_hidden_from_scripts_and_other_sites(login_page: Any) -> None:
    address, _ = login_page
    reply = httpx.post(f"{address}/login", data=LOGIN, timeout=60)
    cookies = [value.lower() for value in reply.headers.get_list("set-cookie")]
    assert len(cookies) == 2
    for cookie in cookies:
        assert "httponly" in cookie and "samesite=lax" in cookie


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_from_other_sites_are_refused(address: str, origin: str, method: str) -> None:
    for path in ("/gradio_api/upload", "/gradio_api/call/model", "/gradio_api/queue/join", "/config", "/login"):
        reply = httpx.request(method, address + path, headers={"Origin": origin}, timeout=60)
        assert reply.status_code == 403, path
        assert reply.json()["error"]["code"] == "usage"


def test_requests_from_this_page_and_from_programs_are_allowed(address: str) -> None:
    for headers in ({}, {"Origin": address}):
        assert httpx.get(f"{address}/config", headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ({"origin": "https://films.clinic", "host": "films.clinic"}, True),
        ({"origin": "https://films.clinic", "host": "inner:7860", "x-forwarded-host": "films.clinic"}, True),
        ({"origin": "https://films.clinic.evil", "host": "films.clinic"}, False),
        ({"origin": "https://evil.example", "host": ""}, False),
        ({"host": "films.clinic", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"host": "films.clinic", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
    ],
)
def test_the_origin_of_the_page_is_recognised_with_and_without_a_proxy(
    headers: dict[str, str], is_allowed: bool
) -> None:
    assert route_policy.is_same_origin(Headers(headers)) is is_allowed


TRAVERSALS = [
    "/etc/passwd",
    "/etc/passwd%00.png",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "file:///etc/passwd",
    "//169.254.169.254/latest",
    "/proc/self/environ",
    "C:\\Windows\\win.ini",
    "\\\\host\\share",
    str(Path(page.__file__)),
    "app.py",
    "pneumonia/models/children/config.json",
    ".git/config",
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_file_of_the_server_is_served(address: str, path: str) -> None:
    reply = httpx.get(f"{address}/gradio_api/file={path}", timeout=60)
    assert reply.status_code in {403, 404}, reply.text[:200]
    assert "root:" not in reply.text


@pytest.mark.parametrize("folder", ["static", "assets", "svelte"])
@pytest.mark.parametrize(
    "escape", ["../../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd"]
)
def test_static_routes_allow_no_path_traversal(address: str, folder: str, escape: str) -> None:
    reply = httpx.get(f"{address}/{folder}/{escape}", timeout=60)
    assert reply.status_code in {403, 404}, reply.status_code


ADDRESSES = [
    "http://127.0.0.1:1/film.png",
    "http://localhost/film.png",
    "http://[::1]/film.png",
    "http://169.254.169.254/latest/meta-data",
    "http://2130706433/film.png",
    "http://0x7f.1/film.png",
    "http://127.0.0.1.nip.io/film.png",
    "HTTPS://example.org/film.png",
]


@pytest.mark.parametrize("url", [*ADDRESSES, "ftp://127.0.0.1/x"])
def test_the_file_route_fetches_no_url(address: str, url: str) -> None:
    assert httpx.get(f"{address}/gradio_api/file={url}", timeout=60).status_code == 403


def call_endpoint(address: str, endpoint: str, data: list[Any]) -> str:
    """The raw event stream of a call."""
    with httpx.Client(base_url=address, timeout=60) as client:
        reply = client.post(f"/gradio_api/call/{endpoint}", json={"data": data})
        if reply.status_code != 200:
            return reply.text
        return client.get(f"/gradio_api/call/{endpoint}/{reply.json()['event_id']}").text


@pytest.mark.parametrize("endpoint", ["predict", "predict_batch", "analyze", "dicom_results"])
@pytest.mark.parametrize("url", ADDRESSES)
def test_no_endpoint_fetches_a_url(address: str, endpoint: str, url: str) -> None:
    film = {"path": url, "url": url, "orig_name": "film.png", "meta": {"_type": "gradio.FileData"}}
    events = call_endpoint(address, endpoint, [[film] if endpoint == "predict_batch" else film])
    assert "event: error" in events and ("are not fetched" in events or "no such upload" in events)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "app.py", "/proc/self/environ", "/"])
def test_no_endpoint_reads_a_file_that_was_not_uploaded(address: str, path: str) -> None:
    film = {"path": path, "orig_name": "film.png", "meta": {"_type": "gradio.FileData"}}
    events = call_endpoint(address, "predict", [film])
    assert "event: error" in events and "no such upload" in events
    assert str(Path.cwd()) not in events and "/tmp" not in events


def test_no_other_input_of_an_endpoint_reads_a_file(address: str) -> None:
    """Gradio copies the files that any input names, also the operating point."""
    point = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    events = call_endpoint(address, "predict", [None, point])
    assert "event: error" in events and "no such upload" in events


def test_no_event_of_the_page_reads_a_file_that_was_not_uploaded(address: str) -> None:
    file = {"path": "pyproject.toml", "meta": {"_type": "gradio.FileData"}}
    dependencies = httpx.get(f"{address}/config", timeout=60).json()["dependencies"]
    events = [row for row in dependencies if row["inputs"] and row["backend_fn"] and row["queue"] is False]
    assert events, "the page has events without a queue"
    for event in events:
        body = {"data": [file] * len(event["inputs"]), "fn_index": event["id"], "session_hash": "x"}
        reply = httpx.post(f"{address}/gradio_api/run/predict", json=body, timeout=60)
        # An event whose inputs are all states of the session ignores the data that it is sent.
        assert str(Path.cwd()) not in reply.text and "requires-python" not in reply.text, reply.text[:300]


@pytest.mark.parametrize(
    "name", ["../../../evil.png", "/etc/cron.d/evil", "a\\..\\b.png", "x" * 300 + ".png", "\x00.png", ".."]
)
def test_a_file_name_cannot_leave_the_upload_folder(address: str, name: str, files: dict[str, Path]) -> None:
    reply = httpx.post(
        f"{address}/gradio_api/upload", files={"files": (name, files["film.png"].read_bytes())}, timeout=60
    )
    if reply.status_code == 200:
        (stored,) = reply.json()
        assert ".." not in Path(stored).parts and "pneumonia-uploads-" in Path(stored).parents[1].name
    else:
        assert reply.status_code == 400


def test_two_uploads_of_one_film_have_different_paths_independent_of_its_hash(
    address: str, files: dict[str, Path]
) -> None:
    import hashlib

    content = files["film.png"].read_bytes()
    stored = [
        httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", content)}, timeout=60).json()[0]
        for _ in "ab"
    ]
    folders = {Path(path).parent.name for path in stored}
    assert len(folders) == 2
    assert hashlib.sha256(content).hexdigest() not in folders


def test_no_folder_can_be_listed(address: str, files: dict[str, Path]) -> None:
    stored = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", b"x")}, timeout=60).json()[0]
    for folder in (Path(stored).parent, Path(stored).parents[1], Path(stored).parents[1] / "in-use"):
        reply = httpx.get(f"{address}/gradio_api/file={folder}", timeout=60)
        assert "a.png" not in reply.text and (reply.status_code == 403 or not reply.content)


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.js", "evil.xml"])
def test_an_uploaded_html_or_svg_file_is_served_as_an_attachment(address: str, name: str) -> None:
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    stored = httpx.post(f"{address}/gradio_api/upload", files={"files": (name, script)}, timeout=60).json()[0]
    reply = httpx.get(f"{address}/gradio_api/file={stored}", timeout=60)
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1.png", 'a"; filename="b.png', "a\nb.png"])
def test_a_name_adds_no_header(address: str, name: str) -> None:
    reply = httpx.post(f"{address}/gradio_api/upload", files={"files": (name, b"x")}, timeout=60)
    assert "set-cookie" not in reply.headers
    if reply.status_code == 200:
        download = httpx.get(f"{address}/gradio_api/file={reply.json()[0]}", timeout=60)
        assert "set-cookie" not in download.headers


def test_html_in_a_name_or_note_is_text(address: str, files: dict[str, Path]) -> None:
    evil = "<img src=x onerror=alert(1)>.png"
    stored = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", b"not a film")}, timeout=60).json()[0]
    film = {"path": stored, "orig_name": evil, "meta": {"_type": "gradio.FileData"}}
    assert "<img" not in call_endpoint(address, "analyze", [film])
    events = call_endpoint(address, "predict", [film])
    assert "event: complete" in events, events
    (answer,) = json.loads(events.split("data: ")[1].splitlines()[0])
    assert answer["file"] == evil, "programs receive the name unchanged"

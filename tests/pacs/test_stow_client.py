"""STOW-RS: responses of DICOMweb servers, and requests that carry an object, a token or a password."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from benchmarks.service_process import free_port
from pneumonia.errors import UsageError
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.outcome import Outcome, Verdict
from pneumonia.pacs.stow_client import StowClient
from pneumonia.pacs.tls import TlsFiles, server_context

from .connect_proxy import connect_proxy
from .storage_peers import make_certificates, needs_openssl, write_object
from .stow_server import JSON, Answer, stow_server


def sequence(status: int, keyword: str = "FailedSOPSequence") -> dict[str, Any]:
    tag, reason = {"FailedSOPSequence": ("00081198", "00081197"), "ReferencedSOPSequence": ("00081199", "00081196")}[
        keyword
    ]
    item = {
        "00081150": {"vr": "UI", "Value": [SecondaryCaptureImageStorage]},
        "00081155": {"vr": "UI", "Value": ["1.2.3"]},
        reason: {"vr": "US", "Value": [status]},
    }
    return {tag: {"vr": "SQ", "Value": [item]}}


def send(port: int, path: Path, files: TlsFiles | None = None, **options: Any) -> Outcome:
    values = {"type": "dicomweb", "url": f"http://127.0.0.1:{port}/dicom-web/", **options}
    destination = Destination("cloud", connect_timeout_s=60, response_timeout_s=60, **values)
    destination.check()
    client = StowClient(destination, files or TlsFiles())
    try:
        return client.send(path)
    finally:
        client.close()


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_the_server_gets_the_object(tmp_path: Path, size: int) -> None:
    path = write_object(tmp_path, SecondaryCaptureImageStorage, size)
    with stow_server(Answer(body={})) as server:
        assert send(server.port, path) == Outcome(Verdict.DELIVERED, "success")
        assert server.stored == [path.stem]
        method, address, headers = server.requests[0]
    assert (method, address, headers["Accept"]) == ("POST", "/dicom-web/studies", JSON)
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"')


FAILED, REFERENCED = "FailedSOPSequence", "ReferencedSOPSequence"


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (Answer(200), Verdict.DELIVERED, "success"),
        (Answer(200, "<html>Log in</html>", "text/html"), Verdict.UNAVAILABLE, "wrong_address"),
        (Answer(200, "stored", "text/plain"), Verdict.DELIVERED, "success"),
        (Answer(200, sequence(0xB000, REFERENCED)), Verdict.DELIVERED, "warning"),
        (Answer(202, sequence(0xB006, REFERENCED), f"{JSON}; charset=utf-8"), Verdict.DELIVERED, "warning"),
        (Answer(202, sequence(0xC000), f"{JSON}; charset=utf-8"), Verdict.REFUSED, "cannot_understand"),
        (Answer(200, sequence(0xA700)), Verdict.UNAVAILABLE, "out_of_resources"),
        (Answer(409, sequence(0x0122)), Verdict.REFUSED, "sop_class_not_supported"),
        (Answer(409, sequence(0x0111)), Verdict.DELIVERED, "duplicate"),
        (Answer(409, sequence(0xA700)), Verdict.UNAVAILABLE, "out_of_resources"),
        (Answer(409), Verdict.REFUSED, "invalid_object"),
        (Answer(409, "conflict", "text/plain"), Verdict.REFUSED, "invalid_object"),
        (Answer(409, "[]"), Verdict.REFUSED, "invalid_object"),
        (Answer(400, "bad", "text/plain"), Verdict.REFUSED, "invalid_object"),
        (Answer(401), Verdict.UNAVAILABLE, "not_authorised"),
        (Answer(403), Verdict.UNAVAILABLE, "not_authorised"),
        (Answer(404), Verdict.UNAVAILABLE, "wrong_address"),
        (Answer(413), Verdict.REFUSED, "too_large"),
        (Answer(415), Verdict.REFUSED, "sop_class_not_supported"),
        (Answer(429), Verdict.UNAVAILABLE, "out_of_resources"),
        (Answer(500), Verdict.INTERRUPTED, "server_error"),
        (Answer(502), Verdict.UNAVAILABLE, "server_error"),
        (Answer(503), Verdict.UNAVAILABLE, "server_error"),
        (Answer(507), Verdict.UNAVAILABLE, "out_of_resources"),
        (Answer(418), Verdict.REFUSED, "server_error"),
        (Answer(is_cut=True), Verdict.INTERRUPTED, "no_response"),
        (Answer(200, "{"), Verdict.DELIVERED, "warning"),
        (Answer(200, "[]"), Verdict.DELIVERED, "warning"),
        (Answer(202, "{"), Verdict.INTERRUPTED, "no_response"),
        (Answer(202, json.dumps([sequence(0xC000)])), Verdict.REFUSED, "cannot_understand"),
        (Answer(200, json.dumps([sequence(0xB000, REFERENCED)])), Verdict.DELIVERED, "warning"),
    ],
)
def test_a_response_becomes_an_outcome(tmp_path: Path, answer: Answer, verdict: Verdict, reason: str) -> None:
    with stow_server(answer) as server:
        outcome = send(server.port, write_object(tmp_path))
    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert "1.2.3" not in outcome.detail


def test_a_redirect_is_no_success(tmp_path: Path) -> None:
    """A client that follows it sends a GET, which this server answers with 200."""
    with stow_server() as target, stow_server() as server:
        server.answer = Answer(301, headers={"Location": f"http://127.0.0.1:{target.port}/studies"})
        outcome = send(server.port, write_object(tmp_path))
        assert (outcome.verdict, outcome.reason) == (Verdict.UNAVAILABLE, "wrong_address")
        assert target.requests == []


def test_a_token_and_a_password_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOW_SECRET", "s3cret")
    with stow_server() as server:
        send(server.port, write_object(tmp_path), url=f"http://localhost:{server.port}")
        for options in ({"token_variable": "STOW_SECRET"}, {"user": "ai", "password_variable": "STOW_SECRET"}):
            destination = Destination("cloud", type="dicomweb", url=f"http://127.0.0.1:{server.port}", **options)  # type: ignore[arg-type]
            client = StowClient(destination, TlsFiles())
            assert client.send(write_object(tmp_path)).is_delivered
            client.close()
            assert "s3cret" not in repr(destination)
        authorisations = [headers.get("Authorization") for _, _, headers in server.requests]
    assert authorisations == [None, "Bearer s3cret", f"Basic {base64.b64encode(b'ai:s3cret').decode()}"]


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOW_SECRET", raising=False)
    destination = Destination("cloud", type="dicomweb", url="https://h", token_variable="STOW_SECRET")
    with pytest.raises(UsageError, match="STOW_SECRET"):
        StowClient(destination, TlsFiles())


def test_a_server_that_is_down_is_unavailable(tmp_path: Path) -> None:
    outcome = send(free_port(), write_object(tmp_path))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNAVAILABLE, "not_reachable")


def test_the_environment_of_the_process_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password secret\n", encoding="utf-8")
    with stow_server() as server:
        assert send(server.port, write_object(tmp_path)).is_delivered
        assert "Authorization" not in server.requests[0][2]


@needs_openssl
def test_https_with_certificates_of_both_sides(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    with stow_server(tls=server_context(certificates.files("peer"))) as server:
        url = f"https://127.0.0.1:{server.port}/dicom-web"
        path = write_object(tmp_path)
        assert send(server.port, path, certificates.files("service"), url=url, tls=True).is_delivered
        refused = send(server.port, path, certificates.files("service", "otherca"), url=url, tls=True)
        unknown = send(server.port, path, certificates.files("service"), url=url)
        anonymous = send(server.port, path, TlsFiles(authorities=certificates.folder / "ca.pem"), url=url, tls=True)
    assert (refused.verdict, refused.reason) == (Verdict.UNAVAILABLE, "tls")
    assert "certificate of the destination is not accepted" in refused.detail
    assert unknown.reason == "tls"  # without `tls`, the authorities of the system are trusted
    assert anonymous.verdict in {Verdict.UNAVAILABLE, Verdict.INTERRUPTED}


@needs_openssl
def test_a_proxy_does_not_change_the_certificates(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    with stow_server(tls=server_context(certificates.files("peer"))) as server, connect_proxy() as proxy:
        options = {"url": f"https://127.0.0.1:{server.port}", "tls": True, "proxy": proxy}
        assert send(server.port, write_object(tmp_path), certificates.files("service"), **options).is_delivered


@needs_openssl
def test_without_tls_the_authorities_of_the_operating_system_decide(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.folder / "ca.pem"))  # read by OpenSSL
    tls = server_context(certificates.files("peer"), require_client_certificate=False)
    with stow_server(tls=tls) as server:
        path, url = write_object(tmp_path), f"https://127.0.0.1:{server.port}"
        assert send(server.port, path, url=url).is_delivered
        assert send(server.port, path, certificates.files("service", "otherca"), url=url).is_delivered


def check(port: int, **options: Any) -> str:
    destination = Destination("cloud", type="dicomweb", **{"url": f"http://127.0.0.1:{port}/dicom-web", **options})
    client = StowClient(destination, TlsFiles())
    try:
        return client.check()
    finally:
        client.close()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(204), ""),
        (Answer(404), ""),  # Orthanc
        (Answer(405), ""),
        (Answer(401), "token or password"),
        (Answer(403), "may not store"),
        (Answer(502), "HTTP status 502"),
        (Answer(302, headers={"Location": "/login"}), "redirects"),
    ],
)
def test_the_check_stores_nothing(answer: Answer, text: str) -> None:
    with stow_server(answer) as server:
        problem = check(server.port)
    assert server.requests[0][:2] == ("OPTIONS", "/dicom-web/studies") and not server.stored
    assert text in problem and bool(problem) == bool(text)


def test_the_check_names_what_cannot_be_reached(tmp_path: Path) -> None:
    assert "cannot be reached" in check(free_port())
    with stow_server() as server:
        assert "does not speak TLS" in check(0, url=f"https://127.0.0.1:{server.port}")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"url": "ftp://host"}, "https://host"),
        ({"url": "https://user:secret@host/"}, "without user and password"),
        ({"url": ""}, "a value, since type is dicomweb"),
        ({"url": "https://h", "user": "ai"}, "password_variable"),
        (
            {"url": "https://h", "user": "a", "password_variable": "B", "token_variable": "C"},
            "either a token or a user",
        ),
        ({"url": "http://h", "tls": True}, "https, since tls is true"),
        ({"url": "https://h", "tls_name": "other"}, "tls_name"),
        ({"url": "http://h", "token_variable": "C"}, "https, since a password or token is sent"),
    ],
)
def test_keys_that_do_not_fit_are_named(options: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError) as raised:
        Destination("cloud", type="dicomweb", **options).check()  # type: ignore[arg-type]
    assert text in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_proxy_of_the_configuration_is_used(tmp_path: Path) -> None:
    with stow_server() as proxy:
        url, address = "http://pacs.invalid/dicom-web", f"http://127.0.0.1:{proxy.port}"
        assert send(proxy.port, write_object(tmp_path), url=url, proxy=address).is_delivered
        assert proxy.requests[0][1] == f"{url}/studies"

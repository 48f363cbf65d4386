"""Requests that Gradio cannot read are errors of the caller, and not of the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..rest.conftest import REUSE

API = "/gradio_api"


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60, trust_env=False, limits=REUSE) as client:
        yield client


def test_an_upload_of_a_field_without_a_file_name_is_refused(
    page: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nfilm\r\n--b--\r\n'
    reply = page.post(f"{API}/upload", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")
    assert "internal error" not in caplog.text


@pytest.mark.parametrize("arguments", [{}, {"no_such_parameter": 1}])
def test_a_call_with_wrong_names_is_refused(
    page: httpx.Client, arguments: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    reply = page.post(f"{API}/call/v2/predict", json=arguments)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")
    assert "internal error" not in caplog.text


def test_several_ranges_get_the_whole_file(page: httpx.Client, files: dict[str, Path]) -> None:
    content = files["film.png"].read_bytes()
    (path,) = page.post(f"{API}/upload", files={"files": ("film.png", content)}).json()
    several = page.get(f"{API}/file={path}", headers={"Range": "bytes=0-9, 20-29"})
    assert (several.status_code, several.content) == (200, content)
    one = page.get(f"{API}/file={path}", headers={"Range": "bytes=20-29"})
    assert (one.status_code, one.content) == (206, content[20:30])


PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%s.png"\r\n\r\nfilm\r\n'
FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (PART % b"a", FORM, "unreadable_image"),
        (PART % b"a" + (PART % b"b")[:-4], FORM, "unreadable_image"),
        (b"", FORM, "unreadable_image"),
        (b"--b--\r\n", FORM, "usage"),
        ((PART % b"a").replace(b'"files"', b'"other"') + b"--b--\r\n", FORM, "usage"),
        (PART % b"a" + b"--b--\r\n", "multipart/form-data; boundary=c", "usage"),
        (b"film", "multipart/form-data", "usage"),
        (b"film", "image/png", "usage"),
    ],
    ids=[
        "no end",
        "second film cut off",
        "empty",
        "no film",
        "other field",
        "other boundary",
        "no boundary",
        "no form",
    ],
)
def test_an_incomplete_or_empty_upload_is_refused(
    page: httpx.Client, body: bytes, content_type: str, code: str
) -> None:
    reply = page.post(f"{API}/upload", content=body, headers={"Content-Type": content_type})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("end", [b"--b--", b"--b--\r\n", b"--b--\r\ntext after the form, which is ignored"])
def test_an_upload_is_complete_with_the_end_of_its_form(page: httpx.Client, end: bytes) -> None:
    def slowly() -> Iterator[bytes]:
        body = PART % b"a" + PART % b"b" + end
        yield from (body[start : start + 7] for start in range(0, len(body), 7))

    reply = page.post(f"{API}/upload", content=slowly(), headers={"Content-Type": FORM})
    assert reply.status_code == 200 and len(reply.json()) == 2


def event_of(page: httpx.Client, endpoint: str, data: list[Any]) -> Any:
    """The data of the event that ends a call; it is no error."""
    event_id = page.post(f"{API}/call/{endpoint}", json={"data": data}).json()["event_id"]
    kind, text, *_ = page.get(f"{API}/call/{endpoint}/{event_id}").text.splitlines()
    assert kind == "event: complete"
    return json.loads(text.removeprefix("data: "))


META = {"_type": "gradio.FileData"}


@pytest.mark.parametrize(
    "film",
    [
        "film.png",
        3,
        [],
        {},
        {"path": "film.png"},
        {"meta": META},
        {"path": None, "meta": META},
        {"path": "film.png", "orig_name": 7, "meta": META},
    ],
)
def test_a_malformed_file_is_an_error_with_a_code(page: httpx.Client, film: Any) -> None:
    (result,) = event_of(page, "predict", [film])
    assert result["error"]["code"] == "usage" and "no uploaded file" in result["error"]["message"]
    ((row,),) = event_of(page, "predict_batch", [[film]])
    assert row == result


def test_a_malformed_list_of_files_is_an_error_with_a_code(page: httpx.Client) -> None:
    ((row,),) = event_of(page, "predict_batch", [{"path": "film.png", "meta": META}])
    assert row["error"]["code"] == "usage"
    (files, result) = event_of(page, "dicom_results", ["film.png"])
    assert files is None and result["error"]["code"] == "usage"


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"data": {"name": "Jane Doe"}}'])
def test_a_body_that_is_not_the_json_of_the_route_is_not_quoted(page: httpx.Client, body: bytes) -> None:
    reply = page.post(f"{API}/call/predict", content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "usage")
    assert "Jane" not in reply.text

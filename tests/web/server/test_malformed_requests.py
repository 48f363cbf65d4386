"""Requests that Gradio cannot read are errors of the caller, and not of the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

API = "/gradio_api"


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
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

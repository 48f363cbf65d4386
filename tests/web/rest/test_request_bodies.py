"""How a film arrives at `POST /api/v1/predict`: names, forms, chunked and slow bodies, in memory or in a file."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pneumonia import Predictor
from pneumonia.web.rest import spool
from pneumonia.web.rest.spool import MemoryBudget, Spool
from pneumonia.web.server import request_limits

from ...support.wait import wait_for
from .film_form import PATH, form


def test_the_name_of_a_raw_body_is_that_of_its_header(rest: httpx.Client, files: dict[str, Path]) -> None:
    headers = {b"Content-Disposition": 'attachment; filename="Müller.png"'.encode()}
    assert rest.post(PATH, content=files["film.png"].read_bytes(), headers=headers).json()["file"] == "Müller.png"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename*=UTF-8''r%C3%B6ntgen%20%E8%83%B8.png", "röntgen 胸.png"),
        ("filename*=iso-8859-1'de'r%F6ntgen.png", "röntgen.png"),
        ("filename=\"=?utf-8?B?csO2?=\"; filename*=utf-8''r%C3%B6.png", "rö.png"),
        ("filename=\"a.png\"; filename*=utf-7''+2AA-", "a.png"),
        ("filename=\"a; filename*=utf-8''b\"", "a; filename*=utf-8''b"),
        ('filename="r\xf6ntgen.png"', "röntgen.png"),
        (f'filename="{"n" * 5000}.png"', "n" * 5000 + ".png"),
    ],
)
def test_names_in_other_encodings_are_decoded(rest: httpx.Client, parameters: str, name: str) -> None:
    disposition = f'Content-Disposition: form-data; name="file"; {parameters}'.encode("latin-1")
    body = b"--b\r\n" + disposition + b"\r\n\r\nno film\r\n--b--"
    reply = rest.post(PATH, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.json()["file"] == name
    headers = {b"Content-Disposition": f"attachment; {parameters}".encode("latin-1")}
    assert rest.post(PATH, content=b"no film", headers=headers).json()["file"] == name


@pytest.mark.parametrize("preamble", [b"", b"\r\n", b"This is a message in MIME format.\r\n"])
def test_text_before_the_first_part_is_ignored(rest: httpx.Client, preamble: bytes) -> None:
    body = preamble + b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nno film\r\n--b--'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for content in (body, (body[start : start + 1] for start in range(len(body)))):
        reply = rest.post(PATH, content=content, headers=headers)
        assert (reply.status_code, reply.json()["file"]) == (415, "a")


@pytest.mark.parametrize("before", [b"x" * 5000 + b"\r\n", b"--c", b""])
def test_a_part_with_a_damaged_boundary_is_no_text_before_the_first(rest: httpx.Client, before: bytes) -> None:
    part = b'\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nno film\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = rest.post(f"{PATH}-batch", content=before + part + b"--b" + part + b"--b--", headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")


def test_a_file_input_without_a_file_is_no_film(rest: httpx.Client, files: dict[str, Path]) -> None:
    empty = b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n'
    film = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nno film\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for body in (empty + film, film + empty):
        assert rest.post(PATH, content=body + b"--b--", headers=headers).json()["file"] == "a"
    reply = rest.post(PATH, content=empty + b"--b--", headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "empty_file")


@pytest.mark.parametrize(
    ("headers", "content", "code"),
    [
        ({"Content-Type": "multipart/form-data"}, b"--b\r\n", "usage"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"no form", "usage"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"", "usage"),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of a film',
            "usage",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="film"; filename="a"\r\n\r\nx\r\n--b--\r\n',
            "usage",
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="age"\r\n\r\n3\r\n--b--\r\n',
            "empty_file",
        ),
        ({"Content-Encoding": "gzip"}, b"\x1f\x8b", "usage"),
    ],
)
def test_a_damaged_form_is_refused(rest: httpx.Client, headers: dict[str, str], content: bytes, code: str) -> None:
    reply = rest.post(PATH, content=content, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == ({"usage": 400, "empty_file": 422}[code], code)


def test_two_films_in_one_call_are_refused(rest: httpx.Client, files: dict[str, Path]) -> None:
    film = ("file", ("a.png", files["film.png"].read_bytes()))
    reply = rest.post(PATH, files=[film, film])
    assert reply.status_code == 400 and "/api/v1/predict-batch" in reply.json()["error"]["message"]


def test_a_chunked_body_is_read_and_a_large_one_refused(
    rest: httpx.Client, predictor: Predictor, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = files["film.png"].read_bytes()

    def chunks(content: bytes) -> Iterator[bytes]:
        for start in range(0, len(content), 10_000):
            yield content[start : start + 10_000]

    assert rest.post(PATH, content=chunks(film)).json() == predictor.predict(film).as_dict()
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    for body in (chunks(b"x" * 2_100_000), b"x" * 2_100_000, b"x" * 1_500_000):
        reply = rest.post(PATH, content=body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
        assert "file" in reply.json()


def test_a_caller_may_ask_before_it_sends_the_body(address: str, predictor: Predictor, files: dict[str, Path]) -> None:
    """As curl does for large films: `Expect: 100-continue` (RFC 9110, 10.1.1)."""
    film = files["film.png"].read_bytes()
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(film)}\r\nExpect: 100-continue\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(film)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        assert json.loads(reply.read()) == predictor.predict(film).as_dict()


def test_a_slow_body_is_408(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "BODY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(request_limits, "MIN_BYTES_PER_S", 1e9)
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc".encode())
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        assert reply.status == 408
        answer = json.loads(reply.read())
        assert answer["file"] is None and answer["error"]["code"] == "unreadable_image"
        assert answer["error"]["message"].endswith("Try again.")


def test_a_film_never_touches_the_disk_unless_memory_is_used_up(
    rest: httpx.Client, predictor: Predictor, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[object] = []
    temporary_file = tempfile.TemporaryFile

    def count(*args: Any, **options: Any) -> Any:
        created.append(args)
        return temporary_file(*args, **options)

    monkeypatch.setattr(spool.tempfile, "TemporaryFile", count)
    film = files["film.png"].read_bytes()
    expected = predictor.predict(film, file="film.png").as_dict()
    assert rest.post(PATH, files=form(film)).json() == expected and created == []
    monkeypatch.setattr(spool, "BODY_MEMORY_MB", 0.001)
    assert rest.post(PATH, files=form(film)).json() == expected and len(created) == 1


def test_films_beyond_the_memory_of_all_bodies_are_in_files(tmp_path: Path) -> None:
    async def fill() -> list[bool]:
        budget = MemoryBudget(1_500)
        with Spool(budget) as first, Spool(budget) as second:
            for _ in range(10):
                await first.write(b"a" * 100)
                await second.write(b"b" * 100)
            assert first.read(0, 1_000) == b"a" * 1_000 and second.read(900, 1_000) == b"b" * 100
            second.copy(100, 1_000, tmp_path / "copy")
            assert (tmp_path / "copy").read_bytes() == b"b" * 900
            in_files = [spool._file is not None for spool in (first, second)]
        assert budget.free == 1_500
        return in_files

    assert sorted(wait_for(fill())) == [False, True]


def test_a_full_disk_is_507(rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(spool, "BODY_MEMORY_MB", 0.001)
    monkeypatch.setattr(spool, "_write_all", fail)
    reply = rest.post(PATH, files=form(files["film.png"].read_bytes()))
    assert (reply.status_code, reply.json()["error"]["code"]) == (507, "disk_full")


def test_too_many_open_files_are_429(
    rest: httpx.Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(spool, "BODY_MEMORY_MB", 0.001)
    monkeypatch.setattr(spool, "_write_all", fail)
    reply = rest.post(PATH, files=form(files["film.png"].read_bytes()))
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "busy")
    assert reply.headers["Retry-After"]

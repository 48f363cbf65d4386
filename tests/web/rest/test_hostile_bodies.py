"""Bodies with random damage: a described status, never an internal error, and the next call is answered."""

from __future__ import annotations

import random
from pathlib import Path

import httpx
import pytest

BOUNDARY = b"boundary"
ALLOWED = {200, 400, 408, 413, 415, 422}


def form(film: bytes) -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    parts = [head % (BOUNDARY, b"file", b'; filename="a.png"', film), head % (BOUNDARY, b"age", b"", b"30")]
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY


def damage(body: bytes, rng: random.Random) -> bytes:
    """The body with some bytes replaced, removed, repeated or moved, mostly in the headers of its parts."""
    data = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) if rng.random() < 0.3 else min(len(data), 200))
        end = min(len(data), start + rng.randint(1, 40))
        replacements = (
            b"",
            bytes(rng.randbytes(end - start)),
            data[start:end] * 3,
            b"\r\n",
            b"\0",
            b"--boundary",
            b'"',
        )
        data[start:end] = rng.choice(replacements)
        if not data:
            data += b"-"
    return bytes(data[: rng.randrange(len(data)) + 1] if rng.random() < 0.2 else data)


@pytest.mark.parametrize("count", [25, pytest.param(600, marks=pytest.mark.slow)])
def test_damaged_forms(address: str, files: dict[str, Path], count: int, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(count)
    bodies = [form(files["film.jpg"].read_bytes()[:20_000]), form(b"\r\n--bound\r\n" * 30), form(b"")]
    content_type = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    with httpx.Client(base_url=f"{address}/api/v1", timeout=60, trust_env=False) as client:
        for number in range(count):
            path = rng.choice(("/predict", "/predict-batch", "/results?kind=pdf"))
            body = damage(rng.choice(bodies), rng)
            reply = client.post(path, content=body, headers={"Content-Type": content_type})
            assert reply.status_code in ALLOWED, (number, reply.status_code, reply.text)
        assert client.post("/predict", content=files["film.jpg"].read_bytes()).status_code == 200
    assert "internal error" not in caplog.text


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data; boundary=\u00e4",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/mixed; boundary=b",
        "; ; ;",
        "",
    ],
)
def test_odd_content_types(address: str, content_type: str) -> None:
    headers = {b"Content-Type": content_type.encode()}
    reply = httpx.post(f"{address}/api/v1/predict", content=b"--b\r\n", headers=headers, trust_env=False, timeout=60)
    assert reply.status_code in {400, 415, 422} and reply.json()["error"]["code"] in {
        *("usage", "unsupported_format", "empty_file", "unreadable_image")
    }


def test_many_small_parts_are_refused_early(address: str) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="age"\r\n\r\n3\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = httpx.post(
        f"{address}/api/v1/predict", content=part * 500 + b"--b--\r\n", headers=headers, trust_env=False, timeout=60
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")
    header = b"--b\r\n" + b"X-Header: " + b"x" * 100_000 + b"\r\n"
    reply = httpx.post(f"{address}/api/v1/predict", content=header * 3, headers=headers, trust_env=False, timeout=60)
    assert reply.status_code == 400
